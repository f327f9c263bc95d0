// Search from anywhere: Ctrl+K, words, arrows, Enter. Without this, the link leads to a page.

const dialog = document.getElementById("search-dialog");
const words = document.getElementById("search-words");
const hits = () => [...dialog.querySelectorAll("a.hit")];

function open() {
  if (dialog.open) return;
  dialog.showModal();
  words.select();
  htmx.trigger(words, "fill");
}

function move(by) {
  const all = [words, ...hits()];
  const at = Math.max(0, all.indexOf(document.activeElement));
  all[(at + by + all.length) % all.length].focus();
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

if (dialog) {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    open();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-search]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  dialog.addEventListener("keydown", (event) => {
    if (STEPS[event.key]) { event.preventDefault(); move(STEPS[event.key]); }
  });
  // Hits that come late must not leave the keys without anything in hand.
  dialog.addEventListener("htmx:beforeSwap", () => { if (hits().includes(document.activeElement)) words.focus(); });
  // Enter goes to the first hit, unless it is too early for one; then the page shows them all.
  dialog.addEventListener("submit", (event) => {
    const first = hits()[0];
    if (!first || dialog.querySelector(".htmx-request")) return;
    event.preventDefault();
    location.assign(first.href);
  });
}
