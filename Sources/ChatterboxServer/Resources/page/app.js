/** The page: what its parts tell one another. */

import { calls } from "./calls.js";
import { clock, element, save, say, sentence, setIcon } from "./dom.js";
import { History } from "./history.js";
import { Player } from "./player.js";
import { Reader } from "./reader.js";
import { Server } from "./server.js";
import { Settings } from "./settings.js";
import { Status } from "./status.js";
import { Take } from "./take.js";
import { Timeline } from "./timeline.js";
import { Voices } from "./voices.js";
import { usualRate } from "./words.js";

const server = new Server(), settings = new Settings(), player = new Player(), status = new Status(server);
const timeline = new Timeline(element("timeline"), element("wave"), element("spectrum"), element("cursor"));
const reader = new Reader(element("reader"));
const history = new History(element("history-list"), element("history-empty"), element("clear-history"));
const voices = new Voices(server, () => settings.model.value);
const text = /** @type {HTMLTextAreaElement} */ (element("text")), format = /** @type {HTMLSelectElement} */ (element("format"));
const message = element("message"), draftName = "chatterbox-draft";

// MARK: speaking

/** @type {AbortController | null} What ends the speech that is being made. */
let making = null;

async function speak() {
  if (making || !text.value.trim()) return text.focus();
  const take = new Take({ ...settings.fields, input: text.value }), { signal } = (making = new AbortController());
  show(take);
  player.play();
  showMaking();
  say(message, "");
  try {
    await take.make(server, signal);
  } catch (error) {
    if (!signal.aborted) say(message, sentence(error), "error");
  }
  making = null;
  showMaking();
  showFigures();
  void status.look();
  // Whoever loads a model finds it loaded in the list.
  void refresh();
  if (take.seconds > 0) await history.add(take).catch(() => {});
}

/** Ends what is being made, which frees the server, and what is heard. */
function stop() {
  making?.abort();
  player.stop();
}

/** @param {Take} take */
function show(take) {
  player.load(take);
  timeline.show(take);
  reader.show(take.words);
  element("player").hidden = false;
  element("player").scrollIntoView({ block: "nearest", behavior: "smooth" });
  for (const name of ["start", "sound", "end", "words"]) take.addEventListener(name, showFigures);
  take.addEventListener("start", () => say(message, take.warnings.join(" ")));
  showFigures();
  showCall();
}

function showMaking() {
  element("speak").hidden = making !== null;
  element("stop").hidden = making === null;
  document.body.dataset.making = String(making !== null);
  void status.look();
}

function showFigures() {
  const take = player.take;
  if (!take) return;
  const { first, all } = take.figures, seed = take.order.seed;
  const parts = first ? [`first sound after ${first.toFixed(2)} s`] : [making ? "waiting for the first sound" : "no sound"];
  if (take.isWhole && all > 0) parts.push(`${(take.seconds / all).toFixed(1)}× real time`);
  element("figures").textContent = parts.join(" · ");
  element("keep-seed").hidden = seed === undefined;
  element("keep-seed").textContent = `seed ${seed}`;
  element("download").disabled = !take.isWhole || take.seconds === 0;
  element("estimated").hidden = !take.words.areEstimated;
}

// MARK: playing

function togglePlaying() {
  if (player.isPlaying) player.pause();
  else player.play();
}

/** @param {number} seconds */
function seek(seconds) {
  player.seek(seconds);
  draw();
}

function showPlaying() {
  const button = element("play"), isPlaying = player.isPlaying;
  setIcon(button, isPlaying ? "pause" : "play");
  button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
  button.dataset.waiting = String(player.isWaiting);
}

/** Shows where playing stands; called before each picture of the screen while there is a take. */
function draw() {
  const take = player.take;
  if (!take) return;
  const position = player.position;
  timeline.draw(position);
  reader.draw(position);
  element("time").textContent = `${clock(position)} / ${take.isWhole ? "" : "about "}${clock(take.expectedSeconds)}`;
}

function animate() {
  draw();
  window.requestAnimationFrame(animate);
}

async function download() {
  const take = player.take, button = element("download"), extension = format.value;
  if (!take) return;
  button.disabled = true;
  try {
    save(await take.file(server, extension), `speech.${extension}`);
  } catch (error) {
    say(message, sentence(error), "error");
  }
  button.disabled = false;
}

// MARK: text

function showText() {
  const count = text.value.length;
  element("count").textContent = count ? `${count.toLocaleString("en")} characters, about ${clock(Math.max(1, count / usualRate))}` : "";
  element("speak").disabled = !text.value.trim();
  // A book is not kept: browsers have room for a few megabytes.
  localStorage.setItem(draftName, text.value.length < 200_000 ? text.value : "");
  showCall();
}

/** @param {File | undefined} file */
async function openText(file) {
  if (!file) return;
  text.value = await file.text();
  showText();
}

function insertPause() {
  text.setRangeText(" [pause:0.5s] ", text.selectionStart, text.selectionEnd, "end");
  text.focus();
  showText();
}

