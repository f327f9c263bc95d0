// Keeps a run page up to date. The server sends numbered frames of rendered fragments and of
// chunks; each is applied once, in one animation frame. The socket is only a way to hear sooner:
// what ends a run is what the frames say, never the end of the socket.

import { append, isPaused } from "./streams.js";
import { isAwaited } from "./wishes.js";

const PATIENCE = 3000;
// A socket that is silent for so long is dead, whatever the browser thinks of it.
const DEAD = 10000;
// What a page has taken it says after so many characters, or so long.
const ENOUGH = 131072;
const OFTEN = 4000;
const LONG_OUTAGE = 120000;
const FIRST_DELAY = 500;
const LAST_DELAY = 15000;
const AGAIN = 1500;

const run = document.getElementById("run");
const bar = document.getElementById("not-live");
const dot = document.getElementById("live-dot");

const state = {
  seq: Number(run?.dataset.seq ?? 0),
  over: run?.dataset.over === "yes",
  paused: document.getElementById("run-header")?.dataset.status === "paused",
  socket: null,
  delay: FIRST_DELAY,
  heard: Date.now(),
  opened: 0,
  staleSince: null,
  behindAt: 0,
  skew: 0,
  frames: [],
  taken: 0,
  told: 0,
  toldAt: 0,
  shown: 0,
  spokenAt: 0,
};

// ── the socket ──────────────────────────────────────────────────────────────────────────────────

function connect() {
  if (state.over) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const query = `?after=${state.seq}&view=${run.dataset.view}`;
  const socket = new WebSocket(`${scheme}//${location.host}${run.dataset.liveUrl}${query}`);
  let opened = false;
  state.socket = socket;
  state.opened = Date.now();
  state.taken = state.told = state.shown = 0;
  socket.addEventListener("open", () => { opened = true; state.heard = Date.now(); });
  socket.addEventListener("message", (message) => { if (state.socket === socket) receive(message.data); });
  socket.addEventListener("close", (event) => { if (state.socket === socket) closed(event.code, opened); });
}

function closed(code, opened) {
  state.socket = null;
  if (state.over) return;
  if (code === 4404) { location.reload(); return; }
  if (!opened) stillMine();
  setTimeout(connect, state.delay * (0.7 + 0.6 * Math.random()));
  state.delay = Math.min(LAST_DELAY, state.delay * 2);
}

// A refused handshake looks like a dead server; only the page itself knows which it was.
async function stillMine() {
  try {
    const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" });
    if ([404, 410].includes(answer.status) || answer.type === "opaqueredirect") location.reload();
  } catch { /* the server does not answer: keep trying */ }
}

function receive(text) {
  const frame = JSON.parse(text);
  state.taken += 1;
  state.shown += text.length;
  if (frame.reload) { location.reload(); return; }
  hear(frame.upto ?? state.seq);
  if (frame.ping) return;
  if (frame.after > state.seq) { state.socket?.close(); return; }
  if (frame.upto > state.seq) state.seq = frame.upto;
  state.frames.push(frame);
  if (state.frames.length > 1) return;
  if (document.hidden) setTimeout(applyAll, 200);
  else requestAnimationFrame(applyAll);
}

function applyAll() {
  const frames = state.frames;
  state.frames = [];
  const fragments = new Map();
  for (const frame of frames) {
    for (const html of frame.fragments ?? []) fragments.set(html.slice(0, html.indexOf(">")).match(/ id="([^"]*)"/)?.[1], html);
  }
  for (const [id, html] of fragments) if (document.getElementById(id)) patch(html);
  for (const frame of frames) {
    for (const chunk of frame.chunks ?? []) take(chunk);
    for (const line of frame.lines ?? []) write(line);
    if (frame.again) drawAgain();
    if (frame.now) state.skew = Date.parse(frame.now) - Date.now();
    speak(frame.words, frame.status === "failed");
    if (frame.ended) end();
    else if ((frame.status === "paused") !== state.paused) refreshControls();
    state.paused = frame.status === "paused";
  }
  nameTab();
  acknowledge();
}

