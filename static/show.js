// Showing what has come of a text: its words, the filter, the stages, the query and the rows.

import { $, el, fill } from "./dom.js";
import { said, shown, test, title } from "./words.js";

const STAGES = { embedding: "Embed, link, draft", llm: "Translate, check, compile" };

/** The stages of a job with their times. */
export function stages(job) {
  const items = Object.entries(job.stages).map(([name, run]) => {
    const waited = milliseconds(run.queued_at, run.started_at);
    const ran = milliseconds(run.started_at, run.finished_at);
    const times = [waited != null && `waited ${waited} ms`, ran != null && `ran ${ran} ms`].filter(Boolean).join(" · ");
    return el("li", { class: run.status }, el("b", {}, STAGES[name] ?? name),
              el("span", { class: "quiet" }, times || run.status));
  });
  const total = milliseconds(job.created_at, job.finished_at);
  if (total != null) items.push(el("li", { class: "total" }, el("b", {}, "Total"), el("span", { class: "quiet" }, `${total} ms`)));
  fill($("stages"), ...items);
}

const milliseconds = (from, to) => (from && to ? Date.parse(to) - Date.parse(from) : null);

/** The texts, the last one in front, with the words of each condition and those that changed nothing marked. `turns` are
 *  `{id, text}`: conditions say in which earlier job's text their words stand. */
export function sentences(turns, reading) {
  fill($("sentences"), ...turns.map(({ id, text }, i) => {
    const last = i === turns.length - 1;
    const conditions = reading.conditions.map((part) => ((part.said_in ?? turns.at(-1).id) === id ? part : null));
    return el("p", { class: last ? "sentence" : "sentence before" }, ...marked(text, conditions, last ? reading.ignored : []));
  }));
}

/** A text cut into marks; `conditions` has null for those whose words stand elsewhere. */
function marked(text, conditions, ignored) {
  const chars = Array.from(text); // spans count code points
  const spans = [...conditions, ...ignored].flatMap((part) => part?.span ?? []);
  const edges = [...new Set([0, ...spans, chars.length])].sort((a, b) => a - b);
  return edges.slice(1).map((end, i) => { // conditions may share words, so the text is cut at every edge
    const start = edges[i];
    const holds = ({ span }) => span[0] <= start && end <= span[1];
    const words = chars.slice(start, end).join("");
    const used = conditions.flatMap((part, index) => (part && holds(part) ? [index] : []));
    if (used.length) return el("mark", { class: "used", "data-conditions": used.join(" ") }, words);
    const unused = ignored.find(holds);
    return unused ? el("mark", { class: "ignored", title: unused.reason }, words) : words;
  });
}

/** The filter as chips, grouped as it is nested; then order, number and free text. */
export function filter(reading, fields) {
  const taken = new Set();
  const chip = (leaf) => {
    const key = JSON.stringify(leaf);
    const index = reading.conditions.findIndex((part, i) =>
      !taken.has(i) && JSON.stringify({ field: part.field, op: part.op, value: part.value }) === key);
    taken.add(index);
    return conditionChip(leaf, reading.conditions[index], index, fields.get(leaf.field));
  };
  const group = (node) => {
    const leaf = test(node);
    if (leaf) return chip(leaf);
    if (node.op === "not") return el("div", { class: "group" }, el("span", { class: "joint" }, "not"), group(node.args[0]));
    const parts = node.args.flatMap((arg, i) => [i ? el("span", { class: "joint" }, node.op) : null, group(arg)]);
    return el("div", { class: `group ${node.op}`, role: "group", "aria-label": node.op === "or" ? "any of" : "all of" },
              ...parts);
  };
  fill(
    $("filter"),
    reading.filter && group(reading.filter),
    ...reading.sort.map((sort) => el("span", { class: "chip order" }, el("b", {}, title(fields.get(sort.field))),
      sort.direction === "asc" ? " lowest first" : " highest first")),
    reading.limit && el("span", { class: "chip order" }, el("b", {}, "First"), ` ${reading.limit}`),
    reading.text && el("span", { class: "chip words" }, el("b", {}, "Words"), ` “${reading.text}”`),
    !reading.filter && !reading.sort.length && !reading.limit && !reading.text
      && el("span", { class: "quiet" }, "No condition: everything matches."),
  );
}

