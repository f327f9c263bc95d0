// Two versions side by side: what one drawing shows the other shows too, and each step through the
// list brings what it is about into sight.

const sides = [...document.querySelectorAll(".two-sides .canvas")];
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// The one that is scrolled leads for as long as it moves: the other may be too small to follow.
let leading = null;
let resting = 0;

for (const side of sides) {
  side.addEventListener("scroll", () => {
    if (leading && leading !== side) return;
    leading = side;
    clearTimeout(resting);
    resting = setTimeout(() => { leading = null; }, 150);
    for (const other of sides) if (other !== side) other.scrollTo(side.scrollLeft, side.scrollTop);
  });
}

// To the middle of its own drawing; the page itself stays where it is.
function show(place) {
  const part = place && document.getElementById(place);
  const side = part?.closest(".canvas");
  if (!side) return false;
  const [box, frame] = [part.getBoundingClientRect(), side.getBoundingClientRect()];
  leading = side;
  side.scrollTo({
    left: side.scrollLeft + box.left + box.width / 2 - frame.left - frame.width / 2,
    top: side.scrollTop + box.top + box.height / 2 - frame.top - frame.height / 2,
    behavior: calm.matches ? "auto" : "smooth",
  });
  for (const each of document.querySelectorAll(".svg-drawing [data-here]")) each.removeAttribute("data-here");
  part.setAttribute("data-here", "");
  return true;
}

const placeOf = (line) => decodeURIComponent(line?.querySelector("[data-shows]")?.hash.slice(1) ?? "");

document.querySelector(".change-list")?.addEventListener("click", (event) => {
  const link = event.target.closest("a, summary");
  if (!link) return;
  if (link.matches("[data-shows]")) { if (show(placeOf(link.closest("li")))) event.preventDefault(); return; }
  show(placeOf(link.matches("summary") ? link.closest("li") : document.querySelector(link.hash)));
});

show(placeOf(document.querySelector(".change-list > li:has([data-shows])")));
