// Opens tasks beside the run, asks before it cancels, and answers single keys.

const WIDE = matchMedia("(min-width: 900px)");
const OFF = "anabranch-keys-off";

// ── the inspector ───────────────────────────────────────────────────────────────────────────────

function openTask(link) {
  const pane = document.getElementById("inspector-inner");
  if (!pane || !WIDE.matches) return false;
  htmx.ajax("GET", link.href, { source: link, target: pane, swap: "innerHTML" });
  select(link.dataset.path);
  const here = new URL(location.href);
  here.searchParams.set("task", link.dataset.path);
  history.replaceState(null, "", here);
  return true;
}

function closeTask() {
  const pane = document.getElementById("inspector-inner");
  const task = document.getElementById("task");
  if (!pane || !task || !document.getElementById("inspector")) return false;
  htmx.ajax("GET", `${location.pathname}?part=result`, { source: task, target: pane, swap: "innerHTML" });
  select(null);
  const here = new URL(location.href);
  here.searchParams.delete("task");
  history.replaceState(null, "", here);
  return true;
}

const CHOSEN = ".tree-row[data-path], .box[data-path], .frame[data-path], .differences li[data-path]";

// Wherever the open task stands on the page, it is marked: in the run, and in its definition.
function select(path) {
  for (const row of document.querySelectorAll(CHOSEN)) {
    if (row.matches(".tree-row")) row.setAttribute("aria-selected", String(row.dataset.path === path));
    else mark(row, row.dataset.path === path);
  }
}

function mark(box, isOpen) {
  box.toggleAttribute("data-selected", isOpen);
  const link = box.matches("a") ? box : box.querySelector("a");
  if (isOpen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

function selectOpen() {
  const open = document.getElementById("task");
  if (open) select(open.dataset.path);
}

selectOpen();
document.addEventListener("drawn", selectOpen);

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest("a[data-path], a[data-close]");
  if (link && (link.hasAttribute("data-close") ? closeTask() : openTask(link))) event.preventDefault();
  const opener = event.target.closest("[data-open]");
  if (opener?.dataset.open === "keys-sheet") openSheet();
  else if (opener) document.getElementById(opener.dataset.open)?.showModal();
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

// The same for a box of the graph.
const boxOf = (element) => element?.closest?.("#graph :is(.box, .frame)");

function turnBox(wanted) {
  const { path } = boxOf(document.activeElement).dataset;
  const link = document.querySelector(`#graph a[data-turn="${CSS.escape(path)}"][aria-expanded="${!wanted}"]`);
  if (link) link.click();
  else if (wanted) step(1);
  else document.querySelector(`#graph .frame[data-path="${CSS.escape(path.slice(0, Math.max(0, path.lastIndexOf("/"))))}"] > a`)?.focus();
}

const TROUBLE = '[data-status="failed"], [data-status="interrupted"], [data-status="awaiting"]';

function stepToTrouble(by) {
  const all = links();
  const troubled = all.filter((link) => (rowOf(link) ?? link).matches(TROUBLE));
  const at = all.indexOf(document.activeElement);
  const later = troubled.filter((link) => by * (all.indexOf(link) - at) > 0);
  ((by > 0 ? later[0] : later.at(-1)) ?? troubled.at(by > 0 ? 0 : -1))?.focus();
}

const BUSY = '.tree-row:is([data-status="running"], [data-status="streaming"], [data-status="retrying"]):not(.compound)';

function findBusy() {
  const row = document.querySelector(BUSY);
  row?.scrollIntoView({ block: "center" });
  row?.querySelector("a[data-path]").focus({ preventScroll: true });
}

// The row stays the one in hand when the tree is drawn anew, and so does the open task.
let inHand = null;
const FOLDED = ["tree", "timeline"];

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "tree") inHand = rowOf(document.activeElement)?.dataset.path;
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "tree") return;
  selectOpen();
  if (inHand) document.querySelector(`.tree-row[data-path="${CSS.escape(inHand)}"] a[data-path]`)?.focus();
  inHand = null;
});

