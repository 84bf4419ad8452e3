// Lines: as many numbers as there are pixels for; a closer look asks again.

import { ask, isGivenUp, Latest } from "./ask.js";
import { Axes } from "./axes.js";
import { lineColours, prepare, styled, ticks, whenResized, words } from "./scale.js";
import { count, element, failure, name, plain, short } from "./text.js";

const MARGIN = { left: 64, right: 14, top: 12, bottom: 30 };
const SHOWN_AT_FIRST = 6;
const BUNDLE = 8;

export async function showLine(place, at, variable, signal) {
  const plot = new Plot(place, signal);
  const array = variable.array;
  if (!array) {
    const listed = variable.series.length ? variable.series : [{ label: "value" }];
    plot.offer(listed.map((series) => ({ label: series.label, question: { ...at, column: series.column } })));
    return plot.load();
  }
  const longest = array.shape.indexOf(Math.max(...array.shape));
  const axes = new Axes(array, ["along"], [longest], () => {
    offer();
    plot.load();
  });
  const offer = () => {
    const x = axes.shown[0];
    const bundle = array.shape.findIndex((length, axis) => axis !== x && length > 1 && length <= BUNDLE);
    const isBundled = bundle >= 0 && array.shape.length === 2;
    const lines = isBundled ? array.shape[bundle] : 1;
    axes.element.classList.toggle("bundled", isBundled);
    plot.offer(Array.from({ length: lines }, (_, n) => {
      const fix = axes.fix.map((index, axis) => (isBundled && axis === bundle ? n : index));
      return {
        label: isBundled ? `[${x === 0 ? `:, ${n}` : `${n}, :`}]` : "value",
        question: { ...at, ...axes.question(), fix: fix.join("."), axis: x },
      };
    }), axes.shown[0]);
  };
  place.prepend(axes.element);
  offer();
  return plot.load();
}

/** A plot with lines, a legend, and ways to look closer. */
class Plot {
  #signal;
  #latest = new Latest();
  #canvas = element("canvas", { tabindex: "0", role: "img" });
  #legend = element("div", { class: "legend" });
  #note = element("p", { class: "note", "aria-live": "polite" });
  #tip = element("div", { class: "tip", hidden: true });
  #frame = element("div", { class: "frame" });
  #series = [];
  #axis = undefined;
  #drawn = null;
  #range = null;
  #drag = null;
  #timer = 0;
  // Whether each line has a scale of its own: chosen, or else where one would hide the others.
  #ownScales = null;

