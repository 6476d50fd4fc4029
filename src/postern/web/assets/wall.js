// The live wall: passages arrive over one EventSource; a lost connection is said, and mends by itself.
"use strict";

(() => {
  const list = document.getElementById("passages");
  if (!list || !list.dataset.stream) return;
  const status = document.getElementById("live");
  const spoken = document.getElementById("spoken");
  const doors = document.getElementById("door-states");
  const filter = document.getElementById("door");
  const limit = 100;
  let waiting = [];

  const matches = (row) => !filter.value || row.dataset.door === filter.value;

  const state = (name) => {
    status.textContent = status.dataset[name];
    status.classList.toggle("lost", name === "lost");
  };

  const shown = () => {
    let any = false;
    for (const row of list.children) {
      row.hidden = !matches(row);
      any ||= !row.hidden;
    }
    document.getElementById("nothing").hidden = any;
  };

  const add = (markup) => {
    const holder = document.createElement("template");
    holder.innerHTML = markup;
    const row = holder.content.firstElementChild;
    const old = document.getElementById(row.id);
    if (old) {
      old.replaceWith(row);
    } else {
      row.classList.add("new");
      list.prepend(row);
      if (matches(row)) waiting.push(row.dataset.spoken);
    }
    while (list.children.length > limit) list.lastElementChild.remove();
    htmx.process(row);
    shown();
  };

  // What arrived within a second is read out together, so that a busy door does not talk without end.
  setInterval(() => {
    if (waiting.length) spoken.textContent = waiting.slice(-3).join(" ");
    waiting = [];
  }, 1000);

  filter.addEventListener("change", shown);
  shown();

  const source = new EventSource(list.dataset.stream);
  source.addEventListener("open", () => state("live"));
  source.addEventListener("error", () => state("lost"));
  source.addEventListener("passage", (message) => add(message.data));
  source.addEventListener("doors", (message) => (doors.innerHTML = message.data));
  source.addEventListener("signed-out", () => location.assign("/sign-in"));
  window.addEventListener("pagehide", () => source.close());
})();
