// What a verdict rests on: the same short probes at all their places, and how many answers stay the same.

import { canvas, element, path, widthOf } from "./drawing.js";

const LOGIC = ["conjunction", "cnf", "formula"];
const KINDS = { shifted: "moved along", parted: "cut in two", spread: "spread out" };
const COLOURS = 6;
const ROW = 17;
const WIDE = { label: 118, answer: 80, names: KINDS };
const NARROW = { label: 78, answer: 70, names: { shifted: "moved", parted: "cut", spread: "spread" } };
const SYMBOL = 7;
const TOP = 24;

const percent = (share) => `${Math.round(100 * share)} %`;

/** A class in words. */
export function className(task, number) {
  return LOGIC.includes(task) ? ["unsatisfiable", "satisfiable"][number] : `class ${number}`;
}

function placementName({ kind, reach }, names = KINDS) {
  return kind === "usual" ? "usual places" : `${names[kind] ?? kind}, ${reach}T`;
}

/** One probe: a row a placement, each symbol at its place, the answer as its colour. */
export function strip(probe, { task, train_max_length: length }, container) {
  const width = widthOf(container);
  const { label, answer: end, names } = width < 420 ? NARROW : WIDE;
  const last = Math.max(2 * length, ...probe.answers.flatMap((answer) => answer.places));
  const cell = (width - label - end) / last;
  const x = (place) => label + (place - 1) * cell;
  const bottom = TOP + ROW * probe.answers.length;
  const usual = probe.answers[0].answer;
  const text = probe.symbols.join(probe.symbols.some((symbol) => symbol.length > 1) ? " " : "");
  const changed = probe.answers.filter((answer) => answer.answer !== usual).length;
  const said = changed ? `another answer in ${changed} of ${probe.answers.length - 1} rows` : "the same answer everywhere";
  const svg = canvas(width, bottom + 20, `${text}: ${className(task, usual)} at its usual places, ${said}`);
  const caption = element("text", { x: 0, y: 14 });
  caption.append(element("tspan", { class: "caption" }, text), element("tspan", { dx: 10 }, said));
  svg.append(caption);
  svg.append(element("line", { x1: x(length + 1), x2: x(length + 1), y1: TOP - 3, y2: bottom + 4, class: "mark" }));
  for (const [place, name] of [[1, "1"], [length, "T"], [2 * length, "2T"]]) {
    const middle = { x: x(place) + cell / 2, y: bottom + 15, "text-anchor": "middle" };
    svg.append(element("text", middle, name));
  }
  probe.answers.forEach((answer, number) => {
    const y = TOP + ROW * number;
    const differs = answer.answer !== usual;
    svg.append(element("text", { x: 0, y: y + 12 }, placementName(answer.placed, names)));
    svg.append(element("line", { x1: x(1), x2: x(last + 1), y1: y + 8, y2: y + 8, class: "axis" }));
    answer.places.forEach((place, symbol) => {
      const box = { x: x(place) + 0.5, y: y + 1, width: Math.max(1.5, cell - 1), height: ROW - 3, rx: Math.min(2, cell / 4) };
      svg.append(element("rect", { ...box, class: `class-${answer.answer % COLOURS}${differs ? " changed" : ""}` }));
      const shown = probe.symbols[symbol];
      if (shown.length * SYMBOL > cell) return;
      svg.append(element("text", { x: x(place) + cell / 2, y: y + 12, "text-anchor": "middle", class: "symbol" }, shown));
    });
    const told = { x: width, y: y + 12, "text-anchor": "end", class: differs ? "strong" : "" };
    svg.append(element("text", told, `${differs ? "≠ " : ""}${answer.answer}, ${percent(answer.confidence)}`));
  });
  return svg;
}

/** What the colours of the strips mean. */
export function legend(probes, task) {
  const classes = [...new Set(probes.flatMap((probe) => probe.answers.map((answer) => answer.answer)))].sort((a, b) => a - b);
  return classes.map((number) => {
    const item = document.createElement("span");
    item.className = "key";
    const box = document.createElement("span");
    box.className = `swatch class-${number % COLOURS}`;
    item.append(box, ` answers ${number}${LOGIC.includes(task) ? `: ${className(task, number)}` : ""}`);
    return item;
  });
}

/** The share of answers kept, a panel for each way of placing: this model, and the zoo's two kinds where they are known. */
export function keptCurves(kept, container) {
  const width = widthOf(container);
  const kinds = Object.keys(KINDS).filter((kind) => kept.placements.some((placed) => placed.kind === kind));
  const lines = [["this model", kept.shares, "here"]];
  if (kept.zoo) {
    lines.unshift(["the zoo's generalizers", kept.zoo.generalizers, "zoo-yes"], ["the zoo's other models", kept.zoo.others, "zoo-no"]);
  }
  const lowest = Math.min(...kept.shares, ...(kept.zoo?.others.low ?? []), ...(kept.zoo?.generalizers.low ?? []));
  const least = Math.min(0.5, Math.floor(10 * lowest) / 10);
  const narrow = width < 520;
  const rows = narrow ? lines.length : 1;
  const [top, height] = [44 + 18 * rows, narrow ? 120 : 170];
  const svg = canvas(width, top + height + 24, keptLabel(kept));
  const [left, gap] = [44, narrow ? 16 : 28];
  const panel = (width - left - 10 - gap * (kinds.length - 1)) / kinds.length;
  const y = (share) => top + (height * (1 - share)) / (1 - least);
  lines.forEach(([name, , tone], number) => {
    const place = narrow ? { x: left, y: 12 + 18 * number } : { x: left + 190 * number, y: 12 };
    svg.append(element("path", { d: path([[place.x, place.y - 4], [place.x + 26, place.y - 4]]), class: `kept ${tone}` }));
    svg.append(element("text", { x: place.x + 32, y: place.y, class: `of-${tone}` }, name));
  });
  kinds.forEach((kind, number) => {
    const start = left + number * (panel + gap);
    const places = kept.placements.flatMap((placed, place) => (place === 0 || placed.kind === kind ? [place] : []));
    const x = (place) => start + panel * (kept.placements[place].reach - 1);
    const along = (shares) => places.map((place) => [x(place), y(shares[place])]);
    svg.append(element("text", { x: start, y: top - 14, class: "strong" }, KINDS[kind]));
    for (const share of [least, (1 + least) / 2, 1]) {
      svg.append(element("line", { x1: start, x2: start + panel, y1: y(share), y2: y(share), class: "axis" }));
      if (!number) svg.append(element("text", { x: left - 5, y: y(share) + 4, "text-anchor": "end" }, percent(share).replace(" ", "")));
    }
    for (const [name, reach] of [["T", 1], ["1.5T", 1.5], ["2T", 2]]) {
      svg.append(element("text", { x: start + panel * (reach - 1), y: top + height + 18, "text-anchor": "middle" }, name));
    }
    for (const [, curve, tone] of lines) {
      if (curve.low) {
        const area = `${path([...along(curve.low), ...along(curve.high).reverse()])}Z`;
        svg.append(element("path", { d: area, class: `quartiles ${tone}` }));
      }
      const points = along(curve.median ?? curve);
      svg.append(element("path", { d: path(points), class: `kept ${tone}` }));
      if (tone === "here") svg.append(...points.map(([cx, cy]) => element("circle", { cx, cy, r: 4, class: "own" })));
    }
  });
  return svg;
}

function keptLabel(kept) {
  const shares = kept.placements.map((placed, place) => `${placementName(placed)} ${percent(kept.shares[place])}`);
  return `Share of answers that stay the same: ${shares.slice(1).join("; ")}`;
}
