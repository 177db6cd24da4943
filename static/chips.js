// The chips: conditions, order, number and words of a query, each of which can be changed, negated and removed.

import { $, el, fill } from "./dom.js";
import { describeTest, fieldTitle } from "./format.js";
import { ALWAYS, isNegative, leafOf, opposite, replaceNode } from "./tree.js";

const UNSURE = 0.85; // Conditions below this confidence are marked as uncertain.

/** Shows a query, `{tree, sort, limit, text}`, with the `conditions` that its leaves come from. `onChange(query)` gets
 *  another one, `onEdit(leaf, button)` a leaf to edit, and `onLimit(button)` asks for another number; without `onChange`
 *  nothing can be changed yet. */
export function showChips(query, { conditions, fields, onChange, onEdit, onLimit }) {
  const change = (part) => onChange?.({ ...query, ...part });
  const context = { conditions, fields, onEdit: onChange && onEdit,
                    replace: onChange && ((leaf, other) => change({ tree: replaceNode(query.tree, leaf, other) })) };
  const chips = [
    query.tree && nodeChips(query.tree, context),
    ...query.sort.map((sort, i) => sortChip(sort, fields, onChange && ((other) =>
      change({ sort: query.sort.toSpliced(i, 1, ...[other].flat()) })))),
    query.limit && plainChip("limit", ["First", `${query.limit}`], "limit", onChange && {
      onPress: onLimit, hint: "Change the number", onRemove: () => change({ limit: null }) }),
    query.text && plainChip("words", ["Words", `“${query.text}”`], "text", onChange && { onRemove: () => change({ text: "" }) }),
  ];
  const isEmpty = chips.every((chip) => !chip);
  fill($("filter"), ...chips, isEmpty && el("span", { class: "quiet" }, "No condition: everything matches."));
}

function nodeChips(node, context) {
  if (node.test) return conditionChip(node, context);
  if (node.op === "not") {
    return el("div", { class: "group" }, el("span", { class: "joint" }, "not"), nodeChips(node.args[0], context));
  }
  const parts = node.args.flatMap((arg, i) =>
    [i ? el("span", { class: "joint" }, node.op) : null, nodeChips(arg, context)]);
  return el("div", { class: `group ${node.op}`, role: "group", "aria-label": node.op === "or" ? "any of" : "all of" },
            ...parts);
}

function conditionChip(leaf, { conditions, fields, onEdit, replace }) {
  const condition = conditions[leaf.index];
  const field = fields.get(leaf.test.field);
  const words = [fieldTitle(field), describeTest(leaf.test, field)];
  const isAlways = leaf.index === ALWAYS; // A scope that the operator or the caller sets.
  const isUnsure = condition && condition.confidence < UNSURE;
  const percent = condition && `${Math.round(condition.confidence * 100)} %`;
  const title = condition ? `From “${condition.quote}”, confidence ${percent}, found by ${condition.source}`
    : isAlways ? "Always applies" : "Added by you";
  const canEdit = replace && !isAlways && field.type;
  const negate = () => replace(leaf, leafOf(opposite(leaf.test), field, leaf.index));
  const chip = plainChip(isUnsure ? "unsure" : "", words, `c${leaf.index}`, replace && !isAlways && {
    onPress: canEdit && ((button) => onEdit(leaf, button)), hint: title, onRemove: () => replace(leaf, null),
    ...(canEdit ? { onNegate: negate, isNegative: isNegative(leaf.test) } : {}) });
  const body = chip.querySelector(".body");
  body.title = title;
  body.append(...[condition && el("q", {}, condition.quote), isUnsure && el("small", {}, percent)].filter(Boolean));
  return chip;
}

function sortChip({ field: name, direction }, fields, onChange) {
  const title = fieldTitle(fields.get(name));
  const words = direction === "asc" ? "lowest first" : "highest first";
  return plainChip("order", [title, words], "sort", onChange && {
    hint: "Reverse the order",
    onPress: () => onChange({ field: name, direction: direction === "asc" ? "desc" : "asc" }),
    onRemove: () => onChange([]),
  });
}

/** Returns a chip of two words, which light the `part` of the sentence that they came from. */
function plainChip(kind, [name, rest], part, actions) {
  const { onPress, onNegate, onRemove, hint } = actions || {};
  const label = `${name} ${rest}`;
  const body = el(onPress ? "button" : "span", { class: "body", ...(onPress ? { type: "button", title: hint } : {}) },
                  el("b", {}, name), ` ${rest}`);
  if (onPress) body.addEventListener("click", () => onPress(body));
  const not = onNegate && el("button", { type: "button", class: "negate", "aria-pressed": String(actions.isNegative),
                                         "aria-label": `Not: ${label}`, title: "Turn into the opposite" }, "not");
  not?.addEventListener("click", onNegate);
  const remove = onRemove && el("button", { type: "button", class: "remove", "aria-label": `Remove ${label}`,
                                            title: "Remove" }, "×");
  remove?.addEventListener("click", onRemove);
  return el("span", { class: `chip ${kind}`.trim(), "data-parts": part, ...(onPress ? {} : { tabindex: 0, role: "group" }),
                      ...(onPress ? {} : { "aria-label": label }) },
            body, not, remove);
}
