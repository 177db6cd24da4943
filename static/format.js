// Formats fields, operators and values for people.

const OPERATORS = {
  "=": "is", "<>": "is not", "<": "<", "<=": "≤", ">": ">", ">=": "≥",
  between: "from", "not between": "not from", in: "is", "not in": "is not",
  contains: "contains", "not contains": "does not contain", isNull: "is unknown", "not isNull": "is known",
};

/** Reads a node of a CQL2-JSON filter as one test, `{field, op, value}` as in a result's conditions. Returns null for
 *  nodes that combine tests. */
export function readTest(node) {
  if (node.op === "not") {
    const inner = readTest(node.args[0]);
    return inner && { ...inner, op: `not ${inner.op}` };
  }
  if (node.op === "and" || node.op === "or") return null;
  const [first, ...rest] = node.args;
  if (node.op === "like") return { field: first.args[0].property, op: "contains", value: patternText(rest[0].args[0]) };
  if (node.op === "isNull") return { field: first.property, op: "isNull", value: null };
  return { field: first.property, op: node.op, value: rest.length > 1 ? rest : rest[0] };
}

const patternText = (pattern) => pattern.slice(1, -1).replace(/\\(.)/gs, "$1");

/** Describes a test's operator and value: the words after the field's name on a chip. */
export function describeTest({ op, value }, field) {
  const operator = OPERATORS[op];
  if (op.endsWith("isNull")) return operator;
  if (op.endsWith("between")) return `${operator} ${formatValue(value[0], field)} to ${formatValue(value[1], field)}`;
  if (op.endsWith("in") && Array.isArray(value)) {
    return `${operator} ${value.map((item) => formatValue(item, field)).join(op === "in" ? " or " : " nor ")}`;
  }
  return `${operator} ${op.endsWith("contains") ? `“${value}”` : formatValue(value, field)}`;
}

/** Formats a value as people write it, with the field's unit or currency. */
export function formatValue(value, field) {
  if (value == null) return "–";
  if (typeof value === "object") return value.date ?? value.time ?? value.timestamp;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  if (field?.currency) {
    return value.toLocaleString("en", { style: "currency", currency: field.currency, maximumFractionDigits: 2,
                                        minimumFractionDigits: 0 });
  }
  const digits = value.toLocaleString("en", { useGrouping: "min2", maximumFractionDigits: 6 });
  return field?.unit ? `${digits}${field.unit === "%" ? "" : " "}${field.unit}` : digits;
}

export const fieldTitle = (field) => field.label || field.name.replaceAll("_", " ");
