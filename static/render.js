// Renders a reading of a text: its marked words, the filter, the stages, the compiled queries and the matching rows.

import { $, el, fill } from "./dom.js";
import { describeTest, fieldTitle, formatValue, readRange, readTest } from "./format.js";

const UNSURE = 0.85; // Conditions below this confidence are marked as uncertain.
const RECORDS = "names the records"; // The reason that the service gives for words such as "cars", which need no note.

/** Removes the query and the rows: they belong to another reading than the one that is about to be shown. */
export function withoutResults() {
  for (const name of ["code", "lossy", "count", "rows"]) fill($(name));
}

/** Shows the stages of a job with their times. */
export function stages(job) {
  const items = Object.entries(job.stages).map(([name, run]) => {
    const waitMs = elapsedMs(run.queued_at, run.started_at);
    const runMs = elapsedMs(run.started_at, run.finished_at);
    const times = [waitMs != null && `waited ${waitMs} ms`, runMs != null && `ran ${runMs} ms`].filter(Boolean).join(" · ");
    return el("li", { class: run.status }, el("b", {}, run.label || name),
              el("span", { class: "quiet" }, times || run.status));
  });
  const totalMs = elapsedMs(job.created_at, job.finished_at);
  if (totalMs != null) {
    items.push(el("li", { class: "total" }, el("b", {}, "Total"), el("span", { class: "quiet" }, `${totalMs} ms`)));
  }
  fill($("stages"), ...items);
}

const elapsedMs = (from, to) => (from && to ? Date.parse(to) - Date.parse(from) : null);

/** Shows the texts of a conversation, the latest on top, with the words of conditions and ignored words marked. `turns`
 *  are `{id, text}`: a condition names the job whose text has its words, unless that is the latest. */
export function sentences(turns, reading) {
  fill($("sentences"), ...turns.map(({ id, text }, i) => {
    const isLatest = i === turns.length - 1;
    const conditions = reading.conditions.map((condition) =>
      ((condition.said_in ?? turns.at(-1).id) === id ? condition : null));
    return el("p", { class: isLatest ? "sentence" : "sentence before" },
              ...markWords(text, conditions, isLatest ? reading.ignored : []));
  }));
}

/** Cuts a text into plain and marked parts. `conditions` has null for those whose words are in another text. */
function markWords(text, conditions, ignored) {
  const characters = Array.from(text); // Spans count code points, while strings count UTF-16 units.
  const spans = [...conditions, ...ignored].flatMap((part) => part?.span ?? []);
  const edges = [...new Set([0, ...spans, characters.length])].sort((a, b) => a - b);
  return edges.slice(1).map((end, i) => { // Conditions may share words, so the text is cut at every edge.
    const start = edges[i];
    const covers = ({ span }) => span[0] <= start && end <= span[1];
    const words = characters.slice(start, end).join("");
    const indexes = conditions.flatMap((condition, index) => (condition && covers(condition) ? [index] : []));
    if (indexes.length) return el("mark", { class: "used", "data-conditions": indexes.join(" ") }, words);
    const ignoredPart = ignored.find(covers);
    return ignoredPart ? el("mark", { class: "ignored", title: ignoredPart.reason }, words) : words;
  });
}

/** Shows the filter as chips, nested as the filter is, followed by sort order, limit and full-text words. */
export function filter(reading, fields) {
  fill(
    $("filter"),
    reading.filter && filterNode(reading.filter, chipMaker(reading.conditions, fields)),
    ...reading.sort.map((sort) => el("span", { class: "chip order" }, el("b", {}, fieldTitle(fields.get(sort.field))),
      sort.direction === "asc" ? " lowest first" : " highest first")),
    reading.limit && el("span", { class: "chip order" }, el("b", {}, "First"), ` ${reading.limit}`),
    reading.text && el("span", { class: "chip words" }, el("b", {}, "Words"), ` “${reading.text}”`),
    !reading.filter && !reading.sort.length && !reading.limit && !reading.text
      && el("span", { class: "quiet" }, "No condition: everything matches."),
  );
}

function filterNode(node, makeChip) {
  const test = readTest(node);
  if (test) return makeChip(test);
  if (node.op === "not") {
    return el("div", { class: "group" }, el("span", { class: "joint" }, "not"), filterNode(node.args[0], makeChip));
  }
  const chips = [];
  // An empty list counts as unknown, and `isNull` beside it says so.
  const args = node.args.filter((arg) => arg.op !== "a_equals");
  for (let i = 0; i < args.length; i += 1) {
    const range = node.op === "and" && readRange(args[i], args[i + 1]);
    const isRange = range && makeChip.has(range);
    chips.push(isRange ? makeChip(range) : filterNode(args[i], makeChip));
    if (isRange) i += 1;
  }
  if (chips.length === 1) return chips[0];
  const parts = chips.flatMap((chip, i) => [i ? el("span", { class: "joint" }, node.op) : null, chip]);
  return el("div", { class: `group ${node.op}`, role: "group", "aria-label": node.op === "or" ? "any of" : "all of" },
            ...parts);
}

/** Returns a function that makes the chip of a test, each from the next condition with that test, and otherwise from one
 *  of the same field: a filter says in other words what some conditions mean, such as a day of instants. */
