// A client of the service: it submits texts and follows jobs to their end. It needs only fetch and streams.
//
//   import { Client } from "/static/client.js";
//   const client = new Client({ key });
//   for await (const event of client.follow(await client.submit({ catalog: "cars", text: "8 cylinders" }))) …
//
// EventSource sends no headers, so streams are read with fetch: with the key, and resumed by Last-Event-ID.

const FIRST_WAIT_MS = 200;
const MAX_WAIT_MS = 10_000;
const FIRST_EVENT_MS = 5_000; // A stream begins with an event: if none comes, something on the way is buffering it.
const SILENCE_MS = 45_000; // A stream has a ping every 15 s.
const POLL_MS = 1_000;
const TIMEOUT_MS = 30_000; // This is the limit for one request.
const UPLOAD_TIMEOUT_MS = 600_000; // A slow line takes minutes for 25 MB.
// This many connections in a row may bring no event; more are allowed once one has brought an event.
const MAX_EMPTY_CONNECTIONS = 3;
const MAX_EMPTY_CONNECTIONS_AFTER_EVENT = 8;
const TEMPORARY = new Set([429, 502, 503, 504]); // After 502 and 504 the request may have been carried out.
const FORBIDDEN = new Set([403, 404, 407]); // A proxy may answer so that lets no stream through.
const JOB_EVENTS = new Set(["snapshot", "status", "draft", "done"]); // These contain the whole job.
const PROGRESS_EVENTS = new Set(["progress", "delta", "transcript", "finding"]);
const TERMINAL = new Set(["succeeded", "failed", "canceled", "expired"]);

/** An error that the service reports (RFC 9457). */
export class Problem extends Error {
  constructor(status, { type = "about:blank", title, detail, errors = [], job_id: jobId = null } = {}, retryAfterMs = null) {
    const faults = errors.map((fault) => `${fault.pointer || "The request"}: ${fault.detail}`);
    super(faults.join(" ") || detail || title || `The service answered ${status}.`);
    Object.assign(this, { name: "Problem", status, type, title, detail, errors, jobId, retryAfterMs });
  }
}

/** Events do not get through. */
class StreamUnavailable extends Error {}

export class Client {
  #url;
  #key;
  #patience;

  /** `url` is the service's address, by default the page's own; `key` an API key, if one is needed; `patience` the
   *  milliseconds for which a request is retried while the service is unreachable or has no capacity. */
  constructor({ url = "", key = null, patience = 60_000 } = {}) {
    this.#url = url.replace(/\/$/, "");
    this.#key = key;
    this.#patience = patience;
  }

  /** Submits a text, `{catalog, text, …}` as described in docs/api.md, and returns the job without waiting for it. Retries
   *  create only one job: they have the same `idempotencyKey`, yours or a new one. Options: `signal`, `patience`,
   *  `idempotencyKey`. */
  async submit(request, options = {}) {
    return this.#create("/v1/jobs", request, options);
  }

  /** Answers the question in a job's result, with `{choice}`, its place in `clarification.choices`, or with `{text}`.
   *  Returns a new job, which refines the old one. Its options are those of `submit`. */
  async answer(job, answer, options = {}) {
    return this.#create(`${job.urls.self}/answer`, answer, options);
  }

  /** Submits a text and returns its result. Throws an Error if the job ends without one. */
  async ask(request, { signal } = {}) {
    let last;
    for await (const event of this.follow(await this.submit(request, { signal }), { signal })) last = event;
    if (!last?.result) throw new Error(last?.job.error?.detail ?? `The job is ${last?.job.status}.`);
    return last.result;
  }

  /** Uploads a recording (a `File` or `Blob`) and returns the job that transcribes it. `options` are `language`, `words`
   *  (names that may occur), `word_times`, and `then`, with which what is said becomes a filter: `{catalog, dialects, …}`.
   *  The last argument has the options of `submit`. */
  async transcribe(recording, options = {}, sending = {}) {
    const fields = Object.entries(options).map(([name, value]) => [name, asText(value)]);
    return this.#upload("/v1/transcriptions", "file", recording, fields, sending);
  }

