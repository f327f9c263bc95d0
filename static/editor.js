// The editor: puts the canvas together, and says what its buttons and keys mean.

import { Camera } from "./camera.js";
import { chooseOne, choosePort, chooseType } from "./choosing.js";
import { DraftPage, boxOf, place } from "./draft.js";
import { KEYS, nameOf, showKeys } from "./editor_keys.js";
import { Gestures, snap } from "./gestures.js";
import { Minimap } from "./minimap.js";
import { notesOn } from "./notes.js";
import { Selection } from "./selection.js";
import { Since } from "./since.js";
import { Together } from "./together.js";

const GRID = 16;
const LEGIBLE = 0.7;
const CLIP = "anabranch-clip";

const root = document.getElementById("editor");
const board = document.getElementById("board");
const panel = document.getElementById("panel");
const said = document.getElementById("said");
const words = document.getElementById("draft-state");

let minimap = null;
const camera = new Camera(board, document.getElementById("plane"), (zoom) => {
  document.getElementById("zoom").textContent = `${Math.round(zoom * 100)} %`;
  minimap?.look();
});
// What scrolls the board, such as a search of the browser's own, moves what is looked at instead.
board.addEventListener("scroll", () => {
  const [x, y] = [board.scrollLeft, board.scrollTop];
  board.scrollTo(0, 0);
  if (x || y) camera.pan(-x, -y);
});
const page = new DraftPage(root, { told: tell, changed: refresh, isBusy: () => Boolean(gestures.going) });
const selection = new Selection(page, camera, showPanel);
const boxButton = document.getElementById("box-select");
const gestures = new Gestures({
  board, page, camera, selection, tell, quickAdd,
  boxing: () => boxButton.getAttribute("aria-pressed") === "true",
  connect: { join, expose, fits, choose },
  open: (part) => { if (part.classList.contains("compound")) goInto(part); else if (!part.dataset.id) write(part); else panel.querySelector("input, textarea, select")?.focus(); },
});
const { putDown, write } = notesOn({ page, selection, camera, board });
const together = new Together(page);
const since = new Since(page);
minimap = new Minimap(camera, () => selection.parts().map(boxOf));
const fitAll = (least) => camera.fit(selection.parts().map(boxOf), least);

// ── what is said ────────────────────────────────────────────────────────────────────────────────

function tell(sentence, bad = false) {
  words.textContent = sentence;
  words.dataset.bad = bad ? "yes" : "no";
  if (sentence !== "Saving…") said.textContent = sentence === "Saved" ? "" : sentence;
}

function refresh(answer, fresh) {
  for (const [act, title] of [["undo", "Undo"], ["redo", "Redo"]]) {
    const button = document.getElementById(act);
    button.disabled = !answer[act];
    button.title = answer[act] ? `${title}: ${answer[act]}` : `Nothing to ${act}`;
  }
  const wrong = document.getElementById("problems");
  wrong.textContent = answer.problems ? `${answer.problems} problem${answer.problems > 1 ? "s" : ""}` : "No problems";
  wrong.dataset.count = answer.problems;
  document.getElementById("publish").disabled = Boolean(answer.published || answer.problems);
  document.getElementById("start-here").hidden = selection.tasks().length > 0;
  together.mark();
  since.mark();
  if (fresh) { minimap.refit(); since.soon(); }
  if (fresh && document.getElementById("state")) showState();
  else if (fresh && !panel.contains(document.activeElement)) showPanel();
}

let shown = "";
// The field of the panel that somebody goes to, while the panel is on its way.
let sought = "";

// To a task of this level, and there to the field that is wrong; false when it stands elsewhere.
function goTo(path, field) {
  const part = tileAt(path);
  if (!part) return false;
  sought = field;
  shown = "";
  selection.take(part);
  return true;
}

const tileAt = (path) => selection.tasks().find((part) => selection.path(part.dataset.id) === path);

document.body.addEventListener("htmx:afterSettle", (event) => {
  const found = event.detail.target === panel && sought && document.getElementById(sought);
  if (!found) return;
  sought = "";
  (found.querySelector("select, input:not([type=hidden]), textarea") ?? found).focus();
});

function showPanel() {
  const id = selection.only();
  together.chose(id && selection.path(id));
  const url = `${page.url}panel/?${new URLSearchParams({ level: page.level, path: id && selection.path(id), revision: page.revision })}`;
  if (url === shown) return;
  shown = url;
  htmx.ajax("GET", url, { target: "#panel", swap: "innerHTML" });
}

