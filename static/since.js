// What the last run gave at each port, which tasks are not what it ran, and which have a pinned
// output: marks on the canvas.

const AFTER = 600;
const HIDDEN = "anabranch-values-hidden";

export class Since {
  constructor(page) {
    this.page = page;
    this.said = {};
    this.isHidden = localStorage.getItem(HIDDEN) === "yes";
    this.ask();
  }

  // Some time after the last act, so that a row of acts asks once.
  soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.ask(), AFTER);
  }

  async ask() {
    try {
      const answer = await fetch(`${this.page.url}last-run/?${new URLSearchParams({ level: this.page.level })}`);
      if (answer.ok) this.said = await answer.json();
    } catch { /* the marks stay as they are */ }
    this.mark();
  }

  toggle() {
    this.isHidden = !this.isHidden;
    localStorage.setItem(HIDDEN, this.isHidden ? "yes" : "no");
    this.mark();
    if (!this.said.run) return "There is no run yet";
    return this.isHidden ? "The last run is not shown" : "The last run is shown";
  }

  mark() {
    const { values = {}, changed = [] } = this.isHidden ? {} : this.said;
    const stale = new Set(changed);
    const pinned = new Set(this.said.pinned);
    for (const part of this.page.tiles.querySelectorAll(".tile")) {
      const isStale = stale.has(part.dataset.id);
      part.toggleAttribute("data-changed", isStale);
      part.toggleAttribute("data-pinned", pinned.has(part.dataset.id));
      const about = [pinned.has(part.dataset.id) && "output pinned", isStale && "not run as it is now"].filter(Boolean);
      if (about.length) part.setAttribute("aria-description", about.join(", "));
      else part.removeAttribute("aria-description");
      for (const plug of part.querySelectorAll(".out .plug")) {
        const value = values[plug.dataset.end];
        if (value === undefined) delete plug.dataset.value;
        else plug.dataset.value = value;
      }
    }
  }
}
