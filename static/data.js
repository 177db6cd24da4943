// The page for one's own data: drop a table, edit its catalog, ask it, and see its rows as a table and as a plot.

import { showFields } from "./catalog_form.js";
import { Client, Problem } from "./client.js";
import { $, el, fill } from "./dom.js";
import { fieldTitle, formatValue } from "./format.js";

const MAX_BYTES = 32 * 2 ** 20;
const PAGE_SIZE = 50;
const MARGIN = { left: 90, right: 20, top: 14, bottom: 34 };
const PLOTTED = new Set(["integer", "number", "money", "duration", "date", "datetime"]);
const MEDIA_TYPES = {
  csv: "text/csv", tsv: "text/tab-separated-values", json: "application/json", jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson", parquet: "application/vnd.apache.parquet",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xls: "application/vnd.ms-excel",
  ods: "application/vnd.oasis.opendocument.spreadsheet", sqlite: "application/vnd.sqlite3", db: "application/vnd.sqlite3",
};

const client = new Client({ key: sessionStorage.getItem("key") });
let data = null; // The id of the job that has the file.
let catalog = null;
let question = {}; // What selects the rows: `{job}`, or nothing for all.
let sort = [];
let offset = 0;
let plot = null;
let running = new AbortController();

/** Runs work that replaces what is under way, and tells if it fails. */
async function act(work) {
  running.abort();
  const { signal } = (running = new AbortController());
  $("problem").hidden = true;
  try {
    await work(signal);
  } catch (error) {
    if (signal.aborted) return;
    $("status").textContent = "";
    fill($("problem"), sentenceOf(error));
    $("problem").hidden = false;
  }
}

function sentenceOf(error) {
  if (error.errors?.length) return error.errors.map((fault) => fault.detail).join(" ");
  if (error instanceof Problem || error.constructor === Error) return error.message;
  console.error(error);
  return "This page has made a mistake. Reload it, and try again.";
}

/** Follows a job to its result, and shows its progress. */
async function resultOf(job, signal) {
  let last;
  for await (const event of client.follow(job, { signal })) {
    last = event;
    if (event.progress) $("status").textContent = event.progress.detail;
  }
  if (last?.result) return last.result;
  const { error, status } = last.job;
  throw new Error(error?.errors?.map((fault) => fault.detail).join(" ") || error?.detail || `The job is ${status}.`);
}

async function upload(file, signal) {
  const type = MEDIA_TYPES[file.name.split(".").pop().toLowerCase()];
  if (!type) throw new Error(`${file.name} is no table that this service reads. Save it as CSV.`);
  if (file.size > MAX_BYTES) throw new Error(`${file.name} is larger than 32 MiB. Leave some rows out.`);
  $("table").hidden = true;
  $("status").textContent = `Uploading ${file.name}`;
  const name = file.name.replace(/\.[^.]*$/, "").replace(/[^\w-]+/g, "-").slice(0, 64) || "table";
  await open(await client.infer(file, type, { name }, { signal }), signal);
}

/** Shows the table of a job that infers its catalog, or has done so. The address keeps the job, for a reload. */
async function open(job, signal) {
  history.replaceState(null, "", `#${job.id}`);
  const result = await resultOf(job, signal);
  data = job.id;
  $("name").value = result.catalog.name;
  $("text").value = "";
  fill($("questions"), ...result.columns.flatMap((column) => column.notes.filter((note) => note.kind === "question")
    .map((note) => el("p", {}, `${column.name}: ${note.text}`))));
  use(result.catalog);
  await showRows(signal);
}

/** Takes a catalog: an inferred or an edited one. */
function use(document) {
  catalog = document;
  [question, sort, offset] = [{}, [], 0];
  $("document").value = JSON.stringify(catalog, null, 2);
  showForm(catalog);
  $("fields").textContent = `${catalog.fields.length} fields`;
  fill($("explanation"));
  const axes = catalog.fields.filter((field) => PLOTTED.has(field.type) && !field.many);
  $("plotting").hidden = axes.length < 2;
  for (const [id, chosen] of [["x", 0], ["y", 1]]) {
    fill($(id), ...axes.map((field, i) => el("option", { value: field.name, selected: i === chosen }, fieldTitle(field))));
  }
}

