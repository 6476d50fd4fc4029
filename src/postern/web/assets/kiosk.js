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

  // Above the button for help: a code to pay with, for whoever waits at the entry as the plate cannot be read; and
  // how many are aboard, asked of whoever just came in.
  const above = [...document.querySelectorAll("[data-from]")];
  const show = (section, words) => {
    if (section.dataset.shown !== words) section.innerHTML = section.dataset.shown = words;
    section.hidden = !words || asking.hidden;
    main.classList.toggle("withabove", above.some((one) => !one.hidden));
  };
  const look = async (section) => {
    let words = "";
    try {
      const answer = await fetch(section.dataset.from);
      if (answer.status === 200 && !answer.redirected) words = await answer.text();
    } catch { /* the hub is away: nothing is shown */ }
    if (!("said" in section.dataset)) show(section, words);
  };
  for (const section of above) {
    setInterval(look, 2000, section);
    look(section);
  }

  const aboard = document.getElementById("aboard");
  if (aboard) aboard.addEventListener("submit", async (sending) => {
    sending.preventDefault();
    if ("said" in aboard.dataset) return;
    const said = new URLSearchParams(new FormData(sending.target, sending.submitter));
    aboard.dataset.said = "";
    let stays = 0;
    try {
      const answer = await fetch("/kiosk/aboard", { method: "POST", body: said });
      if (answer.redirected) location.replace("/kiosk");
      if ([200, 422].includes(answer.status)) {
        show(aboard, await answer.text());
        stays = 5000;
      }
    } catch { /* the hub is away: the question stays, to be answered again */ }
    setTimeout(() => { delete aboard.dataset.said; }, stays);
  });
  hangUp.addEventListener("click", () => { state("ended"); });
  if ("waits" in main.dataset) begin();
})();
