// The canvas of the editor: what the pointer and the keys mean. Each gesture ends in one act.

import { Camera } from "./camera.js";
import { DraftPage, boxOf, curve, place } from "./draft.js";

const GRID = 16;
const SLOP = 4;
const LEGIBLE = 0.7;

const root = document.getElementById("editor");
const board = document.getElementById("board");
const rubber = document.getElementById("rubber");
const said = document.getElementById("said");
const words = document.getElementById("draft-state");

const camera = new Camera(board, document.getElementById("plane"), (zoom) => {
  document.getElementById("zoom").textContent = `${Math.round(zoom * 100)} %`;
});
const page = new DraftPage(root, { told: tell, changed: refresh });
const snap = (number) => GRID * Math.round(number / GRID);
const tiles = () => [...page.tiles.children];
const tasks = () => [...page.tiles.querySelectorAll(".tile")];

// ── what is said ────────────────────────────────────────────────────────────────────────────────

function tell(sentence, bad = false) {
  words.textContent = sentence;
  words.dataset.bad = bad ? "yes" : "no";
  if (bad || sentence !== "Saved") said.textContent = sentence === "Saving…" ? "" : sentence;
}

function refresh(answer, fresh) {
  for (const act of ["undo", "redo"]) {
    const button = document.getElementById(act);
    button.disabled = !answer[act];
    button.title = answer[act] ? `${act === "undo" ? "Undo" : "Redo"}: ${answer[act]}` : `Nothing to ${act}`;
  }
  const wrong = document.getElementById("problems");
  wrong.textContent = answer.problems ? `${answer.problems} problem${answer.problems > 1 ? "s" : ""}` : "No problems";
  wrong.dataset.count = answer.problems;
  document.getElementById("publish").disabled = Boolean(answer.published || answer.problems);
  document.getElementById("start-here").hidden = tasks().length > 0;
  if (fresh && !document.getElementById("panel").contains(document.activeElement)) showPanel();
  if (document.getElementById("state")) htmx.ajax("GET", `${page.url}problems/`, { target: "#panel", swap: "innerHTML" });
}

// ── what is selected ────────────────────────────────────────────────────────────────────────────

const selected = () => tiles().filter((part) => part.getAttribute("aria-selected") === "true");
const ids = () => selected().map((part) => part.dataset.id).filter((id) => id && !id.startsWith("$"));
const pathOf = (id) => (page.level ? `${page.level}/${id}` : id);

function select(parts, { add = false } = {}) {
  if (!add) for (const part of selected()) part.removeAttribute("aria-selected");
  for (const part of parts) part.setAttribute("aria-selected", "true");
  for (const wire of page.wires.querySelectorAll('[aria-selected="true"]')) wire.removeAttribute("aria-selected");
  showPanel();
}

function take(part) {
  select([part]);
  board.focus({ preventScroll: true, focusVisible: false });
  camera.reveal(boxOf(part));
}

let shownPanel = null;

function showPanel() {
  const [only, more] = selected();
  const path = only && !more && only.dataset.id && !only.dataset.id.startsWith("$") ? pathOf(only.dataset.id) : "";
  const url = `${page.url}panel/?${new URLSearchParams({ level: page.level, path, revision: page.revision })}`;
  if (url === shownPanel) return;
  shownPanel = url;
  htmx.ajax("GET", url, { target: "#panel", swap: "innerHTML" });
}

// ── the pointer ─────────────────────────────────────────────────────────────────────────────────

let gesture = null;

board.addEventListener("pointerdown", (event) => {
  if (event.button > 1 || event.target.closest("button, input, textarea, a")) return;
  const plug = event.target.closest(".plug");
  const part = event.target.closest("#tiles > *");
  const wire = event.target.closest(".wire");
  if (plug) gesture = connecting(plug, event);
  else if (part && event.button === 0) gesture = moving(part, event);
  else if (wire && event.button === 0) { pickWire(wire); return; }
  else if (event.shiftKey) gesture = boxing(event);
  else gesture = panning(event);
  board.setPointerCapture(event.pointerId);
  event.preventDefault();
  board.focus({ preventScroll: true, focusVisible: false });
});

