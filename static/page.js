// The main page: choose a catalog, describe what you are looking for, and follow the job to its filter.

import { Client, Problem } from "./client.js";
import { $, el, fill } from "./dom.js";
import { fieldTitle, fieldsOf } from "./format.js";
import { addMicrophones, discardRecording } from "./microphone.js";
import * as render from "./render.js";

const PATIENCE_MS = 3000; // Somebody is watching, so requests are not repeated for long.

let client;
let ready; // Resolves when the catalogs are on the page.
let catalogs = [];
let turns = []; // The conversation so far: `{id, text, catalog}` of each answered job.
let answer = null; // The result on the page, with the name of its catalog; null while the query is not on the page.
let running = new AbortController();

const currentCatalog = () => catalogs.find((catalog) => catalog.name === document.forms.ask.catalog.value);

/** Connects with the stored API key, if any, and sets the page up. */
function login() {
  client = new Client({ key: sessionStorage.getItem("key") });
  ready = loadCatalogs();
  ready.catch((error) => showProblem(`The page could not be set up: ${sentenceOf(error)}`));
}

/** Loads the catalogs and dialects. Asks for an API key first if the service requires one. */
async function loadCatalogs() {
  try {
    const summaries = (await client.get("/v1/catalogs")).catalogs;
    const titles = (await client.get("/v1/dialects")).dialects.map(({ name, title }) => [name, title]);
    render.dialects(titles, localStorage.getItem("dialect") ?? titles[0][0]);
    catalogs = await Promise.all(summaries.map(async (entry) => ({ ...entry, ...(await client.get(entry.url)) })));
  } catch (error) {
    if (!(error instanceof Problem) || ![401, 403].includes(error.status)) throw error;
    askForKey(error);
    return;
  }
  document.forms.key.hidden = true;
  $("forget").hidden = !sessionStorage.getItem("key");
  document.forms.ask.hidden = false;
  fill($("catalogs"), $("catalogs").querySelector("legend"), ...catalogs.map((catalog) =>
    el("label", {}, el("input", { type: "radio", name: "catalog", value: catalog.name }), el("span", {}, catalog.title || catalog.name))));
  restoreFromUrl({ draft: $("text").value });
}

function askForKey(error) {
  const hadKey = sessionStorage.getItem("key");
  sessionStorage.removeItem("key");
  document.forms.ask.hidden = true;
  document.forms.key.hidden = false;
  const reason = error.status === 401 ? "This key is not valid, or has been revoked." : error.message;
  $("refused").textContent = hadKey ? reason : "";
  document.forms.key.secret.value = "";
  document.forms.key.secret.focus();
}

/** Shows the examples and fields of the current catalog. */
function describeCatalog() {
  const catalog = currentCatalog();
  fill($("examples"), ...(catalog.examples ?? []).map((text) => {
    const button = el("button", { type: "button", class: "example" }, text);
    button.addEventListener("click", () => ask(text));
    return button;
  }));
  fill($("fields"), ...catalog.fields.flatMap((field) => [
    el("dt", {}, fieldTitle(field)),
    el("dd", {}, [field.type, field.unit ?? field.currency, field.description].filter(Boolean).join(" · "),
      field.values?.length ? el("span", { class: "quiet" },
        ` ${field.values.slice(0, 8).map((value) => value.value).join(", ")}${field.values.length > 8 ? ", …" : ""}`) : null),
  ]));
}

/** Restores catalog and conversation from the URL. `draft` is text that was typed before the page was ready. */
function restoreFromUrl({ draft = "" } = {}) {
  const parameters = new URLSearchParams(location.search);
  const name = parameters.get("catalog");
  document.forms.ask.catalog.value = catalogs.some((catalog) => catalog.name === name) ? name : catalogs[0].name;
  describeCatalog();
  $("text").value = draft || (parameters.get("q") ?? "");
  if ($("text").value && !draft) askAll([$("text").value, ...parameters.getAll("then")]);
  else clear();
}

/** Removes the answer and stops waiting for one. */
function clear() {
  discardRecording();
  running.abort();
  resetConversation();
  $("answer").hidden = true;
  $("problem").hidden = true;
  $("status").textContent = "";
  $("progress").textContent = "";
}

