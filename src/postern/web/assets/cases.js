// The queue of cases: kept current over one EventSource, with the time that each has waited.
"use strict";

(() => {
  const two = (number) => String(number).padStart(2, "0");
  const tick = () => {
    for (const time of document.querySelectorAll("[data-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(time.dataset.since)) / 1000));
      const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
      time.textContent = hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
    }
  };
  setInterval(tick, 1000);
  tick();

  const list = document.getElementById("cases");
  if (!list) return;
  const status = document.getElementById("live");
  const spoken = document.getElementById("spoken");
  const state = (name) => {
    status.textContent = status.dataset[name];
    status.classList.toggle("lost", name === "lost");
  };
  const known = () => new Set([...list.querySelectorAll(".case")].map((one) => one.id));

  const show = (markup) => {
    const before = known();
    const at = document.activeElement && document.activeElement.closest(".case");
    const focused = at && at.id;
    list.innerHTML = markup;
    if (focused && document.getElementById(focused)) document.querySelector(`#${focused} a`).focus();
    const fresh = [...list.querySelectorAll(".case")].filter((one) => !before.has(one.id));
    fresh.forEach((one) => one.classList.add("new"));
    if (fresh.length) spoken.textContent = fresh.slice(-3).map((one) => one.dataset.spoken).join(" ");
    tick();
  };

  const source = new EventSource(list.dataset.stream);
  source.addEventListener("open", () => state("live"));
  source.addEventListener("error", () => state("lost"));
  source.addEventListener("cases", (message) => show(message.data));
  source.addEventListener("signed-out", () => location.assign("/sign-in"));
  window.addEventListener("pagehide", () => source.close());
})();
