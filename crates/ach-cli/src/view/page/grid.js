// Heat maps and images: as many cells as there are pixels for; a closer look asks again.

import { askNumbers, isGivenUp, Latest } from "./ask.js";
import { Axes } from "./axes.js";
import { colours, prepare, styled, ticks, whenResized, words } from "./scale.js";
import { count, element, failure, short } from "./text.js";

export async function showHeat(place, at, variable, signal) {
  const rank = variable.array.shape.length;
  return new Grid(place, at, variable, signal, {
    question: "heat",
    start: [rank - 2, rank - 1],
    hidden: 0,
    most: 512,
    bar: 74,
  }).load();
}

export async function showImage(place, at, variable, signal) {
  const { shape } = variable.array;
  const rank = shape.length;
  const last = shape[rank - 1];
  const isColour = rank >= 3 && (last === 3 || last === 4);
  const [down, across] = isColour ? [rank - 3, rank - 2] : [rank - 2, rank - 1];
  return new Grid(place, at, variable, signal, {
    question: "image",
    start: [down, across],
    hidden: isColour ? 1 : 0,
    most: 1024,
    bar: 0,
  }).load();
}

/** Cells of two axes of an array. */
class Grid {
  #at;
  #array;
  #signal;
  #kind;
  #axes;
  #latest = new Latest();
  #canvas = element("canvas", { tabindex: "0", role: "img" });
  #tip = element("div", { class: "tip", hidden: true });
  #frame = element("div", { class: "frame" });
  #note = element("p", { class: "note", "aria-live": "polite" });
  #closer = null;
  #drawn = null;
  #drag = null;
  #area = null;
  #scale = "auto";

