// One diagnosis, as text and drawings.

import { accuracyCurve, histogram, scale } from "./chart.js";
import { keptCurves, keptTable } from "./kept.js";
import { write } from "./messages.js";
import { legend, strip } from "./probes.js";
import { given, keep } from "./upload.js";
import { isLogic } from "./words.js";

const VERDICTS = {
  generalizer: ["Generalizer", "yes"],
  not_generalizer: ["Not a generalizer", "no"],
  abstain: ["No verdict", "unsure"],
};
const AGREEMENTS = {
  agree: "Both answers agree.",
  disagree: "The two answers disagree: trust the direct test.",
  undecided: "There are no two answers to compare.",
};
const UNDER_OPTIONS = "Such inputs are sent along under “Options, inputs of your own” above.";
const NEXT = {
  no_meta_classifier: "Who runs this service can name one in `PROBE_SANDWICH_MODEL`.",
  not_finite: "Check the file: numbers like these are often those of a training that diverged.",
  not_converged: "Train it on, or mend its config, and ask again.",
  bare_probes: UNDER_OPTIONS,
  too_few_inputs: UNDER_OPTIONS,
  one_answer: UNDER_OPTIONS,
};
const CONTENTS = {
  "given inputs": "inputs that were sent along",
  "drawn inputs": "unlabelled inputs of its task",
  "bare alphabet": "random strings of its alphabet",
};
export const at = (id) => document.getElementById(id);

export function show(id, visible) {
  at(id).hidden = !visible;
}

/** A verdict in words, and its colour's class. */
export function verdictOf(diagnosis) {
  return VERDICTS[diagnosis.verdict];
}

/** What the direct test says, in words, and its colour's class. */
export function directVerdictOf(test) {
  if (!test) return ["Not run", "unsure"];
  if (!test.converged) return ["Not converged", "unsure"];
  if (test.long_accuracy === null) return ["Not known", "unsure"];
  return VERDICTS[test.generalizer ? "generalizer" : "not_generalizer"];
}

/** Fill the page with one diagnosis, at once but for its zoo. `address`: where the service keeps it, null where it does
 * not. */
export function showResult(diagnosis, name, address) {
  show("progress", false); // it stands above: hidden later, it would pull the result out of sight
  show("result", true); // the drawings are as wide as their places
  const { checkpoint, direct_test: test, probability_interval: interval } = diagnosis;
  at("result-title").textContent = name;
  at("summary").textContent =
    `${checkpoint.parameters.toLocaleString("en")} parameters, task ${checkpoint.task}, trained on ` +
    `${isLogic(checkpoint.task) ? "formulas" : "inputs"} of up to T = ${checkpoint.train_max_length} symbols. ` +
    AGREEMENTS[diagnosis.agreement];
  const [words, tone] = verdictOf(diagnosis);
  at("verdict").textContent = words;
  at("verdict").className = `verdict ${tone}`;
  write(at("reason"), `${diagnosis.reason}.`);
  write(at("next"), nextStep(diagnosis));
  const probability = diagnosis.generalizer_probability;
  at("scale").replaceChildren();
  at("scale-note").textContent = "";
  if (probability !== null) {
    at("scale").append(scale(probability, interval, diagnosis.meta_classifier.threshold));
    at("scale-note").textContent =
      "P(generalizer): how likely it is that the model stays right on inputs up to twice as long as any it was trained " +
      "on. It comes from its answers to short inputs, some placed further out; no input's label was used. The bar is " +
      "where nine in ten further sandwiches like its five would answer: how far they agree, not where the truth lies." +
      trackRecord(diagnosis.meta_classifier.record);
  }
  showDirectTest(test, checkpoint.train_max_length);
  showZoo(diagnosis);
  showKept(diagnosis);
  showProbes(diagnosis);
  showAddress(diagnosis, address);
  at("result").focus({ preventScroll: true });
  at("result").scrollIntoView({ behavior: "smooth", block: "start" });
}

/** What to do where there is no verdict. */
function nextStep({ verdict, doubt, direct_test: test }) {
  if (verdict !== "abstain") return "";
  const instead = test && test.long_accuracy !== null
    ? "Go by the direct test beside it."
    : "Labelled inputs, longer ones among them, would let the direct test answer instead. " + UNDER_OPTIONS;
  return `Where a verdict could not be trusted, the sandwich abstains. ${NEXT[doubt] ?? instead}`;
}

/** What verdicts on subjects of this one's kind were measured to be worth. */
function trackRecord(record) {
  if (!record || record.accuracy === null) return "";
  const kind = record.task === null ? "tasks that it had not seen" : `other models of task ${record.task}`;
  const [answered, right] = [record.answered, record.accuracy].map((share) => Math.round(100 * share));
  return ` In cross-validation, on ${kind}, it gave verdicts on ${answered} of 100, ${right} in 100 of them right.`;
}

