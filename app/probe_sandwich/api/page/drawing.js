// How the drawings are made: SVG elements, as wide as where they will stand. Nothing is fetched from anywhere.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

export function canvas(width, height, label) {
  return element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}

/** The width in pixels of an element on the page, so that a drawing's letters keep their size; 400 where it is hidden. */
export function widthOf(container) {
  return Math.min(900, Math.max(280, Math.floor(container.clientWidth) || 400));
}

/** Points as the path of a line. */
export function path(points) {
  return points.map(([x, y], place) => `${place ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`).join("");
}
