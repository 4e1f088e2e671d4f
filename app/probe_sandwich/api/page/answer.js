// One diagnosis, as text and drawings.

import { accuracyCurve, histogram, marginBar, scale } from "./chart.js";
import { given } from "./upload.js";

const VERDICTS = {
  generalizer: ["Generalizer", "yes"],
  not_generalizer: ["Not a generalizer", "no"],
  abstain: ["No verdict", "unsure"],
};
const AGREEMENTS = {
  agree: "Both answers agree.",
  disagree: "The two answers disagree: trust the direct test.",
  undecided: "One of the two gives no answer.",
};
const LOGIC = ["conjunction", "cnf", "formula"];
const PREFERENCE = "The bar says by how much this model preferred its answer to the next best.";
const SELECTION = "Of 64 probes, those on which this model was most decisive.";
const CONTENTS = {
  "given inputs": `Each row is one probe, which Gaussian noise selected from the inputs that were sent along. ${PREFERENCE}`,
  "drawn inputs": `Each row is one probe, which Gaussian noise selected from unlabelled inputs of its task. ${PREFERENCE}`,
  "bare alphabet": `Each row is one probe, which Gaussian noise selected from random strings of its alphabet. ${PREFERENCE}`,
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
  return test.converged ? VERDICTS[test.generalizer ? "generalizer" : "not_generalizer"] : ["Not converged", "unsure"];
}

/** Fill the page with one diagnosis. */
export async function showResult(diagnosis, name) {
  const { checkpoint, direct_test: test, probability_interval: interval } = diagnosis;
  at("result-title").textContent = name;
  at("summary").textContent =
    `${checkpoint.parameters.toLocaleString("en")} parameters, task ${checkpoint.task}, trained on ` +
    `${LOGIC.includes(checkpoint.task) ? "formulas" : "inputs"} of up to ` +
    `${checkpoint.train_max_length} symbols. ${AGREEMENTS[diagnosis.agreement]}`;
  const [words, tone] = verdictOf(diagnosis);
  at("verdict").textContent = words;
  at("verdict").className = `verdict ${tone}`;
  at("reason").textContent = `${diagnosis.reason}.`;
  const probability = diagnosis.generalizer_probability;
  at("scale").replaceChildren();
  at("scale-note").textContent = "";
  if (probability !== null) {
    at("scale").append(scale(probability, interval, diagnosis.meta_classifier.threshold));
    at("scale-note").textContent =
      "From its responses to probes no longer than it was trained on, some placed further out; no input's label was " +
      "used. The bar is where nine in ten further sandwiches like its five would answer: how far they agree, not where " +
      "the truth lies." + trackRecord(diagnosis.meta_classifier);
  }
  showDirectTest(test, checkpoint.train_max_length);
  await showZoo(diagnosis.meta_classifier, probability);
  showProbes(diagnosis.probes, diagnosis.probe_content);
  const raw = JSON.stringify(diagnosis, null, 2);
  at("raw").textContent = raw;
  at("save").href = URL.createObjectURL(new Blob([raw], { type: "application/json" }));
  show("result", true);
  at("result").focus({ preventScroll: true });
  at("result").scrollIntoView({ behavior: "smooth", block: "start" });
}

function trackRecord(meta) {
  const figures = meta?.metrics;
  if (!figures || figures.auc === null || figures.accuracy === null) return "";
  const share = Math.round(100 * figures.accuracy);
  return ` In cross-validation, its verdict was right for ${share} in 100 (AUC ${figures.auc.toFixed(2)}).`;
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
  const long = test.long_accuracy === null ? "could not be run" : `accuracy ${test.long_accuracy.toFixed(3)}`;
  at("direct-text").textContent =
    `On lengths it was trained on: accuracy ${test.in_distribution_accuracy.toFixed(3)} (converged from ` +
    `${convergence.toFixed(2)} on). Up to twice as long: ${long} (generalizer from ${cut.toFixed(2)} on).`;
  at("accuracy").append(accuracyCurve(test.buckets, trainMaxLength, cut));
}

async function showZoo(meta, probability) {
  show("zoo-part", false);
  if (!meta || probability === null) return;
  const zoo = ((await given("zoo")) ?? []).find((candidate) => candidate.meta_classifier === meta.name);
  if (!zoo) return;
  at("zoo").replaceChildren(histogram(zoo, probability));
  at("zoo-note").textContent =
    "Probabilities that the zoo's converged models got from sandwiches that had not seen them: generalizers above the " +
    "line, the others below. The better the two part, the more a probability tells.";
  show("zoo-part", true);
}

function showProbes(probes, content) {
  show("probes-part", probes.length > 0);
  at("probes-note").textContent = `${SELECTION} ${CONTENTS[content] ?? ""}`;
  const largest = Math.max(1e-6, ...probes.map((probe) => Math.abs(probe.margin)));
  at("probes").replaceChildren(
    ...probes.map((probe) => {
      const row = document.createElement("tr");
      const text = document.createElement("th");
      text.scope = "row";
      text.className = "probe";
      text.setAttribute("aria-label", probe.text);
      for (const symbol of probe.text) {
        const cell = document.createElement("span");
        cell.textContent = symbol;
        if (/[a-e]/.test(symbol)) cell.className = "variable";
        if (symbol === "~") cell.className = "negation";
        text.append(cell);
      }
      const bar = document.createElement("td");
      bar.append(marginBar(probe.margin, largest));
      const number = document.createElement("td");
      number.textContent = probe.margin.toFixed(1);
      row.append(text, bar, number);
      return row;
    }),
  );
}
