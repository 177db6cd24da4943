// The page for analyses of code: drop an archive or a folder, follow the job, read its report, and search the code.

import { Client, Problem } from "./client.js";
import { filesOf, textsOf } from "./dropped.js";
import { $, el, fill } from "./dom.js";

const MAX_BYTES = 32 * 2 ** 20;
const SHOWN = { files: 12, definitions: 15, findings: 100, duplicates: 20 };
const SEVERITIES = ["high", "medium", "low", "info"];
const ENDED = ["succeeded", "failed", "canceled", "expired"];

const client = new Client({ key: sessionStorage.getItem("key") });
let job = null; // The job on the page.
let findings = []; // Those that have come so far.
let running = new AbortController(); // Aborted when another job takes the page.
let searching = new AbortController(); // Aborted by the next search.

/** Analyses code: an archive as a file, or the files of a folder. */
async function analyze(name, code) {
  const signal = reset(name);
  try {
    const archive = Array.isArray(code) ? await textsOf(code) : code;
    if (archive instanceof Blob && archive.size > MAX_BYTES) throw new Error(`${name} is larger than 32 MiB. Leave some files out.`);
    tell("Uploading");
    const question = $("question").value.trim();
    const submitted = await client.analyze(archive, question ? { question } : {}, { signal });
    history.pushState(null, "", `?${new URLSearchParams({ job: submitted.id, name })}`);
    await follow(submitted, signal);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

/** Shows the job that the page's address names, running or not. */
async function join() {
  const { job: id, name } = Object.fromEntries(new URLSearchParams(location.search));
  const signal = reset(name ?? id ?? "");
  $("progress").hidden = !id;
  if (!id) return;
  try {
    await follow(await client.get(`/v1/jobs/${encodeURIComponent(id)}`, { signal }), signal);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

/** Clears the page for another job. Returns the signal that ends its work. */
function reset(name) {
  running.abort();
  searching.abort();
  running = new AbortController();
  [job, findings] = [null, []];
  for (const id of ["problem", "report", "search", "about", "map", "copies", "sarif"]) $(id).hidden = true;
  for (const id of ["results", "findings", "finding-count"]) fill($(id));
  $("q").value = "";
  $("name").textContent = name;
  $("cancel").hidden = true;
  $("progress").hidden = false;
  $("parts").hidden = false;
  $("parts").removeAttribute("value");
  return running.signal;
}

/** Follows a job to its end, and shows its report. */
async function follow(submitted, signal) {
  job = submitted;
  $("cancel").hidden = ENDED.includes(job.status);
  for await (const event of client.follow(job, { signal })) {
    job = event.job;
    if (event.progress) showProgress(event.progress);
    else if (event.name === "finding") addFinding(event.finding.finding);
    else if (event.name !== "delta") tell(stateOf(job));
  }
  $("cancel").hidden = true;
  $("parts").hidden = true;
  if (job.status !== "succeeded") throw new Error(job.error?.detail ?? `The analysis is ${job.status}.`);
  await showReport(signal);
}

function stateOf({ status, stage, stages }) {
  if (status === "running") return stages[stage]?.label || "Running";
  return { queued: "Waiting for a worker", canceling: "Canceling", succeeded: "Done" }[status] ?? status;
}

function showProgress({ detail, parts, parts_done: done }) {
  const bar = $("parts");
  if (parts) [bar.max, bar.value] = [parts, done];
  else bar.removeAttribute("value");
  tell(parts ? `${done} of ${parts} parts read` : detail);
}

const tell = (text) => fill($("step"), text);

/** Shows why there is no (complete) report. Findings that have come stay. */
function fail(error) {
  $("cancel").hidden = true;
  $("parts").hidden = true;
  $("progress").hidden = !job;
  if (job) tell(stateOf(job));
  const lacksKey = error instanceof Problem && error.status === 401;
  fill($("problem"), ...(lacksKey
    ? ["This service requires an API key. ", el("a", { href: "/" }, "Enter it on the main page"), " first."]
    : [error.message]));
  $("problem").hidden = false;
}

async function showReport(signal) {
  const report = await client.get(`${job.urls.self}/report`, { signal });
  fill($("summary"), report.summary ?? "");
  fill($("answer"), report.answer ?? "");
  fill($("coverage"), coverageOf(report));
  $("about").hidden = false;
  findings = report.findings;
  showFindings();
  $("sarif").hidden = false;
  showMap(report.map);
  showDuplicates(report.duplicates);
  $("search").hidden = false;
  $("report").hidden = false;
  showResults(report.answers ?? [], $("results"));
  if (report.answers?.length && $("question").value) $("q").value = $("question").value;
  $("status").textContent = `The analysis is done: ${count(findings.length, "finding")}.`;
}

function coverageOf({ files, coverage }) {
  const skipped = files.filter((file) => file.skipped).length;
  return [
    `${count(files.length - skipped, "file")} read`,
    skipped && `${count(skipped, "file")} skipped`,
    `${number(coverage.analyzed)} of ${count(coverage.chunks, "chunk")} read by meaning`,
    coverage.failed && `${number(coverage.failed)} failed`,
    coverage.over_budget && `${number(coverage.over_budget)} beyond the budget`,
  ].filter(Boolean).join(", ") + ".";
}

function addFinding(finding) {
  if (findings.some(({ fingerprint }) => fingerprint === finding.fingerprint)) return;
  findings.push(finding);
  showFindings();
}

/** Shows the findings, the gravest first. */
function showFindings() {
  const grave = (finding) => SEVERITIES.indexOf(finding.severity);
  const ordered = findings.toSorted((one, other) => grave(one) - grave(other));
  fill($("finding-count"), number(findings.length));
  fill($("findings"), ...ordered.slice(0, SHOWN.findings).map((finding) =>
    el("li", { class: finding.severity },
      el("span", { class: "severity" }, finding.severity), placeOf(finding), el("p", {}, finding.message), quoteOf(finding.quote))),
    more(ordered.length - SHOWN.findings, "The SARIF file has them."),
    !ordered.length && el("li", {}, "None."));
  $("report").hidden = false;
}

function showMap(map) {
  $("map").hidden = !map;
  if (!map) return;
  const ranked = Object.entries(map.files).slice(0, SHOWN.files);
  fill($("files"), ...ranked.map(([path, rank]) => el("li", {}, el("code", {}, path), percent(rank))));
  fill($("definitions"), ...map.definitions.slice(0, SHOWN.definitions).map((definition) =>
    el("li", {}, el("code", {}, definition.name), el("span", { class: "quiet" }, `${definition.path}:${definition.start_line}`))));
}

function showDuplicates(duplicates) {
  $("copies").hidden = !duplicates.length;
  fill($("copy-count"), number(duplicates.length));
  fill($("duplicates"), ...duplicates.slice(0, SHOWN.duplicates).map(({ first, second, similarity }) =>
    el("li", {}, el("p", {}, el("code", {}, first.name), " ", placeOf(first)), el("p", {}, el("code", {}, second.name), " ", placeOf(second)),
      el("p", { class: "quiet" }, `${Math.round(100 * similarity)} % alike`))),
    more(duplicates.length - SHOWN.duplicates, "The report has them."));
}

const placeOf = ({ path, start_line: start, end_line: end }) =>
  el("code", {}, start === end ? `${path}:${start}` : `${path}:${start}–${end}`);

const quoteOf = (quote) => el("pre", { tabindex: 0, "aria-label": "Quote" }, el("code", {}, quote));

const more = (rest, where) => rest > 0 && el("li", { class: "more" }, `… and ${number(rest)} more. ${where}`);

const number = (value) => value.toLocaleString("en");

const count = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

const percent = (share) => el("span", { class: "quiet" }, `${(100 * share).toFixed(1)} %`);

function showResults(results) {
  fill($("results"), ...results.map((result) => el("li", {}, placeOf(result), quoteOf(result.quote))));
}

async function search(question) {
  searching.abort();
  const { signal } = (searching = new AbortController());
  $("problem").hidden = true;
  $("results").setAttribute("aria-busy", "true");
  $("status").textContent = "Searching";
  try {
    const results = await client.search(job, question, { signal });
    showResults(results);
    $("status").textContent = `${count(results.length, "result")}${results.length ? `, the first in ${results[0].path}` : ""}`;
  } catch (error) {
    if (signal.aborted) return;
    $("status").textContent = "";
    fill($("problem"), error.message);
    $("problem").hidden = false;
  } finally {
    if (!signal.aborted) $("results").removeAttribute("aria-busy");
  }
}

/** Saves the SARIF log. A plain link could not send the key. */
async function download() {
  const log = await client.get(`${job.urls.self}/sarif`);
  const url = URL.createObjectURL(new Blob([JSON.stringify(log, null, 2)], { type: "application/sarif+json" }));
  el("a", { href: url, download: `${job.id}.sarif` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // The browser reads it after the click.
}

/** Analyses what somebody chose or dropped: one archive, or the files of a folder. */
function take(files) {
  if (!files.length) return;
  const [{ file, path }] = files;
  const isArchive = files.length === 1 && path === file.name;
  analyze(isArchive ? file.name : path.split("/")[0], isArchive ? file : files);
}

const drop = document.forms.code;
for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", isOver);
  });
}
drop.addEventListener("drop", async (event) => take(await filesOf(event.dataTransfer)));
drop.addEventListener("submit", (event) => event.preventDefault());
for (const input of [$("archive"), $("folder")]) {
  input.addEventListener("change", () => {
    take(Array.from(input.files, (file) => ({ file, path: file.webkitRelativePath || file.name })));
    input.value = ""; // Choosing the same file again is a change, too.
  });
}
document.forms.search.addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("q").value.trim()) search($("q").value.trim());
});
$("cancel").addEventListener("click", () => client.cancel(job).catch(fail));
$("sarif").addEventListener("click", () => download().catch(fail));
window.addEventListener("popstate", join);

join();
