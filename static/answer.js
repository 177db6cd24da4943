// The answer on the page: the reading of a text, and the query that people make of it by changing its chips. Each change is
// compiled at once, without a job.

import { showChips } from "./chips.js";
import { $, fill } from "./dom.js";
import { closeEditor, editLimit, editTest, isEditing, showEditorProblem } from "./editor.js";
import { showAlternatives, showNotes, showUnused } from "./notes.js";
import { sentenceOf, showProblem } from "./problems.js";
import { clearResults, showQuery, showRows } from "./results.js";
import { showSentences } from "./sentence.js";
import { session } from "./session.js";
import { ADDED, leafOf, readTree, replaceNode, writeTree } from "./tree.js";

const MAX_ROWS = 50;
const EMPTY = { conditions: [], ignored: [], mentions: [], sort: [], limit: null, text: "", filter: null };

let answer = null; // `{turns, job, result, catalog, fields, query, compiled, isEdited}`; null while there is no result.
let running = new AbortController();
let onEdited = () => {};

/** Sets what is told of each change: `handler(edit)` gets the changed query, or null if it is that of the sentence. */
export const whenEdited = (handler) => {
  onEdited = handler;
};

/** Shows texts that nothing is known of yet: no query and no rows of an earlier one stand below them. */
export function showPending(turns) {
  forget();
  clearResults();
  showSentences(turns, new Map());
  showNotes(EMPTY, null);
  for (const name of ["filter", "explanation", "alternatives", "state"]) fill($(name));
  $("answer").hidden = false;
}

/** Shows a draft, which cannot be changed. */
export function showDraft(turns, reading, fields) {
  fill($("state"), "draft");
  showSentences(turns, fields);
  showChips(queryOf(reading), { conditions: reading.conditions, fields });
  showNotes(reading, null);
}

/** Shows the result of a job, and its rows. `edit` is a change that was made before. Returns once all is on the page. */
export async function showResult({ turns, job, catalog, fields, edit, onChoice }) {
  const result = turns.at(-1).reading;
  forget();
  answer = { turns, job, result, catalog, fields, query: queryOf(result), isEdited: false,
             compiled: { ...result, dialects: { ...result.dialects } } };
  $("answer").hidden = false;
  fill($("state"), result.provider === "builtin" ? "built-in parser" : result.model);
  showSentences(turns, fields);
  showNotes(result, onChoice);
  clearResults();
  if (edit) await change({ ...edit, tree: readTree(edit.filter, result.conditions, { unexplained: ADDED }) });
  else await refresh();
}

/** Goes without an answer: nothing on the page can be changed. */
export function forget() {
  running.abort();
  answer = null;
  closeEditor({ isDone: true });
  $("undo").hidden = true;
}

/** Returns true if the chips no longer say what the sentence says. */
export const isEdited = () => Boolean(answer?.isEdited);

/** Takes all changes back. */
export async function undo() {
  answer.query = queryOf(answer.result);
  answer.isEdited = false;
  answer.compiled = { ...answer.result, dialects: { ...answer.result.dialects } };
  onEdited(null);
  await refresh();
}

/** Shows the query in the chosen query language, if there is an answer. What its job was not asked for is compiled now. */
export async function showChosenDialect() {
  if (answer) await showDialect(answer, running.signal).catch(report);
}

const queryOf = (reading) =>
  ({ tree: readTree(reading.filter, reading.conditions), sort: reading.sort, limit: reading.limit, text: reading.text });

const requestOf = ({ query: { tree, sort, limit, text }, catalog }) =>
  ({ catalog: catalog.name, filter: writeTree(tree), sort, limit, text });

/** Shows another query in place of the one on the page, unless the service refuses it. */
async function change(query) {
  const before = answer;
  answer = { ...answer, query, isEdited: true };
  running.abort();
  running = new AbortController();
  const { signal } = running;
  showTheChips();
  try {
    const mine = answer;
    const name = $("dialect").value;
    mine.compiled = await session.client.compile({ ...requestOf(mine), dialects: [name || "sql"] }, { signal });
    closeEditor({ isDone: true });
    const { filter, ...rest } = requestOf(mine);
    delete rest.catalog;
    onEdited({ filter, ...rest });
    await refresh();
  } catch (error) {
    if (signal.aborted) return;
    answer = before;
    showTheChips();
    if (isEditing()) showEditorProblem(sentenceOf(error));
    else showProblem(sentenceOf(error));
  }
}

/** Shows chips, explanation, query and rows of the answer. */
async function refresh() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const mine = answer;
  showTheChips();
  $("undo").hidden = !mine.isEdited;
  document.forms.refine.hidden = mine.isEdited;
  fill($("explanation"), mine.compiled.explanation);
  fill($("status"), mine.compiled.explanation);
  try {
    await Promise.all([showDialect(mine, signal), showItsRows(mine, signal)]);
  } catch (error) {
    if (!signal.aborted) report(error);
  }
}

function showTheChips() {
  const { query, result, fields } = answer;
  const { conditions } = result;
  const focus = focusPlace();
  const onEdit = (leaf, button) => editTest(leaf.test, fields.get(leaf.test.field), button, (test) =>
    change({ ...answer.query, tree: replaceNode(answer.query.tree, leaf, leafOf(test, fields.get(test.field), leaf.index)) }));
  const onLimit = (button) => editLimit(query.limit, button, (limit) => change({ ...answer.query, limit }));
  showChips(query, { conditions, fields, onChange: change, onEdit, onLimit });
  showAlternatives(query, conditions, fields, change);
  focus();
}

/** Returns a function that gives the focus back to the button of the same place among new chips. */
function focusPlace() {
  const buttons = () => [...$("filter").querySelectorAll("button")];
  const place = buttons().indexOf(document.activeElement);
  return () => place >= 0 && (buttons()[Math.min(place, buttons().length - 1)] ?? $("text")).focus();
}

async function showDialect(mine, signal) {
  const name = $("dialect").value;
  if (name && !mine.compiled.dialects[name]) {
    const compiled = await session.client.compile({ ...requestOf(mine), dialects: [name] }, { signal });
    mine.compiled.dialects[name] = compiled.dialects[name];
  }
  if (signal.aborted || $("dialect").value !== name) return;
  const query = name ? mine.compiled.dialects[name] : mine.compiled.filter ?? {};
  showQuery(query);
  const isInQuery = Boolean(name) && !query.error && !query.lossy?.some(({ pointer }) => pointer === "/text");
  showUnused(mine.query, mine.fields, isInQuery, change);
}

async function showItsRows(mine, signal) {
  if (!mine.catalog.packaged) return; // Only packaged catalogs have rows here.
  const matches = await session.client.rows(requestOf(mine), { limit: MAX_ROWS, signal });
  if (signal.aborted) return;
  const { tree, sort, limit, text } = mine.query;
  const names = new Set([...leafFields(tree), ...sort.map(({ field }) => field)]);
  const sentence = showRows(matches, { names, text, isFiltered: Boolean(tree || limit) }, mine.fields);
  fill($("status"), `${sentence} ${mine.compiled.explanation}`);
}

const leafFields = (tree) => (!tree ? [] : tree.test ? [tree.test.field] : tree.args.flatMap(leafFields));

const report = (error) => showProblem(sentenceOf(error));
