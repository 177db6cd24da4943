// The page: choose a catalog, ask, and see what becomes of it.

import { Client, Problem } from "./client.js";
import { $, el, fill } from "./dom.js";
import * as show from "./show.js";
import { title } from "./words.js";

const PATIENCE_MS = 3000; // somebody is waiting

let catalogs = [];
let running = new AbortController();
let client;
let turns = []; // of the conversation: the texts so far, and the job of each

const chosen = () => catalogs.find((catalog) => catalog.name === document.forms.ask.catalog.value);

/** Sets the page up; where an API key is needed, asks for it first. */
async function start() {
  try {
    const listed = (await client.get("/v1/catalogs")).catalogs;
    catalogs = await Promise.all(listed.map(async (entry) => ({ ...entry, ...(await client.get(entry.url)) })));
  } catch (error) {
    if (!(error instanceof Problem) || ![401, 403].includes(error.status)) throw error;
    askForKey(error);
    return;
  }
  document.forms.key.hidden = true;
  $("forget").hidden = !sessionStorage.getItem("key");
  document.forms.ask.hidden = false;
  fill($("catalogs"), $("catalogs").querySelector("legend"), ...catalogs.map((catalog) =>
    el("label", {}, el("input", { type: "radio", name: "catalog", value: catalog.name }), el("span", {}, catalog.title))));
  fromAddress({ typed: $("text").value });
}

function askForKey(error) {
  const had = sessionStorage.getItem("key");
  sessionStorage.removeItem("key");
  document.forms.ask.hidden = true;
  document.forms.key.hidden = false;
  const said = error.status === 401 ? "This key is not valid, or not any more." : error.message;
  $("refused").textContent = had ? said : "";
  document.forms.key.secret.value = "";
  document.forms.key.secret.focus();
}

/** The examples and fields of the chosen catalog. */
function describe() {
  const catalog = chosen();
  const example = (text) => {
    const button = el("button", { type: "button", class: "example" }, text);
    button.addEventListener("click", () => ask(text));
    return button;
  };
  fill($("examples"), ...(catalog.examples ?? []).map(example));
  fill($("fields"), ...catalog.fields.flatMap((field) => [
    el("dt", {}, title(field)),
    el("dd", {}, [field.type, field.unit ?? field.currency, field.description].filter(Boolean).join(" · "),
      field.values?.length ? el("span", { class: "quiet" },
        ` ${field.values.slice(0, 8).map((value) => value.value).join(", ")}${field.values.length > 8 ? ", …" : ""}`) : null),
  ]));
}

/** What the address asks for; `typed` is what somebody was quick enough to type before the page was ready. */
function fromAddress({ typed = "" } = {}) {
  const asked = new URLSearchParams(location.search);
  const name = catalogs.some((catalog) => catalog.name === asked.get("catalog")) ? asked.get("catalog") : catalogs[0].name;
  document.forms.ask.catalog.value = name;
  describe();
  $("text").value = typed || (asked.get("q") ?? "");
  if ($("text").value && !typed) converse([$("text").value, ...asked.getAll("then")]);
  else clear();
}

/** Nothing is asked: no answer of an earlier text stays. */
function clear() {
  running.abort();
  begun();
  $("answer").hidden = true;
  $("problem").hidden = true;
  $("status").textContent = "";
  $("progress").textContent = "";
}

/** A conversation begins: there is nothing to go on from. */
function begun() {
  turns = [];
  document.forms.refine.hidden = true;
}

function ask(text) {
  $("text").value = text;
  history.pushState(null, "", `?${new URLSearchParams({ catalog: chosen().name, q: text })}`);
  converse([text]);
}

/** Goes on from the answer that is shown. */
function refine(text) {
  const [first, ...rest] = [...turns.map((turn) => turn.text), text];
  const address = new URLSearchParams([["catalog", chosen().name], ["q", first], ...rest.map((said) => ["then", said])]);
  history.pushState(null, "", `?${address}`);
  run(text);
}

