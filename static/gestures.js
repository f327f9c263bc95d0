// What the pointer does on the canvas: pan, move, box, connect. Each gesture ends in one act.

import { boxOf, curve } from "./draft.js";
import { Dragging } from "./dragging.js";
import { endsOf } from "./selection.js";

const SLOP = 4;
const GRID = 16;

export const snap = (number) => GRID * Math.round(number / GRID);
const far = (event, start) => Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > SLOP;
const under = (event, what) => document.elementFromPoint(event.clientX, event.clientY)?.closest?.(what);

export class Gestures {
  constructor({ board, page, camera, selection, connect, tell, boxing, open, quickAdd }) {
    Object.assign(this, { board, page, camera, selection, connect, tell, boxing, open, quickAdd });
    this.rubber = document.getElementById("rubber");
    this.lasso = document.getElementById("lasso");
    this.going = null;
    board.addEventListener("pointerdown", (event) => this.down(event));
    board.addEventListener("pointermove", (event) => this.going?.move(event));
    board.addEventListener("pointerup", (event) => { const done = this.going; this.going = null; done?.end(event); });
    board.addEventListener("pointercancel", () => this.giveUp());
    // The board has captured the pointer, so the event does not say what is under it.
    board.addEventListener("dblclick", (event) => {
      const part = under(event, "#tiles > *");
      if (part) this.open(part);
      else if (!under(event, ".wire")) this.quickAdd({}, this.camera.place(event));
    });
  }

  down(event) {
    if (event.button > 1 || event.target.closest("button, input, textarea, a")) return;
    const plug = event.target.closest(".plug");
    const part = event.target.closest("#tiles > *");
    const wire = event.target.closest(".wire");
    if (plug) this.going = this.connecting(plug, event);
    else if (part && event.button === 0) this.going = this.moving(part, event);
    else if (wire && event.button === 0) { this.selection.pickWire(wire); this.tell(`${wire.dataset.source} → ${wire.dataset.target}`); this.focus(); return; }
    else if (event.shiftKey || this.boxing()) this.going = this.boxed(event);
    else this.going = this.panning(event);
    this.board.setPointerCapture(event.pointerId);
    event.preventDefault();
    this.focus();
  }

  focus() { this.board.focus({ preventScroll: true, focusVisible: false }); }

  giveUp() {
    const was = this.going;
    was?.drop?.();
    this.going = null;
    this.rubber.setAttribute("d", "");
    this.page.restore();
    return Boolean(was);
  }

  panning(start) {
    let last = start;
    return {
      move: (event) => { this.camera.pan(event.clientX - last.clientX, event.clientY - last.clientY); last = event; },
      end: (event) => { if (!far(event, start)) this.selection.select([]); },
    };
  }

  moving(part, start) {
    const was = part.getAttribute("aria-selected") === "true";
    if (!was) this.selection.select([part], { add: start.shiftKey });
    const begin = this.camera.place(start);
    const parts = this.selection.all();
    let dragging = null;
    return {
      move: (event) => {
        if (!dragging && !far(event, start)) return;
        dragging ??= new Dragging(this.page, parts);
        const here = this.camera.place(event);
        dragging.to((from) => ({ x: snap(from.x + here.x - begin.x), y: snap(from.y + here.y - begin.y) }));
      },
      end: (event) => {
        dragging?.end();
        if (dragging) this.put(parts, event);
        else if (was && start.shiftKey) this.selection.toggle(part);
        else if (!start.shiftKey) this.selection.take(part);
      },
      drop: () => dragging?.end(),
    };
  }

  // Where things were dropped: one act for all of them, and so one step back.
  async put(parts, event) {
    const [only, more] = parts;
    const wire = event && only && !more && only.dataset.id && this.wireUnder(event, only);
    if (wire) {
      await this.page.act({ op: "insert", level: this.page.level, source: wire.dataset.source, target: wire.dataset.target, id: only.dataset.id, at: [only.at.x, only.at.y] });
      return;
    }
    const [positions, notes, frames] = [{}, {}, {}];
    for (const { dataset: { id, note, frame }, at } of parts) {
      if (id) positions[this.selection.path(id)] = [at.x, at.y];
      else if (note) notes[note] = [at.x, at.y];
      else frames[frame] = [at.x, at.y];
    }
    await this.page.act({ op: "move", positions, notes, frames });
  }

