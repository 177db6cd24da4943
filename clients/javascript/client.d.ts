/** The client of the NLP2Filters service. Members that a later version of the service adds are allowed everywhere. */

export type JobStatus = "queued" | "running" | "canceling" | "succeeded" | "failed" | "canceled" | "expired";
export type JSONValue = null | boolean | number | string | JSONValue[] | { [member: string]: JSONValue };

export interface Fault {
  pointer: string;
  detail: string;
}

/** An error that the service reports (RFC 9457). */
export class Problem extends Error {
  readonly name: "Problem";
  readonly status: number;
  readonly type: string;
  readonly title?: string;
  readonly detail?: string;
  readonly errors: Fault[];
  readonly jobId: string | null;
  readonly retryAfterMs: number | null;
}

export interface ClientOptions {
  /** The service's address; by default the page's own. */
  url?: string;
  /** An API key, where the service asks for one. */
  key?: string | null;
  /** Milliseconds for which a request is retried while the service is unreachable or has no capacity. */
  patience?: number;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface SendingOptions extends CallOptions {
  patience?: number;
  /** Requests with the same key create one job; by default a new one. */
  idempotencyKey?: string;
}

/** The options of a text that becomes a filter: docs/api.md describes them. */
export interface FilterOptions {
  dialects?: string[];
  strategy?: "auto" | "llm" | "builtin";
  locale?: string;
  timezone?: string;
  now?: string;
  scope?: string | Record<string, unknown>;
  unknown?: "exclude" | "include";
  mappings?: Record<string, Record<string, unknown>>;
  [option: string]: unknown;
}

export interface Submission extends FilterOptions {
  text: string;
  /** A catalog's name, or a catalog; not needed with `refines`. */
  catalog?: string | Record<string, unknown>;
  /** The id of the job that the text refines. */
  refines?: string;
  webhook?: { url: string; events?: ("succeeded" | "failed" | "canceled" | "expired")[] };
  metadata?: Record<string, string>;
  deadline_seconds?: number;
}

export interface Job {
  id: string;
  kind: string;
  status: JobStatus;
  stage: string | null;
  seq: number;
  created_at: string;
  finished_at: string | null;
  error: { title: string; detail: string; [member: string]: unknown } | null;
  urls: { self: string; events: string; result: string; cancel: string; [name: string]: string };
  [member: string]: unknown;
}

export interface Condition {
  field: string;
  op: string;
  value: JSONValue;
  quote: string | null;
  span: [number, number] | null;
  confidence: number;
  source: string;
  alternatives: JSONValue[];
  [member: string]: unknown;
}

/** What a text asks for. Jobs of other kinds have results of their own. */
export interface Result {
  job_id: string | null;
  filter: JSONValue;
  sort: { field: string; direction: "asc" | "desc" }[];
  limit: number | null;
  text: string;
  conditions: Condition[];
  ignored: { quote: string; reason: string; [member: string]: unknown }[];
  clarification: { question: string; choices: string[]; [member: string]: unknown } | null;
  explanation: string;
  dialects: Record<string, Record<string, JSONValue>>;
  [member: string]: unknown;
}

export interface Transcript {
  text: string;
  start_s: number;
  end_s: number;
}

export interface JobEvent<R = Result> {
  /** The cursor for `lastEventId`; null while polling. */
  id: string | null;
  name: "snapshot" | "status" | "draft" | "progress" | "delta" | "transcript" | "finding" | "done";
  by: "events" | "polling";
  /** The latest known state. */
  job: Job;
  draft?: Record<string, unknown>;
  progress?: { detail: string; [member: string]: unknown };
  delta?: { text: string; [member: string]: unknown };
  transcript?: Transcript;
  finding?: { finding: Record<string, unknown>; [member: string]: unknown };
  /** It comes with the last event, `done`, of a job that has succeeded. */
  result?: R | null;
}

/** A place in analysed code. */
export interface Passage {
  path: string;
  start_line: number;
  end_line: number;
  score: number;
  quote: string;
  [member: string]: unknown;
}

export interface TranscriptionOptions {
  language?: string;
  /** Names that may occur. */
  words?: string[];
  word_times?: boolean;
  /** With these, what is said becomes a filter. */
  then?: FilterOptions & { catalog?: string | Record<string, unknown>; refines?: string };
}

/** What is kept of an owner: how much of each kind, and until when; `null`: until it is deleted. */
export interface OwnerSummary {
  owner: string;
  bytes: number;
  kinds: { kind: string; count: number; bytes: number; expires_at: string | null; [member: string]: unknown }[];
  api_keys: number;
  [member: string]: unknown;
}

export interface OwnerDeletion {
  owner: string;
  /** The numbers of what was deleted, by kind. */
  deleted: Record<string, number>;
  complete: boolean;
  /** The API keys that remain valid. */
  api_keys: number;
  [member: string]: unknown;
}

/** Without an `owner`, it is that of the API key; others need the scope `admin`. */
export interface OwnerOptions extends CallOptions {
  owner?: string | null;
}

export class Client {
  constructor(options?: ClientOptions);
  /** Submits a text, and does not wait for the job. Retries create one job only. */
  submit(request: Submission, options?: SendingOptions): Promise<Job>;
  /** Answers the question in a job's result; returns a new job, which refines the old one. */
  answer(job: Job, answer: { choice: number } | { text: string }, options?: SendingOptions): Promise<Job>;
  /** Submits a text and waits for its result. Throws an Error if the job ends without one. */
  ask(request: Submission, options?: CallOptions): Promise<Result>;
  /** Uploads a recording; returns the job that transcribes it. */
  transcribe(recording: Blob, options?: TranscriptionOptions, sending?: SendingOptions): Promise<Job>;
  /** Uploads an archive of code, or texts by their paths; returns the job that analyses it. */
  analyze(code: Blob | Record<string, string>, options?: Record<string, unknown>, sending?: SendingOptions): Promise<Job>;
  /** Uploads a table of your own; returns the job that infers its catalog. */
  infer(table: Blob, mediaType: string, options?: Record<string, unknown>, sending?: SendingOptions): Promise<Job>;
  /** Finds the rows of an uploaded table; returns the job. */
  findRows(request: Record<string, unknown>, options?: SendingOptions): Promise<Job>;
  /** Gets the file that a job of `findRows` has exported. */
  exported(job: Job, options?: CallOptions): Promise<Blob>;
  /** Keeps a catalog under a name. */
  putCatalog(name: string, catalog: Record<string, unknown>, options?: CallOptions): Promise<Record<string, unknown>>;
  /** Yields the events of a job to its end, each once. `onLost` is called when the connection is lost. */
  follow<R = Result>(
    job: Job,
    options?: CallOptions & { lastEventId?: string | null; onLost?: () => void },
  ): AsyncGenerator<JobEvent<R>, void, undefined>;
  /** Cancels a job, and returns its new state. */
  cancel(job: Job, options?: CallOptions): Promise<Job>;
  /** Finds the places of analysed code that answer a question, the best first. */
  search(job: Job, question: string, options?: CallOptions & { count?: number }): Promise<Passage[]>;
  /** Compiles a filter that you have. */
  compile(request: Record<string, unknown>, options?: CallOptions): Promise<Record<string, unknown>>;
  /** Says in a sentence what a filter selects. */
  explain(request: Record<string, unknown>, options?: CallOptions): Promise<string>;
  /** Finds rows of the demo data. */
  rows(request: Record<string, unknown>, options?: CallOptions & { limit?: number }): Promise<Record<string, unknown>>;
  /** Shows what the service keeps of an owner. */
  owner(options?: OwnerOptions): Promise<OwnerSummary>;
  /** Gets everything of an owner as a ZIP file: `body` streams it. */
  exportOwner(options?: OwnerOptions): Promise<Response>;
  /** Deletes everything of an owner, in as many requests as it takes. */
  deleteOwner(options?: OwnerOptions): Promise<OwnerDeletion>;
  /** Gets any other resource, such as "/v1/catalogs". */
  get<T = unknown>(path: string, options?: CallOptions): Promise<T>;
}
