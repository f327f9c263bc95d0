// Opens tasks beside the run, asks before it cancels, and answers single keys.

const WIDE = matchMedia("(min-width: 900px)");
const OFF = "anabranch-keys-off";

// ── the inspector ───────────────────────────────────────────────────────────────────────────────

function openTask(link) {
  const pane = document.getElementById("inspector-inner");
  if (!pane || !WIDE.matches) return false;
  htmx.ajax("GET", link.href, { target: "#inspector-inner", swap: "innerHTML" });
  select(link.dataset.path);
  const here = new URL(location.href);
  here.searchParams.set("task", link.dataset.path);
  history.replaceState(null, "", here);
  return true;
}

function closeTask() {
  const pane = document.getElementById("inspector-inner");
  if (!pane || !document.getElementById("task") || !document.getElementById("inspector")) return false;
  htmx.ajax("GET", `${location.pathname}?part=result`, { target: "#inspector-inner", swap: "innerHTML" });
  select(null);
  const here = new URL(location.href);
  here.searchParams.delete("task");
  history.replaceState(null, "", here);
  return true;
}

function select(path) {
  for (const row of document.querySelectorAll(".tree-row[data-path], .box[data-path]")) {
    row.setAttribute("aria-selected", String(row.dataset.path === path));
  }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest("a[data-path], a[data-close]");
  if (link && (link.hasAttribute("data-close") ? closeTask() : openTask(link))) event.preventDefault();
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open)?.showModal();
});

// ── asking first ────────────────────────────────────────────────────────────────────────────────

document.addEventListener("submit", (event) => {
  const form = event.target;
  const dialog = form.dataset?.confirm && document.getElementById(form.dataset.confirm);
  if (!dialog || form.dataset.sure) return;
  event.preventDefault();
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") { form.dataset.sure = "yes"; form.requestSubmit(); }
  }, { once: true });
  dialog.showModal();
});

// ── single keys ─────────────────────────────────────────────────────────────────────────────────

const links = () => [...document.querySelectorAll(".tree-row a[data-path], .rows a.title, .box")];

function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  all[next]?.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  1: () => document.querySelector('[data-key="1"]')?.click(),
  2: () => document.querySelector('[data-key="2"]')?.click(),
  c: () => document.querySelector('[data-act="cancel"]')?.requestSubmit(),
  "?": () => document.getElementById("keys-sheet")?.showModal(),
  Escape: () => closeTask(),
};

document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, textarea, select, dialog, [contenteditable]");
  if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
  if (localStorage.getItem(OFF) && event.key !== "Escape") return;
  const act = KEYS[event.key];
  if (act) { event.preventDefault(); act(); }
});

const keysSwitch = document.getElementById("keys-switch");
if (keysSwitch) {
  keysSwitch.checked = !localStorage.getItem(OFF);
  keysSwitch.addEventListener("change", () => {
    if (keysSwitch.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  });
  for (const opener of document.querySelectorAll("[data-open]")) opener.hidden = false;
}
