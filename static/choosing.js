// Lists to choose from, in one dialog: task types for a place and a port, ports to connect.

const chooser = document.getElementById("chooser");
const choices = document.getElementById("choices");
const search = document.getElementById("choose-words");

const GROUPS = { fits: "Fits", checked: "Checked in the run", misfit: "Does not fit" };

function open(title, done, { searching }) {
  chooser.querySelector("h2").textContent = title;
  search.hidden = !searching;
  choices.onclick = (event) => {
    const choice = event.target.closest("button");
    if (!choice) return;
    chooser.close();
    done(choice);
  };
  chooser.showModal();
  if (searching) search.focus();
  else choices.querySelector("button:enabled")?.focus();
}

// Task types, those first that fit the port in hand; `more` are choices besides.
export function chooseType(title, url, query, done, more = []) {
  const look = () => htmx.ajax("GET", `${url}palette/?${new URLSearchParams({ ...query, q: search.value })}`, { target: "#choices", swap: "innerHTML" })
    .then(() => choices.prepend(...(search.value ? [] : more.map(([value, words]) => item(words, "", { act: value })))));
  search.value = "";
  search.oninput = look;
  choices.replaceChildren();
  look();
  open(title, done, { searching: true });
}

// Ports by how they fit; what does not fit is shown, and says why.
export function choosePort(title, fits, done) {
  choices.replaceChildren();
  for (const [verdict, words] of Object.entries(GROUPS)) {
    const found = Object.entries(fits).filter(([, [how]]) => how === verdict);
    if (found.length) choices.append(heading(words));
    for (const [end, [, why]] of found) choices.append(item(end, why, { end }, verdict === "misfit"));
  }
  if (!choices.children.length) choices.append(heading("There is no other task with a port on this side."));
  open(title, (choice) => done(choice.dataset.end), { searching: false });
}

// One of a few things, or the only one at once.
export function chooseOne(title, names, done) {
  if (names.length <= 1) { if (names.length) done(names[0]); return; }
  choices.replaceChildren(...names.map((name) => item(name, "", { end: name })));
  open(title, (choice) => done(choice.dataset.end), { searching: false });
}

function heading(words) {
  const line = document.createElement("li");
  line.className = "heading";
  line.textContent = words;
  return line;
}

function item(words, why, data, disabled = false) {
  const line = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.disabled = disabled;
  Object.assign(button.dataset, data);
  const name = document.createElement("b");
  name.textContent = words;
  button.append(name);
  if (why) { const small = document.createElement("span"); small.textContent = why; button.append(small); }
  line.append(button);
  return line;
}

chooser.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target === search) {
    event.preventDefault();
    choices.querySelector("button:enabled")?.click();
    return;
  }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const all = [...chooser.querySelectorAll("#choose-words:not([hidden]), #choices button:enabled")];
  const at = all.indexOf(document.activeElement);
  all[Math.min(all.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))]?.focus();
  event.preventDefault();
});
