// The form for the fields of a catalog: their titles, types, units and synonyms.

import { el, fill } from "./dom.js";

const TYPES = ["keyword", "text", "integer", "number", "money", "duration", "date", "datetime", "time", "boolean", "geo"];
const MEASURES = { integer: "unit", number: "unit", duration: "unit", money: "currency" }; // The member with the measure.
const OF_A_TYPE = ["unit", "currency", "values", "closed", "operators", "minimum", "maximum", "examples", "adjectives"];

/** Shows the fields of a catalog in a table. `onChange(catalog)` gets the catalog as it is after each change. */
export function showFields(table, catalog, onChange) {
  const fields = catalog.fields.map((field) => ({ ...field }));
  const omitted = new Set();
  const change = () => onChange({ ...catalog, fields: fields.filter((field) => !omitted.has(field)) });
  const head = ["Field", "Title", "Type", "Unit or currency", "Also called", "Leave out"];
  fill(table, el("thead", {}, el("tr", {}, ...head.map((title) => el("th", { scope: "col" }, title)))),
       el("tbody", {}, ...fields.map((field) => row(field, omitted, change))));
}

function row(field, omitted, change) {
  const title = input(`Title of ${field.name}`, field.label, (text) => set(field, "label", text), change);
  const synonyms = input(`Also called: ${field.name}`, (field.synonyms ?? []).join(", "), (text) =>
    set(field, "synonyms", text.split(",").map((word) => word.trim()).filter(Boolean)), change);
  const measure = input(`Unit or currency of ${field.name}`, field[MEASURES[field.type]], (text) =>
    set(field, MEASURES[field.type], text), change);
  measure.disabled = !MEASURES[field.type];
  const type = el("select", { "aria-label": `Type of ${field.name}` },
                  ...TYPES.map((name) => el("option", { selected: name === field.type }, name)));
  type.addEventListener("change", () => {
    for (const member of OF_A_TYPE) delete field[member];
    field.type = type.value;
    measure.value = "";
    measure.disabled = !MEASURES[field.type];
    change();
  });
  const omit = el("input", { type: "checkbox", "aria-label": `Leave out ${field.name}` });
  omit.addEventListener("change", () => {
    if (omit.checked) omitted.add(field);
    else omitted.delete(field);
    change();
  });
  const name = el("th", { scope: "row" }, field.name);
  return el("tr", {}, name, ...[title, type, measure, synonyms, omit].map((control) => el("td", {}, control)));
}

function input(label, value, write, change) {
  const node = el("input", { type: "text", "aria-label": label, value: value ?? "", spellcheck: "false" });
  node.addEventListener("input", () => {
    write(node.value.trim());
    change();
  });
  return node;
}

function set(field, member, value) {
  if (value.length) field[member] = value;
  else delete field[member];
}
