// A client of the service: submits texts and follows jobs to their end. Needs nothing but fetch and streams.
//
//   import { Client } from "/static/client.js";
//   const client = new Client({ key });
//   for await (const event of client.follow(await client.submit({ catalog: "cars", text: "8 cylinders" }))) …
//
// EventSource sends no headers, so streams are read with fetch: with the key, and resumed by Last-Event-ID.

const FIRST_WAIT_MS = 200;
const MOST_WAIT_MS = 10_000;
const FIRST_EVENT_MS = 5_000; // a stream begins with an event: if it does not come, something on the way holds it back
const SILENCE_MS = 45_000; // a stream is pinged every 15 s
const POLL_MS = 1_000;
const TIMEOUT_MS = 30_000; // of one request
const [BARREN, BARREN_PROVEN] = [3, 8]; // connections in a row that may bring no event; more where one came before
const PASSING = new Set([429, 502, 503, 504]); // also where nobody knows whether the service has carried it out
const NAMES = new Set(["snapshot", "status", "draft", "done"]);
const IN_PASSING = new Set(["progress", "delta"]); // such events do not say how the job is
const ENDED = new Set(["succeeded", "failed", "canceled", "expired"]);

/** An answer that is an error, with what the service says of it (RFC 9457). */
export class Problem extends Error {
  constructor(status, { type = "about:blank", title, detail, errors = [], job_id: jobId = null } = {}, retryAfterMs = null) {
    const faults = errors.map((fault) => `${fault.pointer || "The request"}: ${fault.detail}`);
    super(faults.join(" ") || detail || title || `The service answered ${status}.`);
    Object.assign(this, { name: "Problem", status, type, title, detail, errors, jobId, retryAfterMs });
  }
}

/** Events do not come through. */
class NoStream extends Error {}

export class Client {
  #url;
  #key;
  #patience;

  /** `url` of the service, that of the page unless said otherwise; `key`: an API key, where one is needed;
   *  `patience`: milliseconds for which a request is sent again while the service is away or has no room. */
  constructor({ url = "", key = null, patience = 60_000 } = {}) {
    this.#url = url.replace(/\/$/, "");
    this.#key = key;
    this.#patience = patience;
  }

  /** Submits a text: `{catalog, text, …}` as docs/api.md has it. Returns the job, which has only begun. However often it is
   *  sent it is the same job: it has an `idempotencyKey`, a new one unless you give yours. */
  async submit(request, { signal, patience, idempotencyKey = newKey() } = {}) {
    const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
    return this.#json("/v1/jobs", { method: "POST", body: JSON.stringify(request), headers, signal, patience });
  }

  /** What came of a text, when its job has ended; an Error if it ended without a result. */
  async ask(request, { signal } = {}) {
    let last;
    for await (const event of this.follow(await this.submit(request, { signal }), { signal })) last = event;
    if (!last?.result) throw new Error(last?.job.error?.detail ?? `The job is ${last?.job.status}.`);
    return last.result;
  }

  /** News of a job, each once, to its end: `{id, name, by, job, draft?, progress?, delta?, result?}`, with the job as it was
   *  told last. `by` is "events" or "polling"; `result` comes with the last one, `done`. With `lastEventId` what follows
   *  that event. */
  async *follow(job, { signal, lastEventId = null } = {}) {
    try {
      for await (const { id, name, data } of this.#stream(job.urls.events, lastEventId, signal)) {
        if (IN_PASSING.has(name)) yield { id, name, by: "events", job, [name]: JSON.parse(data) };
        if (!NAMES.has(name)) continue;
        const news = JSON.parse(data);
        job = news.job;
        yield { id, name, by: "events", ...news };
      }
    } catch (error) {
      if (!(error instanceof NoStream)) throw error;
      yield* this.#poll(job, signal);
    }
  }

  /** Cancels a job; returns it as it then is. */
  async cancel(job, { signal } = {}) {
    return this.#json(job.urls.cancel, { method: "POST", signal });
  }

