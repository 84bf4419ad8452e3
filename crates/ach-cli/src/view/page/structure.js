// The parts of a record, a vector, or whatever else has parts, opened level by level.

import { fragment } from "./address.js";
import { ask } from "./ask.js";
import { count, element, failure, name, shown } from "./text.js";

const PAGE = 100;

const OPENED_HERE = new Set(["record", "vector", "cell", "extension", "function", "edge", "error", "typed"]);

export async function showParts(place, at, variable, signal) {
  const list = element("ul", { class: "parts" });
  place.append(list);
  await fill(list, at, 0, signal);
  if (!list.firstChild) place.append(element("p", { class: "empty", text: "It has no parts." }));
}

async function fill(list, at, from, signal) {
  const answer = await ask("parts", { ...at, from, count: PAGE }, signal);
  for (const row of answer.rows) list.append(item(row, at, signal));
  const next = answer.from + answer.rows.length;
  if (next < answer.len) {
    const more = element("button", { type: "button", class: "more", text: `Show more: ${count(answer.len - next)} left` });
    const last = element("li", {}, more);
    more.addEventListener("click", async () => {
      more.disabled = true;
      try {
        await fill(list, at, next, signal);
        last.remove();
      } catch (error) {
        if (!signal.aborted) last.replaceChildren(failure(error));
      }
    });
    list.append(last);
  }
}

function item(row, at, signal) {
  const path = at.p ? `${at.p}.${row.index}` : String(row.index);
  const to = { v: at.v, at: at.at, p: path };
  const label = element("span", { class: "part-label" });
  if (row.is_name) label.append(name(row.label), row.bytes ? "..." : "");
  else label.append(row.label);
  if (row.error !== undefined) {
    return element("li", {}, label, " ", failure(new Error(row.error)));
  }
  const value = element("span", { class: "part-value" });
  if (row.kind === "string") value.append("\u201c", shown(row.brief), row.opens ? "..." : "\u201d");
  else value.append(shown(row.brief));
  const kind = element("span", { class: "part-kind", text: row.kind.replace("_", " ") });
  const line = element("div", { class: "part" });
  const made = element("li", {}, line);
  if (row.opens && OPENED_HERE.has(row.kind)) {
    const twist = element("button", { type: "button", class: "twist-button", "aria-expanded": "false", title: "Open" });
    twist.addEventListener("click", () => turn(twist, made, to, signal));
    line.append(twist);
  } else {
    line.append(element("span", { class: "no-twist" }));
  }
  line.append(label, " ", kind, " ", value);
  if (row.opens) {
    line.append(" ", element("a", { class: "goes-on", href: fragment(to), text: "show" }));
  }
  return made;
}

async function turn(twist, made, to, signal) {
  const open = twist.getAttribute("aria-expanded") === "true";
  twist.setAttribute("aria-expanded", String(!open));
  if (open) {
    made.querySelector(":scope > ul")?.remove();
    return;
  }
  const list = element("ul", { class: "parts" });
  made.append(list);
  try {
    await fill(list, to, 0, signal);
    if (!list.firstChild) list.append(element("li", { class: "empty", text: "empty" }));
  } catch (error) {
    if (!signal.aborted) list.replaceChildren(element("li", {}, failure(error)));
  }
}
