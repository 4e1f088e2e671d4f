// The drawings, as SVG elements. No library: four simple charts need none, and nothing is fetched from anywhere.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function canvas(width, height, label) {
  return element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

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

/** Out-of-fold probabilities of the zoo by label, and where this model lies. */
export function histogram(zoo, probability) {
  const bins = zoo.generalizers.length;
  const most = Math.max(1, ...zoo.generalizers, ...zoo.not_generalizers);
  const total = (counts) => counts.reduce((sum, count) => sum + count, 0);
  const x = (value) => 12 + 376 * value;
  const middle = 104;
  const svg = canvas(400, 204, "Histogram of the zoo's probabilities, generalizers above, others below the line");
  svg.append(element("text", { x: x(0), y: 12 }, `above: ${total(zoo.generalizers)} generalizers`));
  const others = `below: ${total(zoo.not_generalizers)} that do not`;
  svg.append(element("text", { x: x(1), y: 12, "text-anchor": "end" }, others));
  zoo.generalizers.forEach((count, bin) => {
    const height = (60 * count) / most;
    const common = { x: x(bin / bins) + 1, width: 376 / bins - 2 };
    svg.append(element("rect", { ...common, y: middle - height, height, class: "fill-yes" }));
    const below = (60 * zoo.not_generalizers[bin]) / most;
    svg.append(element("rect", { ...common, y: middle + 2, height: below, class: "fill-no" }));
  });
  svg.append(element("line", { x1: x(0), x2: x(1), y1: middle + 1, y2: middle + 1, class: "axis" }));
  svg.append(element("line", { x1: x(probability), x2: x(probability), y1: 38, y2: 172, class: "here" }));
  const anchor = probability > 0.85 ? "end" : probability < 0.15 ? "start" : "middle";
  svg.append(element("text", { x: x(probability), y: 32, "text-anchor": anchor, class: "strong" }, "this model"));
  for (const value of [0, 0.5, 1]) {
    const end = value === 0 ? "start" : value === 1 ? "end" : "middle";
    svg.append(element("text", { x: x(value), y: 192, "text-anchor": end }, value.toFixed(1)));
  }
  return svg;
}

/** The margin of a probe, to the right where it is above zero. */
export function marginBar(margin, largest) {
  const svg = canvas(200, 16, `margin ${margin.toFixed(1)}`);
  const width = (95 * Math.abs(margin)) / largest;
  svg.append(element("line", { x1: 100, x2: 100, y1: 0, y2: 16, class: "axis" }));
  const side = margin > 0 ? { x: 100, class: "fill-yes" } : { x: 100 - width, class: "fill-no" };
  svg.append(element("rect", { ...side, y: 3, width, height: 10 }));
  return svg;
}