  /** Anything else that can be read, such as "/v1/catalogs". */
  async get(path, { signal } = {}) {
    return this.#json(path, { signal });
  }

  async #json(path, options) {
    return (await this.#send(path, options)).json();
  }

  /** The answer, if it is a good one; sent again while that may help. */
  async #send(path, { patience = this.#patience, ...options }) {
    const until = Date.now() + patience;
    for (let number = 0; ; number += 1) {
      const { response, error } = await this.#attempt(path, options);
      if (response) return response;
      const passes = !(error instanceof Problem) || PASSING.has(error.status);
      const asked = error.retryAfterMs ?? null;
      const wait = (asked ?? 0) + backoff(asked === null ? number : 0);
      if (!passes || Date.now() + wait > until) throw error;
      await sleep(wait, options.signal);
    }
  }

  async #attempt(path, { signal, ...options }) {
    try {
      const response = await this.#fetch(path, { ...options, signal: any(signal, AbortSignal.timeout(TIMEOUT_MS)) });
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

  /** The events of a stream after the cursor, each once, over as many connections as it takes. */
  async *#stream(path, cursor, signal) {
    let barren = 0;
    let proven = cursor !== null;
    for (;;) {
      const silence = new Alarm(proven ? SILENCE_MS : FIRST_EVENT_MS);
      const heard = () => proven && silence.set(SILENCE_MS);
      let asked = null;
      try {
        const response = await this.#open(path, cursor, any(signal, silence.signal));
        if (response.status === 204) return;
        for await (const event of events(response.body, heard)) {
          [barren, proven, cursor] = [0, true, event.id ?? cursor];
          yield event;
          if (event.name === "done") return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof NoStream || (silence.signal.aborted && !proven)) throw new NoStream();
        if (error instanceof Problem && error.status === 429) throw new NoStream(); // to ask for the job is another matter
        if (error instanceof Problem && error.status < 500) throw error;
        asked = error.retryAfterMs ?? null;
      } finally {
        silence.stop();
      }
      if (barren === (proven ? BARREN_PROVEN : BARREN)) throw new NoStream();
      await sleep(asked ?? backoff(barren), signal);
      barren += 1;
    }
  }

  /** A stream that has begun, or that has nothing more: 204. */
  async #open(path, cursor, signal) {
    const headers = { accept: "text/event-stream", ...(cursor ? { "last-event-id": cursor } : {}) };
    const response = await this.#fetch(path, { headers, signal });
    if (!response.ok) throw await problem(response);
    const type = response.headers.get("content-type") ?? "";
    if (response.status === 200 && !type.startsWith("text/event-stream")) throw new NoStream();
    return response;
  }

  async *#poll(job, signal) {
    for (let seq = null; ; ) {
      const response = await this.#send(job.urls.self, { signal });
      const now = await response.json();
      const news = { id: null, by: "polling", job: now };
      if (ENDED.has(now.status)) {
        const result = now.status === "succeeded" ? await this.get(now.urls.result, { signal }) : null;
        yield { ...news, name: "done", result };
        return;
      }
      if (now.seq !== seq) yield { ...news, name: "status" };
      seq = now.seq;
      await sleep(retryAfter(response) ?? POLL_MS, signal);
    }
  }
}

/** The events in a stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html reads it. `heard` is called
 *  for whatever comes, pings too. */
async function* events(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let id = null;
  let event = { name: "message", data: [] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/); // the last CR may be half of a CRLF
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
    reader.cancel().catch(() => {}); // it may be broken already
  }
}

/** 128 random bits; `crypto.randomUUID` is for https alone. */
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Aborts its `signal` when the time is over. */
class Alarm {
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

/** What `Retry-After` asks for, in milliseconds: seconds, or until a date. */
function retryAfter(response) {
  const given = response.headers.get("retry-after");
  if (!given) return null;
  const ms = /^\d+$/.test(given) ? 1000 * given : Date.parse(given) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** A random wait up to a limit that doubles: clients that failed together do not come back together. */
const backoff = (number) => Math.random() * Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** number);

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
