// Fields, operators and values in words.

const OPERATORS = {
  "=": "is", "<>": "is not", "<": "<", "<=": "≤", ">": ">", ">=": "≥",
  between: "from", "not between": "not from", in: "is", "not in": "is not",
  contains: "contains", "not contains": "does not contain", isNull: "is unknown", "not isNull": "is known",
};

/** A test of the filter, as `{field, op, value}` in the form of a result's conditions; null for AND, OR and the like. */
export function test(node) {
  if (node.op === "not") {
    const inner = test(node.args[0]);
    return inner && { ...inner, op: `not ${inner.op}` };
  }
  if (node.op === "and" || node.op === "or") return null;
  const [first, ...rest] = node.args;
  if (node.op === "like") return { field: first.args[0].property, op: "contains", value: contained(rest[0].args[0]) };
  if (node.op === "isNull") return { field: first.property, op: "isNull", value: null };
  return { field: first.property, op: node.op, value: rest.length > 1 ? rest : rest[0] };
}

const contained = (pattern) => pattern.slice(1, -1).replace(/\\(.)/gs, "$1");

/** What stands behind the field's name on a chip. */
export function said({ op, value }, field) {
  const words = OPERATORS[op];
  if (op.endsWith("isNull")) return words;
  if (op.endsWith("between")) return `${words} ${shown(value[0], field)} to ${shown(value[1], field)}`;
  if (op.endsWith("in") && Array.isArray(value)) {
    return `${words} ${value.map((one) => shown(one, field)).join(op === "in" ? " or " : " nor ")}`;
  }
  return `${words} ${op.endsWith("contains") ? `“${value}”` : shown(value, field)}`;
}

/** A value as people write it. */
export function shown(value, field) {
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

export const title = (field) => field.label || field.name.replaceAll("_", " ");