  /** Uploads code and returns the job that analyses it. `code` is an archive (a `File` or `Blob`), or an object of texts by
   *  their paths. `options` are those of docs/analysis.md: `question`, `tasks`, `include`, `exclude`, `budget`, … The last
   *  argument has the options of `submit`. */
  async analyze(code, options = {}, sending = {}) {
    if (!(code instanceof Blob)) return this.#create("/v1/analyses", { files: code, ...options }, sending);
    const fields = Object.entries(options).flatMap(([name, value]) => [value].flat().map((item) => [name, asText(item)]));
    return this.#upload("/v1/analyses", "archive", code, fields, sending);
  }

  /** Uploads a table (a `File` or `Blob`) and returns the job that infers its catalog, `{name, date_order, …}` as described
   *  in docs/api.md. Its id is the `data` of `findRows`. The last argument has the options of `submit`. */
  async infer(table, mediaType, options = {}, { signal, patience, idempotencyKey = newKey() } = {}) {
    const headers = { "content-type": mediaType, prefer: "respond-async", "idempotency-key": idempotencyKey };
    return this.#json(`/v1/catalogs/infer?${new URLSearchParams(options)}`,
                      { method: "POST", body: table, headers, signal, patience, timeout: UPLOAD_TIMEOUT_MS });
  }

  /** Asks for rows of an uploaded table, `{data, job, filter, sort, offset, …}`, and returns the job that finds them. */
  async findRows(request, options = {}) {
    return this.#create("/v1/rows", request, options);
  }

  /** Returns the file that a job with `export` has written, as a `Blob`. */
  async exported(job, { signal } = {}) {
    return (await this.#send(`${job.urls.self}/export`, { signal, timeout: UPLOAD_TIMEOUT_MS })).blob();
  }

  /** Stores a catalog under a name. */
  async putCatalog(name, catalog, { signal } = {}) {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ ...catalog, name });
    return this.#json(`/v1/catalogs/${encodeURIComponent(name)}`, { method: "PUT", body, headers, signal });
  }

  /** Yields the events of a job to its end, each once: `{id, name, by, job, draft?, progress?, delta?, transcript?, finding?,
   *  result?}`, with the latest known state of the job. `by` is "events" or "polling"; `transcript` is a part of what is
   *  said, `{text, start_s, end_s}`, `finding` is `{finding}`, of analysed code; `result` comes with the last event, `done`.
   *  With `lastEventId`, yields the events after that. `onLost()` is called whenever the service does not answer, before the
   *  next try. */
  async *follow(job, { signal, lastEventId = null, onLost = () => {} } = {}) {
    try {
      for await (const { id, name, data } of this.#stream(job.urls.events, lastEventId, { signal, onLost })) {
        if (PROGRESS_EVENTS.has(name)) yield { id, name, by: "events", job, [name]: JSON.parse(data) };
        if (!JOB_EVENTS.has(name)) continue;
        const parsed = JSON.parse(data);
        job = parsed.job;
        yield { id, name, by: "events", ...parsed };
      }
    } catch (error) {
      if (!(error instanceof StreamUnavailable)) throw error;
      yield* this.#poll(job, { signal, onLost });
    }
  }

  /** Cancels a job, and returns its new state. */
  async cancel(job, { signal } = {}) {
    return this.#json(job.urls.cancel, { method: "POST", signal });
  }

  /** Finds the places of analysed code that answer a question, the best first: `{path, start_line, end_line, score, quote}`. */
  async search(job, question, { count = 10, signal } = {}) {
    const query = new URLSearchParams({ q: question, k: count });
    return (await this.get(`${job.urls.self}/search?${query}`, { signal })).results;
  }

  /** Compiles a filter that you have: `{filter, catalog, dialects, …}` as described in docs/api.md. */
  async compile(request, { signal } = {}) {
    return this.#post("/v1/compile", request, signal);
  }

  /** Says in a sentence what a filter selects: `{filter, catalog, …}`. */
  async explain(request, { signal } = {}) {
    return (await this.#post("/v1/explain", request, signal)).explanation;
  }

  /** Searches the rows of a packaged catalog: `{filter, catalog, sort, limit}`. Returns at most `limit` of them, and counts. */
  async rows(request, { limit = 50, signal } = {}) {
    return this.#post(`/v1/demo-rows?limit=${limit}`, request, signal);
  }

  /** Shows what the service keeps of the owner of the key: `{owner, bytes, kinds: [{kind, count, bytes, expires_at}], api_keys}`.
   *  A key with the scope `admin` may name any `owner`, here and below. */
  async owner({ owner = null, signal } = {}) {
    return this.#json(ownerPath(owner), { signal });
  }

  /** Gets everything of an owner as a ZIP file: a `Response`, whose `body` need not be in memory as a whole. */
  async exportOwner({ owner = null, signal } = {}) {
    return this.#send(`${ownerPath(owner)}/export`, { signal, timeout: UPLOAD_TIMEOUT_MS });
  }

  /** Deletes everything of an owner: jobs in any state, catalogs, files. Returns `{owner, deleted: {kind: count}, api_keys}`. */
  async deleteOwner({ owner = null, signal } = {}) {
    const deleted = {};
    for (;;) {
      const deletion = await this.#json(ownerPath(owner), { method: "DELETE", signal });
      for (const [kind, count] of Object.entries(deletion.deleted)) deleted[kind] = (deleted[kind] ?? 0) + count;
      if (deletion.complete) return { ...deletion, deleted };
    }
  }

  /** Gets any other resource, such as "/v1/catalogs". */
  async get(path, { signal } = {}) {
    return this.#json(path, { signal });
  }

  /** Posts what creates a job. Retries have the same idempotency key. */
  async #create(path, body, { signal, patience, idempotencyKey = newKey() }) {
    const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
    return this.#json(path, { method: "POST", body: JSON.stringify(body), headers, signal, patience });
  }

  async #upload(path, name, file, fields, { signal, patience, idempotencyKey = newKey() }) {
    const body = new FormData();
    body.append(name, file, file.name ?? name);
    for (const [field, text] of fields) body.append(field, text);
    const headers = { "idempotency-key": idempotencyKey };
    return this.#json(path, { method: "POST", body, headers, signal, patience, timeout: UPLOAD_TIMEOUT_MS });
  }

  async #post(path, request, signal) {
    const headers = { "content-type": "application/json" };
    return this.#json(path, { method: "POST", body: JSON.stringify(request), headers, signal });
  }

  async #json(path, options) {
    return (await this.#send(path, options)).json();
  }

  /** Sends a request, and retries while that may help. Returns the response if it is a success. */
  async #send(path, { patience = this.#patience, onLost = () => {}, ...options }) {
    const until = Date.now() + patience;
    for (let number = 0; ; number += 1) {
      const { response, error } = await this.#attempt(path, options);
      if (response) return response;
      const temporary = !(error instanceof Problem) || TEMPORARY.has(error.status);
      const retryAfterMs = error.retryAfterMs ?? null;
      const wait = (retryAfterMs ?? 0) + backoff(retryAfterMs === null ? number : 0);
      if (!temporary || Date.now() + wait > until) throw error;
      onLost();
      await sleep(wait, options.signal);
    }
  }

  async #attempt(path, { signal, timeout = TIMEOUT_MS, ...options }) {
    try {
      const response = await this.#fetch(path, { ...options, signal: any(signal, AbortSignal.timeout(timeout)) });
      return response.ok ? { response } : { error: await problem(response) };
    } catch (failure) {
      signal?.throwIfAborted();
      return { error: new Error("The service does not answer.", { cause: failure }) };
    }
  }

  #fetch(path, { headers = {}, ...options }) {
    const key = this.#key ? { authorization: `Bearer ${this.#key}` } : {};
    return fetch(this.#url + path, { ...options, headers: { ...headers, ...key }, cache: "no-store" });
  }

  /** Yields the events of a stream after the cursor, each once, over as many connections as needed. */
  async *#stream(path, cursor, { signal, onLost }) {
    let emptyConnections = 0;
    let proven = cursor !== null;
    for (;;) {
      const silence = new IdleTimeout(proven ? SILENCE_MS : FIRST_EVENT_MS);
      const onData = () => proven && silence.set(SILENCE_MS);
      let retryAfterMs = null;
      try {
        const response = await this.#open(path, cursor, any(signal, silence.signal));
        if (response.status === 204) return;
        for await (const event of events(response.body, onData)) {
          [emptyConnections, proven, cursor] = [0, true, event.id ?? cursor];
          yield event;
          if (event.name === "done") return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof StreamUnavailable || (silence.signal.aborted && !proven)) throw new StreamUnavailable();
        // Without a type it is not from the service.
        if (error instanceof Problem && FORBIDDEN.has(error.status) && error.type === "about:blank") throw new StreamUnavailable();
        if (error instanceof Problem && error.status === 429) throw new StreamUnavailable(); // Polling is still allowed.
        if (error instanceof Problem && error.status < 500) throw error;
        retryAfterMs = error.retryAfterMs ?? null;
      } finally {
        silence.stop();
      }
      const limit = proven ? MAX_EMPTY_CONNECTIONS_AFTER_EVENT : MAX_EMPTY_CONNECTIONS;
      if (emptyConnections === limit) throw new StreamUnavailable();
      if (emptyConnections) onLost(); // A stream that ends is opened again at once.
      await sleep(retryAfterMs ?? backoff(emptyConnections), signal);
      emptyConnections += 1;
    }
  }

  /** Opens a stream. The response is 204 if there are no more events. */
  async #open(path, cursor, signal) {
    const headers = { accept: "text/event-stream", ...(cursor ? { "last-event-id": cursor } : {}) };
    const response = await this.#fetch(path, { headers, signal });
    if (!response.ok) throw await problem(response);
    const type = response.headers.get("content-type") ?? "";
    if (response.status === 200 && !type.startsWith("text/event-stream")) throw new StreamUnavailable();
    return response;
  }

  async *#poll(job, { signal, onLost }) {
    for (let seq = null; ; ) {
      const response = await this.#send(job.urls.self, { signal, onLost });
      const state = await response.json();
      const event = { id: null, by: "polling", job: state };
      if (TERMINAL.has(state.status)) {
        const result = state.status === "succeeded" ? await this.get(state.urls.result, { signal }) : null;
        yield { ...event, name: "done", result };
        return;
      }
      if (state.seq !== seq) yield { ...event, name: "status" };
      seq = state.seq;
      await sleep(retryAfter(response) ?? POLL_MS, signal);
    }
  }
}

