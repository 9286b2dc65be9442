/** How a text is spoken: model, voice, language and everything that can be set, each with what it does. */

import { element, make } from "./dom.js";

/**
 * @typedef {object} Control
 * @property {string} field In the API; behind a dot, a member of it.
 * @property {string} label
 * @property {string} help What it does, in a sentence.
 * @property {number} from
 * @property {number} to
 * @property {number} step
 * @property {number} usual Where it stands for most models.
 * @property {string} [unit]
 */

/** @type {Control[]} */
const delivery = [
  { field: "speed", label: "Speed", help: "Speed of the speech, at the same pitch.", from: 0.5, to: 2, step: 0.05, usual: 1, unit: "×" },
  { field: "exaggeration", label: "Expression", help: "Strength of expression. High values also make speech faster.", from: 0, to: 2, step: 0.05, usual: 0.5 },
  { field: "cfg_weight", label: "Guidance", help: "How closely the speech follows the text and the voice. Lower values make it slower and more deliberate; 0 turns guidance off.", from: 0, to: 1, step: 0.05, usual: 0.5 },
];
/** @type {Control[]} */
const fine = [
  { field: "temperature", label: "Temperature", help: "Randomness of sampling. Low values give even speech, high values livelier speech with more errors.", from: 0.05, to: 1.5, step: 0.05, usual: 0.8 },
  { field: "top_p", label: "Top-p", help: "Samples only from the most likely tokens that together have this probability. Lower values are safer.", from: 0.05, to: 1, step: 0.05, usual: 1 },
  { field: "repetition_penalty", label: "Repetition penalty", help: "Reduces the repetition of sounds.", from: 1, to: 2, step: 0.05, usual: 1.2 },
  { field: "pauses.sentence", label: "Pause between sentences", help: "Silence where a sentence ends.", from: 0, to: 3, step: 0.05, usual: 0.35, unit: " s" },
  { field: "pauses.paragraph", label: "Pause between paragraphs", help: "Silence where a paragraph ends.", from: 0, to: 5, step: 0.1, usual: 0.7, unit: " s" },
];
/** The languages of the family, for a model that does not say which it speaks. */
const allLanguages = "en ar da de el es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split(" ");
const storeName = "chatterbox-settings";

/** Tells of `change`. */
export class Settings extends EventTarget {
  /** @type {Record<string, number>} What the person has set, by field; what is not here is the model's own. */
  #values = {};
  /** @type {import("./server.js").ModelEntry[]} */
  #models = [];
  /** @type {Map<string, {row: HTMLElement, range: HTMLInputElement, show: () => void}>} */
  #rows = new Map();
  #wanted = { model: "", voice: "", language: "" };

