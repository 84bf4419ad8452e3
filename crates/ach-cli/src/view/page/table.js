// Tables: a page of rows and columns at a time.

import { fragment } from "./address.js";
import { ask, isGivenUp, Latest } from "./ask.js";
import { Axes } from "./axes.js";
import { count, element, failure, name, shown } from "./text.js";

const ROWS = 100;
const COLUMNS = 24;

export async function showTable(place, at, variable, signal) {
  const latest = new Latest();
  signal.addEventListener("abort", () => latest.stop());
  const controls = element("div", { class: "controls pager" });
  const frame = element("div", { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Table" });
  let [from, first] = [0, 0];
  let axes = null;
  const rank = variable.array?.shape.length ?? 0;
  const load = async () => {
    try {
      const question = { ...at, from, first, count: ROWS, columns: COLUMNS };
      if (axes) Object.assign(question, axes.question(), { axes: axes.shown.join(".") });
      const page = await ask("rows", question, latest.begin());
      draw(page);
    } catch (error) {
      if (isGivenUp(error) || signal.aborted) return;
      frame.replaceChildren(failure(error));
    }
  };
  if (rank > 2) {
    // Cells show complex numbers whole.
    const array = { ...variable.array, is_complex: false };
    axes = new Axes(array, ["rows", "columns"], [rank - 2, rank - 1], () => {
      [from, first] = [0, 0];
      load();
    });
    place.append(axes.element);
  }
  const draw = (page) => {
    controls.replaceChildren(
      ...pager("row", page.from, page.cells[0]?.length ?? 0, page.rows, ROWS, (to) => {
        from = to;
        load();
      }),
      ...(page.columns > page.heads.length
        ? pager("column", page.first, page.heads.length, page.columns, COLUMNS, (to) => {
          first = to;
          load();
        })
        : []));
    frame.replaceChildren(table(page, at));
  };
  place.append(controls, frame);
  await load();
}

function pager(thing, from, shownNow, all, most, turn) {
  const end = Math.max(from, from + shownNow - 1);
  const button = (text, title, to, isOff) => {
    const made = element("button", { type: "button", text, title, "aria-label": title });
    made.disabled = isOff;
    made.addEventListener("click", () => turn(to));
    return made;
  };
  const parts = [element("span", { text: `${thing}s ${count(from)} to ${count(end)} of ${count(all)}` })];
  if (all > shownNow) {
    const last = Math.max(0, all - most);
    parts.push(
      button("\u00ab", `First ${thing}s`, 0, from === 0),
      button("\u2039", `${thing}s before`, Math.max(0, from - most), from === 0),
      button("\u203a", `${thing}s after`, Math.min(last, from + most), from + shownNow >= all),
      button("\u00bb", `Last ${thing}s`, last, from + shownNow >= all));
    const go = element("input", { type: "number", min: 0, max: all - 1, placeholder: `${thing}`, "aria-label": `Go to ${thing}` });
    go.addEventListener("change", () => {
      const to = Math.min(all - 1, Math.max(0, Math.floor(Number(go.value)) || 0));
      turn(to);
    });
    parts.push(go);
  }
  return parts;
}

function table(page, at) {
  const head = element("tr", {}, element("th", { class: "corner" }));
  for (const column of page.heads) {
    const cell = element("th", { scope: "col", class: column.is_numeric ? "numeric" : "" });
    if (column.part === undefined || column.part === null) cell.append(name(column.label));
    else {
      const to = { ...at, p: at.p ? `${at.p}.${column.part}` : column.part };
      cell.append(element("a", { href: fragment(to), title: "The column by itself" }, name(column.label)));
    }
    if (column.dtype) cell.append(element("span", { class: "dtype", text: column.dtype }));
    head.append(cell);
  }
  const body = element("tbody");
  const rows = page.cells[0]?.length ?? 0;
  for (let row = 0; row < rows; row += 1) {
    const line = element("tr", {}, element("th", { scope: "row", text: page.from + row }));
    page.cells.forEach((cells, column) => {
      const value = cells[row];
      const kind = page.heads[column].is_numeric ? "numeric" : "";
      const cell = element("td", { class: kind });
      if (value === null) cell.append(element("span", { class: "missing", text: "\u2013", title: "missing" }));
      else if (typeof value === "object") cell.append(element("span", { class: "escape", text: "damaged", title: value.error }));
      else cell.append(shown(value));
      line.append(cell);
    });
    body.append(line);
  }
  return element("table", {}, element("thead", {}, head), body);
}