const showForm = (document) => showFields($("form"), document, (changed) => {
  $("document").value = JSON.stringify(changed, null, 2);
});

async function ask(signal) {
  const text = $("text").value.trim();
  [question, sort, offset] = [{}, [], 0];
  fill($("explanation"));
  for (const id of ["rows", "count", "unapplied"]) fill($(id));
  if (text) {
    $("status").textContent = "Reading the text";
    const job = await client.submit({ catalog, text, dialects: [] }, { signal });
    const result = await resultOf(job, signal);
    question = { job: job.id };
    fill($("explanation"), result.explanation);
  }
  await showRows(signal);
}

const request = (more) => ({ data, ...question, ...(question.job ? {} : { catalog }), ...(sort.length ? { sort } : {}), ...more });

async function showRows(signal) {
  $("status").textContent = "Finding the rows";
  const axes = $("plotting").hidden ? {} : { plot: { x: $("x").value, y: $("y").value, points: 2000 } };
  const result = await resultOf(await client.findRows(request({ offset, page_size: PAGE_SIZE, ...axes }), { signal }), signal);
  $("table").hidden = false;
  showTable(result);
  plot = result.plot;
  if (plot) drawPlot();
  const unread = result.unread.map(({ field, cells, examples }) => `${cells} of ${field} (${examples.join(", ")})`);
  $("status").textContent = unread.length ? `Cells that do not fit their type count as unknown: ${unread.join("; ")}.` : "";
}