// The server sends no more than a page takes: it is told what was shown, not what arrived. It is
// not told of every frame: with a thousand pages that would be more work than to send them.
function acknowledge() {
  if (state.taken === state.told || state.socket?.readyState !== WebSocket.OPEN) return;
  if (state.shown < ENOUGH && Date.now() - state.toldAt < OFTEN) return;
  state.told = state.taken;
  state.toldAt = Date.now();
  state.shown = 0;
  state.socket.send(JSON.stringify({ taken: state.taken }));
}

// ── fragments ───────────────────────────────────────────────────────────────────────────────────

function parse(html) {
  const template = document.createElement("template");
  const drawn = html.startsWith("<g");
  template.innerHTML = drawn ? `<svg>${html}</svg>` : html;
  return drawn ? template.content.firstElementChild.firstElementChild : template.content.firstElementChild;
}

// Whether there is more to see of a task than its head: its result, what it asks, or another tab
// that matters now, where nobody chose one.
function changes(before, after) {
  const panel = document.getElementById("task-panel");
  if (panel?.dataset.follows === "yes" && after.tab !== panel.dataset.tab) return true;
  if (after.over === "yes" && before.over === "no") return true;
  return after.status === "awaiting" && before.status !== "awaiting";
}

// Replaces what has no focus to lose: an element without leaves as a whole, else leaf by leaf.
function patch(html) {
  const fresh = parse(html.trim());
  const shown = fresh && document.getElementById(fresh.id);
  if (!shown) return;
  if (fresh.id === "run-problem" && fresh.dataset.about !== shown.dataset.about) refreshControls();
  if (fresh.id.startsWith("task-head-") && changes(shown.dataset, fresh.dataset)) refreshPane();
  const leaves = fresh.querySelectorAll("[data-leaf]");
  if (!leaves.length) {
    if (!shown.contains(document.activeElement)) shown.replaceWith(fresh);
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  for (const leaf of leaves) {
    const old = shown.querySelector(`[data-leaf="${leaf.dataset.leaf}"]`);
    if (old && old.outerHTML !== leaf.outerHTML) old.replaceWith(leaf);
  }
}

// ── chunks and log lines ────────────────────────────────────────────────────────────────────────

function take(chunk) {
  let found = false;
  for (const stream of document.querySelectorAll(".stream")) {
    if (stream.dataset.path !== chunk.path || stream.dataset.port !== chunk.port) continue;
    found = true;
    append(stream, chunk, state.skew);
  }
  const open = document.getElementById("task");
  const isShown = document.getElementById("task-panel")?.dataset.tab === "stream";
  if (!found && isShown && open.dataset.path === chunk.path) refreshPane();
}

function write(line) {
  writeToAll(line);
  for (const log of document.querySelectorAll(".log[data-path]")) {
    if (log.dataset.path !== line.path || Number(log.dataset.seq) >= line.seq) continue;
    log.dataset.seq = line.seq;
    const row = document.createElement("li");
    row.dataset.level = line.level;
    for (const text of [line.at, line.level, line.message]) {
      const cell = document.createElement("span");
      cell.textContent = text;
      row.append(cell);
    }
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 50;
    log.append(row);
    if (follows) log.scrollTop = log.scrollHeight;
  }
}

// ── the log of the whole run ────────────────────────────────────────────────────────────────────

const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
const runLog = () => document.getElementById("log-lines");
const rank = (level) => LEVELS.indexOf(level) < 0 ? 1 : LEVELS.indexOf(level);
let unread = 0;

// The same rule as on the server: the task with what is inside, the level or worse, the words.
function isAskedFor(line, { task, level, words }) {
  if (task && line.path !== task && !line.path.startsWith(`${task}/`) && !line.path.startsWith(`${task}[`)) return false;
  if (level && rank(line.level) < rank(level)) return false;
  return !words || line.message.toLowerCase().includes(words.toLowerCase());
}

function writeToAll(line) {
  const log = runLog();
  if (!log || Number(log.dataset.last) >= line.seq) return;
  log.dataset.last = line.seq;
  if (!isAskedFor(line, log.dataset)) return;
  const follows = log.dataset.newest === "yes" && log.scrollHeight - log.scrollTop - log.clientHeight < 50;
  if (log.dataset.newest === "yes") log.append(rowOfLog(line));
  if (!follows) { sayUnread(unread + 1); return; }
  while (log.children.length > Number(log.dataset.atMost)) log.firstElementChild.remove();
  log.scrollTop = log.scrollHeight;
}

function rowOfLog(line) {
  const row = document.createElement("li");
  row.id = `L${line.seq}`;
  row.dataset.level = line.level;
  const link = document.createElement("a");
  const here = new URL(location.href);
  here.searchParams.delete("before");
  here.searchParams.set("line", line.seq);
  link.href = `${here.search}#L${line.seq}`;
  link.textContent = line.at;
  const task = document.createElement("a");
  task.className = "log-task";
  task.dataset.path = line.path;
  task.href = `${location.pathname}tasks/${line.path.split("/").map(encodeURIComponent).join("/")}/`;
  task.textContent = line.path;
  const [level, text] = [document.createElement("span"), document.createElement("span")];
  level.textContent = line.level;
  text.className = "log-text";
  text.textContent = line.message;
  row.append(link, task, level, text);
  return row;
}

function sayUnread(number) {
  unread = number;
  const button = document.getElementById("log-new");
  if (!button) return;
  button.hidden = !number;
  button.textContent = `${number} new line${number === 1 ? "" : "s"} ↓`;
}

function toNewest() {
  const log = runLog();
  if (log.dataset.newest !== "yes") { location.search = log.dataset.address; return; }
  log.scrollTop = log.scrollHeight;
  sayUnread(0);
}

if (runLog()) {
  if (!location.hash.startsWith("#L")) runLog().scrollTop = runLog().scrollHeight;
  document.getElementById("log-new").addEventListener("click", toNewest);
  runLog().addEventListener("scroll", () => {
    const log = runLog();
    if (unread && log.dataset.newest === "yes" && log.scrollHeight - log.scrollTop - log.clientHeight < 50) sayUnread(0);
  });
}

// ── more than fits into frames ──────────────────────────────────────────────────────────────────

let drawingAgain = 0;

// So much has changed that the page rather asks for what it shows itself, but not all the time.
function drawAgain() {
  if (!document.querySelector("#tree, #timeline, #graph-view") || drawingAgain) return;
  drawingAgain = setTimeout(() => {
    drawingAgain = 0;
    if (isAwaited("tree")) drawAgain();
    else fetchTree();
  }, AGAIN);
  if (document.getElementById("task")) refreshPane();
}

function fetchTree() {
  document.dispatchEvent(new Event("redraw"));
  const tree = document.querySelector("#tree, #timeline");
  const focused = document.activeElement;
  if (!tree || (tree.id === "timeline" && tree.contains(focused) && !focused.id)) return;
  htmx.ajax("GET", location.pathname + tree.dataset.again, { source: tree, target: tree, swap: "outerHTML" });
}

// What was drawn anew is as of a number. If the page has been told more by then, it is told again.
function drawnAt(seq) {
  if (!(seq < state.seq)) return;
  state.seq = seq;
  state.delay = 50;
  if (state.over) { state.over = false; connect(); }
  else state.socket?.close();
}

// What somebody unfolded stays so.
let unfolded = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  unfolded = [...event.detail.target.querySelectorAll("details[id][open]")].map((each) => each.id);
});

