// The draft as the server has it: asks for acts, and puts the parts that changed in their place.
// The server owns the drawing; this file never decides what an act means.

const WIDTH = 208;
// How often the page looks for what others did: while its socket says it anyway, and without.
const POLL = 3000;
const SELDOM = 30000;

export class DraftPage {
  constructor(root, { told, changed, isBusy }) {
    this.root = root;
    this.url = root.dataset.url;
    this.level = root.dataset.level;
    this.revision = Number(root.dataset.revision);
    this.tiles = document.getElementById("tiles");
    this.wires = document.getElementById("wires");
    this.homes = { "wire-": this.wires, "map-": document.getElementById("map-shapes") };
    this.told = told;
    this.changed = changed;
    this.isBusy = isBusy;
    this.isLive = false;
    this.looked = Date.now();
    this.late = false;
    this.waiting = Promise.resolve();
    // The dataflows that no longer are where the server drew them.
    this.bent = [];
    for (const part of this.tiles.children) place(part);
    root.classList.add("placed");
    setInterval(() => { if (!this.isLive || this.late || Date.now() - this.looked > SELDOM) this.look(); }, POLL);
  }

  // Acts go one after the other, so that each one knows the revision the one before made.
  act(edit) { return this.ask("do/", { edit }); }

  ask(what, body = {}) {
    this.waiting = this.waiting.then(() => this.send(what, body));
    return this.waiting;
  }

  async send(what, body) {
    this.told("Saving…");
    try {
      const answer = await fetch(this.url + what, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": this.root.dataset.csrf },
        body: JSON.stringify({ base: this.revision, level: this.level, ...body }),
      });
      if (answer.redirected || answer.status === 404) { location.reload(); return false; }
      if (!answer.headers.get("Content-Type")?.includes("json")) throw new Error(`status ${answer.status}`);
      const said = await answer.json();
      this.take(said);
      this.told(said.sentence ?? "Saved", !answer.ok);
      return answer.ok;
    } catch {
      this.told("Not saved: the server did not answer. Your drawing is as it was.", true);
      this.restore();
      return false;
    }
  }

  // The draft is at a revision; the page's own act may be on its way to say so itself.
  hear(revision) {
    this.waiting.then(() => { if (revision !== this.revision) this.look(); });
  }

  async look() {
    // What is being dragged stays in the hand; the answer to that act brings the rest.
    this.late = document.hidden || this.isBusy();
    if (this.late) return;
    const before = this.revision;
    this.looked = Date.now();
    try {
      const query = new URLSearchParams({ since: before, level: this.level });
      const answer = await fetch(`${this.url}parts/?${query}`);
      if (answer.ok && this.revision === before) this.take(await answer.json());
    } catch { /* the next look may get an answer */ }
  }

  take(said) {
    if (said.away) { location.href = this.url; return; }
    const fresh = said.revision !== this.revision;
    this.revision = said.revision;
    for (const [id, html] of Object.entries(said.parts ?? {})) this.put(id, html);
    this.restore();
    this.changed(said, fresh);
  }

  put(id, html) {
    const shown = document.getElementById(id);
    if (html === null) { shown?.remove(); return; }
    const home = Object.entries(this.homes).find(([kind]) => id.startsWith(kind))?.[1];
    const template = document.createElement("template");
    template.innerHTML = home ? `<svg>${html}</svg>` : html;
    const part = home ? template.content.firstElementChild.firstElementChild : template.content.firstElementChild;
    if (!home) place(part);
    if (shown) {
      for (const mark of ["aria-selected"]) if (shown.hasAttribute(mark)) part.setAttribute(mark, shown.getAttribute(mark));
      const focused = shown.contains(document.activeElement);
      shown.replaceWith(part);
      if (focused) part.focus();
    } else if (home) home.append(part);
    else if (id.startsWith("frame-")) this.tiles.prepend(part);
    else this.tiles.append(part);
  }

  // Everything where the server says it is: after an answer, and when a gesture is given up.
  restore() {
    for (const part of this.tiles.children) {
      if (part.at.x !== Number(part.dataset.x) || part.at.y !== Number(part.dataset.y)) place(part);
    }
    for (const wire of this.bent) this.bend(wire);
    this.bent = [];
  }

  bend(wire) {
    const start = this.spot(wire.dataset.source, true);
    const end = this.spot(wire.dataset.target, false);
    if (start && end) for (const path of wire.children) path.setAttribute("d", curve(start, end));
  }

  // Where a port is, by the place its box has at this moment.
  spot(end, leaving) {
    const box = this.box(end.slice(0, end.indexOf(".")));
    const plug = box?.querySelector(`.${leaving ? "out" : "into"} [data-end="${CSS.escape(end)}"]`);
    if (!box) return null;
    const row = plug ? [...plug.parentElement.children].indexOf(plug) : 0;
    return { x: box.at.x + (leaving ? WIDTH : 0), y: box.at.y + 40 + 24 * row + 12 };
  }

  box(id) { return document.getElementById(`box-${id}`); }
}

export function place(part, x = Number(part.dataset.x), y = Number(part.dataset.y)) {
  part.at = { x, y };
  part.style.transform = `translate(${x}px, ${y}px)`;
  part.style.height = `${part.dataset.height}px`;
  if (part.dataset.width) part.style.width = `${part.dataset.width}px`;
}

export function curve(start, end) {
  const pull = Math.max(32, Math.floor(Math.abs(end.x - start.x) / 2));
  return `M${start.x} ${start.y}C${start.x + pull} ${start.y} ${end.x - pull} ${end.y} ${end.x} ${end.y}`;
}

export const boxOf = (part) => ({
  x: part.at.x,
  y: part.at.y,
  width: Number(part.dataset.width) || WIDTH,
  height: Number(part.dataset.height),
});
