// The console's own behaviour on every page. Everything here is an improvement: pages work by forms alone.
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // After a form came back with errors, begin where they are.
  const faults = document.getElementById("faults");
  if (faults) {
    const wrong = document.querySelector("[aria-invalid=true]");
    (wrong || faults).focus();
  }

  // Dialogs: a button with data-dialog opens it; Escape and "cancel" close it, the browser gives focus back.
  document.addEventListener("click", (click) => {
    const opener = click.target.closest("[data-dialog]");
    if (opener) document.getElementById(opener.dataset.dialog).showModal();
    const closer = click.target.closest("[data-close]");
    if (closer) closer.closest("dialog").close();
    const menu = click.target.closest("[data-opens]");
    if (menu) {
      click.preventDefault();
      const side = document.getElementById(menu.dataset.opens);
      const open = side.classList.toggle("open");
      menu.setAttribute("aria-expanded", String(open));
      if (open) side.querySelector("a[aria-current], nav summary").focus();
    }
  });
  document.addEventListener("keydown", (press) => {
    const side = document.querySelector(".side.open");
    if (press.key === "Escape" && side) {
      side.classList.remove("open");
      document.querySelector("[data-opens]").focus();
    }
    const typing = press.target.closest("input, textarea, select");
    if (press.key === "/" && !typing && document.querySelector("[data-search]")) {
      press.preventDefault();
      document.querySelector("[data-search]").focus();
    }
  });

  // Parts of the menu stay folded or open while this window lasts.
  all("details[data-part]").forEach((part) => {
    const name = `part.${part.dataset.part}`;
    const kept = sessionStorage.getItem(name);
    if (kept !== null && !part.querySelector("[aria-current]")) part.open = kept === "open";
    const folds = () => sessionStorage.setItem(name, part.open ? "folded" : "open");
    part.querySelector("summary").addEventListener("click", folds);
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (sending) => {
    const form = sending.target;
    if (form.dataset.sent) {
      sending.preventDefault();
    } else if (form.method === "post" && !form.hasAttribute("hx-post")) {
      form.dataset.sent = "yes";
      setTimeout(() => delete form.dataset.sent, 8000);
      all("[data-waiting]", form).forEach((waiting) => (waiting.hidden = false));
    }
  });
  window.addEventListener("pageshow", () => all("form").forEach((form) => delete form.dataset.sent));

  // Pictures that are in no file come inside the page; as a blob, no wider content policy is needed for them.
  const pictures = (root) =>
    all("img[data-jpeg]", root).forEach((image) => {
      const bytes = Uint8Array.from(atob(image.dataset.jpeg), (letter) => letter.charCodeAt(0));
      image.removeAttribute("data-jpeg");
      image.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
      image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    });
  pictures(document);
  document.body.addEventListener("htmx:afterSwap", (swap) => pictures(swap.target));

  // Copying a one-time secret.
  all("[data-copy]").forEach((button) => {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      button.querySelector("span").textContent = button.dataset.copied;
    });
  });
})();