function resetConversation() {
  turns = [];
  document.forms.refine.hidden = true;
}

function ask(text) {
  $("text").value = text;
  resetConversation();
  remember(text);
  run({ text });
}

/** Asks a text that refines the answer on the page. */
function refine(text) {
  returnToCatalog();
  remember(text);
  run({ text });
}

/** Asks what somebody has said: as a refinement if the microphone of that form was used. */
function askAloud(recording, form) {
  if (form === document.forms.refine) returnToCatalog();
  else resetConversation();
  run({ recording, input: form.querySelector("input:not([type=radio])") });
}

/** Chooses the catalog of the conversation again. */
function returnToCatalog() {
  document.forms.ask.catalog.value = turns[0].catalog.name;
  describeCatalog();
}

/** Puts the conversation with its latest text into the address. */
function remember(text, catalog = currentCatalog()) {
  const [first, ...rest] = [...turns.map((turn) => turn.text), text];
  const parameters = [["catalog", catalog.name], ["q", first], ...rest.map((followup) => ["then", followup])];
  history.pushState(null, "", `?${new URLSearchParams(parameters)}`);
}

/** Asks several texts, each refining the one before. Stops at the first that is not answered. */
async function askAll(texts) {
  resetConversation();
  for (const text of texts) {
    if (!(await run({ text }))) return;
  }
}

/** Asks a `{text}` or a `{recording, input}`, as a refinement of the last turn if there is one; what is said is shown in
 *  the input. Returns true if it was answered. */
async function run(question) {
  discardRecording();
  running.abort();
  const { signal } = (running = new AbortController());
  const progress = { answered: false };
  $("problem").hidden = true;
  $("progress").textContent = "";
  $("answer").setAttribute("aria-busy", "true");
  $("status").textContent = "Searching";
  try {
    await follow(question, signal, progress);
    return true;
  } catch (error) {
    if (!signal.aborted) showFailure(error, { keepAnswer: turns.length > 0 && !progress.answered });
    return false;
  } finally {
    if (!signal.aborted) $("answer").removeAttribute("aria-busy");
  }
}

/** Submits a question and shows its job until the end. Sets `progress.answered` once a reading is on the page. */
async function follow({ text, recording, input }, signal, progress) {
  const catalog = currentCatalog();
  const fields = fieldsOf(catalog);
  const previous = turns.at(-1);
  const dialects = [$("dialect").value].filter(Boolean);
  const request = { ...(previous ? { refines: previous.id } : { catalog: catalog.name }), ...(recording ? {} : { text }), dialects };
  const options = { signal, patience: PATIENCE_MS };
  const job = recording ? await client.transcribe(recording, { then: request }, options) : await client.submit(request, options);
  const parts = []; // What was said, as far as it has been transcribed.
  const showSpoken = (spoken) => {
    text = spoken;
    input.value = spoken;
  };
  const showReading = (reading, author) => {
    if (!progress.answered) {
      render.withoutResults();
      answer = null;
      showCurl(request, Boolean(recording));
      if (recording) remember(text, catalog);
    }
    progress.answered = true;
    $("answer").hidden = false;
    $("state").textContent = author;
    render.sentences([...turns, { id: job.id, text }], reading);
    render.filter(reading, fields);
    render.notes(reading, author === "draft" ? null : refine);
  };
  let last;
  for await (const event of client.follow(job, { signal })) {
    last = event;
    $("transport").textContent = event.by === "events" ? "live by Server-Sent Events" : "by polling";
    render.stages(event.job);
    if (event.name !== "delta") $("progress").textContent = event.progress?.detail ?? "";
    const { result, draft, transcript } = event;
    if (transcript) {
      parts.push(transcript);
      showSpoken(parts.sort((a, b) => a.start_s - b.start_s).map((part) => part.text).join(" "));
    }
    if (result?.transcript) showSpoken(result.transcript.text);
    if (result) showReading(result, result.provider === "builtin" ? "built-in parser" : result.model);
    else if (draft && text) showReading(draft, "draft");
  }
  if (!last.result) throw new Error(last.job.error?.detail ?? `The job is ${last.job.status}.`);
  turns.push({ id: job.id, text, catalog });
  document.forms.refine.hidden = false;
  $("followup").value = "";
  answer = { ...last.result, catalog: catalog.name };
  await showQuery();
  $("status").textContent = last.result.explanation;
  $("found").hidden = !catalog.packaged; // Only packaged catalogs have rows here.
  if (catalog.packaged) {
    const matches = await client.get(`${job.urls.self}/rows?limit=50`, { signal });
    render.rows(matches, last.result, fields);
    $("status").textContent = `${matches.count} of ${matches.total} rows match. ${last.result.explanation}`;
  }
}

