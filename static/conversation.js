// The conversation: texts, each of which refines the one before. Its address has the texts and their jobs, so that another
// tab, or this one after a reload, joins the jobs.

import { forget, showDraft, showPending, showResult } from "./answer.js";
import { Problem } from "./client.js";
import { $ } from "./dom.js";
import { fieldsOf } from "./format.js";
import { discardRecording } from "./microphone.js";
import { hideProblem, sentenceOf, showProblem } from "./problems.js";
import { showBusy, showLost, showStages, showStep } from "./progress.js";
import { keepQuestion } from "./questions.js";
import { showCurl } from "./results.js";
import { askForKey, chooseCatalog, currentCatalog, hasKey, session, titleOf } from "./session.js";

const PATIENCE_MS = 3000; // Somebody is watching, so requests are not repeated for long.

let turns = []; // `{id, text, job, reading}` of each answered job.
let catalog = null; // That of the conversation.
let edit = null; // The change of the last answer, as in the address.
let running = new AbortController();
let job = null; // The one that runs.

/** Asks a text that begins a conversation. */
export function ask(text) {
  $("text").value = text;
  begin();
  address([text]);
  run({ text });
}

/** Asks a text that refines the answer on the page. */
export function refine(text) {
  chooseCatalog(catalog.name, ask);
  address([text]);
  run({ text });
}

/** Asks what somebody has said: as a refinement if the microphone of that form was used. */
export function askAloud(recording, form) {
  if (form === document.forms.refine) chooseCatalog(catalog.name, ask);
  else begin();
  run({ recording, input: form.querySelector("input:not([type=radio])") });
}

/** Stops the job that runs. */
export async function cancel() {
  running.abort("cancel");
  if (job) await session.client.cancel(job).catch(() => {}); // It may have ended meanwhile.
}

/** Restores catalog and conversation from the address. `draft` is text that was typed before the page was ready. */
export async function restore({ draft = "" } = {}) {
  const parameters = new URLSearchParams(location.search);
  const [texts, ids] = [[...parameters.getAll("q"), ...parameters.getAll("then")], parameters.getAll("job")];
  discardRecording();
  running.abort();
  begin();
  chooseCatalog(parameters.get("catalog"), ask);
  catalog = currentCatalog();
  $("text").value = draft || (texts[0] ?? "");
  if (!draft && texts.length) await askAll(texts, ids, parameters.get("edit"));
  else clear();
}

/** Puts a change of the answer into the address. */
export function keepEdit(change) {
  edit = change;
  const parameters = new URLSearchParams(location.search);
  if (edit) parameters.set("edit", JSON.stringify(edit));
  else parameters.delete("edit");
  history.replaceState(null, "", `?${parameters}`);
}

function begin() {
  turns = [];
  edit = null;
  catalog = currentCatalog();
  document.forms.refine.hidden = true;
}

/** Removes the answer. */
function clear() {
  forget();
  hideProblem();
  showBusy(false);
  $("answer").hidden = true;
  $("status").textContent = "";
}

/** Puts the conversation, with the `texts` that are asked next, into the address. */
function address(texts, { ids = [], isNew = true } = {}) {
  const [first, ...rest] = [...turns.map(({ text }) => text), ...texts];
  const jobs = [...turns.map(({ id }) => id), ...ids];
  const parameters = new URLSearchParams([["catalog", catalog.name], ["q", first], ...rest.map((text) => ["then", text]),
                                          ...jobs.map((id) => ["job", id]), ...(edit ? [["edit", JSON.stringify(edit)]] : [])]);
  history[isNew ? "pushState" : "replaceState"](null, "", `?${parameters}`);
}

/** Joins the jobs of several texts, each of which refines the one before. Those that are not kept are asked again, and so are
 *  the texts after them. */
async function askAll(texts, ids, change) {
  let known = ids;
  for (const [i, text] of texts.entries()) {
    edit = i === texts.length - 1 && change ? JSON.parse(change) : null;
    const id = known[i];
    const rest = texts.slice(i + 1);
    if (id && (await run({ text, id, rest }))) continue;
    if (id && !isGone) return;
    known = [];
    if (!(await run({ text, rest }))) return;
  }
}

let isGone = false; // The job that was to be joined is no longer kept.

