// Questions to the server.

/** What the server says cannot be shown, in a sentence for the reader. */
export class Told extends Error {}

function address(question, parts) {
  const query = Object.entries(parts)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `./api/${question}?${query.join("&")}`;
}

async function fetched(question, parts, signal) {
  let response;
  try {
    response = await fetch(address(question, parts), { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Told("ach view does not answer; it may have been stopped");
  }
  if (!response.ok) {
    const said = await response.text();
    throw new Told(`the server refused: ${said.slice(0, 300)}`);
  }
  return response;
}

/** An answer in JSON. */
export async function ask(question, parts = {}, signal = undefined) {
  const response = await fetched(question, parts, signal);
  const answer = await response.json();
  if (answer && answer.error !== undefined) throw new Told(answer.error);
  return answer;
}

/** An answer of many numbers: its head, and the bytes behind it. */
export async function askNumbers(question, parts, signal) {
  const response = await fetched(question, parts, signal);
  if (response.headers.get("content-type") === "application/json") {
    throw new Told((await response.json()).error);
  }
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { head, buffer, offset: Math.ceil((4 + length) / 8) * 8 };
}

/** Asks one thing at a time: a new question gives up the one before. */
export class Latest {
  #controller = null;

  begin() {
    this.stop();
    this.#controller = new AbortController();
    return this.#controller.signal;
  }

  stop() {
    this.#controller?.abort();
    this.#controller = null;
  }
}

/** Whether an error only says that nobody waits for the answer any more. */
export const isGivenUp = (error) => error.name === "AbortError";
