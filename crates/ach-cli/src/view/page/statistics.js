// Figures of an array, and how its numbers are spread.

import { ask } from "./ask.js";
import { prepare, styled, ticks, whenResized, words } from "./scale.js";
import { count, element, short } from "./text.js";

export async function showStatistics(place, at, variable, signal) {
  const figures = await ask("statistics", at, signal);
  const list = element("dl", { class: "figures" });
  const figure = (label, value) => list.append(element("div", {}, element("dt", { text: label }), element("dd", { text: value })));
  const number = (value) => (typeof value === "number" ? short(value) : value ?? "none");
  const of = variable.array?.is_complex ? " of absolute values" : "";
  figure(`least${of}`, number(figures.min));
  figure(`greatest${of}`, number(figures.max));
  figure("mean", number(figures.mean));
  figure("deviation", number(figures.std));
  figure("elements", count(figures.elements));
  figure("NaN", count(figures.nan));
  figure("infinite", count(figures.infinite));
  figure("zero", count(figures.zeros));
  place.append(list);
  if (figures.looked_at < figures.elements) {
    const every = Math.round(figures.elements / figures.looked_at);
    place.append(element("p", { class: "note", text: `sampled 1 in ${count(every)}: figures of ${count(figures.looked_at)} elements from all over the array` }));
  }
  if (!figures.histogram) return;
  const frame = element("div", { class: "frame" });
  const canvas = element("canvas", { role: "img", "aria-label": `Histogram from ${short(figures.histogram.from)} to ${short(figures.histogram.to)}` });
  frame.append(canvas);
  place.append(frame);
  const draw = () => histogram(canvas, frame, figures.histogram);
  whenResized(frame, signal, draw);
  draw();
}

function histogram(canvas, frame, { from, to, counts }) {
  const width = Math.max(200, frame.clientWidth);
  const height = 240;
  const margin = { left: 64, right: 14, top: 10, bottom: 28 };
  const context = prepare(canvas, width, height);
  const most = Math.max(1, ...counts);
  const inner = width - margin.left - margin.right;
  const tall = height - margin.top - margin.bottom;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.strokeStyle = styled("--grid");
  context.fillStyle = styled("--faint");
  for (const tick of ticks(0, most, 4).filter(Number.isInteger)) {
    const y = Math.round(margin.top + tall - (tick / most) * tall) + 0.5;
    context.beginPath();
    context.moveTo(margin.left, y);
    context.lineTo(width - margin.right, y);
    context.stroke();
    context.fillText(count(tick), margin.left - 8, y, margin.left - 10);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  const marks = from === to ? [from] : ticks(from, to, Math.max(2, Math.floor(width / 110)));
  words(marks).forEach((text, n) => {
    const share = from === to ? 0.5 : (marks[n] / 2 - from / 2) / (to / 2 - from / 2);
    context.fillText(text, Math.min(width - 24, margin.left + share * inner), height - margin.bottom + 8);
  });
  context.fillStyle = styled("--line-1");
  const step = inner / counts.length;
  counts.forEach((bar, n) => {
    if (bar === 0) return;
    const length = Math.max(1, (bar / most) * tall);
    context.fillRect(margin.left + n * step + 0.5, margin.top + tall - length, Math.max(1, step - 1), length);
  });
}
