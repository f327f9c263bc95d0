// What is selected on the canvas, and what lies around it.

import { boxOf } from "./draft.js";

export class Selection {
  constructor(page, camera, changed) {
    this.page = page;
    this.camera = camera;
    this.changed = changed;
    this.current = null;
  }

  parts() { return [...this.page.tiles.children]; }

  tasks() { return [...this.page.tiles.querySelectorAll(".tile")]; }

  all() { return this.parts().filter((part) => part.getAttribute("aria-selected") === "true"); }

  // The ids of the selected tasks; the borders of a level are none.
  ids() { return this.all().map((part) => part.dataset.id).filter((id) => id && !id.startsWith("$")); }

  wire() { return this.page.wires.querySelector('[aria-selected="true"]'); }

  path(id) { return this.page.level ? `${this.page.level}/${id}` : id; }

  paths() { return this.ids().map((id) => this.path(id)); }

  // The one task that the panel is about; empty when there is none, or more than one.
  only() {
    const [only, more] = this.all();
    const id = only && !more ? only.dataset.id ?? "" : "";
    return id.startsWith("$") ? "" : id;
  }

  select(parts, { add = false } = {}) {
    if (!add) for (const part of this.all()) part.removeAttribute("aria-selected");
    for (const part of parts) part.setAttribute("aria-selected", "true");
    this.wire()?.removeAttribute("aria-selected");
    this.current = parts.at(-1) ?? (add ? this.current : null);
    this.changed();
  }

  pickWire(wire) {
    this.select([]);
    wire.setAttribute("aria-selected", "true");
  }

  toggle(part) {
    if (part.getAttribute("aria-selected") === "true") part.removeAttribute("aria-selected");
    else part.setAttribute("aria-selected", "true");
    this.current = part;
    this.changed();
  }

  take(part, { add = false } = {}) {
    this.select([part], { add });
    this.camera.reveal(boxOf(part));
  }

  // The task that lies nearest in a direction; with `add` the selection grows.
  walk(dx, dy, { add = false } = {}) {
    const from = this.current?.isConnected ? this.current : this.all()[0];
    if (!from) { const [first] = this.tasks(); if (first) this.take(first); return; }
    const score = (part) => {
      const [x, y] = [part.at.x - from.at.x, part.at.y - from.at.y];
      const ahead = x * dx + y * dy;
      return ahead > 0 ? ahead + 2 * Math.abs(x * dy + y * dx) : Infinity;
    };
    const next = this.tasks().filter((part) => part !== from).sort((a, b) => score(a) - score(b))[0];
    if (next && score(next) < Infinity) this.take(next, { add });
  }

  // All that the selected tasks need, or that need them.
  along(leaving) {
    const found = new Set(this.ids());
    for (let before = -1; before !== found.size;) {
      before = found.size;
      for (const wire of this.page.wires.children) {
        const [source, target] = endsOf(wire);
        if (found.has(leaving ? source : target)) found.add(leaving ? target : source);
      }
    }
    this.select(this.tasks().filter((part) => found.has(part.dataset.id) && !part.dataset.id.startsWith("$")));
  }

  // The first place here or further down where a task of middling height covers none.
  roomBelow({ x, y }) {
    const boxes = this.tasks().map(boxOf).filter((box) => box.x < x + 208 + 16 && box.x + box.width + 16 > x);
    for (const box of boxes.sort((a, b) => a.y - b.y)) {
      if (box.y < y + 128 && box.y + box.height + 16 > y) y = box.y + box.height + 32;
    }
    return { x, y };
  }

  // Where the next task has room: beside what is selected, else below everything.
  freeSpot() {
    const last = this.all().at(-1);
    if (last) return this.roomBelow({ x: last.at.x + 208 + 96, y: last.at.y });
    const boxes = this.tasks().filter((part) => !part.dataset.id.startsWith("$")).map(boxOf);
    if (!boxes.length) { const middle = this.camera.middle(); return { x: middle.x - 104, y: middle.y - 48 }; }
    return { x: Math.min(...boxes.map((box) => box.x)), y: Math.max(...boxes.map((box) => box.y + box.height)) + 32 };
  }
}

// The tasks that a wire joins.
export const endsOf = (wire) => [wire.dataset.source, wire.dataset.target].map((end) => end.slice(0, end.indexOf(".")));
