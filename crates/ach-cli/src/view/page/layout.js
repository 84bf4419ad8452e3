// Where what lies in the file: a map in cells of equal size, and the largest arrays.

import { fragment } from "./address.js";
import { ask, isGivenUp, Latest } from "./ask.js";
import { bytes, count, element, name, shown } from "./text.js";

const PARTS = {
  h: "header", t: "table of contents", n: "structured values", a: "arrays, hot", c: "arrays, cold",
  s: "block sums", r: "root digest", ".": "padding",
};

export async function showLayout(place, where, signal) {
  place.append(element("h2", { text: "Layout of the file" }));
  const cells = window.innerWidth < 700 ? 480 : 1024;
  const layout = await ask("layout", { cells }, signal);
  place.append(figures(layout), legend(layout));
  const map = element("div", { class: "map", role: "grid", tabindex: "0", "aria-label": "Map of the file, by cells of equal size" });
  const said = element("div", { class: "map-said", "aria-live": "polite" }, element("p", { class: "note", text: `Each cell is ${bytes(Math.ceil(layout.len / layout.map.length))} of the file. Point at one, or use the arrow keys.` }));
  const edge = (cell) => Math.floor((layout.len * cell) / layout.map.length);
  const latest = new Latest();
  signal.addEventListener("abort", () => latest.stop());
  let at = -1;
  const look = async (cell) => {
    if (cell === at || cell < 0 || cell >= layout.map.length) return;
    map.children[at]?.classList.remove("at");
    at = cell;
    map.children[at].classList.add("at");
    const asked = latest.begin();
    try {
      await new Promise((resolve) => setTimeout(resolve, 40));
      if (asked.aborted) return;
      const found = await ask("layout/at", { from: edge(cell), to: Math.max(edge(cell) + 1, edge(cell + 1)) }, asked);
      said.replaceChildren(...tell(found, layout, cell));
    } catch (error) {
      if (!isGivenUp(error)) said.textContent = error.message;
    }
  };
  [...layout.map].forEach((code, cell) => map.append(element("i", { class: `cell part-${letter(code)}`, "data-cell": cell })));
  const cellOf = (event) => Number(event.target.dataset?.cell ?? -1);
  map.addEventListener("pointermove", (event) => look(cellOf(event)));
  map.addEventListener("click", (event) => look(cellOf(event)));
  map.addEventListener("keydown", (event) => {
    const across = Math.max(1, Math.round(map.clientWidth / (map.children[0].offsetWidth + 1)));
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (!by) return;
    event.preventDefault();
    look(Math.max(0, Math.min(layout.map.length - 1, Math.max(at, 0) + by)));
  });
  place.append(map, said, largest(layout), sections(layout));
}

const letter = (code) => (code === "." ? "p" : code === "?" ? "x" : code);

function figures(layout) {
  const list = element("dl", { class: "figures" });
  const figure = (label, value) => list.append(element("div", {}, element("dt", { text: label }), element("dd", { text: value })));
  figure("file", bytes(layout.len));
  figure("arrays in memory", bytes(layout.raw));
  figure("stored hot", bytes(layout.hot));
  figure("stored cold", bytes(layout.cold));
  figure("padding", bytes(layout.padding));
  return list;
}

function legend(layout) {
  const sums = new Map();
  for (const section of layout.sections) sums.set(section.code, (sums.get(section.code) ?? 0) + section.len);
  const made = element("div", { class: "legend" });
  for (const [code, text] of Object.entries(PARTS)) {
    if (!sums.has(code) && code !== ".") continue;
    const size = code === "." ? layout.padding : sums.get(code);
    if (code === "." && size === 0) continue;
    made.append(element("span", { class: "legend-part" }, element("i", { class: `cell part-${letter(code)}` }), ` ${text} ${bytes(size)}`));
  }
  return made;
}

function link(variable) {
  if (variable === null || variable === undefined) return element("span", { text: "unknown" });
  return element("a", { href: fragment({ v: variable }) }, name(variable.length > 120 ? `${variable.slice(0, 120)}...` : variable));
}

function tell(found, layout, cell) {
  const head = element("p", {}, element("strong", { text: `bytes ${count(found.from)} to ${count(found.to - 1)}` }), `: ${found.sections.join(", ") || PARTS[layout.map[cell]] || "padding"}`);
  const list = element("ul");
  for (const extent of found.extents) {
    const size = extent.cold ? `cold, ${bytes(extent.stored)} of ${bytes(extent.raw)}` : `hot, ${bytes(extent.stored)}`;
    list.append(element("li", {}, link(extent.name), element("span", { class: "what", text: ` ${size}, at byte ${count(extent.offset)}` })));
  }
  if (found.count > found.extents.length) list.append(element("li", { text: `and ${count(found.count - found.extents.length)} more` }));
  return [head, list];
}

function rows(heads, lines) {
  const head = element("tr", {}, ...heads.map(([text, kind]) => element("th", { scope: "col", class: kind, text })));
  const body = element("tbody", {}, ...lines.map((cells) =>
    element("tr", {}, ...cells.map((cell, n) => element("td", { class: heads[n][1] }, cell)))));
  return element("div", { class: "table-frame short" }, element("table", {}, element("thead", {}, head), body));
}

function largest(layout) {
  const part = element("section", {}, element("h3", { text: "Largest arrays" }));
  if (!layout.largest.length) {
    part.append(element("p", { class: "empty", text: "There are none." }));
    return part;
  }
  part.append(rows(
    [["variable", ""], ["in the file", "numeric"], ["in memory", "numeric"], ["stored", ""], ["at byte", "numeric"]],
    layout.largest.map((extent) => [link(extent.name), bytes(extent.stored), bytes(extent.raw), extent.cold ? "cold" : "hot", count(extent.offset)])));
  if (layout.is_partial) part.append(element("p", { class: "note", text: "Not every structured value was looked through: some arrays may be missing here." }));
  return part;
}

function sections(layout) {
  const part = element("section", {}, element("h3", { text: "Sections" }));
  part.append(rows(
    [["part", ""], ["offset", "numeric"], ["size", "numeric"], ["share", "numeric"]],
    layout.sections.map((section) => [
      element("span", {}, element("i", { class: `cell part-${letter(section.code)}` }), " ", shown(section.label)),
      count(section.offset), bytes(section.len), `${((100 * section.len) / layout.len).toFixed(1)} %`,
    ])));
  if (layout.sections_left_out) part.append(element("p", { class: "note", text: `${count(layout.sections_left_out)} more` }));
  return part;
}
