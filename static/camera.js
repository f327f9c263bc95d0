// Where the canvas is looked at from: pan and zoom of one plane within its board.

const NEAREST = 2;
const FARTHEST = 0.15;
const EDGE = 48;
const GRID = 16;
// From here on nothing on it can be read.
const FAR = 0.55;
const REST = 200;

export class Camera {
  constructor(board, plane, told = () => {}) {
    this.board = board;
    this.plane = plane;
    // A large board moves a grid of its own; a background that moved would be painted anew.
    this.grid = board.querySelector("#grid");
    this.told = told;
    this.x = EDGE;
    this.y = EDGE;
    this.zoom = 1;
    board.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.draw();
  }

  // Drawn once with the next frame, however often the pointer says something until then.
  show() {
    this.keepMoving();
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  // While it moves, a plane may be a picture that is only shifted; at rest it is as sharp as near.
  keepMoving() {
    clearTimeout(this.resting);
    this.board.classList.add("moving");
    this.resting = setTimeout(() => this.board.classList.remove("moving"), REST);
  }

  draw() {
    this.plane.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    this.drawGrid(GRID * this.zoom * (this.zoom < FAR ? 4 : 1));
    this.board.classList.toggle("far", this.zoom < FAR);
    this.told(this.zoom, this.zoom < FAR ? null : this.view());
  }

  drawGrid(step) {
    const drawn = (this.grid ?? this.board).style;
    if (step !== this.step) drawn.backgroundSize = `${step}px ${step}px`;
    this.step = step;
    if (this.grid) drawn.transform = `translate(${this.x % step}px, ${this.y % step}px)`;
    else drawn.backgroundPosition = `${this.x}px ${this.y}px`;
  }

  // A point of the window, as a place on the plane.
  place(event) {
    const box = this.board.getBoundingClientRect();
    return {
      x: (event.clientX - box.left - this.x) / this.zoom,
      y: (event.clientY - box.top - this.y) / this.zoom,
    };
  }

  middle() {
    const box = this.board.getBoundingClientRect();
    return this.place({ clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 });
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.show();
  }

  zoomTo(zoom, event) {
    const box = this.board.getBoundingClientRect();
    const at = event ?? { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    const under = this.place(at);
    this.zoom = Math.min(NEAREST, Math.max(FARTHEST, zoom));
    this.x = at.clientX - box.left - under.x * this.zoom;
    this.y = at.clientY - box.top - under.y * this.zoom;
    this.show();
  }

  wheel(event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) this.zoomTo(this.zoom * Math.exp(-event.deltaY / 300), event);
    else if (event.shiftKey) this.pan(-event.deltaY, 0);
    else this.pan(-event.deltaX, -event.deltaY);
  }

  // Bring all of these boxes into view, no nearer than they are drawn, and no farther than `least`:
  // then their beginning is in view.
  fit(boxes, least = FARTHEST) {
    if (!boxes.length) return;
    const left = Math.min(...boxes.map((box) => box.x));
    const top = Math.min(...boxes.map((box) => box.y));
    const width = Math.max(...boxes.map((box) => box.x + box.width)) - left;
    const height = Math.max(...boxes.map((box) => box.y + box.height)) - top;
    const { clientWidth, clientHeight } = this.board;
    const zoom = Math.min(1, (clientWidth - 2 * EDGE) / width, (clientHeight - 2 * EDGE) / height);
    this.zoom = Math.max(least, zoom);
    this.x = Math.max(EDGE, (clientWidth - width * this.zoom) / 2) - left * this.zoom;
    this.y = Math.max(EDGE, (clientHeight - height * this.zoom) / 2) - top * this.zoom;
    this.show();
  }

  // Move as little as needed to have a box in view.
  reveal(box) {
    const { clientWidth, clientHeight } = this.board;
    const left = box.x * this.zoom + this.x;
    const top = box.y * this.zoom + this.y;
    const dx = left < EDGE ? EDGE - left : Math.min(0, clientWidth - EDGE - left - box.width * this.zoom);
    const dy = top < EDGE ? EDGE - top : Math.min(0, clientHeight - EDGE - top - box.height * this.zoom);
    if (dx || dy) this.pan(dx, dy);
  }

  // What is in view, as a box on the plane.
  view() {
    const { clientWidth, clientHeight } = this.board;
    return { x: -this.x / this.zoom, y: -this.y / this.zoom, width: clientWidth / this.zoom, height: clientHeight / this.zoom };
  }

  // Bring a place of the plane into the middle.
  centre(place) {
    const { clientWidth, clientHeight } = this.board;
    this.x = clientWidth / 2 - place.x * this.zoom;
    this.y = clientHeight / 2 - place.y * this.zoom;
    this.show();
  }
}
