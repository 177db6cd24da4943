// Following a job to its end: by Server-Sent Events, and by polling where they do not come through.

const FIRST_EVENT_MS = 5000;
const MOST_ERRORS = 3;
const PASSING = new Set([429, 502, 503, 504]); // the job goes on meanwhile

/** Calls `seen({job, draft?, result?})` for every piece of news and `by("events" | "polling")` for the way it takes.
 *  Resolves when the job has ended; stops at once when `signal` is aborted. */
export function follow(job, { seen, by, signal }) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(job.urls.events);
    let errors = 0;
    let opened = false;
    const close = () => {
      clearTimeout(timer);
      source.close();
    };
    const fallBack = () => {
      close();
      by("polling");
      poll(job, seen, signal).then(resolve, reject);
    };
    const timer = setTimeout(fallBack, FIRST_EVENT_MS);
    signal.addEventListener("abort", () => {
      close();
      reject(signal.reason);
    });
    source.addEventListener("open", () => {
      opened = true;
      by("events");
    });
    for (const name of ["snapshot", "status", "draft", "done"]) {
      source.addEventListener(name, (event) => {
        clearTimeout(timer);
        const news = JSON.parse(event.data);
        const ended = name === "done" || isOver(news.job);
        if (ended) close();
        if (ended && news.job.status === "succeeded" && !news.result) {
          withResult(news.job, seen, signal).then(resolve, reject);
          return;
        }
        seen(news);
        if (ended) resolve();
      });
    }
    source.addEventListener("error", () => {
      errors += 1;
      if (!opened || source.readyState === EventSource.CLOSED || errors >= MOST_ERRORS) fallBack();
    });
  });
}

async function poll(job, seen, signal) {
  let failures = 0;
  for (;;) {
    const response = await fetch(job.urls.self, { signal });
    if (response.ok) {
      const now = await response.json();
      if (isOver(now)) return withResult(now, seen, signal);
      seen({ job: now });
    } else if (!PASSING.has(response.status) || (failures += 1) > MOST_ERRORS) {
      throw await problem(response);
    }
    const seconds = Number(response.headers.get("retry-after")) || 1;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

async function withResult(job, seen, signal) {
  if (job.status !== "succeeded") return seen({ job });
  const response = await fetch(job.urls.result, { signal });
  if (!response.ok) throw await problem(response);
  return seen({ job, result: await response.json() });
}

const isOver = (job) => ["succeeded", "failed", "canceled", "expired"].includes(job.status);

/** A response that is an error, as an Error with the service's own words. */
export async function problem(response) {
  try {
    const { title, detail, errors } = await response.json();
    const faults = (errors ?? []).map((fault) => `${fault.pointer || "The request"}: ${fault.detail}`);
    return new Error(faults.join(" ") || detail || title);
  } catch {
    return new Error(`The service answered ${response.status}.`);
  }
}
