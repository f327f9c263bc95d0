// Tasks, notes and frames on their way with the pointer, and the dataflows that hang on them.
// What few things do is drawn apart from the large plane, so that a frame costs what they cost.

import { curve, place } from "./draft.js";
import { endsOf } from "./selection.js";

const FEW = 24;

export class Dragging {
  constructor(page, parts) {
    this.page = page;
    this.parts = parts.map((part) => ({ part, from: { ...part.at } }));
    this.isApart = parts.length <= FEW;
    this.begun = new Map(this.parts.map(({ part, from }) => [part.dataset.id, { part, from }]));
    this.wires = [...page.wires.children].flatMap((wire) => {
      const [byStart, byEnd] = endsOf(wire).map((id) => this.begun.has(id));
      if (!byStart && !byEnd) return [];
      return [{ wire, byStart, byEnd, start: page.spot(wire.dataset.source, true), end: page.spot(wire.dataset.target, false) }];
    }).filter(({ start, end }) => start && end);
    if (this.isApart) {
      for (const part of parts) part.classList.add("moving");
      document.getElementById("loose").append(...this.wires.map(({ wire }) => wire));
    }
  }

  // Everything so far from where it was; drawn with the next frame.
  to(shift) {
    this.shift = shift;
    this.frame ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = null;
    for (const { part, from } of this.parts) { const at = this.shift(from); place(part, at.x, at.y); }
    for (const { wire, byStart, byEnd, start, end } of this.wires) {
      const line = curve(byStart ? this.moved(start, wire.dataset.source) : start, byEnd ? this.moved(end, wire.dataset.target) : end);
      for (const path of wire.children) path.setAttribute("d", line);
    }
  }

  // A port goes with its box, which may have been rounded to the grid.
  moved(spot, end) {
    const { part, from } = this.begun.get(end.slice(0, end.indexOf(".")));
    return { x: spot.x + part.at.x - from.x, y: spot.y + part.at.y - from.y };
  }

  end() {
    if (this.frame != null) { cancelAnimationFrame(this.frame); this.draw(); }
    for (const { part } of this.parts) part.classList.remove("moving");
    if (this.isApart) this.page.wires.append(...this.wires.map(({ wire }) => wire));
    this.page.bent = this.wires.map(({ wire }) => wire);
  }
}
