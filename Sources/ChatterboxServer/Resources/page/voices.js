/** The voices: a list to hear and delete from, and a new one from the microphone or a file, with its speaker's consent. */

import { clock, element, icon, make, say, sentence } from "./dom.js";
import { longest, Recorder, recordingOf } from "./recorder.js";

/** What a voice says of itself. */
const sample = "This is how I sound when I read to you. The ship was late, and nobody minded.";

/** Tells of `change` when the list has changed, and of `choose` with a voice as its detail. */
export class Voices extends EventTarget {
  /** @type {import("./recorder.js").Recording | null} */
  #recording = null;
  #recorder = new Recorder();
  #audio = new Audio();
  /** @type {AbortController | null} */
  #hearing = null;

  /**
   * @param {import("./server.js").Server} server
   * @param {() => string} model Which one lets voices be heard.
   */
  constructor(server, model) {
    super();
    [this.server, this.model] = [server, model];
    this.dialog = /** @type {HTMLDialogElement} */ (element("voices"));
    this.list = element("voice-list");
    this.message = element("voice-message");
    element("manage-voices").addEventListener("click", () => this.open());
    this.dialog.addEventListener("close", () => this.#leave());
    element("record").addEventListener("click", () => (this.#recorder.isRecording ? this.#stop() : this.#start()));
    this.#recorder.addEventListener("level", () => this.#showLevel(this.#recorder.meter));
    this.#recorder.addEventListener("end", () => this.#stop());
    element("voice-file").addEventListener("change", (/** @type {any} */ event) => this.#choose(event.target.files[0]));
    for (const id of ["voice-name", "consent"]) element(id).addEventListener("input", () => this.#suit());
    element("new-voice").addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.#save();
    });
  }

  open() {
    this.dialog.showModal();
    element("record").disabled = element("prompt").hidden = Recorder.obstacle !== "";
    say(element("record-obstacle"), Recorder.obstacle);
    this.#suit();
  }

  /** @param {import("./server.js").VoiceEntry[]} voices */
  show(voices) {
    const rows = voices.map(({ id, created_at: time, deletable, models }) => {
      const date = time ? new Date(time * 1000).toLocaleDateString(undefined, { dateStyle: "medium" }) : "";
      return this.#row(id, deletable ? date : models ? "comes with the model" : "the model's own", deletable);
    });
    this.list.replaceChildren(...rows);
  }

  /**
   * @param {string} name
   * @param {string} detail
   * @param {boolean} canGo
   */
  #row(name, detail, canGo) {
    const hear = make("button", { type: "button", class: "quiet", "aria-label": `Hear ${name}`, title: "Hear it", onclick: () => this.#hear(name) }, icon("play"));
    const choose = make("button", { type: "button", class: "row-main", "aria-label": `Use ${name}`, onclick: () => {
      this.dispatchEvent(new CustomEvent("choose", { detail: name }));
      this.dialog.close();
    } }, make("span", { class: "row-title" }, name), make("span", { class: "row-detail" }, detail));
    const row = make("li", { class: "row" }, choose, hear);
    if (canGo) row.append(this.#removal(name));
    return row;
  }

  /**
   * A button that deletes when it is pressed twice.
   * @param {string} name
   */
  #removal(name) {
    const button = make("button", { type: "button", class: "quiet", "aria-label": `Delete ${name}`, title: "Delete" }, icon("trash"));
    button.addEventListener("click", async () => {
      if (!button.classList.contains("sure")) {
        button.classList.add("sure");
        button.replaceChildren("Delete?");
        return;
      }
      await this.#try(async () => {
        await this.server.removeVoice(name);
        this.dispatchEvent(new Event("change"));
      });
    });
    button.addEventListener("blur", () => {
      button.classList.remove("sure");
      button.replaceChildren(icon("trash"));
    });
    return button;
  }

  /** @param {string} name */
  async #hear(name) {
    this.#hearing?.abort();
    const { signal } = (this.#hearing = new AbortController());
    await this.#try(async () => {
      say(this.message, `${name} is speaking…`);
      const sound = await this.server.file({ model: this.model(), voice: name, input: sample, seed: 1 }, "mp3", signal);
      this.#play(sound);
      await this.#audio.play();
      say(this.message, "");
    });
  }

