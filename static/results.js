// What a query gives: its text in a query language, the request that makes it, and the matching rows.

import { $, el, fill } from "./dom.js";
import { fieldTitle, formatValue, isOrdered } from "./format.js";

/** Removes the query and the rows: they belong to another reading than the one that is about to be shown. */
export function clearResults() {
  for (const name of ["code", "lossy", "count", "rows", "not-applied", "unused"]) fill($(name));
  $("found").hidden = true;
}

/** Fills the choice of query languages with `titles` by name. The filter itself has no name. */
export function showDialects(titles, chosen) {
  const options = [...titles, ["", "CQL2-JSON"]];
  fill($("dialect"), ...options.map(([value, title]) => el("option", { value, selected: value === chosen }, title)));
}

/** Shows a compiled query, or a filter as CQL2-JSON, and what of the result the query does not say. */
export function showQuery({ lossy = [], ...query }) {
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

/** Shows the same request as shell commands. Inside single quotes, only the single quote itself must be escaped. */
export function showCurl(request, { isSpoken, hasKey }) {
  const body = JSON.stringify(request).replaceAll("'", "'\\''");
  const key = hasKey ? ' -H "Authorization: Bearer $KEY"' : "";
  const submission = isSpoken ? `/v1/transcriptions -F file=@question.webm -F 'then=${body}'` : `/v1/jobs --json '${body}'`;
  fill($("curl"),
    `curl -s${key} ${location.origin}${submission}\n`
    + `curl -sN${key} ${location.origin}/v1/jobs/$ID/events   # ID: the "id" in the answer\n`
    + `curl -s${key} ${location.origin}/v1/jobs/$ID/result`);
}

/** Shows the matching rows, and says so if they are all there are, or if words did not narrow them. The columns of the
 *  query come right after the first, which identifies the row. Returns the number of rows as a sentence. */
export function showRows({ count, total, rows: records }, { names, text, isFiltered }, fields) {
  const of = `${count.toLocaleString("en")} of ${total.toLocaleString("en")}`;
  const shown = records.length < count ? `, showing the first ${records.length}` : "";
  fill($("rows-title-text"), isFiltered ? "Matching rows" : "All rows");
  fill($("count"), (isFiltered ? of : total.toLocaleString("en")) + shown);
  fill($("not-applied"), text && `Not narrowed by “${text}”: no field takes these words.`);
  $("found").hidden = false;
  if (count) fillTable(records, names, fields);
  else fill($("rows"), el("caption", {}, "No row of the demo data matches."));
  const sentence = isFiltered ? `${of} rows match.` : `All ${total} rows: nothing narrows them.`;
  return text ? `${sentence} “${text}” is not applied to them.` : sentence;
}

function fillTable(records, names, fields) {
  const [first, ...rest] = fields.values();
  const ordered = [first, ...rest.filter(({ name }) => names.has(name)), ...rest.filter(({ name }) => !names.has(name))];
  const columns = ordered.map((field) => ({
    field,
    classes: [isOrdered(field) && "number", names.has(field.name) && "asked"].filter(Boolean).join(" "),
  }));
  const head = columns.map(({ field, classes }) => el("th", { scope: "col", class: classes }, fieldTitle(field)));
  const body = records.map((record) => el("tr", {}, ...columns.map(({ field, classes }) =>
    el("td", { class: classes }, formatValue(record[field.name], { ...field, unit: null })))));
  fill($("rows"), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}
