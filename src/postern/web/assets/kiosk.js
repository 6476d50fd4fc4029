// The page at the lane: one press calls for help, and whoever answers is heard.
"use strict";

(() => {
  // A code behind the # of the address comes from the picture that the console shows: it goes into the form.
  const code = document.getElementById("code");
  if (code) {
    if (location.hash) code.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
    return;
  }

  const main = document.getElementById("main");
  const [asking, calling, words, advice, hangUp] = ["asking", "calling", "state", "advice", "hang-up"].map((id) =>
    document.getElementById(id));
  let microphone = null, call = null;

  const state = (name) => {
    words.textContent = words.dataset[name] || words.dataset.waiting;
    calling.dataset.state = name;
    advice.hidden = name !== "waiting";
    hangUp.hidden = !call;
    if (name === "ended" || name === "gone") finish();
  };

  const finish = () => {
    if (call) call.leave();
    call = null;
    hangUp.hidden = true;
    if (microphone) microphone.getTracks().forEach((track) => track.stop());
    microphone = null;
    // The next driver finds the button again; a tablet that is shut out finds the field for its code.
    setTimeout(() => {
      if (call) return;
      if (calling.dataset.state === "gone") location.replace("/kiosk");
      calling.hidden = true;
      asking.hidden = false;
    }, 6000);
  };

  const begin = async () => {
    asking.hidden = true;
    calling.hidden = false;
    words.focus();
    try {
      microphone = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true }, video: false });
    } catch {
      document.getElementById("no-microphone").hidden = false;
    }
    call = window.posternCall({
      path: main.dataset.line, ice: JSON.parse(main.dataset.ice), voice: document.getElementById("voice"),
      state, talk: () => microphone });
    state("waiting");
  };

  asking.addEventListener("submit", async (sending) => {
    sending.preventDefault();
    const answer = await fetch("/kiosk/help", { method: "POST", headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected) begin();
    else location.replace("/kiosk");
  });

  // Who waits at the entry as the plate cannot be read sees a code to pay with, above the button for help.
  const ticket = document.getElementById("ticket");
  const look = async () => {
    try {
      const answer = await fetch("/kiosk/ticket");
      const waits = answer.status === 200 && !answer.redirected;
      const found = waits ? await answer.text() : "";
      if (ticket.dataset.shown !== found) ticket.innerHTML = ticket.dataset.shown = found;
      ticket.hidden = !waits || asking.hidden;
    } catch {
      ticket.hidden = true;
    }
    main.classList.toggle("withticket", !ticket.hidden);
  };
  setInterval(look, 2000);
  look();
  hangUp.addEventListener("click", () => { state("ended"); });
  if ("waits" in main.dataset) begin();
})();