  constructor() {
    super();
    this.model = element("model");
    this.voice = element("voice");
    this.language = element("language");
    this.seed = element("seed");
    try {
      const kept = JSON.parse(localStorage.getItem(storeName) ?? "{}");
      this.#values = kept.values ?? {};
      this.#wanted = { ...this.#wanted, ...kept.wanted };
      this.seed.value = kept.seed ?? "";
    } catch { /* What cannot be read was never kept. */ }
    element("delivery").append(...delivery.map((control) => this.#row(control)));
    element("fine").prepend(...fine.map((control) => this.#row(control)));
    this.showModels([]);
    this.showVoices([]);
    this.model.addEventListener("change", () => this.#changed(true));
    for (const field of [this.voice, this.language, this.seed]) field.addEventListener("input", () => this.#changed(false));
    element("reset").addEventListener("click", () => this.reset());
  }

  /** @param {boolean} isOtherModel */
  #changed(isOtherModel) {
    this.#wanted = { model: this.model.value, voice: this.voice.value, language: this.language.value };
    if (isOtherModel) this.#suitModel();
    localStorage.setItem(storeName, JSON.stringify({ values: this.#values, wanted: this.#wanted, seed: this.seed.value }));
    this.dispatchEvent(new Event("change"));
  }

  /** Gives everything but model, voice and language back to the model. */
  reset() {
    [this.#values, this.seed.value] = [{}, ""];
    for (const { show } of this.#rows.values()) show();
    this.#changed(false);
  }

  /** @param {string} seed */
  setSeed(seed) {
    this.seed.value = seed;
    this.#changed(false);
  }

  /** @param {string} voice */
  setVoice(voice) {
    if (![...this.voice.options].some(({ value }) => value === voice)) this.voice.append(make("option", { value: voice }, voice));
    this.voice.value = voice;
    this.#changed(false);
  }

  /** @param {Control} control */
  #row({ field, label, help, from, to, step, usual, unit = "" }) {
    const id = `set-${field.replace(".", "-")}`;
    const output = make("output", { for: id }), range = make("input", { id, type: "range", min: from, max: to, step, "aria-describedby": `${id}-help` });
    const own = make("button", { type: "button", class: "own", "aria-label": `${label}: back to the model's default` }, "reset");
    const row = make("div", { class: "control" }, make("label", { for: id }, label), own, output, range, make("p", { id: `${id}-help`, class: "help" }, help));
    const show = () => {
      const value = this.#values[field];
      range.value = String(value ?? usual);
      output.textContent = value === undefined ? "model's own" : `${value}${unit}`;
      range.setAttribute("aria-valuetext", output.textContent);
      own.hidden = value === undefined;
    };
    range.addEventListener("input", () => {
      this.#values[field] = Number(range.value);
      show();
      this.#changed(false);
    });
    own.addEventListener("click", () => {
      delete this.#values[field];
      show();
      range.focus();
      this.#changed(false);
    });
    show();
    this.#rows.set(field, { row, range, show });
    return row;
  }

  /** @param {import("./server.js").ModelEntry[]} models */
  showModels(models) {
    this.#models = models;
    const text = { activating: " (is being loaded)", broken: " (cannot be loaded)", inactive: " (loads when asked)" };
    const options = models.map(({ id, state }) => make("option", { value: id }, id + (text[/** @type {keyof typeof text} */ (state)] ?? "")));
    fill(this.model, options.length ? options : [make("option", { value: "tts-1" }, "the server's own")], this.#wanted.model);
    this.#suitModel();
  }

  /** @param {string[]} voices */
  showVoices(voices) {
    const names = voices.length ? voices : ["default"];
    fill(this.voice, names.map((name) => make("option", { value: name }, name === "default" ? "the model's own voice" : name)), this.#wanted.voice);
  }

  /** Offers what the chosen model can be asked for. */
  #suitModel() {
    const entry = this.#models.find(({ id }) => id === this.model.value), codes = entry?.languages ?? allLanguages;
    const names = new Intl.DisplayNames(["en"], { type: "language" });
    const options = codes.map((code) => make("option", { value: code }, names.of(code) ?? code));
    if (codes.length > 1) options.unshift(make("option", { value: "" }, "as the text is"));
    fill(this.language, options, this.#wanted.language);
    this.language.disabled = codes.length === 1;
    for (const [field, { row, range }] of this.#rows) {
      range.disabled = entry?.ignores?.includes(field) ?? false;
      row.classList.toggle("useless", range.disabled);
      row.title = range.disabled ? `${entry?.id} does not use this setting` : "";
    }
  }

  /** What is to be asked for, beside the text, in the fields of the API. */
  get fields() {
    /** @type {Record<string, any>} */
    const fields = { model: this.model.value, voice: this.voice.value };
    if (this.language.value && !this.language.disabled) fields.language = this.language.value;
    for (const [field, value] of Object.entries(this.#values)) {
      if (!this.#rows.has(field) || this.#rows.get(field)?.range.disabled) continue;
      const [name, member] = field.split(".");
      fields[name] = member ? { ...fields[name], [member]: value } : value;
    }
    if (this.seed.value !== "" && this.seed.validity.valid) fields.seed = Number(this.seed.value);
    return fields;
  }
}

/**
 * Gives a menu its options, with the wanted one chosen where it is there.
 * @param {HTMLSelectElement} menu
 * @param {HTMLOptionElement[]} options
 * @param {string} wanted
 */
function fill(menu, options, wanted) {
  menu.replaceChildren(...options);
  if (options.some(({ value }) => value === wanted)) menu.value = wanted;
}
