// What a user should know besides the filter: questions, other readings, words that are not in the query.

import { $, el, fill } from "./dom.js";
import { describeTest, fieldTitle } from "./format.js";
import { leafOf, replaceNode, withTest } from "./tree.js";

const RECORDS = "names the records"; // The reason that the service gives for words such as "cars", which need no note.
const MAX_FIELDS = 3;

/** Shows the notes on a reading. `onChoice(index)` answers its question; null while there is no result yet. */
export function showNotes(reading, onChoice) {
  const { question, choices } = reading.clarification ?? {};
  const ignored = reading.ignored.filter((part) => part.reason !== RECORDS);
  fill(
    $("notes"),
    reading.degraded && el("p", { class: "warning" }, "The LLM failed; the built-in parser answered."),
    question && el("div", { class: "question", role: "group", "aria-label": question }, el("p", {}, question),
      el("ul", { class: "choices" }, ...choices.map((choice, index) =>
        el("li", {}, onChoice ? button(choice, () => onChoice(index)) : choice)))),
    ignored.length > 0 && el("p", { class: "quiet" }, "Ignored: ",
      ignored.map((part) => `“${part.quote}” (${part.reason})`).join(", ")),
  );
  fill($("difference"), reading.refines?.difference.summary ?? "");
}

/** Offers the other readings of conditions, in place of the one in the query. `onChange(query)` gets the changed query. */
export function showAlternatives(query, conditions, fields, onChange) {
  const lines = leavesOf(query.tree).flatMap((leaf) => {
    const condition = conditions[leaf.index];
    if (!condition?.alternatives.length) return [];
    return [el("li", {}, `“${condition.quote}” may also mean `, ...condition.alternatives.map((other) => {
      const field = fields.get(other.field);
      const test = { field: other.field, op: other.op, value: other.value };
      return button(`${fieldTitle(field)} ${describeTest(test, field)}`, () =>
        onChange({ ...query, tree: replaceNode(query.tree, leaf, leafOf(test, field, leaf.index)) }));
    }))];
  });
  fill($("alternatives"), ...lines);
}

/** Says which words fit no field, and offers to look for them in the fields that take any words. `isInQuery`: the query
 *  searches for them in full text. */
export function showUnused(query, fields, isInQuery, onChange) {
  if (!query.text) {
    fill($("unused"));
    return;
  }
  const offers = [...fields.values()].filter(({ type, many }) => type === "text" && !many).slice(0, MAX_FIELDS).map((field) =>
    button(`Look for it in ${fieldTitle(field)}`, () => onChange({
      ...query,
      text: "",
      tree: query.text.split(" ").reduce((tree, word) =>
        withTest(tree, leafOf({ field: field.name, op: "contains", value: word }, field)), query.tree),
    })));
  fill($("unused"), el("p", {}, `“${query.text}” fits no field of this catalog. `, isInQuery
    ? "The query searches for it in full text." : "It is not in the query."), ...offers);
}

const leavesOf = (tree) => (!tree ? [] : tree.test ? [tree] : tree.args.flatMap(leavesOf));

function button(label, onClick) {
  const node = el("button", { type: "button" }, label);
  node.addEventListener("click", onClick);
  return node;
}
