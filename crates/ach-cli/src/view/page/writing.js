// Text and bytes, a piece at a time.

import { ask } from "./ask.js";
import { bytes, count, element, failure, plain, shown } from "./text.js";

const TEXT = 16384;
const BYTES = 1024;

async function pieces(place, list, question, at, size, draw, signal) {
  const note = element("p", { class: "note" });
  const more = element("button", { type: "button", class: "more", text: "Show more" });
  let from = 0;
  const load = async () => {
    more.disabled = true;
    try {
      const piece = await ask(question, { ...at, from, count: size }, signal);
      draw(piece);
      const isStuck = piece.next === from;
      from = piece.next;
      more.hidden = from >= piece.bytes || isStuck;
      note.textContent = from < piece.bytes ? `${bytes(from)} of ${bytes(piece.bytes)}` : `${count(piece.bytes)} bytes`;
    } catch (error) {
      if (signal.aborted) return;
      more.hidden = true;
      note.replaceChildren(failure(error));
    }
    more.disabled = false;
  };
  more.addEventListener("click", load);
  place.append(list, more, note);
  await load();
}

export async function showText(place, at, variable, signal) {
  const text = element("pre", { class: "text", tabindex: "0" });
  await pieces(place, text, "text", at, TEXT, (piece) => text.append(shown(piece.text, { lines: true })), signal);
}

export async function showBytes(place, at, variable, signal) {
  const dump = element("pre", { class: "bytes", tabindex: "0" });
  const draw = (piece) => {
    const lines = [];
    for (let start = 0; start < piece.hex.length; start += 32) {
      const pairs = piece.hex.slice(start, start + 32).match(/../g) ?? [];
      const offset = (piece.from + start / 2).toString(16).padStart(8, "0");
      const words = pairs.map((pair) => {
        const code = parseInt(pair, 16);
        return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : ".";
      });
      lines.push(`${offset}  ${pairs.join(" ").padEnd(47)}  ${plain(words.join(""))}\n`);
    }
    dump.append(lines.join(""));
  };
  await pieces(place, dump, "bytes", at, BYTES, draw, signal);
}
