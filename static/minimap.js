// The whole level in a corner. The server draws its shapes; this shows what is in view, and the
// pointer moves the view. It says nothing that the canvas, and the outline, do not say.

const MARGIN = 160;
const HIDDEN = "anabranch-map-hidden";

export class Minimap {
  constructor(camera, boxes) {
    this.camera = camera;
    this.boxes = boxes;
    this.map = document.getElementById("map");
    this.view = document.getElementById("map-view");
    this.isHidden = localStorage.getItem(HIDDEN) === "yes";
    this.map.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      event.preventDefault();
      this.map.setPointerCapture(event.pointerId);
      this.go(event);
    });
    this.map.addEventListener("pointermove", (event) => { if (this.map.hasPointerCapture(event.pointerId)) this.go(event); });
    this.map.addEventListener("dblclick", (event) => event.stopPropagation());
    this.refit();
  }

  toggle() {
    this.isHidden = !this.isHidden;
    localStorage.setItem(HIDDEN, this.isHidden ? "yes" : "no");
    this.refit();
    return !this.isHidden;
  }

  // The map of all there is now; none of an empty level.
  refit() {
    const boxes = this.boxes();
    this.map.toggleAttribute("hidden", this.isHidden || !boxes.length);
    document.getElementById("map-toggle").setAttribute("aria-pressed", String(!this.isHidden));
    if (!boxes.length) return;
    const left = Math.min(...boxes.map((box) => box.x)) - MARGIN;
    const top = Math.min(...boxes.map((box) => box.y)) - MARGIN;
    const width = Math.max(...boxes.map((box) => box.x + box.width)) + MARGIN - left;
    const height = Math.max(...boxes.map((box) => box.y + box.height)) + MARGIN - top;
    this.map.querySelector("svg").setAttribute("viewBox", `${left} ${top} ${width} ${height}`);
    this.scale = Math.min(this.map.clientWidth / width, this.map.clientHeight / height);
    this.left = (this.map.clientWidth - width * this.scale) / 2 - left * this.scale;
    this.top = (this.map.clientHeight - height * this.scale) / 2 - top * this.scale;
    this.look();
  }

  look() {
    if (!this.scale || this.isHidden) return;
    const { x, y, width, height } = this.camera.view();
    this.view.style.transform = `translate(${this.left + x * this.scale}px, ${this.top + y * this.scale}px)`;
    this.view.style.width = `${width * this.scale}px`;
    this.view.style.height = `${height * this.scale}px`;
  }

  go(event) {
    const box = this.map.getBoundingClientRect();
    this.camera.centre({ x: (event.clientX - box.left - this.left) / this.scale, y: (event.clientY - box.top - this.top) / this.scale });
  }
}