board.addEventListener("pointermove", (event) => gesture?.move(event));
board.addEventListener("pointerup", (event) => { const done = gesture; gesture = null; done?.end(event); });
board.addEventListener("pointercancel", () => giveUp());
board.addEventListener("dblclick", (event) => {
  // The board has captured the pointer, so the event does not say what is under it.
  const under = document.elementFromPoint(event.clientX, event.clientY);
  const part = under?.closest(".tile.compound");
  if (part) goInto(part);
  else if (!under?.closest("#tiles > *, .wire")) quickAdd({}, camera.place(event));
});

function giveUp() {
  gesture?.drop?.();
  gesture = null;
  rubber.setAttribute("d", "");
  page.restore();
}

const far = (event, start) => Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > SLOP;

function panning(start) {
  let last = start;
  return {
    move(event) { camera.pan(event.clientX - last.clientX, event.clientY - last.clientY); last = event; },
    end(event) { if (!far(event, start) && !event.shiftKey) select([]); },
  };
}

function moving(part, start) {
  const was = part.getAttribute("aria-selected") === "true";
  if (!was) select([part], { add: start.shiftKey });
  const begin = camera.place(start);
  const moved = selected().map((each) => ({ each, from: { ...each.at } }));
  const names = new Set(moved.map(({ each }) => each.dataset.id));
  const touched = [...page.wires.children].filter((wire) => [wire.dataset.source, wire.dataset.target].some((end) => names.has(end.slice(0, end.indexOf(".")))));
  let going = false;
  return {
    move(event) {
      going ||= far(event, start);
      if (!going) return;
      const here = camera.place(event);
      for (const { each, from } of moved) place(each, snap(from.x + here.x - begin.x), snap(from.y + here.y - begin.y));
      for (const wire of touched) page.bend(wire);
    },
    end(event) {
      if (going) put(moved.map(({ each }) => each), event);
      else if (was && start.shiftKey) { part.removeAttribute("aria-selected"); showPanel(); }
      else if (!start.shiftKey) take(part);
    },
  };
}

// Where things were dropped is one act for the tasks, and one for each note and frame.
async function put(parts, event) {
  const positions = {};
  const others = [];
  for (const part of parts) {
    if (part.dataset.id) positions[pathOf(part.dataset.id)] = [part.at.x, part.at.y];
    else others.push(part);
  }
  const wire = event && parts.length === 1 && parts[0].dataset.id && wireUnder(event, parts[0]);
  if (wire) { await page.act({ op: "insert", level: page.level, source: wire.dataset.source, target: wire.dataset.target, id: parts[0].dataset.id, at: [parts[0].at.x, parts[0].at.y] }); return; }
  const boxes = others.map((part) => [part, [part.at.x, part.at.y, Number(part.dataset.width), Number(part.dataset.height)]]);
  if (Object.keys(positions).length) await page.act({ op: "move", positions });
  for (const [part, box] of boxes) await page.act(restOf(part, { box }));
}

function restOf(part, changes) {
  if (part.dataset.note) return { op: "note", id: part.dataset.note, note: { box: boxList(part), text: part.textContent, inside: page.level, ...changes } };
  return { op: "frame", id: part.dataset.frame, frame: { box: boxList(part), title: part.textContent, inside: page.level, ...changes } };
}

const boxList = (part) => { const { x, y, width, height } = boxOf(part); return [x, y, width, height]; };

// A wire that a task without wires of its own was dropped on.
function wireUnder(event, part) {
  const id = part.dataset.id;
  if ([...page.wires.children].some((wire) => [wire.dataset.source, wire.dataset.target].some((end) => end.startsWith(`${id}.`)))) return null;
  const under = document.elementsFromPoint(event.clientX, event.clientY);
  return under.map((each) => each.closest?.(".wire")).find(Boolean);
}

