// The graph of a run: what it says of its definition stays as new as the list of differences.

function tellDefinition() {
  const said = new Map();
  for (const line of document.querySelectorAll("#differences li[data-path]")) {
    if (!said.has(line.dataset.path)) said.set(line.dataset.path, line.dataset.inBox);
  }
  for (const box of document.querySelectorAll(".blueprint .box, .blueprint .frame")) {
    const words = said.get(box.dataset.path) ?? "";
    const line = box.querySelector(".differs");
    if (line.textContent !== words) line.textContent = words;
  }
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "differences" || event.detail.elt.id === "differences") tellDefinition();
});
