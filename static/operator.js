// The operator's page: the state of the whole service, read every two seconds, and steps with jobs of any owner.

import { $, el, fill } from "./dom.js";

const INTERVAL_MS = 2_000;
const STALE_MS = 10_000;
const TIMEOUT_MS = 10_000;
const LONG_TIMEOUT_MS = 600_000; // An archive may be large.
const OWNERS = "/v1/operator/owners";

let readAt = null;
let timer = null;
let failure = "";

/** Sends a request with the stored API key, if any. Throws an error with the `status` of a refusal. */
async function send(method, path, timeout = TIMEOUT_MS) {
  const key = sessionStorage.getItem("key");
  const response = await fetch(path, {
    method, headers: key ? { Authorization: `Bearer ${key}` } : {}, signal: AbortSignal.timeout(timeout),
  });
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw Object.assign(new Error(body.detail || `The service answered ${response.status}.`), { status: response.status });
}

const request = async (...call) => (await send(...call)).json();

async function refresh() {
  clearTimeout(timer);
  try {
    show(await request("GET", "/v1/operator/state"));
    if (readAt === null) countOwners();
    [readAt, failure] = [Date.now(), ""];
  } catch (error) {
    if (error.status === 401 || error.status === 403) return askForKey(error);
    failure = "The service does not answer. Trying again. ";
  }
  showFreshness();
  timer = setTimeout(refresh, document.hidden ? 5 * INTERVAL_MS : INTERVAL_MS);
}

function askForKey(error) {
  $("refused").textContent = sessionStorage.getItem("key") ? error.message : "";
  sessionStorage.removeItem("key");
  document.forms.key.hidden = false;
  $("state").hidden = $("forget").hidden = true;
  $("fresh").textContent = "";
  $("secret").focus();
}

function showFreshness() {
  const age = readAt === null ? null : Math.round((Date.now() - readAt) / 1000);
  $("fresh").textContent = failure + (age === null ? "" : age < 3 ? "Live" : `As of ${age} s ago`);
  $("state").toggleAttribute("data-stale", age !== null && 1000 * age > STALE_MS);
}

function show(state) {
  document.forms.key.hidden = true;
  $("state").hidden = false;
  $("forget").hidden = !sessionStorage.getItem("key");
  const queues = Object.entries(state.queues);
  table("queues", ["queue", "waiting", "oldest", "running", "entries", "workers"], queues.map(([name, queue]) => {
    const [running, slots] = ["running", "slots"].map((what) => queue.workers.reduce((sum, worker) => sum + worker[what], 0));
    return [name, queue.due, queue.due ? duration(queue.overdue_s) : "–", `${running} of ${slots}`, queue.entries,
            queue.workers.length || bad("none")];
  }));
  const { redis } = state;
  const limited = (part, whole, unit = String) => (whole ? `${unit(part)} of ${unit(whole)}` : unit(part));
  table("redis", ["what", "state"], [
    ["Memory", limited(redis.memory_bytes, redis.max_memory_bytes, megabytes)],
    ["Connections", limited(redis.clients, redis.max_clients)],
    ["Answers in", `${(1000 * redis.ping_s).toFixed(1)} ms`],
    ["Jobs since the counters began", Object.entries(state.counts).map(([name, count]) => `${count} ${name}`).join(", ") || "none"],
    ...Object.entries(state.providers).map(([name, provider]) => [name, [
      provider.breaker === "closed" ? "answers" : `breaker ${provider.breaker.replace("_", " ")}`,
      provider.paused_s ? `paused for ${duration(provider.paused_s)}` : "",
      provider.window === null ? "" : `${provider.window} calls at once`].filter(Boolean).join(", ")]),
  ]);
  table("unfinished", ["job", "owner", "kind", "status", "stage", "since", "steps"], state.unfinished_jobs.map(({ owner, job }) => [
    code(job.id), owner, job.kind, job.status, job.stage, time(job.created_at),
    job.status === "canceling" ? "" : action("Cancel", job.id, "cancel")]),
    state.unfinished > state.unfinished_jobs.length ? `${state.unfinished} jobs, parts and deliveries are unfinished.` : "");
  table("failed", ["job", "owner", "kind", "stage", "error", "at", "steps"], state.failed_jobs.map(({ owner, job }) => [
    code(job.id), owner, job.kind, job.stage, bad(`${job.error?.detail ?? ""}${job.dead_lettered ? " (dead letter)" : ""}`),
    time(job.finished_at), action("Retry", job.id, "retry")]));
  table("undelivered", ["of", "owner", "to", "error", "at", "steps"], state.undelivered.map((webhook) => [
    code(webhook.subject), webhook.owner ?? "–", webhook.url ?? "–", bad(webhook.error ?? `status ${webhook.status}`), time(webhook.at),
    webhook.subject.startsWith("batch") ? "" : action("Deliver again", webhook.subject, "redeliver")]));
  table("workers", ["worker", "queue", "running", "version", "since"], queues.flatMap(([name, queue]) => queue.workers.map((worker) =>
    [code(worker.name), name, `${worker.running} of ${worker.slots}`, worker.version ?? "–", worker.since ? time(worker.since) : "–"])));
}

