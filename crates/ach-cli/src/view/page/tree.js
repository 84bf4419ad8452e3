// The names of the file: a tree that asks for a level when it is opened, and the results of a search.

import { ask, isGivenUp, Latest } from "./ask.js";
import { brief, count, element, failure, name, plain } from "./text.js";

const PAGE = 200;

/** A tree in `place`; `choose` is called with the name of a variable. */
export class Tree {
  #place;
  #choose;
  #selected = null;
  #latest = new Latest();

  constructor(place, choose) {
    this.#place = place;
    this.#choose = choose;
    place.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows the first level, or what is found for a text. */
  async show(text) {
    const signal = this.#latest.begin();
    const list = element("ul", { role: "tree", "aria-label": text ? "Names found" : "Names" });
    const load = text
      ? (after) => ask("search", { text, after, count: PAGE }, signal)
      : (from) => ask("names", { prefix: "", from, count: PAGE }, signal);
    try {
      await this.#fill(list, load, undefined, 1);
    } catch (error) {
      if (isGivenUp(error)) return;
      this.#place.replaceChildren(failure(error));
      return;
    }
    if (!list.firstChild) {
      const what = text ? "No name holds this" : "The file has no variables";
      this.#place.replaceChildren(element("p", { class: "empty", text: what }));
      return;
    }
    this.#place.replaceChildren(list);
    this.#mark();
    if (!list.querySelector("[tabindex='0']")) this.#rows()[0]?.setAttribute("tabindex", "0");
  }

  /** Marks the variable that is shown, and opens the groups it stands in. */
  async select(variable) {
    this.#selected = variable;
    this.#mark();
    while (variable !== null && !this.#rows().some((row) => row.variable === variable)) {
      const around = this.#rows().find((row) =>
        row.getAttribute("aria-expanded") === "false" && variable.startsWith(row.group));
      if (!around) return;
      await around.act();
      if (this.#selected !== variable) return;
    }
  }

  /** Puts the keyboard into the tree. */
  focus() {
    const rows = this.#rows();
    (rows.find((row) => row.tabIndex === 0) ?? rows[0])?.focus();
  }

  /** The first variable that is listed. */
  first() {
    return this.#rows().find((row) => row.variable !== undefined)?.variable;
  }

  async #fill(list, load, from, level) {
    const answer = await load(from);
    for (const row of answer.rows) list.append(this.#item(row, level));
    if (answer.next === null || answer.next === undefined) return;
    const more = this.#row("more", level, element("span", { text: "Show more" }));
    const item = element("li", { role: "none" }, more);
    more.act = async () => {
      const last = item.previousElementSibling;
      item.remove();
      await this.#fill(list, load, answer.next, level);
      this.#focus(last?.nextElementSibling?.querySelector(".row"));
    };
    list.append(item);
  }

  #row(kind, level, ...children) {
    const row = element("div", { class: `row ${kind}`, role: "treeitem", tabindex: "-1", "aria-level": level });
    row.style.setProperty("--level", level);
    row.append(...children);
    row.addEventListener("click", () => {
      this.#focus(row);
      row.act?.();
    });
    return row;
  }

  #item(row, level) {
    return row.group === undefined ? this.#variable(row, level) : this.#group(row, level);
  }

  #variable(row, level) {
    const label = element("span", { class: "label" }, name(row.label));
    const what = row.shape ? `${row.dtype ?? ""} ${row.shape}` : row.kind;
    const made = this.#row("leaf", level, kindMark(row), label, element("span", { class: "what", text: what }));
    made.title = `${brief(row.name)}\n${what}${row.journal ? "\nin the journal" : ""}`;
    made.variable = row.name;
    made.act = () => this.#choose(row.name);
    return element("li", { role: "none" }, made);
  }

  #group(row, level) {
    const label = element("span", { class: "label" }, name(row.label));
    const made = this.#row("group", level, element("span", { class: "twist" }), label,
      element("span", { class: "what", text: count(row.below) }));
    made.title = brief(row.group);
    made.setAttribute("aria-expanded", "false");
    made.group = row.group;
    const item = element("li", { role: "none" }, made);
    made.act = async () => {
      const open = made.getAttribute("aria-expanded") === "true";
      if (open) {
        item.querySelector("ul")?.remove();
        made.setAttribute("aria-expanded", "false");
        return;
      }
      made.setAttribute("aria-expanded", "true");
      const list = element("ul", { role: "group" });
      item.append(list);
      try {
        const load = (from) => ask("names", { prefix: row.group, from, count: PAGE });
        await this.#fill(list, load, undefined, level + 1);
        this.#mark();
      } catch (error) {
        list.replaceChildren(element("li", { role: "none" }, failure(error)));
      }
    };
    return item;
  }

  #rows() {
    return [...this.#place.querySelectorAll(".row")];
  }

  #focus(row) {
    if (!row) return;
    for (const other of this.#place.querySelectorAll("[tabindex='0']")) other.setAttribute("tabindex", "-1");
    row.setAttribute("tabindex", "0");
    row.focus();
  }

  #mark() {
    for (const row of this.#rows()) {
      const selected = row.variable !== undefined && row.variable === this.#selected;
      row.setAttribute("aria-selected", String(selected));
      if (selected && !this.#place.contains(document.activeElement)) {
        for (const other of this.#place.querySelectorAll("[tabindex='0']")) other.setAttribute("tabindex", "-1");
        row.setAttribute("tabindex", "0");
        row.scrollIntoView({ block: "nearest" });
      }
    }
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const rows = this.#rows();
    const at = rows.indexOf(document.activeElement);
    if (at < 0) return;
    const row = rows[at];
    const expanded = row.getAttribute("aria-expanded");
    const moves = {
      ArrowDown: () => rows[at + 1],
      ArrowUp: () => rows[at - 1],
      Home: () => rows[0],
      End: () => rows[rows.length - 1],
      ArrowRight: () => {
        if (expanded === "false") row.act();
        return expanded === "true" ? rows[at + 1] : null;
      },
      ArrowLeft: () => {
        if (expanded === "true") {
          row.act();
          return null;
        }
        return row.closest("ul")?.closest("li")?.querySelector(".row");
      },
    };
    if (moves[event.key]) {
      event.preventDefault();
      this.#focus(moves[event.key]());
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      row.act?.();
    } else if (event.key.length === 1 && event.key !== "/") {
      const wanted = event.key.toLowerCase();
      const after = [...rows.slice(at + 1), ...rows.slice(0, at + 1)];
      this.#focus(after.find((other) =>
        other.querySelector(".label")?.textContent.toLowerCase().startsWith(wanted)));
    }
  }
}

const MARKS = {
  tensor: "#", "string array": "S", string: "\u201c", record: "{}", vector: "[]", bytes: "01",
  integer: "1", number: "1.", complex: "1j", boolean: "?", null: "-", function: "f", edge: "\u2192",
  cell: "o", error: "!", extension: "E", typed: "T", damaged: "!",
};

function kindMark(row) {
  const text = MARKS[row.kind] ?? MARKS[row.kind.replace("_", " ")] ?? "\u00b7";
  const kind = row.kind.replace(/[^a-z]/g, "-");
  return element("span", { class: `mark kind-${kind}`, text, "aria-label": plain(row.kind) });
}