function showState() {
  shown = "";
  htmx.ajax("GET", `${page.url}problems/`, { target: "#panel", swap: "innerHTML" });
}

// ── adding and connecting ───────────────────────────────────────────────────────────────────────

function quickAdd(hand, at) {
  const [end] = Object.values(hand);
  const more = end ? [["expose", hand.source ? "An output of this graph" : "An input of this graph"]] : [];
  const title = hand.source ? `After ${end}` : hand.target ? `Before ${end}` : "Add a task";
  chooseType(title, page.url, { level: page.level, ...hand }, (choice) => {
    if (choice.dataset.act === "expose") expose(end, Boolean(hand.source));
    else add(choice.dataset.type, at, hand);
  }, more);
}

async function add(type, at = camera.middle(), hand = {}) {
  const before = new Set(selection.tasks().map((part) => part.id));
  const done = await page.act({ op: "add", level: page.level, type, at: [snap(at.x), snap(at.y)], ...hand });
  const made = done && selection.tasks().find((part) => !before.has(part.id) && !part.dataset.id.startsWith("$"));
  if (made) { selection.take(made); board.focus({ preventScroll: true, focusVisible: false }); }
}

function join(source, target) {
  const name = target.slice(target.indexOf(".") + 1);
  if (target.startsWith("$outputs.")) return page.act({ op: "output", level: page.level, name, source, was: name });
  return page.act({ op: "connect", level: page.level, source, target });
}

function expose(end, leaving) {
  return page.act({ op: "expose", level: page.level, end, side: leaving ? "output" : "input" });
}

async function fits(end, leaving) {
  const query = new URLSearchParams({ level: page.level, [leaving ? "source" : "target"]: end });
  try { return (await (await fetch(`${page.url}fits/?${query}`)).json()).fits ?? {}; } catch { return {}; }
}

async function choose(end, leaving) {
  choosePort(`Connect ${end} ${leaving ? "to" : "from"}`, await fits(end, leaving), (other) => join(leaving ? end : other, leaving ? other : end));
}

// The ports on one side of the one selected task, by their ends.
function plugs(side) {
  const [only, more] = selection.all();
  return only && !more ? [...only.querySelectorAll(`.${side} .plug`)].map((plug) => plug.dataset.end) : [];
}

// ── acts on what is selected ────────────────────────────────────────────────────────────────────

function remove({ bridge = false } = {}) {
  const wire = selection.wire();
  if (wire) return cut(wire);
  const chosen = selection.ids();
  for (const part of selection.all().filter((each) => !each.dataset.id)) page.act(part.dataset.note ? { op: "remove-note", id: part.dataset.note } : { op: "remove-frame", id: part.dataset.frame });
  if (!chosen.length) return null;
  if (bridge && chosen.length === 1) return page.act({ op: "bridge", level: page.level, id: chosen[0] });
  return page.act({ op: "remove", level: page.level, ids: chosen });
}

function cut(wire) {
  const { source, target } = wire.dataset;
  if (target.startsWith("$outputs.")) return page.act({ op: "remove-output", level: page.level, name: target.slice(target.indexOf(".") + 1) });
  return page.act({ op: "disconnect", level: page.level, source, target });
}

const address = (level) => (level ? `${page.url}?${new URLSearchParams({ level })}` : page.url);

function goInto(part) { location.href = address(selection.path(part.dataset.id)); }

function goOut() { if (page.level) location.href = address(page.level.slice(0, Math.max(0, page.level.lastIndexOf("/")))); }

function nudge(dx, dy) {
  const chosen = selection.all();
  for (const part of chosen) place(part, snap(part.at.x + dx), snap(part.at.y + dy));
  if (chosen.length) gestures.put(chosen);
}

// All selected tasks at one edge of the first one.
function align(side) {
  const chosen = selection.all();
  const first = chosen[0] && boxOf(chosen[0]);
  for (const part of chosen) place(part, side === "left" ? first.x : part.at.x, side === "top" ? first.y : part.at.y);
  if (chosen.length > 1) gestures.put(chosen);
}

