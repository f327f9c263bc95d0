// Notes and frames: put down where there is a look at them, written where they stand.

import { boxOf } from "./draft.js";
import { snap, thingOf } from "./gestures.js";

export function notesOn({ page, selection, camera, board }) {
  function putDown(kind) {
    const boxes = selection.all().map(boxOf);
    const at = camera.middle();
    const id = `${kind[0]}${Date.now().toString(36)}`;
    const box = kind === "frame" && boxes.length ? around(boxes) : [snap(at.x - 120), snap(at.y - 60), 240, kind === "frame" ? 160 : 112];
    const text = kind === "frame" ? { title: "Part" } : { text: "Note" };
    page.act({ op: kind, id, [kind]: { box, inside: page.level, ...text } })
      .then(() => { const made = document.getElementById(`${kind}-${id}`); if (made) { selection.take(made); write(made); } });
  }

  // A note, or the title of a frame, is written where it stands.
  function write(part) {
    const field = document.createElement("textarea");
    const before = part.dataset.note ? part.dataset.text : part.textContent;
    field.value = before;
    field.className = "writing";
    field.setAttribute("aria-label", part.dataset.note ? "Note" : "Title of the frame");
    part.append(field);
    field.select();
    let given = false;
    const done = (keep) => {
      if (given) return;
      given = true;
      field.remove();
      board.focus({ preventScroll: true, focusVisible: false });
      if (keep && field.value !== before) page.act(thingOf(part, page.level, part.dataset.note ? { text: field.value } : { title: field.value.slice(0, 200) }));
    };
    field.addEventListener("blur", () => done(true));
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") done(false);
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey || part.dataset.frame)) { event.preventDefault(); done(true); }
    });
  }

  return { putDown, write };
}

function around(boxes) {
  const [left, top] = [Math.min(...boxes.map((box) => box.x)) - 24, Math.min(...boxes.map((box) => box.y)) - 48];
  return [left, top, Math.max(...boxes.map((box) => box.x + box.width)) + 24 - left, Math.max(...boxes.map((box) => box.y + box.height)) + 24 - top];
}
