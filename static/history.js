// The grid of a workflow's runs: one of its links is in the order of Tab, arrows go to the others.

const OFTEN = 3000;
const grid = document.querySelector("[data-grid]");

const linkAt = (row, column) => grid.rows[row]?.cells[column]?.querySelector("a");

// What lies next in a direction; a place without a link is passed over.
function next(cell, down, right) {
  let row = cell.parentElement.rowIndex + down;
  let column = cell.cellIndex + right;
  while (grid.rows[row]?.cells[column]) {
    const link = linkAt(row, column);
    if (link) return link;
    row += down;
    column += right;
  }
  return null;
}

const ends = (row) => [...row.querySelectorAll("a")];

const STEPS = {
  ArrowUp: (cell) => next(cell, -1, 0),
  ArrowDown: (cell) => next(cell, 1, 0),
  ArrowLeft: (cell) => next(cell, 0, -1),
  ArrowRight: (cell) => next(cell, 0, 1),
  Home: (cell) => ends(cell.parentElement)[0],
  End: (cell) => ends(cell.parentElement).at(-1),
};

function hold(link) {
  grid.querySelector('a[tabindex="0"]')?.setAttribute("tabindex", "-1");
  link.setAttribute("tabindex", "0");
}

// What goes on changes in the newest column only, and nothing in hand is replaced by it.
async function follow() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-grid]");
  const newest = (table) => [...table.rows].map((row) => row.querySelector("[data-newest]"));
  const [now, next] = [newest(grid), fresh ? newest(fresh) : []];
  if (next[0]?.dataset.newest !== now[0].dataset.newest) return;
  now.forEach((cell, row) => { if (cell && next[row]) take(cell, next[row]); });
  if (!fresh.hasAttribute("data-moving")) clearInterval(following);
}

function take(cell, fresh) {
  const [link, said] = [cell.querySelector("a"), fresh.querySelector("a")];
  if (!link || !said) {
    said?.setAttribute("tabindex", "-1");
    cell.replaceChildren(...fresh.childNodes);
    return;
  }
  for (const name of ["data-status", "title", "aria-label"]) link.setAttribute(name, said.getAttribute(name));
  link.replaceChildren(...said.childNodes);
}

const following = grid?.hasAttribute("data-moving") ? setInterval(follow, OFTEN) : 0;

if (grid) {
  for (const link of grid.querySelectorAll("a")) link.setAttribute("tabindex", "-1");
  const first = ends(grid.rows[1] ?? grid.rows[0]).at(-1) ?? grid.querySelector("a");
  if (first) hold(first);
  const around = grid.parentElement;
  const newest = first?.closest("td, th");
  // On a narrow screen, the newest run is what one comes for.
  if (newest) around.scrollLeft = newest.offsetLeft + newest.offsetWidth - around.clientWidth;
  grid.addEventListener("focusin", (event) => { if (event.target.matches("a")) hold(event.target); });
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td, th");
    const step = !event.ctrlKey && !event.metaKey && !event.altKey && STEPS[event.key];
    if (!cell || !step) return;
    event.preventDefault();
    step(cell)?.focus();
  });
}