// The clipboard is JSON, so that it also goes from one workflow, and one browser, to another.
async function copy() {
  const chosen = selection.ids();
  if (!chosen.length) return;
  const query = new URLSearchParams({ level: page.level });
  for (const id of chosen) query.append("id", id);
  const answer = await fetch(`${page.url}clip/?${query}`);
  if (!answer.ok) { tell("What was selected is no longer there.", true); return; }
  const text = await answer.text();
  localStorage.setItem(CLIP, text);
  try { await navigator.clipboard.writeText(text); } catch { /* not allowed here: the copy above is enough */ }
  tell(`Copied ${chosen.length} task${chosen.length > 1 ? "s" : ""}`);
}

async function paste({ links = false } = {}) {
  let text = localStorage.getItem(CLIP) ?? "";
  try { text = (await navigator.clipboard.readText()) || text; } catch { /* not allowed here */ }
  let clip;
  try { clip = JSON.parse(text); } catch { tell("What is in the clipboard is no part of a workflow.", true); return; }
  const before = new Set(selection.tasks().map((part) => part.id));
  if (await page.act({ op: "paste", level: page.level, clip, links })) selection.select(selection.tasks().filter((part) => !before.has(part.id)));
}

// Only what stands at the outermost level can be tried, or pinned, by itself.
function alone() {
  const id = selection.only();
  if (id && page.level) tell("This is for tasks of the outermost level only.", true);
  return page.level ? "" : id;
}

function tryPart(how, more = {}) {
  const id = alone();
  if (id) location.href = `${document.getElementById("try").href}?${new URLSearchParams({ [how]: id, ...more })}`;
}

function pin() {
  const id = alone();
  if (!id) return;
  shown = "";
  htmx.ajax("POST", `${page.url}panel/?${new URLSearchParams({ path: id })}`, {
    target: "#panel", swap: "innerHTML", values: { form: "pin", pin: "turn" }, headers: { "X-CSRFToken": root.dataset.csrf },
  });
}

function rename() {
  const [only] = selection.all();
  if (only && !only.dataset.id) write(only);
  else panel.querySelector("[name=title]")?.select();
}

// ── all acts, and their keys ────────────────────────────────────────────────────────────────────

const ACTS = {
  add: ["Add a task", () => quickAdd({}, selection.freeSpot())],
  connect: ["Connect an output", () => chooseOne("Connect which output?", plugs("out"), (end) => choose(end, true))],
  connectInto: ["Connect an input", () => chooseOne("Connect which input?", plugs("into"), (end) => choose(end, false))],
  exposeInput: ["Make an input of the graph", () => chooseOne("Which input comes from outside?", plugs("into"), (end) => expose(end, false))],
  exposeOutput: ["Make an output of the graph", () => chooseOne("Which output goes outside?", plugs("out"), (end) => expose(end, true))],
  enter: ["Go inside, or to the settings", () => { const id = selection.only(); const part = id && page.box(id); if (part?.classList.contains("compound")) goInto(part); else panel.querySelector("input, textarea, select")?.focus(); }],
  out: ["Leave a gesture, a selection, a level", () => { if (gestures.giveUp()) return; if (selection.all().length || selection.wire()) selection.select([]); else goOut(); }],
  rename: ["Rename", rename],
  disable: ["Disable, enable", () => { const paths = selection.paths(); if (paths.length) page.act({ op: "disable", paths, disabled: !selection.all()[0].hasAttribute("data-disabled") }); }],
  remove: ["Remove", () => remove()],
  bridge: ["Remove and join its ends", () => remove({ bridge: true })],
  undo: ["Undo", () => page.ask("undo/")],
  redo: ["Redo", () => page.ask("redo/")],
  copy: ["Copy", copy],
  cut: ["Cut", async () => { await copy(); await remove(); }],
  paste: ["Paste", () => paste()],
  pasteLinked: ["Paste with what led into it", () => paste({ links: true })],
  duplicate: ["Duplicate", async () => { await copy(); await paste({ links: true }); }],
  group: ["Make a compound", () => { const ids = selection.ids(); if (ids.length) page.act({ op: "group", level: page.level, ids }); }],
  unpack: ["Take a compound apart", () => { const id = selection.only(); if (id) page.act({ op: "unpack", path: selection.path(id) }); }],
  frame: ["Frame", () => putDown("frame")],
  note: ["Note", () => putDown("note")],
  tidy: ["Tidy up", () => page.ask("tidy/").then(() => fitAll())],
  alignLeft: ["Align left edges", () => align("left")],
  alignTop: ["Align top edges", () => align("top")],
  left: ["Walk left", () => selection.walk(-1, 0)],
  right: ["Walk right", () => selection.walk(1, 0)],
  up: ["Walk up", () => selection.walk(0, -1)],
  down: ["Walk down", () => selection.walk(0, 1)],
  alsoUp: ["Walk up, and keep the selection", () => selection.walk(0, -1, { add: true })],
  alsoDown: ["Walk down, and keep the selection", () => selection.walk(0, 1, { add: true })],
  downstream: ["Select what follows", () => selection.along(true)],
  upstream: ["Select what comes before", () => selection.along(false)],
  all: ["Select all", () => selection.select(selection.parts())],
  boxSelect: ["Drag a box to select", () => boxButton.setAttribute("aria-pressed", String(boxButton.getAttribute("aria-pressed") !== "true"))],
  nudgeLeft: ["Move left", () => nudge(-GRID, 0)],
  nudgeRight: ["Move right", () => nudge(GRID, 0)],
  nudgeUp: ["Move up", () => nudge(0, -GRID)],
  nudgeDown: ["Move down", () => nudge(0, GRID)],
  one: ["Zoom to 100 %", () => camera.zoomTo(1)],
  fit: ["Show all", () => fitAll()],
  fitSelected: ["Show what is selected", () => camera.fit(selection.all().map(boxOf))],
  nearer: ["Zoom in", () => camera.zoomTo(camera.zoom * 1.25)],
  farther: ["Zoom out", () => camera.zoomTo(camera.zoom / 1.25)],
  values: ["Show or hide what the last run gave", () => tell(since.toggle())],
  tryIt: ["Try the draft", () => { location.href = document.getElementById("try").href; }],
  tryTo: ["Try it up to what is selected", () => tryPart("until")],
  tryOnly: ["Try only what is selected", () => tryPart("only")],
  tryItem: ["Try one item of a map", () => tryPart("only", { item: 1 })],
  pin: ["Pin the last output, unpin it", pin],
  outline: ["The same as a list with forms", () => { document.getElementById("outline-link").click(); }],
  map: ["Show or hide the map", () => tell(minimap.toggle() ? "The map is shown" : "The map is hidden")],
  saved: ["Say that it is saved", () => tell("Saved: every act is saved as you do it")],
  state: ["Problems and history", showState],
  keys: ["This list", () => showKeys(ACTS)],
};

