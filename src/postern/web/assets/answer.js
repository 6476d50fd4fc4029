// The attendant's end of a call: answer, mute, hang up.
"use strict";

(() => {
  const panel = document.getElementById("call");
  if (!panel) return;
  const [answer, mute, hangUp, words] = ["answer", "mute", "hang-up", "call-state"].map((id) =>
    document.getElementById(id));
  let microphone = null, call = null, patience = null;

  const running = (on) => {
    answer.hidden = on;
    mute.hidden = !on || !microphone;
    hangUp.hidden = !on;
  };

  const state = (name) => {
    words.textContent = words.dataset[name];
    panel.dataset.state = name;
    clearTimeout(patience);
    if (["ended", "gone", "busy", "lost"].includes(name)) finish();
  };

  const finish = () => {
    if (call) call.leave();
    call = null;
    if (microphone) microphone.getTracks().forEach((track) => track.stop());
    microphone = null;
    running(false);
  };

  answer.addEventListener("click", async () => {
    answer.disabled = true;
    try {
      microphone = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true }, video: false });
    } catch {
      document.getElementById("no-microphone").hidden = false;
    }
    answer.disabled = false;
    call = window.posternCall({
      path: panel.dataset.line, ice: JSON.parse(panel.dataset.ice), voice: document.getElementById("voice"),
      state, talk: () => microphone });
    state("connecting");
    patience = setTimeout(() => (words.textContent = words.dataset.nobody), 15000);
    running(true);
    hangUp.focus();
  });
  mute.addEventListener("click", () => {
    const off = mute.getAttribute("aria-pressed") !== "true";
    mute.setAttribute("aria-pressed", String(off));
    microphone.getAudioTracks().forEach((track) => (track.enabled = !off));
  });
  hangUp.addEventListener("click", () => { state("ended"); answer.focus(); });
  // Until here a press would have been lost.
  answer.disabled = false;
})();
