// A tariff's text: Tab indents, and what is wrong is shown where it stands.
"use strict";

(() => {
  const text = document.getElementById("text");
  if (!text) return;

  // Tab writes two spaces, as YAML wants them; after Escape it leaves the field, so that nobody is caught in it.
  let leaving = false;
  text.addEventListener("keydown", (press) => {
    if (press.key === "Escape") leaving = true;
    else if (press.key === "Tab" && !leaving && !press.shiftKey) {
      press.preventDefault();
      text.setRangeText("  ", text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
    } else leaving = false;
  });

  const checked = document.getElementById("checked");
  checked.addEventListener("click", (click) => {
    const listing = click.target.closest("[data-wrong]");
    if (!listing) return;
    const lines = text.value.split("\n");
    const number = Number(listing.dataset.wrong) - 1;
    const start = lines.slice(0, number).join("\n").length + (number ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + lines[number].length);
  });
})();
