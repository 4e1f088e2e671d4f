// What a verdict rests on: the same short probes at all their places, beside how the zoo answers there.

import { canvas, element, widthOf } from "./drawing.js";
import { classOf, inWords, percent, placementName } from "./words.js";

const COLOURS = 6;
const ROW = 17;
const THIN = 4;
const ZOO = { "zoo-yes": "generalizers", "zoo-no": "others" };
const SHORT = { shifted: "moved", parted: "cut", spread: "spread" };
const WIDE = { label: 128, answer: 82 };
const NARROW = { label: 82, answer: 76, names: SHORT };
const SYMBOL = 7;
const TOP = 24;

/** One probe: a row a placement, each symbol at its place, the answer as its colour; beneath each row, where the zoo's
 * curves are known, thinner ones at the same places: how many answers the zoo's two kinds keep there. */
export function strip(probe, zoo, { task, train_max_length: length }, container) {
  const width = widthOf(container);
  const { label, answer: end, names } = width < 420 ? NARROW : WIDE;
  const last = Math.max(2 * length, ...probe.answers.flatMap((answer) => answer.places));
  const cell = (width - label - end) / last;
  const x = (place) => label + (place - 1) * cell;
  const height = ROW + (zoo ? 2 * THIN + 1 : 0);
  const bottom = TOP + height * probe.answers.length;
  const usual = probe.answers[0].answer;
  const text = inWords(probe.symbols);
  const changed = probe.answers.filter((answer) => answer.answer !== usual).length;
  const said = changed ? `another answer in ${changed} of ${probe.answers.length - 1} rows` : "the same answer everywhere";
  const svg = canvas(width, bottom + 20, `${text}: ${classOf(task, usual)} at its usual places, ${said}`);
  const caption = element("text", { x: 0, y: 14 });
  caption.append(element("tspan", { class: "caption" }, text), element("tspan", { dx: 10 }, said));
  svg.append(caption);
  svg.append(element("line", { x1: x(length + 1), x2: x(length + 1), y1: TOP - 3, y2: bottom + 4, class: "mark" }));
  for (const [place, name] of [[1, "1"], [length, "T"], [2 * length, "2T"]]) {
    const middle = { x: x(place) + cell / 2, y: bottom + 15, "text-anchor": "middle" };
    svg.append(element("text", middle, name));
  }
  probe.answers.forEach((answer, number) => {
    const row = svg.appendChild(element("g", { transform: `translate(0 ${TOP + height * number})` }));
    const shares = zoo && Object.entries(ZOO).map(([tone, kind]) => [tone, zoo[kind].mean[number]]);
    row.append(element("title", {}, rowInWords(answer, usual, task, shares)));
    row.append(element("text", { x: 0, y: 12 }, placementName(answer.placed, names)));
    row.append(element("line", { x1: x(1), x2: x(last + 1), y1: 8, y2: 8, class: "axis" }));
    row.append(...cells(probe.symbols, answer, answer.answer !== usual, x, cell));
    row.append(ownAnswer(answer, answer.answer !== usual, width));
    if (shares) row.append(...thinRows(shares, answer.places, x, cell, width));
  });
  return svg;
}

/** The symbols of a probe at one placement, coloured by the answer. */
function cells(symbols, { places, answer }, changed, x, cell) {
  return places.flatMap((place, number) => {
    const box = { x: x(place) + 0.5, y: 1, width: Math.max(1.5, cell - 1), height: ROW - 3, rx: Math.min(2, cell / 4) };
    const drawn = element("rect", { ...box, class: `class-${answer % COLOURS}${changed ? " changed" : ""}` });
    if (symbols[number].length * SYMBOL > cell) return [drawn];
    const middle = { x: x(place) + cell / 2, y: 12, "text-anchor": "middle", class: "symbol" };
    return [drawn, element("text", middle, symbols[number])];
  });
}

function ownAnswer({ answer, confidence }, changed, width) {
  const at = { x: width, y: 12, "text-anchor": "end", class: changed ? "strong" : "" };
  return element("text", at, `${changed ? "≠ " : ""}${answer}, ${percent(confidence)}`);
}

/** The zoo's two kinds at the same places: the more answers they keep there, the fuller the colour. */
function thinRows(shares, places, x, cell, width) {
  const number = element("text", { x: width, y: ROW + 5, "text-anchor": "end", class: "small" });
  const rows = shares.flatMap(([tone, share], order) => {
    if (order) number.append(element("tspan", {}, " · "));
    number.append(element("tspan", { class: `of-${tone}` }, percent(share)));
    const y = ROW - 1 + THIN * order;
    return places.map((place) => {
      const box = { x: x(place) + 0.5, y, width: Math.max(1.5, cell - 1), height: THIN - 1 };
      return element("rect", { ...box, class: `share ${tone}`, opacity: fullness(share) });
    });
  });
  return [...rows, number];
}

/** Half of the answers or fewer is faint, all of them full. */
function fullness(share) {
  return (0.12 + 0.88 * Math.max(0, 2 * share - 1)).toFixed(2);
}

function rowInWords({ placed, answer, confidence }, usual, task, shares) {
  const own = `${classOf(task, answer)} (${percent(confidence)} sure)${answer === usual ? "" : ", another answer"}`;
  const [yes, no] = (shares ?? []).map(([, share]) => percent(share));
  const zoo = shares ? `. In the zoo, generalizers keep ${yes} of their answers there, others ${no}` : "";
  return `${placementName(placed)}: ${own}${zoo}`;
}

/** What the colours of the strips mean. */
export function legend(probes, zoo, task) {
  const classes = [...new Set(probes.flatMap((probe) => probe.answers.map((answer) => answer.answer)))].sort((a, b) => a - b);
  const named = (number) => (classOf(task, number) === `class ${number}` ? "" : `: ${classOf(task, number)}`);
  const answers = classes.map((number) => {
    const box = document.createElement("span");
    box.className = `swatch class-${number % COLOURS}`;
    return key(box, ` answers ${number}${named(number)}`);
  });
  if (!zoo) return answers;
  const kinds = [["zoo-yes", "the zoo's generalizers"], ["zoo-no", "the zoo's other models"]];
  return [...answers, ...kinds.map(([tone, name]) => key(shades(tone), ` ${name} keep 50 % or less … 100 %`))];
}

function key(drawn, text) {
  const item = document.createElement("span");
  item.className = "key";
  item.append(drawn, text);
  return item;
}

/** The colour of a kind from the fewest answers kept to all of them. */
function shades(tone) {
  const svg = canvas(60, THIN + 2, "from faint to full");
  for (let step = 0; step <= 5; step += 1) {
    const box = { x: 10 * step, y: 1, width: 9, height: THIN };
    svg.append(element("rect", { ...box, class: `share ${tone}`, opacity: fullness(0.5 + step / 10) }));
  }
  return svg;
}
