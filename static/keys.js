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

const links = () => [...document.querySelectorAll(".tree-row a[data-path], .rows a.title, .box, .frame > a")];

function step(by) {
  const all = links();
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
  all[next]?.focus();
}

// ── the tree ────────────────────────────────────────────────────────────────────────────────────

const rowOf = (element) => element?.closest?.(".tree-row[data-path]");

function turn(row, wanted) {
  if (!row || row.getAttribute("aria-expanded") !== String(!wanted)) return false;
  row.querySelector("a.caret").click();
  return true;
}

// Right opens a row, or goes into it; left closes it, or goes to the row it is inside of.
function inwards(row) { return turn(row, true) || step(1); }

function outwards(row) {
  if (!row || turn(row, false)) return;
  const outer = row.dataset.path.slice(0, row.dataset.path.lastIndexOf("/"));
  document.querySelector(`.tree-row[data-path="${CSS.escape(outer)}"] a[data-path]`)?.focus();
}

const TROUBLE = '[data-status="failed"], [data-status="interrupted"], [data-status="awaiting"]';

function stepToTrouble(by) {
  const all = links();
  const troubled = all.filter((link) => (rowOf(link) ?? link).matches(TROUBLE));
  const at = all.indexOf(document.activeElement);
  const later = troubled.filter((link) => by * (all.indexOf(link) - at) > 0);
  ((by > 0 ? later[0] : later.at(-1)) ?? troubled.at(by > 0 ? 0 : -1))?.focus();
}

// The row stays the one in hand when the tree is drawn anew, and so does the open task.
let inHand = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "tree") inHand = rowOf(document.activeElement)?.dataset.path;
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "tree") return;
  const open = document.getElementById("task");
  if (open) select(open.dataset.path);
  if (inHand) document.querySelector(`.tree-row[data-path="${CSS.escape(inHand)}"] a[data-path]`)?.focus();
  inHand = null;
});

document.addEventListener("htmx:configRequest", (event) => {
  const open = new URL(location.href).searchParams.get("task");
  if (event.detail.target?.id === "tree" && open) event.detail.parameters.task = open;
});

document.addEventListener("click", (event) => {
  const clear = event.target.closest("[data-clear]");
  for (const field of document.getElementById(clear?.dataset.clear)?.elements ?? []) if (field.type !== "hidden") field.value = "";
});

const KEYS = {
  j: () => step(1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  ArrowRight: () => inwards(rowOf(document.activeElement)),
  ArrowLeft: () => outwards(rowOf(document.activeElement)),
  e: () => stepToTrouble(1),
  E: () => stepToTrouble(-1),
  "*": () => document.getElementById("open-all")?.click(),
  W: () => document.getElementById("close-all")?.click(),
  "/": () => document.querySelector('[data-key="/"]')?.focus(),
  k: () => step(-1),
  1: () => document.querySelector('[data-key="1"]')?.click(),
  2: () => document.querySelector('[data-key="2"]')?.click(),
  3: () => document.querySelector('[data-key="3"]')?.click(),
  4: () => document.querySelector('[data-key="4"]')?.click(),
  c: () => document.querySelector('[data-act="cancel"]')?.requestSubmit(),
  "?": () => document.getElementById("keys-sheet")?.showModal(),
  Escape: () => closeTask(),
};

document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, textarea, select, dialog, [contenteditable]");
  if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
  if (localStorage.getItem(OFF) && event.key.length === 1) return;
  // Arrows move what is in hand; without a row in hand they scroll.
  if (event.key.startsWith("Arrow") && !rowOf(event.target)) return;
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