/** Asks a `{text}`, a `{recording, input}` or a `{choice, text}` that answers the last question, as a refinement of the last
 *  turn if there is one; with an `id`, joins its job. `rest` are texts that follow. Returns true if it was answered. */
async function run(question) {
  discardRecording();
  running.abort();
  const { signal } = (running = new AbortController());
  isGone = false;
  job = null;
  hideProblem();
  showStages(null);
  showPending([...turns, { text: question.text ?? "", reading: null }]);
  showBusy(true);
  document.forms.refine.hidden = true;
  try {
    await follow(question, signal);
    return true;
  } catch (error) {
    isGone = Boolean(question.id) && error instanceof Problem && [404, 410].includes(error.status);
    if (signal.reason === "cancel") fail("Canceled.", question);
    else if (!signal.aborted && !isGone) fail(error, question);
    return false;
  } finally {
    if (running.signal === signal) showBusy(false);
  }
}

/** Gets the job of a question, and shows it until its end. */
async function follow(question, signal) {
  const fields = fieldsOf(catalog);
  job = await jobOf(question, signal);
  let text = question.text;
  if (text && !question.id) address([text, ...(question.rest ?? [])], { ids: [job.id], isNew: false });
  const parts = []; // What was said, as far as it has been transcribed.
  const showSpoken = (spoken) => {
    if (!text) history.pushState(null, "", location.href);
    text = spoken;
    question.input.value = spoken;
    address([text], { ids: [job.id], isNew: false });
  };
  const conversation = (reading) => [...turns, { id: job.id, text, job, reading }];
  let last;
  for await (const event of session.client.follow(job, { signal, onLost: showLost })) {
    last = event;
    const { result, draft, transcript } = event;
    showStages(event.job, event.by);
    if (event.name !== "delta") showStep(event.progress?.detail ?? "Reading the sentence …");
    if (transcript) {
      parts.push(transcript);
      showSpoken(parts.sort((a, b) => a.start_s - b.start_s).map((part) => part.text).join(" "));
    }
    if (result?.transcript && question.input) showSpoken(result.transcript.text);
    if (!result && draft && text) showDraft(conversation(draft), draft, fields);
  }
  if (!last.result) throw new Error(last.job.status === "canceled" ? "Canceled." : last.job.error?.detail ?? "It was not answered.");
  turns = conversation(last.result);
  $("followup").value = "";
  await showAnswer();
  keepQuestion({ texts: turns.map((turn) => turn.text), title: titleOf(catalog), url: location.search });
}

async function jobOf({ text, recording, choice, id }, signal) {
  const options = { signal, patience: PATIENCE_MS };
  if (id) return session.client.get(`/v1/jobs/${encodeURIComponent(id)}`, { signal });
  const previous = turns.at(-1);
  if (choice !== undefined) return session.client.answer(previous.job, { choice }, options);
  const dialects = [$("dialect").value].filter(Boolean);
  const request = { ...(previous ? { refines: previous.id } : { catalog: catalog.name }), ...(recording ? {} : { text }), dialects };
  showCurl(request, { isSpoken: Boolean(recording), hasKey: hasKey() });
  return recording ? session.client.transcribe(recording, { then: request }, options) : session.client.submit(request, options);
}

/** Shows the answer of the last turn. */
async function showAnswer() {
  const { job: itsJob, reading } = turns.at(-1);
  document.forms.refine.hidden = false;
  await showResult({ turns, job: itsJob, catalog, fields: fieldsOf(catalog), edit, onChoice: (choice) => {
    const text = reading.clarification.choices[choice];
    edit = null;
    address([text]);
    run({ choice, text });
  } });
}

/** Shows why a text was not answered, with a way to try again. The answer that it was to refine comes back. */
function fail(error, question) {
  if (error instanceof Problem && error.status === 401) {
    $("answer").hidden = true;
    askForKey(error);
    return;
  }
  const hasBegun = job && !(error instanceof Problem) && error !== "Canceled." && error.message === UNREACHABLE;
  const again = hasBegun ? { ...question, id: job.id } : question;
  if (turns.length) showAnswer();
  else {
    forget();
    $("answer").hidden = true;
  }
  $("status").textContent = "";
  showProblem(typeof error === "string" ? error : sentenceOf(error), () => run(again));
}

const UNREACHABLE = "The service does not answer."; // As the client says it.