function showTable({ rows, columns, count, total, next_offset: following, lossy }) {
  const last = offset + rows.length;
  $("count").textContent = `${count.toLocaleString("en")} of ${total.toLocaleString("en")}`
    + (rows.length && rows.length < count ? `, ${offset + 1} to ${last}` : "");
  fill($("unapplied"), lossy.length ? `Not applied: ${lossy.map(({ reason }) => reason).join(" ")}` : "");
  $("before").disabled = offset === 0;
  $("next").disabled = following === null;
  $("next").dataset.offset = following ?? "";
  const fields = columns.map((name) => catalog.fields.find((field) => field.name === name) ?? { name });
  const head = fields.map((field) => {
    const key = sort.find(({ field: name }) => name === field.name);
    const measure = field.unit ?? field.currency;
    const title = fieldTitle(field) + (measure ? ` (${measure})` : "");
    if (field.many || field.type === "geo") return el("th", { scope: "col" }, title);
    const mark = key ? (key.direction === "asc" ? " ↑" : " ↓") : "";
    const button = el("button", { type: "button" }, title + mark);
    button.addEventListener("click", () => act((signal) => {
      sort = [{ field: field.name, direction: key?.direction === "asc" ? "desc" : "asc" }];
      offset = 0;
      return showRows(signal);
    }));
    return el("th", { scope: "col", "aria-sort": key && (key.direction === "asc" ? "ascending" : "descending") }, button);
  });
  const body = rows.map((row) => el("tr", {}, ...fields.map((field) => {
    const value = row[field.name];
    return el("td", { class: typeof value === "number" && "number" },
              Array.isArray(value) ? value.join(", ") : formatValue(value, { ...field, unit: null, currency: null }));
  })));
  fill($("rows"), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}

/** Draws the points; those that match lie above the others. */
function drawPlot() {
  const canvas = $("plot");
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  const matches = plot.points.filter((point) => point[2]).length;
  const legend = `${matches} of ${plot.points.length} points match` + (plot.points.length < plot.total ? `, a sample of ${plot.total} rows.` : ".");
  $("legend").textContent = legend;
  canvas.setAttribute("aria-label", `${plot.y} by ${plot.x}. ${legend}`);
  if (!plot.points.length) return;
  const scale = (index, from, to) => {
    const values = plot.points.map((point) => point[index]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const of = (value) => (high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from));
    return { of, ticks: high === low ? [low] : [0, 1, 2, 3, 4].map((i) => low + (i * (high - low)) / 4) };
  };
  const x = scale(0, MARGIN.left, width - MARGIN.right);
  const y = scale(1, height - MARGIN.bottom, MARGIN.top);
  context.font = "13px system-ui, sans-serif";
  context.fillStyle = colour("--quiet");
  context.strokeStyle = colour("--line");
  const label = (name, value) => {
    const { type } = catalog.fields.find((field) => field.name === name);
    if (type === "date" || type === "datetime") return new Date(value).toISOString().slice(0, 10);
    return value.toLocaleString("en", { maximumSignificantDigits: 4, useGrouping: "min2" });
  };
  for (const value of x.ticks) {
    context.textAlign = "center";
    context.fillText(label(plot.x, value), x.of(value), height - 10);
  }
  for (const value of y.ticks) {
    context.textAlign = "right";
    context.fillText(label(plot.y, value), MARGIN.left - 10, y.of(value) + 4);
    context.strokeRect(MARGIN.left, y.of(value), width - MARGIN.left - MARGIN.right, 0);
  }
  for (const wanted of [false, true]) {
    context.fillStyle = colour(wanted ? "--accent" : "--line");
    for (const [px, py, match] of plot.points) {
      if (match !== wanted) continue;
      context.beginPath();
      context.arc(x.of(px), y.of(py), wanted ? 4 : 3, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

async function download(form, signal) {
  $("status").textContent = "Writing the file";
  const job = await client.findRows(request({ export: form, page_size: 0 }), { signal });
  await resultOf(job, signal);
  const url = URL.createObjectURL(await client.exported(job, { signal }));
  el("a", { href: url, download: `rows.${form}` }).click();
  URL.revokeObjectURL(url);
  $("status").textContent = "";
}

function edited() {
  try {
    return JSON.parse($("document").value);
  } catch (error) {
    throw new Error(`This is no JSON: ${error.message}.`);
  }
}

const takeFile = (file) => file && act((signal) => upload(file, signal));
$("file").addEventListener("change", () => takeFile($("file").files[0]));
for (const [event, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  $("drop").addEventListener(event, (dragged) => {
    dragged.preventDefault();
    $("drop").classList.toggle("over", isOver);
    if (event === "drop") takeFile(dragged.dataTransfer.files[0]);
  });
}
$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  act(ask);
});
$("document").addEventListener("input", () => {
  try {
    showForm(edited());
  } catch {
    fill($("form")); // Its fault is told when it is applied.
  }
});
$("apply").addEventListener("click", () => act(async (signal) => {
  const document = edited();
  await client.explain({ catalog: document, filter: null }, { signal }); // The service names all faults.
  use(document);
  await showRows(signal);
}));
$("keep").addEventListener("click", () => act(async (signal) => {
  await client.putCatalog($("name").value.trim(), edited(), { signal });
  $("status").textContent = `Kept as ${$("name").value.trim()}.`;
}));
for (const id of ["x", "y"]) $(id).addEventListener("change", () => act(showRows));
for (const form of ["csv", "jsonl"]) $(form).addEventListener("click", () => act((signal) => download(form, signal)));
$("before").addEventListener("click", () => act((signal) => {
  offset = Math.max(0, offset - PAGE_SIZE);
  return showRows(signal);
}));
$("next").addEventListener("click", () => act((signal) => {
  offset = Number($("next").dataset.offset);
  return showRows(signal);
}));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && drawPlot());
if (location.hash.startsWith("#job_")) {
  act(async (signal) => {
    try {
      await open(await client.get(`/v1/jobs/${location.hash.slice(1)}`, { signal }), signal);
    } catch (error) {
      if (error.status !== 404 && error.status !== 410) throw error;
      throw new Error("The table of this address is no longer kept. Drop the file again.");
    }
  });
}
