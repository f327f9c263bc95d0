// The graph of a run: looked at from near or far, its compounds opened and closed in place, and
// what it says of its definition as new as the list of differences. Without a script its boards
// scroll, and what opens and closes is links.

import { Camera } from "./camera.js";
import { Nearness } from "./nearness.js";

const STEP = 1.25;
// It begins no farther away than its words can be read.
const LEGIBLE = 0.6;
const BUSY = ["running", "streaming", "retrying"].map((status) => `.box[data-status="${status}"]`).join();
let cameras = [];
let following = false;

const view = () => document.getElementById("graph-view");
const sizeOf = (plane) => ({ x: 0, y: 0, width: plane.offsetWidth, height: plane.offsetHeight });
const placeOf = (box) => ({ x: box.offsetLeft, y: box.offsetTop, width: box.offsetWidth, height: box.offsetHeight });
const middleOf = ({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 });
const drawnAs = (path, within = document) => within.querySelector(`:is(.box, .frame)[data-path="${CSS.escape(path)}"]`);

// ── boards ──────────────────────────────────────────────────────────────────────────────────────

function look(board) {
  const plane = board.querySelector(".drawing");
  if (!plane) return;
  board.classList.add("moved");
  const nearness = new Nearness(plane);
  const camera = new Camera(board, plane, (_, seen) => nearness.look(seen));
  camera.fit([sizeOf(plane)], LEGIBLE);
  cameras.push(camera);
  board.addEventListener("pointerdown", (event) => {
    if (!event.button && !event.target.closest("a")) board.setPointerCapture(event.pointerId);
  });
  board.addEventListener("pointermove", (event) => {
    if (board.hasPointerCapture(event.pointerId)) camera.pan(event.movementX, event.movementY);
  });
  board.addEventListener("focusin", (event) => {
    const box = event.target.closest(".box, .frame");
    board.scrollTo(0, 0);
    if (box) showEverywhere(box.dataset.path);
  });
}

// A task stands in the definition and in the run: both boards show it.
function showEverywhere(path) {
  for (const camera of cameras) {
    const box = drawnAs(path, camera.plane);
    if (box) camera.reveal(placeOf(box));
  }
}

function findBusy() {
  const camera = cameras.find((each) => each.board.id === "graph");
  const busy = camera?.plane.querySelector(BUSY);
  if (busy) camera.centre(middleOf(placeOf(busy)));
}

// Whoever follows sees something that runs, and is not moved as long as they do.
function follow() {
  const board = document.getElementById("graph");
  if (!following || !board) return;
  const { left, right, top, bottom } = board.getBoundingClientRect();
  const isInView = (box) => {
    const at = box.getBoundingClientRect();
    return at.left >= left && at.right <= right && at.top >= top && at.bottom <= bottom;
  };
  if (![...board.querySelectorAll(BUSY)].some(isInView)) findBusy();
}

const ACTS = {
  nearer: () => cameras.forEach((camera) => camera.zoomTo(camera.zoom * STEP)),
  farther: () => cameras.forEach((camera) => camera.zoomTo(camera.zoom / STEP)),
  fit: () => cameras.forEach((camera) => camera.fit([sizeOf(camera.plane)])),
  busy: findBusy,
  follow: () => { following = !following; follow(); },
};

function begin() {
  cameras = [];
  for (const board of view()?.querySelectorAll(".canvas") ?? []) look(board);
  for (const button of document.querySelectorAll("[data-look]")) {
    button.hidden = !cameras.length;
    if (button.dataset.look === "follow") button.setAttribute("aria-pressed", String(following));
  }
}

// ── opening and closing compounds ───────────────────────────────────────────────────────────────

let drawing = Promise.resolve();

// One after the other: what a link says is as of the graph it stands in.
function turnWhenDrawn(link) {
  const { id, dataset: { turn } } = link;
  drawing = drawing.then(async () => {
    const now = (turn && document.querySelector(`a[data-turn="${CSS.escape(turn)}"]`)) || document.getElementById(id) || link;
    const address = now.getAttribute("href");
    const task = new URL(location.href).searchParams.get("task");
    history.replaceState(null, "", address + (task ? `&task=${encodeURIComponent(task)}` : ""));
    await draw(address, turn);
  });
}