function conditionChip(leaf, condition, index, field) {
  const unsure = condition && condition.confidence < 0.85;
  const about = condition
    ? `from “${condition.quote}”, ${Math.round(condition.confidence * 100)} % sure, by ${condition.source}`
    : "always holds";
  const chip = el("span", { class: unsure ? "chip unsure" : "chip", tabindex: 0, title: about },
    el("b", {}, title(field)), ` ${said(leaf, field)}`,
    condition && el("q", {}, condition.quote),
    unsure && el("small", {}, `${Math.round(condition.confidence * 100)} %`));
  const marks = document.querySelectorAll(`mark[data-conditions~="${index}"]`);
  for (const [on, lit] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) {
    chip.addEventListener(on, () => marks.forEach((mark) => mark.classList.toggle("lit", lit)));
  }
  return chip;
}

/** What to know beside the filter: questions, words without effect, a failed LLM. */
export function notes(reading) {
  const ignored = reading.ignored.filter((part) => part.reason !== "names the records");
  fill(
    $("notes"),
    reading.degraded && el("p", { class: "warning" }, `The LLM failed (${reading.degraded_reason}); the built-in parser answered.`),
    reading.clarification && el("div", { class: "question" }, el("p", {}, reading.clarification.question),
      el("ul", {}, ...reading.clarification.choices.map((choice) => el("li", {}, choice)))),
    ignored.length > 0 && el("p", { class: "quiet" }, "Without effect: ",
      ignored.map((part) => `“${part.quote}” (${part.reason})`).join(", ")),
  );
  fill($("explanation"), reading.explanation ?? "");
  fill($("difference"), reading.refines?.difference.summary ?? "");
}

/** The compiled queries as tabs. */
export function query(result) {
  const { sql, elasticsearch } = result.dialects;
  const texts = {
    SQL: sql.error ? sql.error.detail : `${broken(sql.statement)}\n\n${parameters(sql.params)}`,
    Elasticsearch: JSON.stringify(elasticsearch, null, 2),
    "CQL2-JSON": JSON.stringify(result.filter, null, 2),
  };
  const choose = (tab, focus) => {
    for (const other of $("tabs").children) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", chosen);
      other.tabIndex = chosen ? 0 : -1;
    }
    $("query").setAttribute("aria-labelledby", tab.id);
    fill($("code"), texts[tab.textContent]);
    if (focus) tab.focus();
  };
  const tabs = Object.keys(texts).map((name, i) =>
    el("button", { type: "button", role: "tab", id: `tab-${i}`, "aria-controls": "query" }, name));
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to == null) return;
      event.preventDefault();
      choose(tabs[(to + tabs.length) % tabs.length], true);
    });
  });
  const before = [...$("tabs").children].findIndex((tab) => tab.getAttribute("aria-selected") === "true");
  fill($("tabs"), ...tabs);
  choose(tabs[Math.max(0, before)]);
}

const broken = (statement) => statement.replace(/ (FROM|WHERE|ORDER BY|LIMIT|(?<!BETWEEN :\w+ )AND|OR) /g, "\n$1 ");
const parameters = (params) =>
  Object.entries(params).map(([name, value]) => `:${name} = ${JSON.stringify(value)}`).join("\n");

/** The rows that match, with the columns of the filter marked. */
export function rows({ count, total, rows: found }, reading, fields) {
  const asked = new Set([...reading.conditions.map((part) => part.field), ...reading.sort.map((sort) => sort.field)]);
  fill($("count"), `${count.toLocaleString("en")} of ${total.toLocaleString("en")}`
    + (found.length < count ? `, the first ${found.length}` : ""));
  const [first, ...rest] = fields.values(); // the first says what the row is; then what was asked for
  const ordered = [first, ...rest.filter((field) => asked.has(field.name)), ...rest.filter((field) => !asked.has(field.name))];
  const columns = ordered.map((field) => ({
    field,
    class: [field.type !== "keyword" && field.type !== "text" && "number", asked.has(field.name) && "asked"]
      .filter(Boolean).join(" "),
  }));
  const head = columns.map(({ field, class: classes }) => el("th", { scope: "col", class: classes }, title(field)));
  const body = found.map((row) => el("tr", {}, ...columns.map(({ field, class: classes }) =>
    el("td", { class: classes }, shown(row[field.name], { ...field, unit: null })))));
  if (!count) return fill($("rows"), el("caption", {}, "No row of the demo data matches."));
  fill($("rows"), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}
