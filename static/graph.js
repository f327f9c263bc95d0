// The graph of a run: looked at from near or far, and what it says of its definition stays as new
// as the list of differences. Without a script its boards scroll.

import { Camera } from "./camera.js";

const STEP = 1.25;
// It begins no farther away than its words can be read.
const LEGIBLE = 0.6;
const cameras = [];

const sizeOf = (plane) => ({ x: 0, y: 0, width: plane.offsetWidth, height: plane.offsetHeight });

function look(board) {
  const plane = board.querySelector(".drawing");
  if (!plane) return;
  board.classList.add("moved");
  const camera = new Camera(board, plane);
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
    if (box) camera.reveal({ x: box.offsetLeft, y: box.offsetTop, width: box.offsetWidth, height: box.offsetHeight });
  });
}

const ACTS = {
  nearer: (camera) => camera.zoomTo(camera.zoom * STEP),
  farther: (camera) => camera.zoomTo(camera.zoom / STEP),
  fit: (camera) => camera.fit([sizeOf(camera.plane)]),
};

for (const board of document.querySelectorAll(".run-view .canvas")) look(board);
for (const button of document.querySelectorAll("[data-look]")) {
  button.hidden = !cameras.length;
  button.addEventListener("click", () => cameras.forEach(ACTS[button.dataset.look]));
}

function tellDefinition() {
  const said = new Map();
  for (const line of document.querySelectorAll("#differences li[data-path]")) {
    if (!said.has(line.dataset.path)) said.set(line.dataset.path, line.dataset.inBox);
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
