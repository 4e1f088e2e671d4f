// The share of answers kept further out, by this model and by the zoo's two kinds: as curves and as a table.

import { canvas, element, path, widthOf } from "./drawing.js";
import { KINDS, percent, placementName } from "./words.js";

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
    const places = kept.placements.flatMap((placed, place) => (placed.kind === kind ? [place] : []));
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

/** The same as a table, the zoo's shares as means. */
export function keptTable(kept, table) {
  const { placements, shares, zoo } = kept;
  const columns = [["Placed", placements.map((placed) => placementName(placed))], ["This model", shares.map(percent)]];
  if (zoo) {
    columns.push(["The zoo's generalizers, mean", zoo.generalizers.mean.map(percent)]);
    columns.push(["Its other models, mean", zoo.others.mean.map(percent)]);
  }
  const cell = (name, text, scope) => {
    const made = document.createElement(name);
    if (scope) made.scope = scope;
    made.textContent = text;
    return made;
  };
  table.tHead.rows[0].replaceChildren(...columns.map(([name]) => cell("th", name, "col")));
  const rows = placements.map((_, number) => {
    const row = document.createElement("tr");
    const [first, ...others] = columns.map(([, values]) => values[number]);
    row.append(cell("th", first, "row"), ...others.map((value) => cell("td", value)));
    return row;
  });
  table.tBodies[0].replaceChildren(...rows);
}
