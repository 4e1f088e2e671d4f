// The page: sends checkpoints to the service, follows its events, and shows the answers.

import { at, show, showResult } from "./answer.js";
import { checkpointsAmong, filesOf, makeSortable, showBatch } from "./files.js";
import { write } from "./messages.js";
import { classify, classifyBatch, given, kept } from "./upload.js";

const STAGES = {
  upload: "uploading",
  queued: "waiting for its turn",
  checkpoint: "checking the file",
  sandwich: "asking the probes",
  direct_test: "testing on inputs of growing length",
};
const OPTIONS = ["formulas_per_length", "noise_draws", "seed"];
const INPUTS = ["inputs", "labelled"];
const ADDRESS = /^results\/[0-9a-f]{64}$/;
let busy = false;
let asked = 0; // what was asked for last: an answer to anything before it comes too late

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
  write(at("problem-text"), problem.detail ?? "The service did not answer. Is it still running?");
  at("problem-type").textContent = problem.type ? `${problem.status} ${problem.type}` : "";
}

/** The form's fields that say something: options, inputs of the user's own for models of their own, and the fields of a
 * foreign model where one may come and is described. */
function fieldsOf({ own, mayBeForeign }) {
  const form = at("fields");
  const { config, vocabulary, train_max_length: length } = form;
  const foreign = mayBeForeign && (config.files.length > 0 || vocabulary.value !== "" || length.value !== "");
  const says = (value) => (value instanceof File ? value.size > 0 : value !== "");
  const wanted = (name) =>
    OPTIONS.includes(name) ||
    (INPUTS.includes(name) ? own : foreign && name !== "direct_test");
  const fields = [...new FormData(form)].filter(([name, value]) => says(value) && wanted(name));
  return form.direct_test.checked ? fields : [...fields, ["direct_test", "false"]];
}

/** Do one thing at a time: show that it goes on, and what is wrong where it fails. */
async function working(name, work) {
  if (busy) return;
  busy = true;
  asked += 1;
  for (const id of ["result", "batch", "problem"]) show(id, false);
  at("name").textContent = name;
  at("stages").replaceChildren();
  show("progress", true);
  tell("upload", "");
  try {
    await work();
  } catch (error) {
    fail(unanswered(error));
  } finally {
    show("progress", false);
    busy = false;
  }
}

function send(files) {
  if (files.length > 1) return working(`${files.length} files`, () => sendMany(files));
  return files.length ? sendOne(() => files[0], files[0].name, fieldsOf({ own: true, mayBeForeign: true })) : undefined;
}

/** `file`: gives it, or a promise of it. */
function sendOne(file, name, fields) {
  return working(name, async () => {
    const events = classify(await file(), name, fields, at("key").value);
    await follow(events, (diagnosis, address) => showResult(diagnosis, name, address));
  });
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} is not there`);
  return response.blob();
}

function sendMany(files) {
  const events = classifyBatch(files, fieldsOf({ own: true, mayBeForeign: false }), at("key").value);
  return follow(events, showBatch, files.length);
}

/** Tell of the events of a request, and show how it ends; `files`: how many a batch has. */
async function follow(events, showEnd, files = 0) {
  count(0, files);
  for await (const [event, data, address] of events) {
    if (event === "progress") {
      tell(data.stage, data.detail);
      count(data.answered, files);
    } else if (event === "problem") fail(data);
    else showEnd(data, address);
  }
}

function count(answered, files) {
  show("count", files > 0);
  at("answered").max = Math.max(1, files);
  at("answered").value = answered;
  at("count-text").textContent = `${answered} of ${files} answered`;
}

/** Show the answer whose address stands behind the page's own, if there is one. */
async function showKept() {
  const address = location.hash.slice(1);
  if (busy || !ADDRESS.test(address)) return;
  const mine = ++asked;
  const ifWanted = (tell) => mine === asked && tell();
  try {
    const response = await kept(address, at("key").value);
    const answer = await response.json();
    ifWanted(() => (response.ok ? showAgain(answer, address) : failAlone(answer)));
  } catch (error) {
    ifWanted(() => failAlone(unanswered(error)));
  }
}

function showAgain(diagnosis, address) {
  show("problem", false);
  showResult(diagnosis, `Checkpoint ${diagnosis.checkpoint.sha256.slice(0, 12)}…`, address);
}

function failAlone(problem) {
  show("result", false);
  fail(problem);
}

function unanswered(error) {
  return { detail: `The service did not answer: ${error.message}` };
}

async function listExamples() {
  const examples = (await given("examples")) ?? [];
  at("examples").replaceChildren(
    ...examples.map((example) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = example.name;
      const description = document.createElement("small");
      description.textContent = example.description;
      button.append(description);
      button.addEventListener("click", () =>
        sendOne(
          () => fetched(example.url),
          `${example.name}.safetensors`,
          fieldsOf({ own: false, mayBeForeign: false }),
        ),
      );
      item.append(button);
      return item;
    }),
  );
}

async function showHealth() {
  const health = await given("health");
  show("key-row", health.key_required);
  at("health").textContent =
    `Service ${health.status} on ${health.device}; meta-classifier: ${health.meta_classifier?.name ?? "none"}; version ` +
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
  filesOf(event.dataTransfer).then(send);
});
for (const [id, chosen] of [["file", (files) => [...files]], ["folder", checkpointsAmong]]) {
  at(id).addEventListener("change", (event) => {
    send(chosen(event.target.files));
    event.target.value = "";
  });
}
at("fields").addEventListener("submit", (event) => event.preventDefault());
at("copy").addEventListener("click", () => navigator.clipboard.writeText(at("raw").textContent));
at("copy-link").addEventListener("click", () => navigator.clipboard.writeText(at("link").value));
at("key").addEventListener("change", showKept);
window.addEventListener("hashchange", () => {
  if (!busy) show("result", false); // what stands there is not what the address says
  showKept();
});
makeSortable();
listExamples();
showHealth().then(showKept);
