// Formats fields, operators and values for people.

const OPERATORS = {
  "=": "is", "<>": "is not", "<": "<", "<=": "≤", ">": ">", ">=": "≥",
  between: "from", "not between": "not from", in: "is", "not in": "is not",
  contains: "contains", "not contains": "does not contain", isNull: "is unknown", "not isNull": "is known",
  like: "is like", "not like": "is not like",
};

/** Reads a node of a CQL2-JSON filter as one test, `{field, op, value}` as in a result's conditions. Returns null for
 *  nodes that combine tests. */
export function readTest(node) {
  const [first, ...rest] = node.args;
  if (node.op === "not" && first.op === "a_equals") return { field: first.args[0].property, op: "not isNull", value: null };
  if (node.op === "not") {
    const inner = readTest(first);
    return inner && { ...inner, op: inner.op === "=" ? "<>" : `not ${inner.op}` };
  }
  if (node.op === "and" || node.op === "or") return null;
  const field = withoutCase(first).property;
  const [value] = rest.map(withoutCase);
  switch (node.op) {
    case "isNull": return { field, op: "isNull", value: null };
    case "like": return /^%.*%$/s.test(value) ? { field, op: "contains", value: patternText(value) } : { field, op: "like", value };
    case "a_contains": return { field, op: "=", value: value[0] };
    case "a_overlaps": return { field, op: "in", value };
    case "t_intersects": return { field, op: "between", value: value.interval.map(instant) };
    default: return { field, op: node.op, value: rest.length > 1 ? rest : value };
  }
}

/** Reads two neighbouring limits of a property, as dates have them, as one test of a range; otherwise, returns null. */
export function readRange(low, high) {
  if (low?.op !== ">=" || high?.op !== "<=" || low.args[0].property !== high.args[0].property) return null;
  return { field: low.args[0].property, op: "between", value: [low.args[1], high.args[1]] };
}

/** Returns an operand, or a list of them, without the function `casei`. */
function withoutCase(operand) {
  if (Array.isArray(operand)) return operand.map(withoutCase);
  return operand?.op === "casei" ? withoutCase(operand.args[0]) : operand;
}

const instant = (text) => (text.includes("T") ? { timestamp: text } : { date: text });

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

/** Returns the fields of a catalog by name. Of one that is not in it, as when the catalog was replaced meanwhile, only the
 *  name is known. */
export function fieldsOf(catalog) {
  const fields = new Map(catalog.fields.map((field) => [field.name, field]));
  fields.get = (name) => Map.prototype.get.call(fields, name) ?? { name };
  return fields;
}

export const fieldTitle = (field) => field.label || field.name.replaceAll("_", " ");

const WORDS = new Set(["keyword", "text", "boolean"]);

/** Returns true if the values of a field are numbers, amounts, dates or times. */
export const isOrdered = (field) => !WORDS.has(field.type);

/** Returns a value as people type it. */
export function plainValue(value) {
  if (value == null) return "";
  return String(typeof value === "object" ? value.date ?? value.time ?? value.timestamp : value);
}