  /** @param {Blob} sound */
  #play(sound) {
    URL.revokeObjectURL(this.#audio.src);
    this.#audio.src = URL.createObjectURL(sound);
  }

  /** @param {() => Promise<void>} act */
  async #try(act) {
    try {
      await act();
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      say(this.message, sentence(error), "error");
    }
  }

  #start() {
    return this.#try(async () => {
      await this.#recorder.start();
      this.#take(null);
      say(this.message, "");
      this.#showRecording(true);
    });
  }

  #stop() {
    this.#take(this.#recorder.stop());
    this.#showRecording(false);
  }

  /** @param {boolean} isRecording */
  #showRecording(isRecording) {
    const button = element("record");
    button.querySelector("span").textContent = isRecording ? "Stop recording" : "Record";
    button.classList.toggle("recording", isRecording);
  }

  /** @param {File | undefined} file */
  #choose(file) {
    if (!file) return;
    return this.#try(async () => {
      const recording = await recordingOf(file);
      this.#take(recording);
      this.#showLevel(recording.meter);
      const name = element("voice-name");
      name.value ||= file.name.replace(/\.\w+$/, "").toLowerCase().replace(/[^\p{L}\p{N}_-]+/gu, "-");
      this.#suit();
    });
  }

  /** @param {import("./recorder.js").Recording | null} recording */
  #take(recording) {
    this.#recording = recording;
    const audio = element("recording");
    URL.revokeObjectURL(audio.src);
    audio.removeAttribute("src");
    if (recording) audio.src = URL.createObjectURL(recording.blob);
    audio.hidden = !recording;
    this.#suit();
  }

  /** @param {import("./sound.js").LevelMeter} meter */
  #showLevel(meter) {
    const { noise, speech, advice } = meter.verdict, level = element("level");
    const share = (/** @type {number} */ decibels) => Math.max(0, Math.min(1, (decibels + 70) / 70));
    level.style.setProperty("--level", String(share(meter.level)));
    level.style.setProperty("--noise", String(share(noise)));
    level.setAttribute("aria-valuenow", String(Math.round(meter.level)));
    level.setAttribute("aria-valuetext", `${Math.round(meter.level)} decibels`);
    element("levels").textContent = `${clock(meter.seconds)} of ${clock(longest)} · speech ${speech.toFixed(0)} dB · noise ${noise.toFixed(0)} dB`;
    element("advice").textContent = advice;
    element("meter").hidden = false;
  }

  /** Lets the voice be saved when there is all that it needs. */
  #suit() {
    element("save-voice").disabled = !this.#recording || !element("voice-name").value.trim() || !element("consent").checked;
  }

  #save() {
    const name = element("voice-name").value.trim(), recording = this.#recording;
    if (!recording) return;
    return this.#try(async () => {
      element("save-voice").disabled = true;
      say(this.message, `Preparing the voice ${name} from its recording…`);
      try {
        await this.server.addVoice(name, recording.blob);
      } finally {
        this.#suit();
      }
      this.#leave();
      element("new-voice").reset();
      element("meter").hidden = true;
      say(this.message, `The voice ${name} is ready.`);
      this.dispatchEvent(new Event("change"));
      this.dispatchEvent(new CustomEvent("choose", { detail: name }));
    });
  }

  /** Lets go of the microphone, the recording and what is heard. */
  #leave() {
    this.#recorder.stop();
    this.#showRecording(false);
    this.#take(null);
    this.#hearing?.abort();
    this.#audio.pause();
  }
}