document.addEventListener("htmx:configRequest", (event) => {
  const open = new URL(location.href).searchParams.get("task");
  if (FOLDED.includes(event.detail.target?.id) && open) event.detail.parameters.task = open;
});

document.addEventListener("click", (event) => {
  const clear = event.target.closest("[data-clear]");
  for (const field of document.getElementById(clear?.dataset.clear)?.elements ?? []) if (field.type !== "hidden") field.value = "";
});

// The one table: what is pressed, what the sheet says of it, where there is something to press it
// for, and what it does. Beside it, whatever has `data-key` on a page is pressed by that key.
const TABLE = [
  { keys: { j: () => step(1), k: () => step(-1) }, says: "next, previous row or box", on: ".tree-row, .rows, .box" },
  { keys: { ArrowDown: () => step(1), ArrowUp: () => step(-1) }, says: "the same", on: ".tree-row, #graph .box" },
  { keys: { ArrowRight: () => inwards(handed()), ArrowLeft: () => outwards(handed()) }, says: "open, close a compound; go in, go out", on: ".tree-row" },
  { keys: { ArrowRight: () => turnBox(true), ArrowLeft: () => turnBox(false) }, says: "open, close a compound; go in, go out", on: "#graph .box" },
  { keys: { ".": () => findBusy() }, says: "find what runs", on: ".tree-row" },
  { keys: { "*": () => press("#open-all"), W: () => press("#close-all") }, says: "open all, close all", on: "#open-all" },
  { keys: { e: () => stepToTrouble(1), E: () => stepToTrouble(-1) }, says: "next, previous task in trouble", on: ".tree-row, .box" },
  { keys: { Enter: null }, says: "open the row in hand", on: ".tree-row, .rows" },
  { keys: { c: () => document.querySelector('[data-act="cancel"]').requestSubmit() }, says: "cancel the run (asks first)", on: 'form[data-act="cancel"]' },
  { keys: { Escape: () => closeTask() }, says: "close this, or the inspector", on: "body" },
  { keys: { "Ctrl+K": null }, says: "search, from anywhere", on: "#search-dialog" },
  { keys: { "?": () => openSheet() }, says: "this sheet", on: "#keys-sheet" },
];
const SHOWN = { ArrowDown: "↓", ArrowUp: "↑", ArrowRight: "→", ArrowLeft: "←", Escape: "Esc", E: "Shift E", W: "Shift W" };

const handed = () => rowOf(document.activeElement);
const press = (selector) => document.querySelector(selector)?.click();
const here = () => TABLE.filter((row) => document.querySelector(row.on));
const keyed = () => [...document.querySelectorAll("[data-key]")];

function actOf(key) {
  const own = here().find((row) => row.keys[key]);
  if (own) return own.keys[key];
  const element = keyed().find((each) => each.dataset.key === key);
  return element && (() => (element.matches("input, textarea, select") ? element.focus() : element.click()));
}

function nameOf(element) {
  const words = element.cloneNode(true);
  for (const kbd of words.querySelectorAll("kbd")) kbd.remove();
  const label = element.getAttribute("aria-label") || element.labels?.[0]?.textContent || words.textContent;
  return label.trim().replace(/…$/, "");
}

function lineOf(keys, says) {
  const [line, name, what] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
  for (const key of keys) {
    const kbd = document.createElement("kbd");
    kbd.textContent = SHOWN[key] ?? key;
    name.append(kbd, " ");
  }
  what.textContent = says;
  line.append(name, what);
  return line;
}

function openSheet() {
  const marked = keyed().map((each) => lineOf([each.dataset.key], nameOf(each)));
  const rows = here().map((row) => lineOf(Object.keys(row.keys), row.says));
  document.getElementById("keys-list").replaceChildren(...marked, ...rows);
  document.getElementById("keys-sheet").showModal();
}

document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, textarea, select, dialog, [contenteditable]");
  if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
  if (localStorage.getItem(OFF) && event.key.length === 1) return;
  // Arrows move what is in hand; without a row or a box in hand they scroll.
  if (event.key.startsWith("Arrow") && !rowOf(event.target) && !boxOf(event.target)) return;
  const act = actOf(event.key);
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