board.addEventListener("keydown", (event) => {
  const act = KEYS[nameOf(event)];
  if (!act || event.target.closest("textarea, input")) return;
  event.preventDefault();
  event.stopPropagation();
  ACTS[act][1]();
});

root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button && ACTS[button.dataset.act]) ACTS[button.dataset.act][1]();
  const problem = event.target.closest("[data-goto]");
  if (problem && goTo(problem.dataset.goto, problem.dataset.field)) event.preventDefault();
});

// A task type is clicked, or drawn onto the canvas.
const palette = document.getElementById("offers");
palette.addEventListener("click", (event) => {
  const offer = event.target.closest("[data-type]");
  if (offer) add(offer.dataset.type, selection.freeSpot());
});
palette.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/plain", event.target.closest("[data-type]")?.dataset.type ?? ""));
board.addEventListener("dragover", (event) => event.preventDefault());
board.addEventListener("drop", (event) => {
  event.preventDefault();
  const at = camera.place(event);
  const type = event.dataTransfer.getData("text/plain");
  const wire = document.elementFromPoint(event.clientX, event.clientY)?.closest(".wire:not([data-target^='$outputs'])");
  if (type && wire) page.act({ op: "insert", level: page.level, source: wire.dataset.source, target: wire.dataset.target, type, at: [snap(at.x - 104), snap(at.y - 20)] });
  else if (type) add(type, { x: at.x - 104, y: at.y - 20 });
});

// A form in the panel is an act like any other; what it answers is the form drawn again.
document.body.addEventListener("draft-changed", () => page.look());
document.body.addEventListener("pins-changed", (event) => { tell(event.detail.value); since.ask(); });

if (selection.tasks().length) fitAll(LEGIBLE);
board.focus({ preventScroll: true, focusVisible: false });
const here = new URL(location.href);
const problem = here.searchParams.get("goto");
if (!problem || !goTo(selection.path(problem), here.searchParams.get("field"))) showPanel();
if (problem) {
  for (const name of ["goto", "field"]) here.searchParams.delete(name);
  history.replaceState(null, "", here);
}
