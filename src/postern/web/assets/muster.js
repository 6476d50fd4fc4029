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
    for (const id of waiting.keys()) {
      const line = document.getElementById(id);
      if (line) line.classList.add("waits");
    }
  };
  const busy = () => roll.querySelector("details[open], input:focus, select:focus") !== null;

  const refresh = async () => {
    try {
      const answer = await ask(roll.dataset.rows);
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
    for (const [id, mark] of [...waiting]) {
      try {
        const body = new URLSearchParams(mark.fields);
        const headers = { "Postern-Form-Key": roll.dataset.key };
        const answer = await ask(mark.address, { method: "POST", body, headers });
        if (answer.redirected) continue; // signed out: it is sent once somebody has signed in

        // Anything but a fault of the line or the server is an answer: the roll then shows what holds.
        if (answer.status < 500 && waiting.get(id) === mark) waiting.delete(id);
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
    const { subject, place } = form.elements, safe = sending.submitter.value;
    const fields = place ? { subject: subject.value, place: place.value, safe } : { subject: subject.value, safe };
    waiting.set(form.closest("li").id, { address: form.action, fields });
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
