// Scales, marks along them, and colours for numbers.

import { short } from "./text.js";

/** Round numbers between two, about `most` of them. */
export function ticks(from, to, most) {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span)) return [from];
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to + step * 1e-9 && found.length < 50; n += 1) {
    found.push(n === 0 ? 0 : n * step);
  }
  return found;
}

/** Words for marks: no more digits than tell them apart. */
export function words(marks) {
  if (marks.length < 2) return marks.map(short);
  const step = Math.abs(marks[1] - marks[0]);
  const largest = Math.max(...marks.map(Math.abs));
  if (largest >= 1e7 || largest < 1e-4) return marks.map((mark) => (mark === 0 ? "0" : Number(mark.toPrecision(8)).toExponential()));
  const digits = Math.max(0, Math.min(10, Math.ceil(-Math.log10(step) - 1e-9)));
  return marks.map((mark) => mark.toFixed(digits));
}

/** A colour of the page's style. */
export const styled = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The colours of lines. */
export const lineColours = () => [1, 2, 3, 4, 5, 6, 7, 8].map((n) => styled(`--line-${n}`));

// From dark to light, each step as much lighter as the one before.
const RISING = [[20, 11, 52], [59, 30, 102], [60, 62, 134], [45, 96, 141], [33, 129, 140], [42, 163, 127], [98, 193, 97], [176, 215, 62], [247, 232, 74]];
// Blue below, red above, pale between.
const TWO_SIDED = [[23, 63, 135], [56, 113, 185], [121, 167, 216], [188, 212, 234], [244, 243, 240], [246, 204, 184], [231, 143, 117], [199, 76, 69], [132, 21, 45]];

function between(stops, share) {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const part = at - low;
  return [0, 1, 2].map((n) => Math.round(stops[low][n] + (stops[low + 1][n] - stops[low][n]) * part));
}

/** Colours for numbers from `least` to `most`: two-sided around zero where there are both signs. */
export function colours(least, most, isTwoSided) {
  const stops = isTwoSided ? TWO_SIDED : RISING;
  const reach = Math.max(Math.abs(least), Math.abs(most)) || 1;
  const [low, high] = isTwoSided ? [-reach, reach] : [least, most];
  const table = Array.from({ length: 256 }, (_, n) => between(stops, n / 255));
  const half = high / 2 - low / 2;
  const of = (number) => {
    const share = half > 0 ? (number / 2 - low / 2) / half : 0.5;
    return table[Math.min(255, Math.max(0, Math.round(share * 255)))];
  };
  return { of, low, high };
}

/** A canvas as sharp as the screen, its size in the page's pixels. */
export function prepare(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  return context;
}

/** Calls `draw` when the size of an element or the colours of the page change, until `signal`. */
export function whenResized(place, signal, draw) {
  let width = place.clientWidth;
  const observer = new ResizeObserver(() => {
    if (place.clientWidth !== width && place.clientWidth > 0) {
      width = place.clientWidth;
      draw();
    }
  });
  observer.observe(place);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
}
