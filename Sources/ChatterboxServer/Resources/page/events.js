/** Server-sent events, read from bytes as they come. */

/**
 * The objects of a stream of events, in order, up to `[DONE]`.
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<any>}
 */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the connection was closed before the speech had ended");
      rest += value;
      // An event ends with an empty line; its lines may end in CR LF, CR or LF. A CR at the end may be half of a CR LF.
      const held = rest.endsWith("\r") ? "\r" : "";
      const blocks = (held ? rest.slice(0, -1) : rest).replace(/\r\n?/g, "\n").split("\n\n");
      rest = blocks.pop() + held;
      for (const block of blocks) {
        const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
        if (data === "[DONE]") return;
        if (data) yield JSON.parse(data);
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/**
 * Samples of 16 bits, the lower byte first, from Base64 that is cut anywhere between bytes.
 */
export class SampleReader {
  /** @type {number | null} The lower byte of a sample whose other half is still to come. */
  #half = null;

  /**
   * @param {string} base64
   * @returns {Int16Array}
   */
  read(base64) {
    const bytes = atob(base64), before = this.#half === null ? 0 : 1, count = (bytes.length + before) >> 1;
    const byte = (/** @type {number} */ index) => (index < before ? Number(this.#half) : bytes.charCodeAt(index - before));
    const samples = new Int16Array(count);
    for (let index = 0; index < count; index++) samples[index] = byte(2 * index) | (byte(2 * index + 1) << 8);
    this.#half = (bytes.length + before) % 2 ? bytes.charCodeAt(bytes.length - 1) : null;
    return samples;
  }
}
