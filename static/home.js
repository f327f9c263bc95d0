// Keeps what waits and runs up to date: not where nobody sees it, and never under a pointer.

const part = () => document.getElementById("now");
const order = (root) => [...root.querySelectorAll("[data-run]")].map((row) => row.dataset.run).join();
const isInHand = (element) => element.matches(":hover") || element.contains(document.activeElement);

let wanted = false;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.hasAttribute("data-while-seen")) event.preventDefault();
});

// The same rows may say something new at any time; rows move only when nobody is about to use them.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== part()) return;
  const next = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const waits = !wanted && isInHand(part()) && order(next) !== order(part());
  if (waits) part().querySelector("[data-show-now]").hidden = false;
  event.detail.shouldSwap &&= !waits;
  wanted = false;
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-show-now]")) return;
  wanted = true;
  htmx.ajax("GET", location.pathname, { source: part(), target: "#now", swap: "outerHTML" });
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && part()) htmx.ajax("GET", location.pathname, { source: part(), target: "#now", swap: "outerHTML" });
});
