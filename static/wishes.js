// What a person asks for wins over what the page asks for by itself. The inspector and the tree
// are asked for again when a run has changed (then the element asks for itself). Such a refresh
// waits for whatever a person has asked for meanwhile, and one that was asked for before is not
// shown but put off; of two wishes the later wins. Whatever is swapped, focus stays where it was.

const AREAS = new Map([["inspector-inner", "pane"], ["task-panel", "pane"], ["tree", "tree"], ["timeline", "tree"]]);
const FOCUSABLE = "a, button, summary, input, select, textarea, [tabindex]";

const awaited = { pane: new Set(), tree: new Set() };
const newest = {};
let held = null;

const areaOf = (element) => AREAS.get(element?.closest?.([...AREAS.keys()].map((id) => `#${id}`).join())?.id);
const isRefresh = (elt) => AREAS.has(elt.id);

export const isAwaited = (area) => awaited[area].size > 0;

document.addEventListener("htmx:beforeRequest", ({ detail: { elt, target, xhr } }) => {
  const area = areaOf(target);
  if (!area) return;
  if (AREAS.has(target.id)) newest[area] = xhr;
  if (isRefresh(elt)) return;
  awaited[area].add(xhr);
  xhr.addEventListener("loadend", () => awaited[area].delete(xhr));
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!AREAS.has(detail.target.id)) return;
  const area = areaOf(detail.target);
  const again = isRefresh(detail.requestConfig.elt);
  if (detail.xhr === newest[area] && !(again && isAwaited(area))) {
    held = detail.target.contains(document.activeElement) ? document.activeElement : null;
    return;
  }
  detail.shouldSwap = false;
  if (again) document.dispatchEvent(new CustomEvent("put-off", { detail: area }));
});

// What has a name is given its focus again by htmx; all else is known by where it leads and what
// it says.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const lost = held && !held.isConnected && document.activeElement === document.body ? held : null;
  held = null;
  if (!lost || !detail.target.id) return;
  const fresh = document.getElementById(detail.target.id);
  const isSame = (each) => each.getAttribute("href") === lost.getAttribute("href") && each.textContent === lost.textContent;
  [...(fresh?.querySelectorAll(FOCUSABLE) ?? [])].find(isSame)?.focus({ preventScroll: true });
});