function chipMaker(conditions, fields) {
  const used = new Set();
  const find = (test) => {
    const key = JSON.stringify(test);
    return conditions.findIndex(({ field, op, value }, i) =>
      !used.has(i) && JSON.stringify({ field, op, value }) === key);
  };
  const makeChip = (test) => {
    const exact = find(test);
    used.add(exact);
    const index = exact < 0 ? conditions.findIndex(({ field }) => field === test.field) : exact;
    return conditionChip(test, conditions[index], index, fields.get(test.field));
  };
  makeChip.has = (test) => find(test) >= 0;
  return makeChip;
}

function conditionChip(test, condition, index, field) {
  const percent = condition && `${Math.round(condition.confidence * 100)} %`;
  const isUnsure = condition && condition.confidence < UNSURE;
  const tooltip = condition
    ? `From “${condition.quote}”, confidence ${percent}, found by ${condition.source}`
    : "Always applies";
  const chip = el("span", { class: isUnsure ? "chip unsure" : "chip", tabindex: 0, title: tooltip },
    el("b", {}, fieldTitle(field)), ` ${describeTest(test, field)}`,
    condition && el("q", {}, condition.quote),
    isUnsure && el("small", {}, percent));
  const marks = document.querySelectorAll(`mark[data-conditions~="${index}"]`);
  for (const [event, isLit] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
    chip.addEventListener(event, () => marks.forEach((mark) => mark.classList.toggle("lit", isLit)));
  }
  return chip;
}

/** Returns a button that answers a question with a choice; while there is no result yet, only the choice. */
function answer(choice, onChoice) {
  if (!onChoice) return choice;
  const button = el("button", { type: "button" }, choice);
  button.addEventListener("click", () => onChoice(choice));
  return button;
}

/** Shows what a user should know besides the filter: a failed LLM, a question, words that were ignored. `onChoice` is
 *  called with the choice that answers the question. */
export function notes(reading, onChoice) {
  const ignored = reading.ignored.filter((part) => part.reason !== RECORDS);
  fill(
    $("notes"),
    reading.degraded && el("p", { class: "warning" }, "The LLM failed; the built-in parser answered."),
    reading.clarification && el("div", { class: "question" }, el("p", {}, reading.clarification.question),
      el("ul", {}, ...reading.clarification.choices.map((choice) => el("li", {}, answer(choice, onChoice))))),
    ignored.length > 0 && el("p", { class: "quiet" }, "Ignored: ",
      ignored.map((part) => `“${part.quote}” (${part.reason})`).join(", ")),
  );
  fill($("explanation"), reading.explanation ?? "");
  fill($("difference"), reading.refines?.difference.summary ?? "");
}

/** Fills the choice of query languages with `titles` by name. The filter itself has no name. */
export function dialects(titles, chosen) {
  const options = [...titles, ["", "CQL2-JSON"]];
  fill($("dialect"), ...options.map(([value, title]) => el("option", { value, selected: value === chosen }, title)));
}

/** Shows a compiled query, or a filter as CQL2-JSON, and what of the result the query does not say. */
export function query({ lossy = [], ...query }) {
  fill($("code"), queryText(query));
  fill($("lossy"), ...lossy.map(({ reason }) => el("li", {}, reason)));
}

/** Formats a compiled query: a statement with parameters as text, anything else as JSON, an error as its message. */
function queryText(query) {
  if (query.error) return query.error.detail;
  if (!query.statement) return JSON.stringify(query, null, 2);
  const parameters = Object.entries(query.params).map(([name, value]) =>
    `${query.statement.includes(`:${name}`) ? ":" : ""}${name} = ${JSON.stringify(value)}`);
  return `${breakLines(query.statement)}\n\n${parameters.join("\n")}`;
}

const breakLines = (statement) =>
  statement.replace(/ (FROM|WHERE|ORDER BY|LIMIT|(?<!BETWEEN :\w+ )AND|OR) /g, "\n$1 ");

/** Shows the matching rows. The columns of the filter come right after the first, which identifies the row. */
export function rows({ count, total, rows: records }, reading, fields) {
  const used = new Set([...reading.conditions, ...reading.sort].map((part) => part.field));
  fill($("count"), `${count.toLocaleString("en")} of ${total.toLocaleString("en")}`
    + (records.length < count ? `, showing the first ${records.length}` : ""));
  if (!count) {
    fill($("rows"), el("caption", {}, "No row of the demo data matches."));
    return;
  }
  const [first, ...rest] = fields.values();
  const ordered = [first, ...rest.filter((field) => used.has(field.name)), ...rest.filter((field) => !used.has(field.name))];
  const columns = ordered.map((field) => ({
    field,
    classes: [field.type !== "keyword" && field.type !== "text" && "number", used.has(field.name) && "asked"]
      .filter(Boolean).join(" "),
  }));
  const head = columns.map(({ field, classes }) => el("th", { scope: "col", class: classes }, fieldTitle(field)));
  const body = records.map((record) => el("tr", {}, ...columns.map(({ field, classes }) =>
    el("td", { class: classes }, formatValue(record[field.name], { ...field, unit: null })))));
  fill($("rows"), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}
