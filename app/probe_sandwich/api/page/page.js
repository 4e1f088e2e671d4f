// The page: sends a checkpoint to POST /classify, follows the events, and shows the answer.

import { accuracyCurve, histogram, marginBar, scale } from "/assets/chart.js";

const STAGES = {
  upload: "uploading",
  queued: "waiting for its turn",
  checkpoint: "checking the file",
  sandwich: "asking it the probes",
  direct_test: "testing it on formulas of growing length",
};
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
const at = (id) => document.getElementById(id);
let busy = false;

function show(id, visible) {
  at(id).hidden = !visible;
}

function tell(stage, detail) {
  const list = at("stages");
  for (const item of list.children) item.removeAttribute("aria-current");
  let item = [...list.children].find((candidate) => candidate.dataset.stage === stage);
  if (!item) {
    item = document.createElement("li");
    item.dataset.stage = stage;
    list.append(item);
  }
  item.textContent = (STAGES[stage] ?? stage) + (detail ? `: ${detail}` : "");
  item.setAttribute("aria-current", "step");
}

function fail(problem) {
  show("progress", false);
  show("problem", true);
  at("problem-text").textContent = problem.detail ?? "The service did not answer. Is it still running?";
  at("problem-type").textContent = problem.type ? `${problem.status} ${problem.type}` : "";
}

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (event && data) yield [event, JSON.parse(data)];
    }
  }
}

async function classify(file, name) {
  if (busy) return;
  busy = true;
  for (const id of ["result", "problem"]) show(id, false);
  at("name").textContent = name;
  at("stages").replaceChildren();
  show("progress", true);
  tell("upload", "");
  try {
    const form = new FormData();
    form.append("checkpoint", file, name);
    const headers = { accept: "text/event-stream" };
    if (at("key").value) headers.authorization = `Bearer ${at("key").value}`;
    const response = await fetch("/classify", { method: "POST", body: form, headers });
    if (!response.ok) {
      fail(await response.json());
      return;
    }
    for await (const [event, data] of eventsOf(response)) {
      if (event === "progress") tell(data.stage, data.detail);
      else if (event === "problem") fail(data);
      else await showResult(data, name);
    }
  } catch (error) {
    fail({ detail: `The service did not answer: ${error.message}` });
  } finally {
    busy = false;
  }
}

async function showResult(diagnosis, name) {
  const { checkpoint, direct_test: test, probability_interval: interval } = diagnosis;
  show("progress", false);
  at("result-title").textContent = name;
  at("summary").textContent =
    `${checkpoint.parameters.toLocaleString("en")} parameters, task ${checkpoint.task}, trained on formulas of up to ` +
    `${checkpoint.train_max_length} symbols. ${AGREEMENTS[diagnosis.agreement]}`;
  const [words, tone] = VERDICTS[diagnosis.verdict];
  at("verdict").textContent = words;
  at("verdict").className = `verdict ${tone}`;
  at("reason").textContent = `${diagnosis.reason}.`;
  const probability = diagnosis.generalizer_probability;
  at("scale").replaceChildren();
  at("scale-note").textContent = "";
  if (probability !== null) {
    at("scale").append(scale(probability, interval, diagnosis.meta_classifier.threshold));
    at("scale-note").textContent =
      "From its responses to probes no longer than it was trained on, some placed further out; no formula's label was " +
      "used. The bar is where nine in ten further sandwiches like its five would answer: how far they agree, not where " +
      "the truth lies." + trackRecord(diagnosis.meta_classifier);
  }
  showDirectTest(test, checkpoint.train_max_length);
  await showZoo(diagnosis.meta_classifier, probability);
  showProbes(diagnosis.probes);
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
  return ` On models it had never seen, its verdict was right for ${share} in 100 (AUC ${figures.auc.toFixed(2)}).`;
}

function showDirectTest(test, trainMaxLength) {
  at("accuracy").replaceChildren();
  if (!test) {
    at("direct").textContent = "Not run";
    at("direct").className = "verdict unsure";
    at("direct-text").textContent = "It was left out of this request.";
    return;
  }
  const { generalizer_cut: cut, convergence_cut: convergence } = test.definition;
  const [words, tone] = VERDICTS[test.generalizer ? "generalizer" : "not_generalizer"];
  at("direct").textContent = test.converged ? words : "Not converged";
  at("direct").className = `verdict ${test.converged ? tone : "unsure"}`;
  const long = test.long_accuracy === null ? "could not be run" : `accuracy ${test.long_accuracy.toFixed(3)}`;
  at("direct-text").textContent =
    `On lengths it was trained on: accuracy ${test.in_distribution_accuracy.toFixed(3)} (converged from ` +
    `${convergence.toFixed(2)} on). Up to twice as long: ${long} (generalizer from ${cut.toFixed(2)} on).`;
  at("accuracy").append(accuracyCurve(test.buckets, trainMaxLength, cut));
}

async function showZoo(meta, probability) {
  show("zoo-part", false);
  if (!meta || probability === null) return;
  const response = await fetch("/zoo");
  if (!response.ok) return;
  const zoo = (await response.json()).find((candidate) => candidate.meta_classifier === meta.name);
  if (!zoo) return;
  at("zoo").replaceChildren(histogram(zoo, probability));
  at("zoo-note").textContent =
    "Probabilities that the zoo's converged models got from sandwiches that had not seen them: generalizers above the " +
    "line, the others below. The better the two part, the more a probability tells.";
  show("zoo-part", true);
}

function showProbes(probes) {
  show("probes-part", probes.length > 0);
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

async function listExamples() {
  const examples = await (await fetch("/examples")).json();
  at("examples").replaceChildren(
    ...examples.map((example) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = example.name;
      const description = document.createElement("small");
      description.textContent = example.description;
      button.append(description);
      button.addEventListener("click", async () => {
        const file = await (await fetch(example.url)).blob();
        await classify(file, `${example.name}.safetensors`);
      });
      item.append(button);
      return item;
    }),
  );
}

async function showHealth() {
  const health = await (await fetch("/health")).json();
  const names = health.meta_classifiers.map((meta) => `${meta.name} (T = ${meta.train_max_length})`).join(", ");
  show("key-row", health.key_required);
  at("health").textContent =
    `Service ${health.status} on ${health.device}; meta-classifiers: ${names || "none"}; version ` +
    `${health.versions["probe-sandwich"]}, torch ${health.versions.torch}.`;
}

const drop = at("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file) classify(file, file.name);
});
at("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) classify(file, file.name);
  event.target.value = "";
});
at("copy").addEventListener("click", () => navigator.clipboard.writeText(at("raw").textContent));
listExamples();
showHealth();