function showDirectTest(test, trainMaxLength) {
  const [words, tone] = directVerdictOf(test);
  at("direct").textContent = words;
  at("direct").className = `verdict ${tone}`;
  at("accuracy").replaceChildren();
  if (!test) {
    at("direct-text").textContent = "It was left out of this request, or there were no labelled inputs to run it on.";
    return;
  }
  const { generalizer_cut: cut, convergence_cut: convergence } = test.definition;
  const long =
    test.long_accuracy === null
      ? whyUnknown(test)
      : `accuracy ${test.long_accuracy.toFixed(3)} (generalizer from ${cut.toFixed(2)} on).`;
  at("direct-text").textContent =
    `On lengths it was trained on: accuracy ${test.in_distribution_accuracy.toFixed(3)} (converged from ` +
    `${convergence.toFixed(2)} on). Up to twice as long: ${long}`;
  at("accuracy").append(accuracyCurve(test.buckets, trainMaxLength, cut));
}

/** Why there is no accuracy on (T, 2T]. */
function whyUnknown({ buckets }) {
  const missing = buckets.slice(1, 3).filter((bucket) => bucket.unreachable);
  const lengths = missing.map((bucket) => `${bucket.min_length} to ${bucket.max_length}`).join(" and of ");
  return `not known, for want of inputs of ${lengths} symbols (${missing[0]?.unreachable}).`;
}

let zoosAskedFor = 0;

/** The zoo that a probability is told beside, when it has come and if the result is still the one that is shown. */
async function showZoo({ meta_classifier: meta, generalizer_probability: probability }) {
  const mine = ++zoosAskedFor;
  show("zoo-part", false);
  if (!meta || probability === null) return;
  const zoos = await given("zoo").catch(() => null); // a result without its zoo is a result
  const zoo = Array.isArray(zoos) && zoos.find((candidate) => candidate.meta_classifier === meta.name);
  if (!zoo || mine !== zoosAskedFor) return;
  show("zoo-part", true);
  at("zoo").replaceChildren(histogram(zoo, probability, at("zoo")));
  const reserve = zoo.reserve ? ` Left out is the reserve, ${zoo.reserve} models that no sandwich was trained on.` : "";
  at("zoo-note").textContent =
    "How many of the zoo's models, of all its tasks, got which probability, from sandwiches that had not seen them: " +
    "those that generalize above the line, the others below it. A bar of twice the height stands for many more models (the scale is " +
    "logarithmic). The better the two kinds part, the more a probability tells." +
    reserve;
}

function showKept({ kept_answers: kept, probe_content: content, verdict, checkpoint }) {
  show("kept-part", Boolean(kept));
  if (!kept) return;
  const asked = "Does it keep its answers further out?";
  at("kept-title").textContent = verdict === "abstain" ? asked : `What the verdict rests on: ${asked.toLowerCase()}`;
  const probes = CONTENTS[content] ?? "of its task";
  const zoo = kept.zoo
    ? ` The lines in colour are of models whose answers to long inputs are known, the zoo's (${zooOf(kept)}): half of ` +
      "them keep no more than a line says, half no less; the shades hold their middle half."
    : "";
  at("kept-note").textContent =
    `Short inputs (${probes}) are put to the model at their usual places and then further out, up to twice the ` +
    `training length T = ${checkpoint.train_max_length}: moved along as a whole, cut in two with a gap between, or ` +
    "spread out. The curve says how many of its answers stay the same; no label is needed for that. The probability " +
    `also goes by how answers differ from shorter to longer inputs, and by what one exchanged symbol changes.${zoo}`;
  at("kept").replaceChildren(keptCurves(kept, at("kept")));
  keptTable(kept, at("kept-table"));
}

/** Which of the zoo's models an answer is compared with. */
function zooOf({ zoo, zoo_task: task }) {
  const { generalizers, others } = zoo;
  const among = task ? `of task ${task}` : "of all its tasks";
  return `${generalizers.subjects} generalizers and ${others.subjects} others ${among}`;
}

function showProbes({ probes, checkpoint, kept_answers: kept }) {
  show("probes-part", probes.length > 0);
  if (!probes.length) return;
  const zoo = kept?.zoo ?? null;
  show("probes-zoo", Boolean(zoo));
  if (zoo) {
    at("probes-zoo").textContent =
      "The two thin lines beneath a row are the zoo's, at the same places: the share of their answers that its " +
      "generalizers (blue) and its other models (red) keep when inputs are placed so, also told at the right. It is " +
      `a mean over many short inputs and ${zooOf(kept)}, not of this input alone, and so the same in every picture.`;
  }
  at("probes-key").replaceChildren(...legend(probes, zoo, checkpoint.task));
  at("probes").classList.toggle("long", checkpoint.train_max_length > 24);
  const steady = probes.every(({ answers }) => answers.every(({ answer }) => answer === answers[0].answer));
  at("probes-note").textContent = steady ? "No input got another answer anywhere: these came nearest to it." : "";
  const places = probes.map(() => document.createElement("div"));
  at("probes").replaceChildren(...places);
  places.forEach((place, number) => place.append(strip(probes[number], zoo, checkpoint, place)));
}

function showAddress(diagnosis, address) {
  const raw = compact(diagnosis);
  at("raw").textContent = raw;
  at("save").href = URL.createObjectURL(new Blob([raw], { type: "application/json" }));
  show("share", Boolean(address));
  history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
  if (!address) return;
  at("link").value = location.href;
  at("image").onclick = () => keep(`${address}/card.svg`, "probe-sandwich.svg", at("key").value);
}

/** As JSON, lists of plain values on one line. */
function compact(diagnosis) {
  return JSON.stringify(diagnosis, null, 2).replace(/\[[^[\]{}]*\]/g, (list) => list.replace(/\n\s*/g, " "));
}
