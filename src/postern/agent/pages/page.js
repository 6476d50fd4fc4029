// The roll on a bad line: marks are shown at once and sent until the hub has them; the roll refreshes itself.
"use strict";

(() => {
  const roll = document.getElementById("roll");
  const status = document.getElementById("live");
  if (!roll) return;
  const waiting = new Map();
  const EVERY = 5000, PATIENCE = 8000;

  const say = (name) => {
    status.textContent = status.dataset[name];
    status.classList.toggle("lost", name !== "live");
  };
  const ask = async (address, options) => {
    const line = new AbortController();
    const timer = setTimeout(() => line.abort(), PATIENCE);
    try {
      return await fetch(address, { ...options, signal: line.signal });
    } finally {
      clearTimeout(timer);
    }
  };
  const paint = () => {
    for (const subject of waiting.keys()) {
      const line = document.getElementById(`s-${subject}`);
      if (line) line.classList.add("waits");
    }
  };
  const busy = () => roll.querySelector("details[open], input:focus, select:focus") !== null;

  const refresh = async () => {
    try {
      const answer = await ask("/rows");
      if (answer.redirected || answer.status === 409) return location.reload();
      if (!answer.ok) throw new Error("refused");
      const markup = await answer.text();
      if (!busy()) roll.innerHTML = markup;
      say(waiting.size ? "waits" : "live");
    } catch {
      say("lost");
    }
    paint();
  };
  const send = async () => {
    for (const [subject, mark] of [...waiting]) {
      try {
        const body = new URLSearchParams({ subject, safe: mark.safe });
        const headers = { "Postern-Form-Key": roll.dataset.key };
        const answer = await ask(mark.address, { method: "POST", body, headers });
        if (answer.redirected) continue; // signed out: it is sent once somebody has signed in

        // Anything but a fault of the line or the server is an answer: the roll then shows what holds.
        if (answer.status < 500 && waiting.get(subject) === mark) waiting.delete(subject);
      } catch {
        say("waits");
      }
    }
  };

  roll.addEventListener("submit", (sending) => {
    const form = sending.target;
    if (!form.matches("[data-mark]")) return;
    sending.preventDefault();
    sending.stopPropagation();
    const subject = form.elements.subject.value;
    waiting.set(subject, { address: form.action, safe: sending.submitter.value });
    paint();
    send().then(refresh);
  });
  const round = async () => {
    await send();
    await refresh();
    setTimeout(round, EVERY);
  };
  setTimeout(round, EVERY);
})();