/** Shows the owners. Redis looks at all its keys for that, so it is not done every two seconds. */
async function countOwners() {
  $("count").disabled = true;
  $("counted").textContent = "Counting…";
  await attempt(async () => {
    const { owners, total } = await request("GET", OWNERS, LONG_TIMEOUT_MS);
    table("owners", ["owner", "jobs", "files", "size", "steps"], owners.map(({ owner, jobs, files, bytes }) => [
      owner, jobs, files, megabytes(bytes), el("span", { class: "steps" },
        button("Export", owner, () => exportOwner(owner)), " ", button("Delete", owner, () => deleteOwner(owner)))]),
      total > owners.length ? `These have the most bytes, of ${total} owners.` : "");
  });
  $("counted").textContent = `Counted at ${time(Date.now())}`;
  $("count").disabled = false;
}

async function exportOwner(owner) {
  const response = await send("GET", `${OWNERS}/${encodeURIComponent(owner)}/export`, LONG_TIMEOUT_MS);
  const url = URL.createObjectURL(await response.blob());
  el("a", { href: url, download: `${owner}.zip` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function deleteOwner(owner) {
  if (!confirm(`Delete everything of ${owner} for good: its jobs in any state, catalogs and files?`)) return;
  while (!(await request("DELETE", `${OWNERS}/${encodeURIComponent(owner)}`, LONG_TIMEOUT_MS)).complete);
  await countOwners();
}

/** Fills a section with a table. While the focus is in it, the same button keeps the focus. */
function table(id, columns, rows, note = "") {
  if ($(id).querySelector("button:active")) return; // It would be gone before it is released.
  const focused = document.activeElement?.closest(`#${id}`) ? document.activeElement.id : null;
  fill($(id), rows.length === 0 ? el("p", { class: "quiet" }, "None.") : el("table", {},
    el("thead", {}, el("tr", {}, ...columns.map((column) => el("th", { scope: "col" }, column)))),
    el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) =>
      el("td", { class: cell?.bad ? "bad" : null }, cell?.bad ?? (cell instanceof Node ? cell : String(cell)))))))),
    note && el("p", { class: "quiet" }, note));
  if (focused) $(focused)?.focus();
}

const bad = (text) => ({ bad: text });
const code = (text) => el("code", {}, text);
const time = (text) => new Date(text).toLocaleTimeString();
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const duration = (seconds) => (seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`);

const action = (label, id, step) => button(label, id, () => request("POST", `/v1/operator/jobs/${encodeURIComponent(id)}/${step}`));

/** Creates a button for a step with a job or an owner. While it is taken, the button cannot be pressed again. */
function button(label, id, step) {
  const node = el("button", { type: "button", id: `${label}-${id}`.replaceAll(/\s/g, "_"), "aria-label": `${label}: ${id}` }, label);
  node.addEventListener("click", async () => {
    node.disabled = true;
    await attempt(step);
    node.disabled = false;
    refresh();
  });
  return node;
}

/** Takes a step, and shows the problem if there is one. */
async function attempt(step) {
  $("problem").hidden = true;
  try {
    await step();
  } catch (error) {
    $("problem").textContent = error.message;
    $("problem").hidden = false;
  }
}

document.forms.key.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", $("secret").value.trim());
  $("secret").value = "";
  refresh();
});
$("count").addEventListener("click", countOwners);
$("forget").addEventListener("click", () => {
  clearTimeout(timer);
  askForKey(new Error(""));
});
document.addEventListener("visibilitychange", () => !document.hidden && document.forms.key.hidden && refresh());
setInterval(() => document.forms.key.hidden && showFreshness(), 1_000);
refresh();
