// The form that changes a condition: another operator, other values.

import { $, el, fill } from "./dom.js";
import { fieldTitle, isOrdered, plainValue } from "./format.js";

const KNOWN = [["isNull", "is unknown"], ["not isNull", "is known"]];
const EQUAL = [["=", "is"], ["<>", "is not"]];
const OPERATORS = {
  ordered: [...EQUAL, ["<", "less than"], ["<=", "at most"], [">", "more than"], [">=", "at least"], ["between", "from … to"],
            ["not between", "not from … to"], ...KNOWN],
  words: [...EQUAL, ["in", "is one of"], ["not in", "is none of"], ["contains", "contains"],
          ["not contains", "does not contain"], ...KNOWN],
  boolean: [["=", "is"], ...KNOWN],
};
const FORMS = { date: "date", datetime: "timestamp", time: "time" }; // The member of CQL2-JSON that a value is in.

let opener = null; // The button that gets the focus back.

/** Opens the form for a test of a field. `onTest(test)` gets the changed one. */
export function editTest(test, field, button, onTest) {
  const operators = OPERATORS[field.type === "boolean" ? "boolean" : isOrdered(field) ? "ordered" : "words"];
  const operator = el("select", { "aria-label": "Comparison" }, ...operators.map(([op, title]) =>
    el("option", { value: op, selected: op === test.op }, title)));
  const values = el("span", { class: "values" });
  const showInputs = () => fill(values, ...inputs(operator.value, test.value, field));
  operator.addEventListener("change", showInputs);
  showInputs();
  open(`Change ${fieldTitle(field)}`, [el("b", {}, fieldTitle(field)), operator, values], button, () =>
    onTest({ field: test.field, op: operator.value, value: readValues(operator.value, values, field) }));
}

/** Opens the form for the number of rows. */
export function editLimit(limit, button, onLimit) {
  const input = el("input", { type: "number", min: 1, step: 1, required: true, value: limit, "aria-label": "Number of rows" });
  open("Change the number of rows", [el("b", {}, "First"), input], button, () => onLimit(input.valueAsNumber));
}

/** Closes the form. The focus returns to where it was opened. */
export function closeEditor({ isDone = false } = {}) {
  $("editor").hidden = true;
  if (!isDone) opener?.focus();
  opener = null;
}

/** Shows in the form why its condition is not possible. */
export const showEditorProblem = (message) => fill($("editor-problem"), message);

export const isEditing = () => !$("editor").hidden;

function open(label, controls, button, onSubmit) {
  opener = button;
  const cancel = el("button", { type: "button", class: "plain" }, "Leave it as it is");
  cancel.addEventListener("click", () => closeEditor());
  const form = $("editor");
  form.setAttribute("aria-label", label);
  fill(form, el("div", { class: "controls" }, ...controls, el("button", { type: "submit" }, "Change"), cancel),
       el("p", { id: "editor-problem", class: "warning", role: "alert" }));
  form.onsubmit = (event) => {
    event.preventDefault();
    onSubmit();
  };
  form.onkeydown = ({ key }) => {
    if (key === "Escape") closeEditor(); // A handler that returns false would stop the other keys.
  };
  form.hidden = false;
  form.querySelector("input, textarea, select").focus();
}

/** Returns the inputs for the values of an operator. What is there stays where it fits. */
function inputs(op, value, field) {
  if (op.endsWith("isNull")) return [];
  const [first, second] = [value].flat();
  if (field.type === "boolean") {
    return [el("select", { "aria-label": "Value" }, el("option", { value: "true", selected: first === true }, "yes"),
               el("option", { value: "false", selected: first === false }, "no"))];
  }
  if (op.endsWith("between")) return [input(first, field, "From"), "to", input(second ?? first, field, "To")];
  if (op.endsWith("in") && !op.endsWith("contains")) {
    const lines = [value].flat().map(plainValue);
    return [el("textarea", { rows: Math.max(2, lines.length), required: true, "aria-label": "Values, one a line" },
               lines.join("\n"))];
  }
  return [input(first, field, "Value")];
}

function input(value, field, label) {
  const type = field.type === "date" ? "date" : isOrdered(field) && !FORMS[field.type] ? "number" : "text";
  const list = type === "text" && field.values?.length ? "editor-values" : null;
  return el("span", {}, el("input", { type, step: type === "number" ? "any" : null, required: true, list, "aria-label": label,
                                      value: plainValue(value) }),
            list && el("datalist", { id: list }, ...field.values.map((entry) => el("option", { value: entry.value }))),
            field.unit ?? field.currency ?? null);
}

function readValues(op, values, field) {
  if (op.endsWith("isNull")) return null;
  const area = values.querySelector("textarea");
  const texts = area ? area.value.split("\n").map((line) => line.trim()).filter(Boolean)
    : [...values.querySelectorAll("input, select")].map(({ value }) => value.trim());
  const read = texts.map((text) => readValue(text, field));
  return area || op.endsWith("between") ? read : read[0];
}

function readValue(text, field) {
  if (field.type === "boolean") return text === "true";
  if (FORMS[field.type]) return { [FORMS[field.type]]: text };
  return isOrdered(field) ? Number(text) : text;
}