/** Shows the answer's filter in the chosen query language. What its job was not asked for is compiled now. */
async function showQuery() {
  const shown = answer;
  const name = $("dialect").value;
  if (name && !shown.dialects[name]) {
    const { filter, sort, limit, text, catalog } = shown;
    const compiled = await client.compile({ filter, sort, limit, text, catalog, dialects: [name] });
    shown.dialects[name] = compiled.dialects[name];
  }
  if (answer === shown && $("dialect").value === name) render.query(name ? shown.dialects[name] : shown.filter ?? {});
}

/** Shows why a text was not answered. The answer on the page is kept only if it belongs to an earlier text. */
function showFailure(error, { keepAnswer }) {
  $("progress").textContent = "";
  $("status").textContent = "";
  if (!keepAnswer) $("answer").hidden = true;
  if (error instanceof Problem && error.status === 401) askForKey(error);
  else showProblem(sentenceOf(error));
}

/** Says in a sentence for people what has failed: without pointers into the request, and without the words of a script. */
function sentenceOf(error) {
  if (error.errors?.length) return error.errors.map((fault) => fault.detail).join(" ");
  if (error instanceof Problem || error.constructor === Error) return error.message;
  console.error(error);
  return "This page has made a mistake. Reload it, and ask again.";
}

function showProblem(message) {
  fill($("problem"), message);
  $("problem").hidden = false;
}

/** Shows the same request as shell commands. Inside single quotes, only the single quote itself must be escaped. */
function showCurl(request, isSpoken) {
  const body = JSON.stringify(request).replaceAll("'", "'\\''");
  const key = sessionStorage.getItem("key") ? ' -H "Authorization: Bearer $KEY"' : "";
  const submission = isSpoken ? `/v1/transcriptions -F file=@question.webm -F 'then=${body}'` : `/v1/jobs --json '${body}'`;
  fill($("curl"),
    `curl -s${key} ${location.origin}${submission}\n`
    + `curl -sN${key} ${location.origin}/v1/jobs/$ID/events   # ID: the "id" in the answer\n`
    + `curl -s${key} ${location.origin}/v1/jobs/$ID/result`);
}

document.forms.ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  await ready;
  if ($("text").value.trim()) ask($("text").value);
});
document.forms.refine.addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("followup").value.trim()) refine($("followup").value);
});
document.forms.key.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", document.forms.key.secret.value.trim());
  login();
});
$("forget").addEventListener("click", () => {
  sessionStorage.removeItem("key");
  location.reload();
});
$("catalogs").addEventListener("change", describeCatalog);
$("dialect").addEventListener("change", () => {
  localStorage.setItem("dialect", $("dialect").value);
  if (answer) showQuery().catch((error) => showProblem(sentenceOf(error)));
});
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("code").textContent);
    $("status").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren($("code"));
    $("status").textContent = "Selected: press Ctrl+C to copy";
  }
});
window.addEventListener("popstate", () => restoreFromUrl());
login();
addMicrophones([document.forms.ask, document.forms.refine], {
  isOffered: async () => {
    await ready; // Without a catalog, nothing can be asked.
    return (await client.get("/readyz")).workers.audio > 0;
  },
  onRecording: askAloud,
  onProblem: showProblem,
  show: (text) => {
    $("problem").hidden = true;
    fill($("progress"), text);
  },
  announce: (text) => fill($("status"), text),
});