function boxing(start) {
  const begin = camera.place(start);
  const frame = document.getElementById("lasso");
  return {
    move(event) {
      const here = camera.place(event);
      Object.assign(frame.style, { left: `${Math.min(begin.x, here.x)}px`, top: `${Math.min(begin.y, here.y)}px`, width: `${Math.abs(begin.x - here.x)}px`, height: `${Math.abs(begin.y - here.y)}px` });
      frame.hidden = false;
    },
    end(event) {
      const here = camera.place(event);
      frame.hidden = true;
      const [left, right] = [Math.min(begin.x, here.x), Math.max(begin.x, here.x)];
      const [top, bottom] = [Math.min(begin.y, here.y), Math.max(begin.y, here.y)];
      select(tiles().filter((part) => {
        const box = boxOf(part);
        return box.x < right && box.x + box.width > left && box.y < bottom && box.y + box.height > top;
      }));
    },
    drop() { frame.hidden = true; },
  };
}

// ── connecting ──────────────────────────────────────────────────────────────────────────────────

function connecting(plug, start) {
  const leaving = Boolean(plug.closest(".out"));
  const end = plug.dataset.end;
  const from = page.spot(end, leaving);
  light(end, leaving);
  return {
    move(event) {
      const here = camera.place(event);
      rubber.setAttribute("d", leaving ? curve(from, here) : curve(here, from));
      const under = plugUnder(event, leaving);
      said.textContent = under?.dataset.why ?? "";
    },
    end(event) {
      rubber.setAttribute("d", "");
      const under = plugUnder(event, leaving);
      const where = camera.place(event);
      const why = under?.dataset.why;
      const refused = under?.dataset.fit === "misfit";
      unlight();
      if (refused) { tell(why || "This does not fit.", true); return; }
      if (under) join(leaving ? end : under.dataset.end, leaving ? under.dataset.end : end);
      else if (borderUnder(event, leaving)) expose(end, leaving);
      else if (far(event, start)) quickAdd(leaving ? { source: end } : { target: end }, where);
      else choosePort(end, leaving);
    },
    drop: unlight,
  };
}

function join(source, target) {
  if (target.startsWith("$outputs.")) return page.act({ op: "output", level: page.level, name: target.slice(9), source, was: target.slice(9) });
  return page.act({ op: "connect", level: page.level, source, target });
}

function plugUnder(event, leaving) {
  const under = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".plug");
  return under && Boolean(under.closest(".out")) !== leaving ? under : null;
}

const borderUnder = (event, leaving) => document.elementFromPoint(event.clientX, event.clientY)?.closest?.(leaving ? "#box-\\$outputs" : "#box-\\$inputs");

function expose(end, leaving) {
  const port = end.slice(end.indexOf(".") + 1);
  if (leaving) return page.act({ op: "output", level: page.level, name: free(port, "$outputs", "into"), source: end });
  const name = free(port, "$inputs", "out");
  return page.act({ op: "input", level: page.level, port: { name, type: "any" } }).then((done) => done && join(`$inputs.${name}`, end));
}

