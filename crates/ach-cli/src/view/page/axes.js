// Which axes of an array are shown, and at which index the others stand.

import { count, element } from "./text.js";

/**
 * Controls for the axes of an array: `roles` are those that are shown ("x", or "down" and "across"),
 * `start` the axes they begin with, `hidden` how many axes at the end are no choice. `changed` is called
 * when something is chosen.
 */
export class Axes {
  #array;
  #changed;
  #sliders = element("div", { class: "sliders" });
  #hidden;

  constructor(array, roles, start, changed, hidden = 0) {
    this.#array = array;
    this.#changed = changed;
    this.#hidden = hidden;
    this.fix = array.shape.map(() => 0);
    this.shown = [...start];
    this.part = undefined;
    this.element = element("div", { class: "controls" });
    const free = array.shape.length - hidden;
    if (roles.length && free > roles.length) {
      roles.forEach((role, n) => this.element.append(this.#choice(role, n, free)));
    }
    if (array.is_complex) this.element.append(this.#parts());
    this.element.append(this.#sliders);
    this.#slide();
  }

  /** What goes into a question. */
  question() {
    return { fix: this.fix.join("."), part: this.part };
  }

  #choice(role, n, free) {
    const select = element("select", { "data-role": role });
    for (let axis = 0; axis < free; axis += 1) {
      select.append(element("option", { value: axis, text: `axis ${axis} (${count(this.#array.shape[axis])})` }));
    }
    select.value = this.shown[n];
    select.addEventListener("change", () => {
      const axis = Number(select.value);
      const other = this.shown.indexOf(axis);
      if (other >= 0) this.shown[other] = this.shown[n];
      this.shown[n] = axis;
      this.element.querySelectorAll("select[data-role]").forEach((each, m) => {
        each.value = this.shown[m];
      });
      this.#slide();
      this.#changed();
    });
    return element("label", {}, `${role} `, select);
  }

  #parts() {
    const select = element("select");
    for (const [value, text] of [["abs", "absolute value"], ["re", "real part"], ["im", "imaginary part"], ["arg", "angle"]]) {
      select.append(element("option", { value, text }));
    }
    select.addEventListener("change", () => {
      this.part = select.value;
      this.#changed();
    });
    return element("label", {}, "of complex numbers ", select);
  }

  #slide() {
    const { shape } = this.#array;
    this.#sliders.replaceChildren();
    shape.slice(0, shape.length - this.#hidden).forEach((length, axis) => {
      if (this.shown.includes(axis) || length <= 1) return;
      const range = element("input", { type: "range", min: 0, max: length - 1, value: this.fix[axis], "aria-label": `index of axis ${axis}` });
      const number = element("input", { type: "number", min: 0, max: length - 1, value: this.fix[axis], "aria-label": `index of axis ${axis}` });
      const set = (text) => {
        const index = Math.min(length - 1, Math.max(0, Math.floor(Number(text)) || 0));
        this.fix[axis] = index;
        range.value = index;
        number.value = index;
        this.#changed();
      };
      range.addEventListener("input", () => set(range.value));
      number.addEventListener("change", () => set(number.value));
      this.#sliders.append(element("label", {}, `axis ${axis} at `, number, range, ` of ${count(length)}`));
    });
  }
}
