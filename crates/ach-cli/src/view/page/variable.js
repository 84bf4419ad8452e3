// A variable: what is known of it, its attributes, and the ways to see its value.

import { fragment } from "./address.js";
import { ask } from "./ask.js";
import { showHeat, showImage } from "./grid.js";
import { showLine } from "./line.js";
import { showStatistics } from "./statistics.js";
import { showParts } from "./structure.js";
import { showTable } from "./table.js";
import { bytes, count, element, failure, name, shape, shown } from "./text.js";
import { showBytes, showText } from "./writing.js";

const WAYS = {
  image: ["Image", showImage],
  line: ["Plot", showLine],
  heat: ["Heat map", showHeat],
  table: ["Table", showTable],
  parts: ["Parts", showParts],
  text: ["Text", showText],
  bytes: ["Bytes", showBytes],
  statistics: ["Statistics", showStatistics],
  scalar: ["Value", showScalar],
};

export async function showVariable(place, where, signal) {
  const at = { v: where.v, at: where.at, p: where.p };
  const heading = element("h2", {}, element("a", { href: fragment({ v: where.v }) }, name(where.v)));
  place.append(heading);
  let variable;
  try {
    variable = await ask("variable", at, signal);
  } catch (error) {
    if (signal.aborted) return;
    place.append(failure(error));
    return;
  }
  trail(heading, where, variable);
  place.append(facts(variable));
  const extra = element("div", { class: "extra" });
  place.append(extra);
  const isWhole = !where.p && !where.at;
  if (isWhole) {
    const sizes = element("p", { class: "sizes" });
    extra.append(sizes);
    showSizes(sizes, at, signal);
    if (variable.attributes) attributes(extra, where.v, signal);
  }
  ways(place, where, at, variable, signal);
}

function trail(heading, where, variable) {
  if (where.at === "attributes") {
    heading.append(element("span", { class: "step", text: " attributes" }));
  }
  const steps = where.p ? where.p.split(".") : [];
  variable.labels.forEach((label, n) => {
    const to = { v: where.v, at: where.at, p: steps.slice(0, n + 1).join(".") };
    const link = element("a", { class: "step", href: fragment(to) });
    if (label.is_name) link.append(".", name(label.label), label.bytes ? "..." : "");
    else link.append(label.label);
    heading.append(link);
  });
}

function facts(variable) {
  const list = element("p", { class: "facts" });
  const fact = (text, title, kind = "") =>
    list.append(element("span", { class: `fact ${kind}`, title }, shown(text)), " ");
  fact(variable.kind.replace("_", " "), "kind", "kind");
  if (variable.type) fact(variable.type, "type");
  const array = variable.array;
  if (array) {
    fact(array.dtype, "dtype");
    fact(shape(array.shape), "shape");
    fact(bytes(array.bytes), `${count(array.bytes)} bytes in memory`);
    if (array.order !== "C") fact(`${array.order} order`, "order of the elements");
  } else if (variable.brief && !variable.ways.includes("scalar") && !variable.ways.includes("text")) {
    fact(variable.brief, "how much there is");
  }
  if (variable.constant) fact("constant", "a constant of the session");
  if (variable.mutable) fact("mutable", "declared mutable");
  if (variable.journal) fact("in the journal", "it stands in the journal, not in the archive yet", "journal");
  return list;
}

async function showSizes(place, at, signal) {
  try {
    const sizes = await ask("sizes", { v: at.v }, signal);
    const said = [];
    if (sizes.stored > 0) {
      said.push(sizes.cold ? `cold: ${bytes(sizes.stored)} in the file` : `hot: ${bytes(sizes.stored)} in the file`);
    } else {
      said.push("in the table of contents");
    }
    const first = sizes.shown[0];
    if (sizes.extents === 1 && first) {
      if (first.offset !== null) said.push(`at byte ${count(first.offset)}`);
      said.push(`digest ${first.digest}`);
    } else if (sizes.extents > 1) {
      said.push(`${count(sizes.extents)} arrays`);
    }
    place.textContent = said.join(", ");
  } catch (error) {
    if (!signal.aborted) place.replaceChildren(failure(error));
  }
}

async function attributes(place, variable, signal) {
  const details = element("details", { class: "attributes", open: true });
  details.append(element("summary", { text: "Attributes" }));
  place.append(details);
  try {
    const answer = await ask("parts", { v: variable, at: "attributes", count: 100 }, signal);
    const list = element("dl");
    for (const row of answer.rows) {
      const value = element("dd", {}, row.error ? failure(new Error(row.error)) : shown(row.brief));
      if (row.opens) {
        const to = fragment({ v: variable, at: "attributes", p: row.index });
        value.replaceChildren(element("a", { href: to }, shown(`${row.kind === "string" ? "" : `${row.kind} `}${row.brief}...`)));
      }
      list.append(element("dt", {}, name(row.label)), value);
    }
    details.append(list);
    if (answer.len > answer.rows.length) {
      details.append(element("a", { href: fragment({ v: variable, at: "attributes" }), text: `all ${count(answer.len)}` }));
    }
  } catch (error) {
    if (!signal.aborted) details.append(failure(error));
  }
}

function ways(place, where, at, variable, signal) {
  const body = element("div", { class: "way", role: "tabpanel" });
  const known = variable.ways.filter((way) => WAYS[way]);
  if (known.length === 0) {
    body.append(element("p", { class: "empty", text: "It has no elements." }));
    place.append(body);
    return;
  }
  const chosen = known.includes(where.way) ? where.way : known[0];
  const tabs = element("div", { class: "tabs", role: "tablist", "aria-label": "Ways to see the value" });
  let controller = new AbortController();
  const show = async (way, tab) => {
    controller.abort();
    controller = new AbortController();
    const current = controller.signal;
    for (const other of tabs.children) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
    }
    const fresh = element("div", { class: `way way-${way}` });
    body.replaceChildren(fresh);
    try {
      await WAYS[way][1](fresh, at, variable, current);
    } catch (error) {
      if (!current.aborted && !signal.aborted) fresh.replaceChildren(failure(error));
    }
  };
  signal.addEventListener("abort", () => controller.abort());
  for (const way of known) {
    const tab = element("button", { type: "button", role: "tab", text: WAYS[way][0], "data-way": way });
    tab.addEventListener("click", () => {
      history.replaceState(null, "", fragment({ ...where, way }));
      show(way, tab);
    });
    tabs.append(tab);
  }
  tabs.addEventListener("keydown", (event) => {
    const all = [...tabs.children];
    const to = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!to) return;
    const next = all[(all.indexOf(document.activeElement) + to + all.length) % all.length];
    next.focus();
    next.click();
  });
  if (known.length > 1) place.append(tabs);
  place.append(body);
  show(chosen, [...tabs.children].find((tab) => tab.dataset.way === chosen));
}

async function showScalar(place, at, variable, signal) {
  let text = variable.brief;
  if (variable.array) {
    const line = await ask("statistics", at, signal);
    text = line.min === null ? "NaN" : String(line.min);
    if (variable.array.is_complex) text = `absolute value ${text}`;
  }
  place.append(element("p", { class: "scalar" }, shown(text || variable.kind)));
}