// Draws the graph as an address has it. The page stays where it is; the compound that was turned
// (`anchor`, a path) stays under the pointer. The positions come first, so that nothing jumps.
async function draw(address, anchor = null) {
  const answer = await fetch(location.pathname + address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer) return;
  if (!answer.ok || answer.redirected) { location.assign(address); return; }
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const fresh = template.content.querySelector("#graph-view");
  const sheet = fresh?.dataset.sheet ? await sheetAt(fresh.dataset.sheet) : null;
  if (fresh) swap(fresh, sheet, anchor);
}

// Gives the stylesheet once it has arrived; only one at a time applies, so the new one waits.
function sheetAt(address) {
  const link = document.createElement("link");
  return new Promise((arrived) => {
    link.addEventListener("load", () => arrived(link));
    link.addEventListener("error", () => arrived(link));
    Object.assign(link, { rel: "stylesheet", href: address, media: "not all" });
    link.dataset.drawing = "";
    document.head.append(link);
  });
}

function swap(fresh, sheet, anchor) {
  const old = view();
  const before = cameras.map((camera) => [camera.x, camera.y, camera.zoom, anchor && spotOf(camera, anchor)]);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  fresh.querySelector("details").open = old.querySelector("details").open;
  for (const link of document.querySelectorAll("link[data-drawing]")) if (link !== sheet) link.remove();
  if (sheet) sheet.media = "all";
  old.replaceWith(fresh);
  htmx.process(fresh);
  begin();
  if (before.length === cameras.length) cameras.forEach((camera, number) => stay(camera, before[number], anchor));
  if (focused) focusAgain(focused);
  document.dispatchEvent(new CustomEvent("drawn", { detail: { seq: Number(fresh.dataset.seq) } }));
}

function spotOf(camera, path) {
  const box = drawnAs(path, camera.plane);
  return box && [box.offsetLeft, box.offsetTop];
}

function stay(camera, [x, y, zoom, spot], anchor) {
  const now = anchor && spotOf(camera, anchor);
  Object.assign(camera, { x, y, zoom });
  if (spot && now) camera.pan((spot[0] - now[0]) * zoom, (spot[1] - now[1]) * zoom);
  else camera.show();
}

function focusAgain(focused) {
  const path = focused.closest("[data-path]")?.dataset.path;
  const again = (focused.id && document.getElementById(focused.id)) || (path && drawnAs(path, view()));
  (again?.matches?.(".frame") ? again.querySelector("a") : again)?.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const button = event.target.closest("[data-look]");
  if (button) {
    ACTS[button.dataset.look]();
    if (button.dataset.look === "follow") button.setAttribute("aria-pressed", String(following));
  }
  const link = event.target.closest("a[data-turn], a[data-fold]");
  if (!link) return;
  event.preventDefault();
  turnWhenDrawn(link);
});

document.addEventListener("redraw", () => {
  if (view()) drawing = drawing.then(() => draw(view().dataset.again));
});

// ── beside the definition ───────────────────────────────────────────────────────────────────────

// Says in each box how the run differs there; a closed compound says that something inside does.
function tellDefinition() {
  const said = new Map();
  for (const { dataset } of document.querySelectorAll("#differences li[data-path]")) {
    let [path, words] = [dataset.path, dataset.inBox];
    while (path && !drawnAs(path, view())) [path, words] = [path.slice(0, Math.max(0, path.lastIndexOf("/"))), "differs inside"];
    if (path && !said.has(path)) said.set(path, words);
  }
  for (const box of document.querySelectorAll(".blueprint .box, .blueprint .frame")) {
    const words = said.get(box.dataset.path) ?? "";
    const line = box.querySelector(".differs");
    if (line.textContent !== words) line.textContent = words;
  }
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "differences" || event.detail.elt.id === "differences") tellDefinition();
});

begin();
setInterval(follow, 1000);
