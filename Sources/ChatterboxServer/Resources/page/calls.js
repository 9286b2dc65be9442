/** The call that the page makes, as a person would make it: with curl, from Python, from Swift. */

/** Fields that OpenAI's own client knows; it sends others as extras. */
const known = ["model", "voice", "input", "response_format", "speed"];

/**
 * @typedef {object} Call
 * @property {Record<string, any>} order
 * @property {string} address With `/v1`.
 * @property {boolean} hasKey Whether the server wants a key; it is read from CHATTERBOX_KEY and never shown.
 */

/** @type {Record<string, (call: Call) => string>} */
export const calls = { curl, python, swift };

/** @param {Call} call */
function curl({ order, address, hasKey }) {
  const quoted = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const key = hasKey ? ` \\\n    -H "Authorization: Bearer $CHATTERBOX_KEY"` : "";
  return `curl ${quoted(`${address}/audio/speech`)} -o speech.${order.response_format}${key} \\
    -H 'Content-Type: application/json' \\
    -d ${quoted(JSON.stringify(order))}`;
}

/** @param {Call} call */
function python({ order, address, hasKey }) {
  const fields = Object.entries(order).filter(([name]) => known.includes(name)).map(([name, value]) => `    ${name}=${JSON.stringify(value)},`);
  const extra = Object.fromEntries(Object.entries(order).filter(([name]) => !known.includes(name)));
  if (Object.keys(extra).length) fields.push(`    extra_body=${JSON.stringify(extra)},`);
  return `${hasKey ? "import os\n" : ""}from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(address)}, api_key=${hasKey ? `os.environ["CHATTERBOX_KEY"]` : `"any"`})
with client.audio.speech.with_streaming_response.create(
${fields.join("\n")}
) as speech:
    speech.stream_to_file("speech.${order.response_format}")`;
}

/** @param {Call} call */
function swift({ order, address, hasKey }) {
  const body = JSON.stringify(order);
  // As many signs as it takes for nothing in the text to end the literal, or to be an escape in it.
  const longest = Math.max(0, ...[...body.matchAll(/["\\](#+)/g)].map((match) => match[1].length)), signs = "#".repeat(longest + 1);
  const key = hasKey ? `request.setValue("Bearer \\(ProcessInfo.processInfo.environment["CHATTERBOX_KEY"] ?? "")", forHTTPHeaderField: "Authorization")\n` : "";
  return `import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

var request = URLRequest(url: URL(string: "${address}/audio/speech")!)
request.httpMethod = "POST"
request.setValue("application/json", forHTTPHeaderField: "Content-Type")
${key}request.httpBody = Data(${signs}"${body}"${signs}.utf8)
let (speech, _) = try await URLSession.shared.data(for: request)
try speech.write(to: URL(filePath: "speech.${order.response_format}"))`;
}