  // A wire that a task without wires of its own was dropped on.
  wireUnder(event, part) {
    const has = [...this.page.wires.children].some((wire) => endsOf(wire).includes(part.dataset.id));
    if (has || part.dataset.id.startsWith("$")) return null;
    return document.elementsFromPoint(event.clientX, event.clientY).map((each) => each.closest?.(".wire")).find(Boolean);
  }

  boxed(start) {
    const begin = this.camera.place(start);
    const draw = (event) => {
      const here = this.camera.place(event);
      return { left: Math.min(begin.x, here.x), top: Math.min(begin.y, here.y), width: Math.abs(begin.x - here.x), height: Math.abs(begin.y - here.y) };
    };
    return {
      move: (event) => {
        for (const [side, length] of Object.entries(draw(event))) this.lasso.style[side] = `${length}px`;
        this.lasso.hidden = false;
      },
      end: (event) => {
        const { left, top, width, height } = draw(event);
        this.lasso.hidden = true;
        this.selection.select(this.selection.parts().filter((part) => {
          const box = boxOf(part);
          return box.x < left + width && box.x + box.width > left && box.y < top + height && box.y + box.height > top;
        }));
      },
      drop: () => { this.lasso.hidden = true; },
    };
  }

  connecting(plug, start) {
    const leaving = Boolean(plug.closest(".out"));
    const end = plug.dataset.end;
    const from = this.page.spot(end, leaving);
    const other = (event) => { const found = under(event, ".plug"); return found && Boolean(found.closest(".out")) !== leaving ? found : null; };
    this.light(end, leaving);
    return {
      move: (event) => {
        const here = this.camera.place(event);
        this.rubber.setAttribute("d", leaving ? curve(from, here) : curve(here, from));
        const found = other(event);
        if (found?.dataset.why) this.tell(found.dataset.why);
      },
      end: (event) => {
        const found = other(event);
        const { fit, why } = found?.dataset ?? {};
        const border = under(event, leaving ? "#box-\\$outputs" : "#box-\\$inputs");
        this.dark();
        if (fit === "misfit") this.tell(why || "This does not fit.", true);
        else if (found) this.connect.join(leaving ? end : found.dataset.end, leaving ? found.dataset.end : end);
        else if (border) this.connect.expose(end, leaving);
        else if (far(event, start)) this.quickAdd(leaving ? { source: end } : { target: end }, this.camera.place(event));
        else this.connect.choose(end, leaving);
      },
      drop: () => this.dark(),
    };
  }

  // Whoever lets go before the server has said what fits still connects: the act says why it does not fit.
  async light(end, leaving) {
    this.board.classList.add("connecting");
    const side = leaving ? ".into" : ".out";
    const plugs = this.page.tiles.querySelectorAll(`${side} .plug`);
    for (const plug of plugs) plug.dataset.fit = plug.dataset.end.startsWith("$outputs") ? "fits" : "asked";
    const verdicts = await this.connect.fits(end, leaving);
    if (!this.board.classList.contains("connecting") || !Object.keys(verdicts).length) return;
    for (const plug of plugs) {
      if (plug.dataset.fit !== "asked") continue;
      const [fit, why = ""] = verdicts[plug.dataset.end] ?? ["misfit"];
      Object.assign(plug.dataset, { fit, why });
    }
  }

  dark() {
    this.board.classList.remove("connecting");
    this.rubber.setAttribute("d", "");
    for (const plug of this.page.tiles.querySelectorAll("[data-fit]")) { delete plug.dataset.fit; delete plug.dataset.why; }
  }
}

// A note or a frame as an act says it, with some of it changed.
export function thingOf(part, level, changes) {
  const box = boxOf(part);
  const whole = { box: [box.x, box.y, box.width, box.height], inside: level, ...changes };
  if (part.dataset.note) return { op: "note", id: part.dataset.note, note: { text: part.dataset.text ?? "", ...whole } };
  return { op: "frame", id: part.dataset.frame, frame: { title: part.textContent, ...whole } };
}