function free(wanted, border, side) {
  const taken = new Set([...document.querySelectorAll(`#box-\\${border} .${side} .plug`)].map((plug) => plug.dataset.end.split(".")[1]));
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted}_${number}`;
  return name;
}

async function light(end, leaving) {
  board.classList.add("connecting");
  for (const plug of page.tiles.querySelectorAll(leaving ? ".into .plug" : ".out .plug")) plug.dataset.fit = plug.dataset.end.startsWith("$") ? "fits" : "misfit";
  for (const [other, [verdict, why]] of Object.entries(await fitting(end, leaving))) {
    const plug = page.tiles.querySelector(`.${leaving ? "into" : "out"} [data-end="${CSS.escape(other)}"]`);
    if (plug) { plug.dataset.fit = verdict; plug.dataset.why = why; }
  }
}

async function fitting(end, leaving) {
  const query = new URLSearchParams({ level: page.level, [leaving ? "source" : "target"]: end });
  try { return (await (await fetch(`${page.url}fits/?${query}`)).json()).fits ?? {}; } catch { return {}; }
}

function unlight() {
  board.classList.remove("connecting");
  for (const plug of page.tiles.querySelectorAll("[data-fit]")) { delete plug.dataset.fit; delete plug.dataset.why; }
}

function pickWire(wire) {
  select([]);
  wire.setAttribute("aria-selected", "true");
  tell(`${wire.dataset.source} → ${wire.dataset.target}`);
}

// ── lists to choose from ────────────────────────────────────────────────────────────────────────

const chooser = document.getElementById("chooser");
const choices = document.getElementById("choices");

// The palette for one place and one port; what is chosen is added and joined.
function quickAdd(hand, at) {
  const search = document.getElementById("choose-words");
  const look = () => htmx.ajax("GET", `${page.url}palette/?${new URLSearchParams({ level: page.level, q: search.value, ...hand })}`, { target: "#choices", swap: "innerHTML" });
  search.value = "";
  search.oninput = look;
  chooser.querySelector("h2").textContent = hand.source ? `After ${hand.source}` : hand.target ? `Before ${hand.target}` : "Add a task";
  look();
  choose((choice) => add(choice.dataset.type, at, hand), { searching: true });
}

async function choosePort(end, leaving) {
  const fits = await fitting(end, leaving);
  const groups = { fits: "Fits", checked: "Checked in the run", misfit: "Does not fit" };
  choices.replaceChildren();
  for (const [verdict, title] of Object.entries(groups)) {
    const found = Object.entries(fits).filter(([, [how]]) => how === verdict);
    if (!found.length) continue;
    const heading = document.createElement("li");
    heading.className = "heading";
    heading.textContent = title;
    choices.append(heading);
    for (const [other, [, why]] of found) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.end = other;
      button.disabled = verdict === "misfit";
      button.textContent = other;
      const small = document.createElement("span");
      small.textContent = why;
      button.append(small);
      item.append(button);
      choices.append(item);
    }
  }
  if (!choices.children.length) choices.textContent = "There is no other task with a port on this side.";
  chooser.querySelector("h2").textContent = `Connect ${end} ${leaving ? "to" : "from"}`;
  choose((choice) => join(leaving ? end : choice.dataset.end, leaving ? choice.dataset.end : end), { searching: false });
}

function choose(done, { searching }) {
  const search = document.getElementById("choose-words");
  search.hidden = !searching;
  choices.onclick = (event) => {
    const choice = event.target.closest("button");
    if (!choice) return;
    chooser.close();
    done(choice);
  };
  chooser.showModal();
  if (searching) search.focus();
  else choices.querySelector("button:enabled")?.focus();
}

chooser.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const all = [...chooser.querySelectorAll("#choose-words:not([hidden]), #choices button:enabled")];
  const at = all.indexOf(document.activeElement);
  all[Math.min(all.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))]?.focus();
  event.preventDefault();
});

async function add(type, at = camera.middle(), hand = {}) {
  const before = new Set(tasks().map((part) => part.id));
  const done = await page.act({ op: "add", level: page.level, type, at: [snap(at.x), snap(at.y)], ...hand });
  const made = done && tasks().find((part) => !before.has(part.id) && !part.dataset.id.startsWith("$"));
  if (made) take(made);
}

// A task type is clicked, or drawn onto the canvas.
document.getElementById("offers")?.addEventListener("click", (event) => {
  const offer = event.target.closest("[data-type]");
  if (offer) add(offer.dataset.type, freeSpot());
});

function freeSpot() {
  const [last] = selected().slice(-1);
  if (last) return { x: last.at.x + 208 + 96, y: last.at.y };
  const all = tasks().filter((part) => !part.dataset.id.startsWith("$")).map(boxOf);
  if (!all.length) { const middle = camera.middle(); return { x: middle.x - 104, y: middle.y - 48 }; }
  return { x: Math.min(...all.map((box) => box.x)), y: Math.max(...all.map((box) => box.y + box.height)) + 32 };
}

document.getElementById("offers")?.addEventListener("dragstart", (event) => {
  event.dataTransfer.setData("text/plain", event.target.closest("[data-type]")?.dataset.type ?? "");
});
board.addEventListener("dragover", (event) => event.preventDefault());
board.addEventListener("drop", (event) => {
  event.preventDefault();
  const at = camera.place(event);
  const type = event.dataTransfer.getData("text/plain");
  if (type) add(type, { x: at.x - 104, y: at.y - 20 });
});

// ── acts on what is selected ────────────────────────────────────────────────────────────────────

function remove({ bridge = false } = {}) {
  const wire = page.wires.querySelector('[aria-selected="true"]');
  if (wire) return cut(wire);
  const chosen = ids();
  const notes = selected().filter((part) => !part.dataset.id);
  for (const part of notes) page.act(part.dataset.note ? { op: "remove-note", id: part.dataset.note } : { op: "remove-frame", id: part.dataset.frame });
  if (!chosen.length) return null;
  if (bridge && chosen.length === 1) return page.act({ op: "bridge", level: page.level, id: chosen[0] });
  return page.act({ op: "remove", level: page.level, ids: chosen });
}

function cut(wire) {
  const { source, target } = wire.dataset;
  if (target.startsWith("$outputs.")) return page.act({ op: "remove-output", level: page.level, name: target.slice(9) });
  return page.act({ op: "disconnect", level: page.level, source, target });
}

function goInto(part) {
  location.href = `${page.url}?${new URLSearchParams({ level: pathOf(part.dataset.id) })}`;
}

function goOut() {
  if (!page.level) return;
  const level = page.level.slice(0, Math.max(0, page.level.lastIndexOf("/")));
  location.href = level ? `${page.url}?${new URLSearchParams({ level })}` : page.url;
}

function nudge(dx, dy) {
  const chosen = selected();
  if (!chosen.length) return;
  for (const part of chosen) place(part, snap(part.at.x + dx), snap(part.at.y + dy));
  put(chosen);
}

// The task that lies nearest in a direction.
function walk(dx, dy) {
  const [from] = selected();
  const all = tasks();
  if (!from) { if (all.length) take(all[0]); return; }
  const score = (part) => {
    const [x, y] = [part.at.x - from.at.x, part.at.y - from.at.y];
    const ahead = x * dx + y * dy;
    return ahead > 0 ? ahead + 2 * Math.abs(x * dy + y * dx) : Infinity;
  };
  const next = all.filter((part) => part !== from).sort((a, b) => score(a) - score(b))[0];
  if (next && score(next) < Infinity) take(next);
}

function along(leaving) {
  const found = new Set(ids());
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const wire of page.wires.children) {
      const [source, target] = [wire.dataset.source, wire.dataset.target].map((end) => end.slice(0, end.indexOf(".")));
      if (found.has(leaving ? source : target)) found.add(leaving ? target : source);
    }
  }
  select(tasks().filter((part) => found.has(part.dataset.id)));
}

// The clipboard is JSON, so that it also goes from one workflow, and one browser, to another.
async function copy() {
  const chosen = ids();
  if (!chosen.length) return;
  const query = new URLSearchParams({ level: page.level });
  for (const id of chosen) query.append("id", id);
  const answer = await fetch(`${page.url}clip/?${query}`);
  if (!answer.ok) { tell("What was selected is no longer there.", true); return; }
  const text = await answer.text();
  localStorage.setItem("anabranch-clip", text);
  try { await navigator.clipboard.writeText(text); } catch { /* not allowed here: the copy above is enough */ }
  tell(`Copied ${chosen.length} task${chosen.length > 1 ? "s" : ""}`);
}

async function paste({ links = false } = {}) {
  let text = localStorage.getItem("anabranch-clip") ?? "";
  try { text = (await navigator.clipboard.readText()) || text; } catch { /* not allowed here */ }
  let clip;
  try { clip = JSON.parse(text); } catch { tell("What is in the clipboard is no part of a workflow.", true); return; }
  const before = new Set(tasks().map((part) => part.id));
  if (await page.act({ op: "paste", level: page.level, clip, links })) select(tasks().filter((part) => !before.has(part.id)));
}

function note(kind) {
  const chosen = selected().map(boxOf);
  const id = `${kind[0]}${Date.now().toString(36)}`;
  const at = camera.middle();
  const box = kind === "frame" && chosen.length
    ? around(chosen)
    : [snap(at.x - 120), snap(at.y - 60), 240, kind === "frame" ? 160 : 112];
  const words = kind === "frame" ? { title: "Part" } : { text: "Note" };
  page.act({ op: kind, id, [kind]: { box, inside: page.level, ...words } });
}

function around(boxes) {
  const left = Math.min(...boxes.map((box) => box.x)) - 24;
  const top = Math.min(...boxes.map((box) => box.y)) - 48;
  return [left, top, Math.max(...boxes.map((box) => box.x + box.width)) + 24 - left, Math.max(...boxes.map((box) => box.y + box.height)) + 24 - top];
}

const ACTS = {
  add: () => quickAdd({}, freeSpot()),
  undo: () => page.ask("undo/"),
  redo: () => page.ask("redo/"),
  tidy: () => page.ask("tidy/").then(() => camera.fit(tiles().map(boxOf))),
  remove: () => remove(),
  bridge: () => remove({ bridge: true }),
  group: () => ids().length && page.act({ op: "group", level: page.level, ids: ids() }),
  unpack: () => ids().length === 1 && page.act({ op: "unpack", path: pathOf(ids()[0]) }),
  disable: () => ids().length && page.act({ op: "disable", paths: ids().map(pathOf), disabled: !selected()[0].hasAttribute("data-disabled") }),
  duplicate: async () => { await copy(); await paste({ links: true }); },
  copy, paste: () => paste(), pasteLinked: () => paste({ links: true }),
  cut: async () => { await copy(); await remove(); },
  note: () => note("note"),
  frame: () => note("frame"),
  rename: () => document.querySelector("#panel [name=title]")?.select(),
  connect: () => { const plug = selected()[0]?.querySelector(".out .plug"); if (plug) choosePort(plug.dataset.end, true); },
  all: () => select(tiles()),
  enter: () => { const [only] = selected(); if (only?.classList.contains("compound")) goInto(only); else document.querySelector("#panel input, #panel textarea, #panel select")?.focus(); },
  out: () => { if (gesture) giveUp(); else if (selected().length) select([]); else goOut(); },
  one: () => camera.zoomTo(1),
  fit: () => camera.fit(tiles().map(boxOf)),
  fitSelected: () => camera.fit(selected().map(boxOf)),
  nearer: () => camera.zoomTo(camera.zoom * 1.25),
  farther: () => camera.zoomTo(camera.zoom / 1.25),
  downstream: () => along(true),
  upstream: () => along(false),
  left: () => walk(-1, 0), right: () => walk(1, 0), up: () => walk(0, -1), down: () => walk(0, 1),
  nudgeLeft: () => nudge(-GRID, 0), nudgeRight: () => nudge(GRID, 0), nudgeUp: () => nudge(0, -GRID), nudgeDown: () => nudge(0, GRID),
  saved: () => tell("Saved: every act is saved as you do it"),
  state: () => htmx.ajax("GET", `${page.url}problems/`, { target: "#panel", swap: "innerHTML" }),
};

const KEYS = {
  n: "add", Delete: "remove", Backspace: "remove", "Ctrl+Delete": "bridge", "Ctrl+Backspace": "bridge",
  "Ctrl+z": "undo", "Ctrl+Shift+z": "redo", "Ctrl+y": "redo", "Ctrl+a": "all",
  "Ctrl+c": "copy", "Ctrl+x": "cut", "Ctrl+v": "paste", "Ctrl+Shift+v": "pasteLinked", "Ctrl+d": "duplicate",
  "Ctrl+g": "frame", "Shift+s": "note", "Alt+x": "group", "Alt+Shift+x": "unpack", d: "disable", c: "connect", F2: "rename",
  "Alt+Shift+t": "tidy", 0: "one", 1: "fit", ".": "fitSelected", "+": "nearer", "=": "nearer", "-": "farther",
  Enter: "enter", Escape: "out", "Ctrl+s": "saved",
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
  "Shift+ArrowRight": "downstream", "Shift+ArrowLeft": "upstream",
  "Alt+ArrowLeft": "nudgeLeft", "Alt+ArrowRight": "nudgeRight", "Alt+ArrowUp": "nudgeUp", "Alt+ArrowDown": "nudgeDown",
};

function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key));
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key}`;
}

board.addEventListener("keydown", (event) => {
  const act = KEYS[nameOf(event)];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  ACTS[act]();
});

root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button && ACTS[button.dataset.act]) ACTS[button.dataset.act]();
  const problem = event.target.closest("[data-goto]");
  const part = problem && page.box(problem.dataset.goto);
  if (part) { event.preventDefault(); take(part); }
});

// A form in the panel is an act like any other; what it answers is the form drawn again.
document.body.addEventListener("draft-changed", () => page.look());

if (tasks().length) camera.fit(tiles().map(boxOf), LEGIBLE);
