// Text of a file on the page: always as text, and what would hide or reorder it as an escape.

const HARMFUL =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;
const EACH_HARMFUL = new RegExp(HARMFUL.source, "gu");
const SHORT = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const escaped = (character) =>
  SHORT[character] ?? `\\u{${character.codePointAt(0).toString(16)}}`;

/** The text with harmful characters escaped: for titles and drawings. */
export const plain = (text) => String(text).replace(EACH_HARMFUL, escaped);

/** The beginning of a text, escaped. */
export function brief(text, most = 300) {
  const characters = plain(text);
  return characters.length > most ? `${characters.slice(0, most)}...` : characters;
}

/** The text as nodes, escapes told apart from characters. With `lines`, line ends and tabs stay. */
export function shown(text, { lines = false } = {}) {
  const fragment = document.createDocumentFragment();
  let from = 0;
  for (const match of text.matchAll(EACH_HARMFUL)) {
    if (lines && (match[0] === "\n" || match[0] === "\t")) continue;
    fragment.append(text.slice(from, match.index));
    fragment.append(element("span", { class: "escape", text: escaped(match[0]) }));
    from = match.index + match[0].length;
  }
  fragment.append(text.slice(from));
  return fragment;
}

/** A name: in quotes when it would not be seen otherwise. */
export function name(text) {
  if (text !== "" && text.trim() === text) return shown(text);
  const quoted = element("span", { class: "quoted" });
  quoted.append("'", shown(text), "'");
  return quoted;
}

/** An element. `text` is set as text, `on` are its listeners, everything else an attribute. */
export function element(tag, parts = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(parts)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") made.textContent = value;
    else if (key === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A panel that says why something is not shown. */
export const failure = (error) => {
  const panel = element("div", { class: "failure", role: "alert" });
  panel.append(element("strong", { text: "This cannot be shown" }), element("p", {}, shown(error.message)));
  return panel;
};

/** Bytes as people say it. */
export function bytes(count) {
  if (count < 1024) return `${count} B`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = count;
  let unit = -1;
  do {
    size /= 1024;
    unit += 1;
  } while (size >= 1023.95 && unit < units.length - 1);
  return `${size.toFixed(1)} ${units[unit]}`;
}

/** A count with its thousands apart. */
export const count = (number) => number.toLocaleString("en");

/** A number in few characters. */
export function short(number) {
  if (number === null || number === undefined || Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "inf" : "-inf";
  if (Number.isInteger(number) && Math.abs(number) < 1e9) return String(number);
  const size = Math.abs(number);
  const text = size >= 1e6 || size < 1e-4 ? number.toExponential(4) : number.toPrecision(6);
  return text.replace(/(\.\d*?)0+(e|$)/, "$1$2").replace(/\.(e|$)/, "$1");
}

/** A shape as NumPy writes it. */
export const shape = (lengths) =>
  lengths.length === 1 ? `(${lengths[0]},)` : `(${lengths.join(", ")})`;

/** "3 things", "1 thing". */
export const counted = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