  constructor(place, at, variable, signal, kind) {
    this.#at = at;
    this.#array = variable.array;
    this.#signal = signal;
    this.#kind = kind;
    const roles = kind.question === "heat" ? ["down", "across"] : [];
    this.#axes = new Axes(this.#array, roles, kind.start, () => {
      this.#closer = null;
      this.load();
    }, kind.hidden);
    const all = element("button", { type: "button", text: "All", title: "All of it (0)", on: { click: () => this.#look(null) } });
    const tools = element("div", { class: "tools" }, all);
    if (kind.question === "heat") {
      const select = element("select", { title: "Colours" });
      for (const [value, text] of [["auto", "colours by sign"], ["rising", "dark to light"], ["two", "two-sided"]]) {
        select.append(element("option", { value, text }));
      }
      select.addEventListener("change", () => {
        this.#scale = select.value;
        if (this.#drawn) this.#draw();
      });
      tools.prepend(select);
    }
    this.#frame.append(this.#canvas, this.#tip);
    place.append(element("div", { class: "plot-head" }, this.#axes.element, tools), this.#frame, this.#note);
    signal.addEventListener("abort", () => this.#latest.stop());
    whenResized(this.#frame, signal, () => this.#drawn && this.#draw());
    this.#listen();
  }

  async load() {
    const signal = this.#latest.begin();
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const size = Math.min(this.#kind.most, Math.round(Math.max(128, this.#frame.clientWidth) * ratio));
    const question = {
      ...this.#at,
      ...this.#axes.question(),
      axes: this.#axes.shown.join("."),
      height: size,
      width: size,
      ...(this.#closer ? { down: this.#closer.down.join("."), across: this.#closer.across.join(".") } : {}),
    };
    try {
      const { head, buffer, offset } = await askNumbers(this.#kind.question, question, signal);
      this.#drawn = {
        head,
        cells: this.#kind.question === "heat"
          ? new Float64Array(buffer, offset)
          : new Uint8ClampedArray(buffer, offset),
      };
      this.#draw();
    } catch (error) {
      if (isGivenUp(error) || this.#signal.aborted) return;
      this.#note.replaceChildren(failure(error));
    }
  }

  #look(closer) {
    this.#closer = closer;
    this.load();
  }

  #draw() {
    const { head, cells } = this.#drawn;
    const isHeat = this.#kind.question === "heat";
    const [rows, columns] = [head.down[1] - head.down[0], head.across[1] - head.across[0]];
    const margin = { left: 58, top: 8, right: 10 + this.#kind.bar, bottom: 28 };
    const width = Math.max(240, this.#frame.clientWidth);
    const inner = width - margin.left - margin.right;
    // True proportions, unless that would leave a sliver.
    const shape = rows / columns;
    const isTrue = !isHeat || (shape > 0.2 && shape < 5);
    const above = this.#frame.getBoundingClientRect().top + (this.#frame.closest("main")?.scrollTop ?? 0);
    const most = Math.max(260, Math.min(760, window.innerHeight - above - 84));
    let tall = isTrue ? inner * shape : inner * 0.55;
    let wide = inner;
    if (tall > most) {
      if (isTrue) wide = (inner * most) / tall;
      tall = most;
    }
    tall = Math.max(tall, 24);
    this.#area = { left: margin.left, top: margin.top, wide, tall };
    const height = margin.top + tall + margin.bottom;
    const context = prepare(this.#canvas, margin.left + wide + margin.right, height);
    const range = isHeat ? this.#colours() : null;
    const small = element("canvas", { width: head.width, height: head.height });
    small.getContext("2d").putImageData(this.#pixels(range), 0, 0);
    context.imageSmoothingEnabled = head.width > wide || head.height > tall;
    context.fillStyle = styled("--gap");
    context.fillRect(margin.left, margin.top, wide, tall);
    context.drawImage(small, margin.left, margin.top, wide, tall);
    this.#frameAround(context, head);
    if (range) this.#bar(context, range, margin.left + wide + 14);
    this.#say(head);
  }

  #colours() {
    const { head } = this.#drawn;
    let [least, most] = [Infinity, -Infinity];
    for (const cell of this.#drawn.cells) {
      if (cell < least) least = cell;
      if (cell > most) most = cell;
    }
    if (!(least <= most)) [least, most] = [head.least ?? 0, head.most ?? 1];
    const isTwoSided = this.#scale === "two" || (this.#scale === "auto" && least < 0 && most > 0);
    return colours(least, most, isTwoSided);
  }

  #pixels(range) {
    const { head, cells } = this.#drawn;
    if (!range) return new ImageData(cells, head.width, head.height);
    const pixels = new Uint8ClampedArray(cells.length * 4);
    cells.forEach((cell, n) => {
      if (Number.isNaN(cell)) return;
      const [red, green, blue] = range.of(cell);
      pixels.set([red, green, blue, 255], n * 4);
    });
    return new ImageData(pixels, head.width, head.height);
  }

  #frameAround(context, head) {
    const { left, top, wide, tall } = this.#area;
    context.fillStyle = styled("--faint");
    context.strokeStyle = styled("--grid");
    context.strokeRect(left - 0.5, top - 0.5, wide + 1, tall + 1);
    const mark = (bounds, most) => ticks(bounds[0], bounds[1] - 1, most).filter(Number.isInteger);
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of mark(head.across, Math.max(1, Math.floor(wide / 90)))) {
      const at = left + ((tick + 0.5 - head.across[0]) / (head.across[1] - head.across[0])) * wide;
      context.fillText(count(tick), at, top + tall + 8);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of mark(head.down, Math.max(1, Math.floor(tall / 50)))) {
      const at = top + ((tick + 0.5 - head.down[0]) / (head.down[1] - head.down[0])) * tall;
      context.fillText(count(tick), left - 8, at, left - 10);
    }
  }

  #bar(context, range, left) {
    const { top, tall } = this.#area;
    for (let n = 0; n < tall; n += 1) {
      const share = 1 - n / tall;
      const [red, green, blue] = range.of(range.low * (1 - share) + range.high * share);
      context.fillStyle = `rgb(${red},${green},${blue})`;
      context.fillRect(left, top + n, 12, 1.5);
    }
    context.fillStyle = styled("--faint");
    context.textAlign = "left";
    context.textBaseline = "middle";
    const marks = ticks(range.low, range.high, Math.max(2, tall / 60));
    words(marks).forEach((text, n) => {
      const share = (marks[n] / 2 - range.low / 2) / (range.high / 2 - range.low / 2 || 1);
      context.fillText(text, left + 17, top + tall - share * tall, 52);
    });
  }

  #say(head) {
    const said = [];
    const { shown } = this.#axes;
    if (this.#closer) {
      said.push(`axis ${shown[0]}: ${count(head.down[0])} to ${count(head.down[1] - 1)}`);
      said.push(`axis ${shown[1]}: ${count(head.across[0])} to ${count(head.across[1] - 1)}`);
    }
    const cells = head.width * head.height;
    if (head.one_in > 1) said.push(`sampled 1 in ${count(head.one_in)}`);
    if (cells * head.one_in < head.elements) said.push(`means of blocks, ${count(head.width)} by ${count(head.height)} of ${count(head.elements)} ${this.#kind.question === "image" ? "pixels" : "elements"}`);
    if (head.least !== undefined && head.least !== null) said.push(`${short(head.least)} to ${short(head.most)}`);
    if (head.least === null) said.push("no finite number here");
    if (head.is_stretched) said.push(`black is ${short(head.black)}, white is ${short(head.white)}`);
    if (head.nan) said.push(`${count(head.nan)} NaN`);
    if (head.infinite) said.push(`${count(head.infinite)} infinite`);
    if (head.not_finite) said.push(`${count(head.not_finite)} numbers are not finite`);
    said.push("drag to look closer");
    this.#note.textContent = said.join("; ");
    this.#canvas.setAttribute("aria-label", `${this.#kind.question === "heat" ? "Heat map" : "Image"}: ${said.join("; ")}`);
  }

  #share(event) {
    const box = this.#canvas.getBoundingClientRect();
    const { left, top, wide, tall } = this.#area ?? { left: 0, top: 0, wide: 1, tall: 1 };
    const x = (event.clientX - box.left - left) / wide;
    const y = (event.clientY - box.top - top) / tall;
    return { x, y, isInside: x >= 0 && x < 1 && y >= 0 && y < 1 };
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      const at = this.#share(event);
      if (!at.isInside || !this.#drawn) return;
      canvas.setPointerCapture(event.pointerId);
      this.#drag = at;
    });
    canvas.addEventListener("pointermove", (event) => {
      const at = this.#share(event);
      this.#hover(event, at);
      if (this.#drag) this.#shade(this.#drag, at);
    });
    canvas.addEventListener("pointerup", (event) => {
      const [a, b] = [this.#drag, this.#share(event)];
      this.#drag = null;
      if (!a) return;
      const side = (bounds, p, q) => {
        const span = bounds[1] - bounds[0];
        const [low, high] = [Math.max(0, Math.min(p, q)), Math.min(1, Math.max(p, q))];
        const from = bounds[0] + Math.floor(low * span);
        return [from, Math.max(from + 1, bounds[0] + Math.ceil(high * span))];
      };
      if (Math.abs(a.x - b.x) < 0.02 || Math.abs(a.y - b.y) < 0.02) return this.#draw();
      const { head } = this.#drawn;
      this.#look({ down: side(head.down, a.y, b.y), across: side(head.across, a.x, b.x) });
    });
    canvas.addEventListener("pointerleave", () => {
      this.#tip.hidden = true;
    });
    canvas.addEventListener("dblclick", () => this.#look(null));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const factor = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
      if (!this.#drawn || (!step && !factor && event.key !== "0")) return;
      event.preventDefault();
      if (event.key === "0") return this.#look(null);
      this.#move(step, factor);
    });
  }

  #move(step, factor) {
    const { head } = this.#drawn;
    const { shape } = this.#array;
    const [down, across] = this.#axes.shown;
    const side = (bounds, length, by) => {
      const width = Math.min(length, Math.max(2, Math.round((bounds[1] - bounds[0]) * (factor ?? 1))));
      const middle = (bounds[0] + bounds[1]) / 2 + (by ?? 0) * width * 0.25;
      const from = Math.max(0, Math.min(length - width, Math.round(middle - width / 2)));
      return [from, from + width];
    };
    const closer = { down: side(head.down, shape[down], step?.[0]), across: side(head.across, shape[across], step?.[1]) };
    const isAll = closer.down[1] - closer.down[0] >= shape[down] && closer.across[1] - closer.across[0] >= shape[across];
    this.#look(isAll ? null : closer);
  }

  #shade(a, b) {
    this.#draw();
    const { left, top, wide, tall } = this.#area;
    const context = this.#canvas.getContext("2d");
    context.fillStyle = styled("--shade");
    context.fillRect(left + Math.min(a.x, b.x) * wide, top + Math.min(a.y, b.y) * tall, Math.abs(a.x - b.x) * wide, Math.abs(a.y - b.y) * tall);
  }

  #hover(event, at) {
    if (!this.#drawn || !at.isInside) {
      this.#tip.hidden = true;
      return;
    }
    const { head, cells } = this.#drawn;
    const [row, column] = [Math.floor(at.y * head.height), Math.floor(at.x * head.width)];
    const edge = (bounds, n, all) => bounds[0] + Math.floor(((bounds[1] - bounds[0]) * n) / all);
    const [y, x] = [edge(head.down, row, head.height), edge(head.across, column, head.width)];
    const cell = row * head.width + column;
    const value = this.#kind.question === "heat"
      ? short(cells[cell])
      : [...cells.slice(cell * 4, cell * 4 + Math.min(head.colours === 1 ? 1 : head.colours, 4))].join(" ");
    const is_mean = head.width * head.height < head.elements && this.#kind.question === "heat";
    this.#tip.replaceChildren(
      element("div", { class: "tip-head", text: `[${count(y)}, ${count(x)}]${is_mean ? " and near it" : ""}` }),
      element("div", { text: `${is_mean ? "mean " : ""}${value}` }));
    this.#tip.hidden = false;
    const box = this.#frame.getBoundingClientRect();
    const left = event.clientX - box.left;
    const isRight = left > box.width / 2;
    this.#tip.style.left = isRight ? "auto" : `${left + 14}px`;
    this.#tip.style.right = isRight ? `${box.width - left + 14}px` : "auto";
    this.#tip.style.top = `${Math.max(0, event.clientY - box.top - 10)}px`;
  }
}