/** Asks one text after the other, each going on from those before, as far as they are answered. */
async function converse(texts) {
  begun();
  for (const text of texts) {
    if (!(await run(text))) return;
  }
}

/** Asks a text, going on from the last turn if there is one; whether it was answered. */
async function run(text) {
  running.abort();
  const { signal } = (running = new AbortController());
  const catalog = chosen();
  const fields = new Map(catalog.fields.map((field) => [field.name, field]));
  const before = turns.at(-1);
  const about = before ? { refines: before.id } : { catalog: catalog.name, dialects: ["sql", "elasticsearch"] };
  const request = { ...about, text };
  $("problem").hidden = true;
  $("progress").textContent = "";
  $("answer").setAttribute("aria-busy", "true");
  $("status").textContent = "Searching";
  let told = false;
  try {
    const job = await client.submit(request, { signal, patience: PATIENCE_MS });
    curl(request);
    const read = (reading, state) => {
      told = true;
      $("answer").hidden = false;
      $("state").textContent = state;
      show.sentences([...turns, { id: job.id, text }], reading);
      show.filter(reading, fields);
      show.notes(reading);
    };
    let last;
    for await (const news of client.follow(job, { signal })) {
      last = news;
      $("transport").textContent = news.by === "events" ? "live by Server-Sent Events" : "by polling";
      show.stages(news.job);
      if (news.name !== "delta") $("progress").textContent = news.progress?.detail ?? "";
      if (news.result) read(news.result, news.result.provider === "builtin" ? "built-in parser" : news.result.model);
      else if (news.draft) read(news.draft, "draft");
    }
    if (!last.result) throw new Error(last.job.error?.detail ?? `The job has ${last.job.status}.`);
    turns.push({ id: job.id, text });
    document.forms.refine.hidden = false;
    $("followup").value = "";
    show.query(last.result);
    $("status").textContent = last.result.explanation;
    $("found").hidden = !catalog.packaged; // only the demo data has rows here
    if (catalog.packaged) {
      const found = await client.get(`${job.urls.self}/rows?limit=50`, { signal });
      show.rows(found, last.result, fields);
      $("status").textContent = `${found.count} of ${found.total} rows match. ${last.result.explanation}`;
    }
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    $("progress").textContent = "";
    if (told || !before) $("answer").hidden = true; // it is another text's, or a draft that came to nothing
    $("status").textContent = "";
    if (error instanceof Problem && error.status === 401) {
      askForKey(error);
      return false;
    }
    fill($("problem"), error.message);
    $("problem").hidden = false;
    return false;
  } finally {
    if (!signal.aborted) $("answer").removeAttribute("aria-busy");
  }
}

/** The same request for a shell: single quotes are the only thing that it must not see. */
function curl(request) {
  const quoted = `'${JSON.stringify(request).replaceAll("'", "'\\''")}'`;
  const key = sessionStorage.getItem("key") ? ' -H "Authorization: Bearer $KEY"' : "";
  fill($("curl"),
    `curl -s${key} ${location.origin}/v1/jobs --json ${quoted}\n`
    + `curl -sN${key} ${location.origin}/v1/jobs/$ID/events   # ID: the "id" of the answer\n`
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
  begin();
});
$("forget").addEventListener("click", () => {
  sessionStorage.removeItem("key");
  location.reload();
});
$("catalogs").addEventListener("change", describe);
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("code").textContent);
    $("status").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren($("code"));
    $("status").textContent = "Selected: press Ctrl+C to copy";
  }
});
window.addEventListener("popstate", () => fromAddress());

let ready;

function begin() {
  client = new Client({ key: sessionStorage.getItem("key") });
  ready = start();
  ready.catch((error) => {
    fill($("problem"), `The page could not be set up: ${error.message}`);
    $("problem").hidden = false;
  });
}

begin();