/** Yields the events of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html). `onData` is called
 *  whenever something comes, even a ping. */
async function* events(body, onData) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let id = null;
  let event = { name: "message", data: [] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onData();
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/); // The last CR may be half of a CRLF.
      rest = lines.pop();
      for (const line of lines) {
        const [, field, text] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
        if (line === "") {
          if (event.data.length) yield { id, name: event.name, data: event.data.join("\n") };
          event = { name: "message", data: [] };
        } else if (field === "data") event.data.push(text ?? "");
        else if (field === "event") event.name = text || "message";
        else if (field === "id") id = text || null;
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // The stream may be broken already.
  }
}

const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** Returns 128 random bits; `crypto.randomUUID` works with https only. */
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Aborts its `signal` once the time has passed since the last `set`. */
class IdleTimeout {
  #aborting = new AbortController();
  #timer;

  constructor(ms) {
    this.set(ms);
  }

  get signal() {
    return this.#aborting.signal;
  }

  set(ms) {
    this.stop();
    this.#timer = setTimeout(() => this.#aborting.abort(), ms);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

async function problem(response) {
  const body = await response.json().catch(() => null);
  return new Problem(response.status, body ?? {}, retryAfter(response));
}

/** Reads `Retry-After`, seconds or a date, as milliseconds from now. */
function retryAfter(response) {
  const value = response.headers.get("retry-after");
  if (!value) return null;
  const ms = /^\d+$/.test(value) ? 1000 * value : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** Returns a random wait up to a limit that doubles, so that clients that failed together do not return together. */
const backoff = (number) => Math.random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** number);

const ownerPath = (owner) => (owner === null ? "/v1/owner" : `/v1/operator/owners/${encodeURIComponent(owner)}`);

const any = (...signals) => AbortSignal.any(signals.filter(Boolean));

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
