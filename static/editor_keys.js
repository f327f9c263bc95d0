// The keys of the canvas, and the list of them.

export const KEYS = {
  n: "add", c: "connect", "Shift+c": "connectInto", "Shift+i": "exposeInput", "Shift+o": "exposeOutput",
  Enter: "enter", Escape: "out", F2: "rename", d: "disable", Delete: "remove", Backspace: "remove",
  "Ctrl+Delete": "bridge", "Ctrl+Backspace": "bridge", "Ctrl+z": "undo", "Ctrl+Shift+z": "redo", "Ctrl+y": "redo",
  "Ctrl+c": "copy", "Ctrl+x": "cut", "Ctrl+v": "paste", "Ctrl+Shift+v": "pasteLinked", "Ctrl+d": "duplicate",
  "Alt+x": "group", "Alt+Shift+x": "unpack", "Ctrl+g": "frame", "Shift+s": "note", "Alt+Shift+t": "tidy",
  "Alt+Shift+l": "alignLeft", "Alt+Shift+u": "alignTop",
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
  "Shift+ArrowUp": "alsoUp", "Shift+ArrowDown": "alsoDown", "Shift+ArrowRight": "downstream", "Shift+ArrowLeft": "upstream",
  "Ctrl+a": "all", b: "boxSelect",
  "Alt+ArrowLeft": "nudgeLeft", "Alt+ArrowRight": "nudgeRight", "Alt+ArrowUp": "nudgeUp", "Alt+ArrowDown": "nudgeDown",
  0: "one", 1: "fit", ".": "fitSelected", "+": "nearer", "=": "nearer", "-": "farther", m: "map", v: "values", o: "outline", "Ctrl+Enter": "tryIt", "Ctrl+Shift+Enter": "tryTo", "Alt+Enter": "tryOnly", "Alt+Shift+Enter": "tryItem", "Ctrl+s": "saved", p: "pin", "Shift+p": "state", "?": "keys",
};

// Acts that draw or change, for those who look for them in a list.
export function showKeys(acts) {
  const sheet = document.getElementById("editor-keys");
  const rows = new Map();
  for (const [key, act] of Object.entries(KEYS)) rows.set(act, [...(rows.get(act) ?? []), key]);
  sheet.querySelector("dl").replaceChildren(...[...rows].map(([act, keys]) => {
    const row = document.createElement("div");
    const [name, what] = [document.createElement("dt"), document.createElement("dd")];
    for (const key of keys) { const kbd = document.createElement("kbd"); kbd.textContent = key; name.append(kbd, " "); }
    [what.textContent] = acts[act];
    row.append(name, what);
    return row;
  }));
  sheet.showModal();
}

export function nameOf(event) {
  const letter = event.key.length === 1;
  const shift = event.shiftKey && (!letter || /[a-z]/i.test(event.key));
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${letter ? event.key.toLowerCase() : event.key}`;
}