document.addEventListener("drawn", (event) => drawnAt(event.detail.seq));
document.addEventListener("htmx:afterSwap", (event) => {
  const { id } = event.detail.target;
  for (const each of unfolded.splice(0)) document.getElementById(each)?.setAttribute("open", "");
  if (id === "tree" || id === "timeline") drawnAt(Number(document.getElementById(id)?.dataset.seq));
});

// ── the inspector ───────────────────────────────────────────────────────────────────────────────

let refreshing = 0;

// Who reads along stays with the stream when it ends.
function addressOf({ dataset }) {
  return dataset.follows === "yes" && dataset.tab === "stream" ? `${dataset.url}?tab=stream` : dataset.url;
}

// Not put off by what comes meanwhile: a task may change with each frame.
function refreshPane() {
  refreshing ||= setTimeout(() => {
    refreshing = 0;
    // Who fills in an answer there keeps what was typed, and who paused a stream what is shown.
    if (isAwaited("pane") || isPaused() || document.activeElement.closest?.("#inspector-inner form")) { refreshPane(); return; }
    const [pane, open] = [document.getElementById("inspector-inner"), document.getElementById("task-panel")];
    const url = open ? addressOf(open) : `${location.pathname}?part=result`;
    htmx.ajax("GET", url, { source: pane, target: pane, swap: "innerHTML" });
  }, 250);
}

