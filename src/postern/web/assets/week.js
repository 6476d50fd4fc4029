// The week's grid for a mouse or a finger. The text field beside each day is what is sent and what a keyboard uses.
"use strict";

(() => {
  const minutes = (text) => {
    const found = /^([01]?\d|2[0-4])(?::([0-5]\d))?$/.exec(text.trim());
    return found ? Number(found[1]) * 60 + Number(found[2] || 0) : NaN;
  };
  const clock = (minute) =>
    `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

  // Spans of one day as minutes; one over midnight is shown to the end of its day.
  const spans = (text) =>
    text.split(/[,;，；]/).map((part) => part.split(/[-–]/).map(minutes)).filter((pair) => pair.length === 2 && !pair.some(isNaN))
      .map(([start, end]) => [start, end <= start ? 1440 : end]);

  const covered = (text, start, end) => spans(text).some((span) => span[0] < end && span[1] > start);

  const paint = (day) => {
    const text = day.querySelector("input").value;
    day.querySelectorAll("[data-hour]").forEach((cell) => {
      const hour = Number(cell.dataset.hour);
      cell.classList.toggle("on", covered(text, hour * 60, hour * 60 + 60));
    });
  };

  const write = (day, from, to, on) => {
    const field = day.querySelector("input");
    const marks = [];
    for (let minute = 0; minute < 1440; minute += 15) {
      const inside = minute >= from && minute < to;
      marks.push(inside ? on : covered(field.value, minute, minute + 15));
    }
    const made = [];
    for (let start = 0; start < 96; start++) {
      if (!marks[start]) continue;
      let end = start;
      while (end < 96 && marks[end]) end++;
      made.push(`${clock(start * 15)}-${clock(end * 15)}`);
      start = end;
    }
    field.value = made.join(", ");
    paint(day);
  };

  const days = [...document.querySelectorAll("[data-day]")];
  let dragging = null;
  days.forEach((day) => {
    paint(day);
    day.querySelector("input").addEventListener("input", () => paint(day));
    day.addEventListener("pointerdown", (press) => {
      const cell = press.target.closest("[data-hour]");
      if (!cell) return;
      press.preventDefault();
      cell.releasePointerCapture(press.pointerId);
      dragging = { day, on: !cell.classList.contains("on") };
      write(day, cell.dataset.hour * 60, cell.dataset.hour * 60 + 60, dragging.on);
    });
    day.addEventListener("pointerover", (over) => {
      const cell = over.target.closest("[data-hour]");
      if (cell && dragging && dragging.day === day) {
        write(day, cell.dataset.hour * 60, cell.dataset.hour * 60 + 60, dragging.on);
      }
    });
  });
  window.addEventListener("pointerup", () => (dragging = null));
  document.querySelectorAll("[data-fill]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const [first, last] = button.dataset.days.split("-").map(Number);
      const value = button.dataset.fill === "first" ? days[first].querySelector("input").value : button.dataset.fill;
      days.slice(first, last + 1).forEach((day) => {
        day.querySelector("input").value = value;
        paint(day);
      });
    });
  });
})();
