// An answer's charts: the scale, accuracy by length, and the zoo.

import { canvas, element, widthOf } from "./drawing.js";

/** P(generalizer) with its interval on a scale from 0 to 1. */
export function scale(probability, [low, high], threshold) {
  const x = (value) => 20 + 360 * value;
  const label = `Probability ${probability.toFixed(2)}, interval ${low.toFixed(2)} to ${high.toFixed(2)}`;
  const svg = canvas(400, 74, label);
  svg.append(element("line", { x1: x(0), x2: x(1), y1: 40, y2: 40, class: "axis", "stroke-width": 6 }));
  const width = Math.max(2, x(high) - x(low));
  svg.append(element("rect", { x: x(low), y: 34, width, height: 12, rx: 3, class: "band" }));
  svg.append(element("line", { x1: x(threshold), x2: x(threshold), y1: 28, y2: 52, class: "mark" }));
  svg.append(element("circle", { cx: x(probability), cy: 40, r: 7, class: "dot" }));
  const anchor = probability > 0.85 ? "end" : probability < 0.15 ? "start" : "middle";
  const at = { x: x(probability), y: 20, "text-anchor": anchor, class: "strong" };
  svg.append(element("text", at, `P(generalizer) = ${probability.toFixed(2)}`));
  svg.append(element("text", { x: x(0), y: 70 }, "0: does not"));
  svg.append(element("text", { x: x(1), y: 70, "text-anchor": "end" }, "1: generalizes"));
  return svg;
}

/** Accuracy against length with its confidence band; the training length is marked. */
export function accuracyCurve(buckets, trainMaxLength, cut) {
  const run = buckets.filter((bucket) => bucket.accuracy !== null);
  const longest = buckets.at(-1).max_length;
  const x = (length) => 42 + (340 * length) / longest;
  const floor = Math.min(0.45, ...run.map((bucket) => bucket.accuracy_low - 0.03));
  const y = (accuracy) => 14 + (160 * (1 - accuracy)) / (1 - floor);
  const words = run.map((bucket) => `${bucket.relative} ${bucket.accuracy.toFixed(3)}`).join(", ");
  const svg = canvas(400, 220, `Accuracy by length: ${words}`);
  for (const value of [0.5, 0.75, 1]) {
    svg.append(element("line", { x1: x(0), x2: x(longest), y1: y(value), y2: y(value), class: "axis" }));
    svg.append(element("text", { x: 36, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(2)));
  }
  svg.append(element("line", { x1: x(0), x2: x(longest), y1: y(cut), y2: y(cut), class: "cut" }));
  svg.append(element("text", { x: x(longest), y: y(cut) - 4, "text-anchor": "end" }, `cut ${cut.toFixed(2)}`));
  svg.append(element("line", { x1: x(trainMaxLength), x2: x(trainMaxLength), y1: 10, y2: 176, class: "mark" }));
  const middle = (bucket) => (bucket.min_length + bucket.max_length) / 2;
  const upper = run.map((bucket) => `${x(middle(bucket))},${y(bucket.accuracy_high)}`);
  const lower = run.map((bucket) => `${x(middle(bucket))},${y(bucket.accuracy_low)}`).reverse();
  svg.append(element("polygon", { points: [...upper, ...lower].join(" "), class: "band" }));
  const points = run.map((bucket) => `${x(middle(bucket))},${y(bucket.accuracy)}`).join(" ");
  svg.append(element("polyline", { points, class: "curve" }));
  for (const bucket of run) {
    const dot = element("circle", { cx: x(middle(bucket)), cy: y(bucket.accuracy), r: 4, class: "dot" });
    const range = `${bucket.min_length} to ${bucket.max_length} symbols`;
    dot.append(element("title", {}, `${range}: ${bucket.correct} of ${bucket.formulas} right`));
    svg.append(dot);
  }
  for (let multiple = 1; multiple * trainMaxLength <= longest; multiple += 1) {
    const name = multiple === 1 ? `T = ${trainMaxLength}` : `${multiple}T`;
    svg.append(element("text", { x: x(multiple * trainMaxLength), y: 194, "text-anchor": "middle" }, name));
  }
  svg.append(element("text", { x: x(longest / 2), y: 214, "text-anchor": "middle" }, "length of the input, in symbols"));
  return svg;
}

/** Out-of-fold probabilities of the zoo by label, on a logarithmic scale, and where this model lies. */
export function histogram(zoo, probability, container) {
  const width = widthOf(container);
  const bins = zoo.generalizers.length;
  const most = Math.max(1, ...zoo.generalizers, ...zoo.not_generalizers);
  const [top, half, left] = [46, 80, 40];
  const middle = top + half;
  const x = (value) => left + (width - left - 12) * value;
  const high = (count) => (half * Math.log10(1 + count)) / Math.log10(1 + most);
  const total = (counts) => counts.reduce((sum, count) => sum + count, 0);
  const svg = canvas(width, middle + half + 44, "The zoo's probabilities: generalizers above, others below the line");
  for (let count = 1; count <= most; count *= 10) {
    for (const y of [middle - high(count), middle + high(count)]) {
      svg.append(element("line", { x1: x(0), x2: x(1), y1: y, y2: y, class: "axis" }));
      svg.append(element("text", { x: left - 5, y: y + 4, "text-anchor": "end" }, String(count)));
    }
  }
  const bar = (bin) => ({ x: x(bin / bins) + 1, width: x(1 / bins) - x(0) - 2 });
  zoo.generalizers.forEach((count, bin) => {
    svg.append(element("rect", { ...bar(bin), y: middle - high(count), height: high(count), class: "fill-yes" }));
  });
  zoo.not_generalizers.forEach((count, bin) => {
    svg.append(element("rect", { ...bar(bin), y: middle, height: high(count), class: "fill-no" }));
  });
  svg.append(element("line", { x1: x(0), x2: x(1), y1: middle, y2: middle, class: "mark" }));
  svg.append(element("text", { x: x(0), y: 14, class: "of-zoo-yes" }, `▲ ${total(zoo.generalizers)} generalizers`));
  const others = `▼ ${total(zoo.not_generalizers)} others`;
  svg.append(element("text", { x: x(0), y: middle + half + 18, class: "of-zoo-no" }, others));
  svg.append(element("line", { x1: x(probability), x2: x(probability), y1: top - 8, y2: middle + half, class: "here" }));
  const anchor = probability > 0.85 ? "end" : probability < 0.15 ? "start" : "middle";
  svg.append(element("text", { x: x(probability), y: top - 14, "text-anchor": anchor, class: "strong" }, "this model"));
  for (const value of [0, 0.25, 0.5, 0.75, 1]) {
    const end = value === 0 ? "start" : value === 1 ? "end" : "middle";
    svg.append(element("text", { x: x(value), y: middle + half + 38, "text-anchor": end }, `P = ${value}`));
  }
  return svg;
}

/** A probability with its interval, in a cell of a table. */
export function spark(probability, [low, high]) {
  const svg = canvas(84, 12, `interval ${low.toFixed(2)} to ${high.toFixed(2)}`);
  const x = (value) => 4 + 76 * value;
  svg.append(element("line", { x1: x(0), x2: x(1), y1: 6, y2: 6, class: "axis" }));
  svg.append(element("rect", { x: x(low), y: 3, width: Math.max(2, x(high) - x(low)), height: 6, rx: 2, class: "band" }));
  svg.append(element("circle", { cx: x(probability), cy: 6, r: 4, class: "dot" }));
  return svg;
}
