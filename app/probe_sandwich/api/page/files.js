// Many files: those of a dropped folder, and a table of their answers that can be sorted.

import { at, directVerdictOf, show, showResult, verdictOf } from "./answer.js";
import { spark } from "./chart.js";
import { write } from "./messages.js";

const READABLE = /\.(safetensors|zip)$/i;
const LAST = Number.MAX_VALUE;

/** The files of a drop; of a dropped folder those that may be checkpoints, however deep they lie. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry) {
  if (entry.isFile) {
    return READABLE.test(entry.name) ? [await new Promise((resolve, reject) => entry.file(resolve, reject))] : [];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some); // a reader gives a hundred at a time
  }
  return (await Promise.all(found.map(filesBelow))).flat();
}

/** Those of a chosen folder that may be checkpoints. */
export function checkpointsAmong(files) {
  return [...files].filter((file) => READABLE.test(file.name));
}

/** Show what came of a batch, the likeliest generalizer first. */
export function showBatch({ results, ranking = [] }) {
  const placeOf = new Map(ranking.map((ranked, order) => [ranked.index, { ...ranked, order }]));
  const several = new Set(ranking.map(groupName)).size > 1;
  const rows = results.map((result, index) => rowOf(result, placeOf.get(index), several));
  at("batch-title").textContent = `${results.length} checkpoints`;
  at("batch-note").textContent = ranking.length
    ? "P(generalizer): how likely it is that a model stays right on inputs up to twice as long as any it was trained " +
      "on; the bar beneath says how far the sandwiches agree. A rank such as 2–4 is a tie: any of these places may be " +
      "its own. A probability in brackets is withheld as a verdict, and ranks all the same. " +
      (several ? "Each task and T has a ranking of its own: ranks of two of them do not compare. " : "") +
      "Click a heading to sort, a file to see its whole answer."
    : "Click a heading to sort, a file to see its whole answer.";
  at("files").tBodies[0].replaceChildren(...rows);
  sortBy(0, "ascending");
  show("batch", true);
  at("batch").focus({ preventScroll: true });
}

/** A file of a batch: its answer in one line, and a button that shows the whole of it. */
function rowOf({ file, diagnosis, problem, address }, ranked, several) {
  const row = document.createElement("tr");
  const cell = (text, order, tone = "") => {
    const made = row.appendChild(document.createElement("td"));
    if (tone === "reason") write(made, text);
    else made.textContent = text;
    made.className = tone;
    made.dataset.order = order;
    return made;
  };
  const place = cell(ranked ? rankName(ranked) : "", ranked ? ranked.order : LAST, "rank");
  if (ranked && several) {
    const group = document.createElement("small");
    group.textContent = groupName(ranked);
    place.append(group);
  }
  const head = row.appendChild(document.createElement("th"));
  head.scope = "row";
  head.dataset.order = file;
  if (problem) {
    head.textContent = file;
    cell("", LAST);
    cell("No answer", "No answer", "no");
    cell("", LAST);
    cell(problem.detail, problem.detail, "reason");
    return row;
  }
  const button = head.appendChild(document.createElement("button"));
  button.type = "button";
  button.textContent = file;
  button.addEventListener("click", () => showResult(diagnosis, file, address));
  const { probability, interval } = ranked ?? {
    probability: diagnosis.generalizer_probability,
    interval: diagnosis.probability_interval,
  };
  const known = probability !== null && interval !== null;
  const number = known ? probability.toFixed(2) : "";
  const told = cell(ranked?.withheld ? `(${number})` : number, known ? -probability : LAST, "number");
  if (known) told.append(spark(probability, interval));
  const [words, tone] = verdictOf(diagnosis);
  cell(words, words, tone);
  const [direct, directTone] = directVerdictOf(diagnosis.direct_test);
  cell(direct, -(diagnosis.direct_test?.long_accuracy ?? -1), directTone);
  cell(`${diagnosis.reason}.`, diagnosis.reason, "reason");
  return row;
}

function rankName({ rank, last_rank: last }) {
  return last > rank ? `${rank}–${last}` : String(rank);
}

/** What is ranked together. */
function groupName({ task, train_max_length: length }) {
  return `${task}, T = ${length}`;
}

function sortBy(column, direction) {
  const table = at("files");
  const sign = direction === "ascending" ? 1 : -1;
  const orderOf = (row) => row.cells[column].dataset.order;
  const compare = (one, other) => {
    const numbers = [Number(one), Number(other)];
    return numbers.some(Number.isNaN) ? one.localeCompare(other, "en", { numeric: true }) : numbers[0] - numbers[1];
  };
  const rows = [...table.tBodies[0].rows].sort((one, other) => sign * compare(orderOf(one), orderOf(other)));
  table.tBodies[0].replaceChildren(...rows);
  [...table.tHead.rows[0].cells].forEach((heading, number) => {
    if (number === column) heading.setAttribute("aria-sort", direction);
    else heading.removeAttribute("aria-sort");
  });
}

/** Make the headings of the table sort it. */
export function makeSortable() {
  [...at("files").tHead.rows[0].cells].forEach((heading, column) => {
    heading.firstElementChild.addEventListener("click", () => {
      const ascending = heading.getAttribute("aria-sort") === "ascending";
      sortBy(column, ascending ? "descending" : "ascending");
    });
  });
}