document.addEventListener("put-off", (event) => (event.detail === "pane" ? refreshPane() : drawAgain()));

// ── the words, the end ────────────────────────────────────────────────────────────────

function speak(words, failed) {
  const line = document.getElementById("live-words");
  if (!line || !words || line.textContent === words) return;
  if (!failed && Date.now() - state.spokenAt < 5000) return;
  state.spokenAt = Date.now();
  line.setAttribute("aria-live", failed ? "assertive" : "polite");
  line.textContent = words;
}

// Where the run stands is said in the tab of the browser, too.
function nameTab() {
  const header = document.getElementById("run-header");
  if (!header) return;
  document.title = `${header.dataset.glyph} ${header.dataset.count} ${run.dataset.title} – Runs`;
  const icon = document.querySelector('link[rel="icon"]');
  if (icon.getAttribute("href") !== header.dataset.icon) icon.setAttribute("href", header.dataset.icon);
}

function end() {
  state.over = true;
  for (const clock of document.querySelectorAll("#run-header [data-since]")) clock.removeAttribute("data-since");
  show("ended", "off");
  refreshPane();
  refreshControls();
}

function refreshControls() {
  const controls = document.getElementById("run-controls");
  if (controls) htmx.ajax("GET", `${location.pathname}?part=controls`, { source: controls, target: controls, swap: "outerHTML" });
}

// ── being live, or not ──────────────────────────────────────────────────────────────────────────

function show(words, live) {
  if (!dot) return;
  dot.textContent = words;
  dot.dataset.live = live;
}

function hear(upto) {
  state.heard = Date.now();
  if (state.staleSince) {
    const missed = Math.max(0, upto - state.behindAt);
    state.staleSince = null;
    document.body.classList.remove("stale");
    bar.textContent = `Live again: caught up, ${missed} events.`;
    setTimeout(() => { if (!state.staleSince) bar.hidden = true; }, 4000);
  }
  state.delay = FIRST_DELAY;
  if (!state.over) show("live", "yes");
}

function watchSilence() {
  if (state.over || Date.now() - state.heard < PATIENCE) return;
  if (state.socket && Date.now() - Math.max(state.heard, state.opened) > DEAD) giveUp();
  if (!state.staleSince) {
    state.staleSince = state.heard;
    state.behindAt = state.seq;
    document.body.classList.add("stale");
    const since = new Date(state.heard).toLocaleTimeString([], { hour12: false });
    bar.textContent = `Not live since ${since} – reconnecting`;
    bar.hidden = false;
    show("not live", "no");
  }
}

// The network went away without a word, or the computer slept: nobody will ever close this socket.
function giveUp() {
  const socket = state.socket;
  closed(0, true);
  socket.close();
}

function fetchInstead() {
  const silent = state.staleSince && Date.now() - state.staleSince > LONG_OUTAGE;
  if (silent) fetchTree();
}

function tickClocks() {
  if (state.staleSince || state.over) return;
  for (const clock of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, (Date.now() + state.skew - Date.parse(clock.dataset.since)) / 1000);
    clock.textContent = say(seconds);
  }
}

function say(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const pad = (number) => String(Math.floor(number)).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad((seconds % 3600) / 60)} min`;
}

// Whoever opens the items of a map wants to hear of them from then on.
document.addEventListener("htmx:afterSwap", (event) => {
  if (run?.dataset.view !== "tree" || !event.target.closest?.(".items")) return;
  run.dataset.view = "items";
  state.delay = 50;
  state.socket?.close();
});

if (run && !state.over) {
  connect();
  setInterval(watchSilence, 250);
  setInterval(tickClocks, 1000);
  setInterval(fetchInstead, 5000);
}
