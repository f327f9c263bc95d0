// Who else has this draft open, and a socket that says when to look again. Without the socket the
// page looks by itself, and shows nobody.

const FIRST_DELAY = 1000;
const LAST_DELAY = 30000;
const GONE = 4404;

export class Together {
  constructor(page) {
    this.page = page;
    this.people = [];
    this.at = "";
    this.delay = FIRST_DELAY;
    this.socket = null;
    document.addEventListener("visibilitychange", () => { if (!document.hidden && page.late) page.look(); });
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.page.url}live`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.delay = FIRST_DELAY;
      this.page.isLive = true;
      this.page.look();
      this.say();
    });
    socket.addEventListener("message", (message) => this.take(JSON.parse(message.data)));
    socket.addEventListener("close", (event) => {
      this.page.isLive = false;
      this.people = [];
      this.show();
      if (event.code === GONE) { location.reload(); return; }
      setTimeout(() => this.connect(), this.delay * (0.7 + 0.6 * Math.random()));
      this.delay = Math.min(LAST_DELAY, 2 * this.delay);
    });
  }

  take(said) {
    if (said.people) { this.people = said.people; this.show(); }
    if (said.revision !== undefined) this.page.hear(said.revision);
  }

  // Which task is chosen here, by its path.
  chose(at) {
    if (at === this.at) return;
    this.at = at;
    this.say();
  }

  say() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ at: this.at }));
  }

  show() {
    const byName = new Map();
    for (const { name, at } of this.people) byName.set(name, [...(byName.get(name) ?? []), at]);
    const chips = [...byName].map(([name, places]) => {
      const chip = document.createElement("li");
      chip.textContent = name;
      const here = places.filter(Boolean).join(", ");
      chip.title = here ? `${name} has chosen ${here}` : `${name} has this draft open`;
      return chip;
    });
    const list = document.getElementById("people");
    list.replaceChildren(...chips);
    list.hidden = !chips.length;
    this.mark();
  }

  // The names beside the tasks that others have chosen; drawn again when a task is.
  mark() {
    const { level } = this.page;
    const prefix = level ? `${level}/` : "";
    const wanted = new Map();
    for (const { name, at } of this.people) {
      const id = at.startsWith(prefix) ? at.slice(prefix.length) : "";
      if (id && !id.includes("/")) wanted.set(`box-${id}`, [...(wanted.get(`box-${id}`) ?? []), name]);
    }
    for (const part of this.page.tiles.querySelectorAll("[data-people]")) if (!wanted.has(part.id)) delete part.dataset.people;
    for (const [id, names] of wanted) {
      const part = document.getElementById(id);
      if (part) part.dataset.people = names.join(", ");
    }
  }
}
