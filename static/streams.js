// The streams on a page: what comes is put after what is there, unless somebody paused the view;
// then it is held back, and the button counts it.

const held = new Map();

const buttonOf = (stream) => stream.parentElement.querySelector("[data-pause]");

// Whether somebody reads a stream that stands still.
export function isPaused() {
  for (const stream of held.keys()) if (!stream.isConnected) held.delete(stream);
  return held.size > 0;
}

// Shows a chunk, or holds it back; `skew` is how far ahead the server's clock is, in ms.
export function append(stream, chunk, skew) {
  if (!held.has(stream)) { show(stream, chunk, skew); return; }
  held.get(stream).push([chunk, skew]);
  sayHeld(stream);
}

function sayHeld(stream) {
  const next = Number(stream.dataset.next);
  const chunks = held.get(stream)?.reduce((most, [chunk]) => Math.max(most, chunk.first + chunk.count), next) - next;
  const button = buttonOf(stream);
  button.setAttribute("aria-pressed", String(held.has(stream)));
  button.textContent = held.has(stream) ? `Go on: ${chunks} chunk${chunks === 1 ? "" : "s"} held back` : "Pause view";
}

document.addEventListener("click", (event) => {
  const stream = event.target.closest("[data-pause]")?.parentElement.parentElement.querySelector("[data-stream]");
  if (!stream) return;
  const chunks = held.get(stream);
  if (!chunks) held.set(stream, []);
  else held.delete(stream);
  for (const [chunk, skew] of chunks ?? []) show(stream, chunk, skew);
  sayHeld(stream);
});

// Each stream carries its own place, (attempt, next chunk): what it has, it ignores.
function show(stream, chunk, skew) {
  const data = stream.dataset;
  if (chunk.attempt < Number(data.attempt)) return;
  if (chunk.attempt > Number(data.attempt)) {
    stream.textContent = "";
    data.attempt = chunk.attempt;
    data.next = 0;
    keepPace(stream, null, skew);
  }
  const known = Math.max(0, Number(data.next) - chunk.first);
  if (known >= chunk.count) return;
  data.next = chunk.first + chunk.count;
  const follows = stream.scrollHeight - stream.scrollTop - stream.clientHeight < 50;
  const text = textOf(chunk, known, data);
  if (data.replace === "yes" && !chunk.skipped) stream.textContent = text;
  else stream.append(text);
  keepPace(stream, chunk.skipped ?? new TextEncoder().encode(text).length, skew);
  if (follows) stream.scrollTop = stream.scrollHeight;
}

function textOf(chunk, known, data) {
  if (chunk.skipped) return `\n… ${Math.ceil(chunk.skipped / 1000)} kB skipped, open full output …\n`;
  if (data.replace === "yes") return chunk.items.at(-1);
  return chunk.items.slice(known).map((item) => (data.text === "yes" ? item : `${item}\n`)).join("");
}

// How much came and how fast, beside a stream; `bytes` is null where a new attempt begins it anew.
function keepPace(stream, bytes, skew) {
  const pace = stream.parentElement.querySelector(".pace");
  if (!pace) return;
  if (bytes === null) { pace.dataset.size = 0; pace.dataset.opened = ""; return; }
  const { data, now } = { data: pace.dataset, now: Date.now() + skew };
  data.opened ||= new Date(now).toISOString();
  data.size = (stream.dataset.replace === "yes" ? 0 : Number(data.size)) + bytes;
  const seconds = (now - Date.parse(data.opened)) / 1000;
  const say = (part, words) => { pace.querySelector(`[data-${part}]`).textContent = words; };
  const chunks = Number(stream.dataset.next);
  say("chunks", `${chunks} chunk${chunks === 1 ? "" : "s"}`);
  say("weight", saySize(data.size));
  if (stream.dataset.replace !== "yes" && seconds > 0.2) say("rate", `· ${saySize(Math.round(data.size / seconds))}/s`);
}

function saySize(size) {
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return size < 1e4 ? `${(size / 1000).toFixed(1)} kB` : `${Math.floor(size / 1000)} kB`;
  return `${(size / 1e6).toFixed(1)} MB`;
}

function offer() {
  for (const button of document.querySelectorAll("[data-pause]")) button.hidden = false;
}

document.addEventListener("htmx:afterSettle", offer);
offer();