  constructor(place, signal) {
    this.#signal = signal;
    const button = (text, title, act) => element("button", { type: "button", text, title, on: { click: act } });
    const tools = element("div", { class: "tools" },
      button("+", "Closer (+)", () => this.#zoom(0.5, 0.5)),
      button("\u2212", "Further (-)", () => this.#zoom(2, 0.5)),
      button("\u2190", "Left (arrow keys)", () => this.#pan(-0.5)),
      button("\u2192", "Right (arrow keys)", () => this.#pan(0.5)),
      button("All", "All of it (0)", () => this.#look(null)));
    this.#frame.append(this.#canvas, this.#tip);
    place.append(element("div", { class: "plot-head" }, this.#legend, tools), this.#frame, this.#note);
    signal.addEventListener("abort", () => this.#latest.stop());
    whenResized(this.#frame, signal, () => this.load());
    this.#listen();
  }

  /** The lines there are. Those that stay keep whether they are shown. */
  offer(series, axis) {
    if (axis !== this.#axis) this.#range = null;
    this.#axis = axis;
    const before = this.#series;
    this.#series = series.map((each, n) => ({
      ...each,
      isShown: before.length === series.length ? before[n].isShown : n < SHOWN_AT_FIRST,
    }));
    this.#legend.replaceChildren();
    if (series.length < 2) return;
    this.#series.forEach((each, n) => {
      const box = element("input", { type: "checkbox" });
      box.checked = each.isShown;
      box.addEventListener("change", () => {
        each.isShown = box.checked;
        this.load();
      });
      const swatch = element("span", { class: `swatch line-${(n % 8) + 1}` });
      this.#legend.append(element("label", {}, box, swatch, name(each.label)));
    });
    const own = element("input", { type: "checkbox", class: "own-scales" });
    own.addEventListener("change", () => {
      this.#ownScales = own.checked;
      this.#draw();
    });
    this.#legend.append(element("label", { class: "choice" }, own, "each on its own scale"));
  }

  /** Asks for what is to be seen and draws it. */
  async load() {
    const signal = this.#latest.begin();
    const pixels = Math.max(100, this.#frame.clientWidth - MARGIN.left - MARGIN.right);
    const range = this.#range ? { from: this.#range[0], to: this.#range[1] } : {};
    try {
      const lines = [];
      const shown = this.#series.map((each, n) => ({ ...each, n })).filter((each) => each.isShown);
      for (const each of shown) {
        lines.push({ ...each, ...(await ask("line", { ...each.question, ...range, pixels }, signal)) });
      }
      this.#drawn = lines;
      this.#draw();
    } catch (error) {
      if (isGivenUp(error) || this.#signal.aborted) return;
      this.#note.replaceChildren(failure(error));
    }
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), 60);
  }

  #bounds() {
    const first = this.#drawn?.[0];
    return first ? [first.from, first.to, first.len] : [0, 1, 1];
  }

  #look(range) {
    const [, , len] = this.#bounds();
    if (range) {
      const width = Math.min(len, Math.max(4, Math.round(range[1] - range[0])));
      const from = Math.max(0, Math.min(len - width, Math.round(range[0])));
      range = width >= len ? null : [from, from + width];
    }
    this.#range = range;
    this.#soon();
  }

  #zoom(factor, share) {
    const [from, to, len] = this.#range ? [...this.#range, this.#bounds()[2]] : [0, this.#bounds()[2], this.#bounds()[2]];
    const width = Math.min(len, (to - from) * factor);
    const around = from + (to - from) * share;
    this.#look([around - width * share, around + width * (1 - share)]);
  }

  #pan(share) {
    if (!this.#range) return;
    const [from, to] = this.#range;
    const by = (to - from) * share;
    this.#look([from + by, to + by]);
  }

  #size() {
    const width = Math.max(200, this.#frame.clientWidth);
    const height = Math.round(Math.min(460, Math.max(220, width * 0.5)));
    return { width, height, inner: width - MARGIN.left - MARGIN.right, tall: height - MARGIN.top - MARGIN.bottom };
  }

  #draw() {
    const { width, height, inner, tall } = this.#size();
    const context = prepare(this.#canvas, width, height);
    const lines = this.#drawn;
    const [from, to] = this.#bounds();
    const bounds = lines.map(boundsOf);
    const isOwn = lines.length > 1 && (this.#ownScales ?? differ(bounds));
    const box = this.#legend.querySelector(".own-scales");
    if (box) box.checked = isOwn;
    const all = [Math.min(...bounds.map(([low]) => low)), Math.max(...bounds.map(([, high]) => high))];
    const isEmpty = !(all[0] <= all[1]);
    const scales = bounds.map((each) => widened(isOwn ? each : all));
    const isPoints = lines.every((line) => line.values);
    const span = isPoints ? Math.max(1, to - from - 1) : to - from;
    const x = (index) => MARGIN.left + ((index - from) / span) * inner;
    const over = ([low, high]) => (value) =>
      MARGIN.top + tall - ((value / 2 - low / 2) / (high / 2 - low / 2)) * tall;
    const [low, high] = isOwn ? [0, 1] : widened(all);
    this.#frameAround(context, { from, to: from + span, low, high, x, y: over([low, high]), width, height, isOwn });
    const colours = lineColours();
    context.save();
    context.beginPath();
    context.rect(MARGIN.left, 0, inner + 1, height);
    context.clip();
    lines.forEach((line, n) => {
      context.strokeStyle = colours[line.n % 8];
      context.fillStyle = colours[line.n % 8];
      if (line.values) drawValues(context, line, x, over(scales[n]));
      else drawRanges(context, line, inner, over(scales[n]));
    });
    context.restore();
    this.#say(lines, isEmpty, from, to);
  }

  #frameAround(context, { from, to, low, high, x, y, width, height, isOwn }) {
    context.lineWidth = 1;
    context.strokeStyle = styled("--grid");
    context.fillStyle = styled("--faint");
    const across = ticks(from, to, Math.max(2, Math.floor(width / 110))).filter((tick) => Number.isInteger(tick));
    const down = ticks(low, high, 6);
    context.textAlign = "center";
    context.textBaseline = "top";
    across.forEach((tick) => {
      const at = Math.round(x(tick)) + 0.5;
      context.beginPath();
      context.moveTo(at, MARGIN.top);
      context.lineTo(at, height - MARGIN.bottom);
      context.stroke();
      context.fillText(count(tick), Math.min(at, width - 24), height - MARGIN.bottom + 8);
    });
    context.textAlign = "right";
    context.textBaseline = "middle";
    // A scale that is no line's own has no numbers.
    const text = isOwn ? down.map(() => "") : words(down);
    down.forEach((tick, n) => {
      const at = Math.round(y(tick)) + 0.5;
      context.beginPath();
      context.moveTo(MARGIN.left, at);
      context.lineTo(width - MARGIN.right, at);
      context.stroke();
      context.fillText(text[n], MARGIN.left - 8, at, MARGIN.left - 10);
    });
  }

  #say(lines, isEmpty, from, to) {
    const sum = (key) => lines.reduce((all, line) => all + line[key], 0);
    const [, , len] = this.#bounds();
    const said = [`elements ${count(from)} to ${count(Math.max(from, to - 1))} of ${count(len)}`];
    if (!lines.length) said.splice(0, 1, "no line is chosen");
    const all = lines.reduce((total, line) => total + (line.to - line.from), 0);
    const looked = sum("looked_at");
    if (looked < all) said.push(`sampled 1 in ${count(Math.round(all / Math.max(1, looked)))}`);
    if (lines.some((line) => !line.values)) said.push("least and greatest of each column of pixels");
    if (sum("nan")) said.push(`${count(sum("nan"))} NaN`);
    if (sum("infinite")) said.push(`${count(sum("infinite"))} infinite`);
    if (isEmpty && lines.length) said.push("no finite number here");
    this.#note.textContent = said.join("; ");
    this.#canvas.setAttribute("aria-label", `Plot of ${lines.map((line) => plain(line.label)).join(", ")}: ${said.join("; ")}`);
  }

  #listen() {
    const canvas = this.#canvas;
    const share = (event) => {
      const box = canvas.getBoundingClientRect();
      const inner = box.width - MARGIN.left - MARGIN.right;
      return Math.min(1, Math.max(0, (event.clientX - box.left - MARGIN.left) / inner));
    };
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey && document.activeElement !== canvas) return;
      event.preventDefault();
      this.#zoom(event.deltaY > 0 ? 1.4 : 1 / 1.4, share(event));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#drag = { from: share(event), range: this.#range, isPan: event.shiftKey };
    });
    canvas.addEventListener("pointermove", (event) => {
      this.#hover(event, share(event));
      if (this.#drag && !this.#drag.isPan) this.#shade(this.#drag.from, share(event));
      if (this.#drag?.isPan && this.#drag.range) {
        const [from, to] = this.#drag.range;
        const by = (this.#drag.from - share(event)) * (to - from);
        this.#look([from + by, to + by]);
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      const drag = this.#drag;
      this.#drag = null;
      if (!drag || drag.isPan) return;
      const [a, b] = [drag.from, share(event)].sort((p, q) => p - q);
      if (b - a < 0.01) return this.#drawn && this.#draw();
      const [from, to] = this.#bounds();
      this.#look([from + a * (to - from), from + b * (to - from)]);
    });
    canvas.addEventListener("pointerleave", () => {
      this.#tip.hidden = true;
    });
    canvas.addEventListener("dblclick", () => this.#look(null));
    canvas.addEventListener("keydown", (event) => {
      const keys = {
        "+": () => this.#zoom(0.5, 0.5), "=": () => this.#zoom(0.5, 0.5), "-": () => this.#zoom(2, 0.5),
        ArrowLeft: () => this.#pan(-0.25), ArrowRight: () => this.#pan(0.25), 0: () => this.#look(null),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  #shade(a, b) {
    if (!this.#drawn) return;
    this.#draw();
    const { inner, tall } = this.#size();
    const context = this.#canvas.getContext("2d");
    context.fillStyle = styled("--shade");
    context.fillRect(MARGIN.left + Math.min(a, b) * inner, MARGIN.top, Math.abs(b - a) * inner, tall);
  }

  #hover(event, share) {
    if (!this.#drawn?.length) return;
    const [from, to] = this.#bounds();
    const rows = [];
    let head = "";
    for (const line of this.#drawn.slice(0, 8)) {
      let text;
      if (line.values) {
        const index = Math.round(share * Math.max(0, to - from - 1));
        head = `[${count(from + index)}]`;
        text = short(line.values[index]);
      } else {
        const column = Math.min(line.least.length - 1, Math.floor(share * line.least.length));
        const edge = (n) => Math.floor(from + ((to - from) * n) / line.least.length);
        head = `[${count(edge(column))} to ${count(Math.max(edge(column), edge(column + 1) - 1))}]`;
        const [least, most] = [line.least[column], line.most[column]];
        text = least === most ? short(least) : `${short(least)} to ${short(most)}`;
      }
      const swatch = element("span", { class: `swatch line-${(line.n % 8) + 1}` });
      rows.push(element("div", {}, swatch, this.#drawn.length > 1 ? `${plain(line.label).slice(0, 40)}: ` : "", text));
    }
    this.#tip.replaceChildren(element("div", { class: "tip-head", text: head }), ...rows);
    this.#tip.hidden = false;
    const box = this.#frame.getBoundingClientRect();
    const at = event.clientX - box.left;
    const isRight = at > box.width / 2;
    this.#tip.style.left = isRight ? "auto" : `${at + 14}px`;
    this.#tip.style.right = isRight ? `${box.width - at + 14}px` : "auto";
    this.#tip.style.top = `${Math.max(0, event.clientY - box.top - 10)}px`;
  }
}

/** The least and the greatest number of a line. */
function boundsOf(line) {
  let [low, high] = [Infinity, -Infinity];
  for (const values of [line.values, line.least, line.most]) {
    for (const value of values ?? []) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}

/** Whether one scale would make some of the lines flat. */
function differ(bounds) {
  const spans = bounds.map(([low, high]) => high - low).filter((span) => span > 0);
  return spans.length > 1 && Math.max(...spans) > 20 * Math.min(...spans);
}

/** A range with some room around it. */
function widened([low, high]) {
  if (!(low <= high)) return [0, 1];
  if (low === high) return [low - (Math.abs(low) / 2 || 1), high + (Math.abs(high) / 2 || 1)];
  const room = (high / 2 - low / 2) * 0.08;
  return [low - room, high + room];
}

function drawValues(context, line, x, y) {
  const { values, from } = line;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  let isOpen = false;
  values.forEach((value, n) => {
    if (value === null) {
      isOpen = false;
      return;
    }
    const at = [x(from + n), y(value)];
    if (isOpen) context.lineTo(...at);
    else context.moveTo(...at);
    isOpen = true;
  });
  context.stroke();
  values.forEach((value, n) => {
    if (value === null) return;
    // Few points are marked, and those that stand alone could not be seen otherwise.
    const isAlone = (values[n - 1] ?? null) === null && (values[n + 1] ?? null) === null;
    if (values.length > 80 && !isAlone) return;
    context.beginPath();
    context.arc(x(from + n), y(value), 2.4, 0, 2 * Math.PI);
    context.fill();
  });
}

function drawRanges(context, line, inner, y) {
  const { least, most } = line;
  const width = inner / least.length;
  context.globalAlpha = 0.85;
  let before = null;
  for (let n = 0; n < least.length; n += 1) {
    if (least[n] === null) {
      before = null;
      continue;
    }
    let [top, bottom] = [y(most[n]), y(least[n])];
    if (before) {
      // The line goes on from column to column.
      top = Math.min(top, before[1]);
      bottom = Math.max(bottom, before[0]);
    }
    before = [y(most[n]), y(least[n])];
    context.fillRect(MARGIN.left + n * width, top - 0.6, Math.max(1, width), Math.max(1.2, bottom - top + 1.2));
  }
  context.globalAlpha = 1;
}