// MARK: the call

let language = "curl";

function showCall() {
  const order = { ...settings.fields, input: text.value || "The ship was late.", response_format: format.value };
  element("call").textContent = calls[language]({ order, address: server.address, hasKey: server.key !== null });
}

/** @param {HTMLElement} tab */
function chooseLanguage(tab) {
  language = tab.dataset.language ?? "curl";
  for (const other of document.querySelectorAll("[data-language]")) {
    other.setAttribute("aria-selected", String(other === tab));
    /** @type {HTMLElement} */ (other).tabIndex = other === tab ? 0 : -1;
  }
  element("call-panel").setAttribute("aria-labelledby", tab.id);
  showCall();
}

async function copyCall() {
  try {
    await navigator.clipboard.writeText(element("call").textContent);
    element("copy").textContent = "Copied";
  } catch {
    // Pages over plain HTTP may not write to the clipboard: the person does.
    window.getSelection()?.selectAllChildren(element("call"));
    element("copy").textContent = "Selected: press Ctrl C";
  }
  window.setTimeout(() => (element("copy").textContent = "Copy"), 2000);
}

// MARK: the server

async function refresh() {
  try {
    const [models, all] = await Promise.all([server.models(), server.voices()]);
    settings.showModels(models);
    // Those that come with other models are theirs alone.
    const own = all.filter(({ models }) => !models || models.includes(settings.model.value));
    settings.showVoices(own.map(({ id }) => id));
    voices.show(own);
    showCall();
  } catch (error) {
    say(message, sentence(error), "error");
  }
}

function showStatus() {
  element("status").dataset.state = status.state;
  element("status-text").textContent = status.sentence;
  element("forget-key").hidden = server.key === null;
}

/** Asks for the key; null where the person gives none. */
server.askForKey = () => {
  const dialog = /** @type {HTMLDialogElement} */ (element("key-dialog")), field = element("key");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      const key = field.value.trim();
      done(dialog.returnValue === "use" && key ? { key, stays: element("key-stays").checked } : null);
      field.value = "";
    }, { once: true });
  });
};

// MARK: colours

/** @param {string} theme "light", "dark" or "" for the system's. */
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  if (theme) localStorage.setItem("chatterbox-theme", theme);
  timeline.repaint();
}

function toggleTheme() {
  setTheme(getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim() === "1" ? "light" : "dark");
}

// MARK: connections

element("speak-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  void speak();
});
element("stop").addEventListener("click", stop);
element("play").addEventListener("click", togglePlaying);
element("back").addEventListener("click", () => seek(0));
element("download").addEventListener("click", download);
element("keep-seed").addEventListener("click", () => settings.setSeed(String(player.take?.order.seed ?? "")));
element("insert-pause").addEventListener("click", insertPause);
element("text-file").addEventListener("change", (/** @type {any} */ event) => openText(event.target.files[0]));
element("copy").addEventListener("click", copyCall);
element("theme").addEventListener("click", toggleTheme);
element("forget-key").addEventListener("click", () => server.forgetKey());
server.addEventListener("key", () => {
  showCall();
  void status.look();
});
text.addEventListener("input", showText);
text.addEventListener("dragover", (event) => event.preventDefault());
text.addEventListener("drop", (event) => {
  const [file] = event.dataTransfer?.files ?? [];
  if (!file) return;
  event.preventDefault();
  void openText(file);
});
format.addEventListener("change", showCall);
settings.addEventListener("change", showCall);
settings.model.addEventListener("change", refresh);
player.addEventListener("change", showPlaying);
timeline.addEventListener("seek", (event) => seek(/** @type {CustomEvent} */ (event).detail));
reader.addEventListener("seek", (event) => seek(/** @type {CustomEvent} */ (event).detail));
voices.addEventListener("change", refresh);
voices.addEventListener("choose", (event) => settings.setVoice(/** @type {CustomEvent} */ (event).detail));
history.addEventListener("open", (event) => {
  const take = /** @type {CustomEvent} */ (event).detail;
  making?.abort();
  text.value = take.order.input;
  showText();
  show(take);
  player.play();
});
status.addEventListener("change", showStatus);
const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-language]")]);
for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => chooseLanguage(tab));
  tab.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    const next = tabs[(index + move + tabs.length) % tabs.length];
    chooseLanguage(next);
    next.focus();
  });
}
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void speak();
  else if (event.key === "Escape") stop();
  else if (event.key === " " && event.target === document.body && player.take) {
    event.preventDefault();
    togglePlaying();
  }
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => timeline.repaint());

// Where there is little room, what to speak and in which voice come before how.
if (window.matchMedia("(max-width: 900px)").matches) element("manner").open = false;
setTheme(localStorage.getItem("chatterbox-theme") ?? "");
text.value = localStorage.getItem(draftName) || text.value;
showText();
void status.look();
void refresh();
void history.show();
animate();
