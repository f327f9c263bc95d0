// The tabs of the inspector: links that work without this, and with it a list of tabs that arrows
// move through; which one is open stands in the address.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

const tabs = () => [...document.querySelectorAll("#task-tabs [data-tab]")];

// What was drawn as links to pages becomes a list of tabs over one panel.
function dress() {
  const panel = document.getElementById("task-panel");
  if (!panel) return;
  document.getElementById("task-tabs").setAttribute("role", "tablist");
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", `tab-${panel.dataset.tab}`);
  for (const tab of tabs()) {
    const isOpen = tab.dataset.tab === panel.dataset.tab;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "task-panel");
    tab.setAttribute("aria-selected", String(isOpen));
    tab.removeAttribute("aria-current");
    tab.tabIndex = isOpen ? 0 : -1;
  }
}

// The address says what is open: of the task's own page, or of the run's beside it.
function remember() {
  const panel = document.getElementById("task-panel");
  const asked = new URL(panel?.dataset.url ?? location.pathname, location.href);
  const here = new URL(location.href);
  if (!document.getElementById("inspector")) here.search = asked.search;
  else if (asked.searchParams.has("tab")) here.searchParams.set("tab", asked.searchParams.get("tab"));
  else here.searchParams.delete("tab");
  if (here.href !== location.href) history.replaceState(null, "", here);
}

document.addEventListener("keydown", (event) => {
  const all = tabs();
  const at = all.indexOf(event.target);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : at + (STEPS[event.key] ?? NaN);
  if (Number.isNaN(to)) return;
  event.preventDefault();
  event.stopPropagation();
  const next = all[(to + all.length) % all.length];
  next.focus();
  next.click();
}, true);

document.addEventListener("htmx:afterSettle", (event) => {
  if (!["task-panel", "inspector-inner"].includes(event.detail.target?.id)) return;
  dress();
  remember();
});

dress();
