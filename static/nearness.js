// A large graph: only what is in view, and around it, is drawn with all it says. The boxes
// themselves stay, with their names for whoever hears the page, and can be reached by Tab.

// Pixels of the plane around what is in view, so that most moves change nothing.
const AROUND = 400;

const boxAt = (element) => ({ element, x: element.offsetLeft, y: element.offsetTop, width: element.offsetWidth, height: element.offsetHeight });

function flowAt(element) {
  const { x, y, width, height } = element.querySelector(".line").getBBox();
  return { element, x, y, width: width + 1, height: height + 1 };
}

const isWithin = (part, { x, y, width, height }) => part.x < x + width && part.x + part.width > x && part.y < y + height && part.y + part.height > y;
const isCovered = (part, { x, y, width, height }) => part.x >= x && part.y >= y && part.x + part.width <= x + width && part.y + part.height <= y + height;
const grown = ({ x, y, width, height }) => ({ x: x - AROUND, y: y - AROUND, width: width + 2 * AROUND, height: height + 2 * AROUND });

export class Nearness {
  constructor(plane) {
    const isLarge = plane.classList.contains("large");
    this.parts = isLarge ? [...[...plane.querySelectorAll(".box")].map(boxAt), ...[...plane.querySelectorAll(".flow")].map(flowAt)] : [];
    this.covered = null;
  }

  // `view` is what is in view, as a box on the plane; null where nothing on it can be read.
  look(view) {
    if (!this.parts.length || (view === null && this.covered === null)) return;
    if (view && this.covered && isCovered(view, this.covered)) return;
    this.covered = view && grown(view);
    for (const part of this.parts) {
      const isNear = this.covered !== null && isWithin(part, this.covered);
      if (isNear !== (part.isNear ?? false)) part.element.classList.toggle("near", isNear);
      part.isNear = isNear;
    }
  }
}
