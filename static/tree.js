// The filter as a tree that people edit. A leaf is `{test, index, cql2}`: a test as in `format.js`, the place of its
// condition in the reading (`ALWAYS` for a scope, `ADDED` for one of the user's own), and the nodes of CQL2-JSON that it was read from. Any other node is
// `{op, args}`, with the operator "and", "or" or "not". Trees are never changed: an edit returns another.

import { readRange, readTest } from "./format.js";

export const ALWAYS = -1;
export const ADDED = -2;

const OPPOSITES = { "=": "<>", "<": ">=", ">": "<=", between: "not between", in: "not in", contains: "not contains",
                    like: "not like", isNull: "not isNull" };
const OPPOSITE = { ...OPPOSITES, ...Object.fromEntries(Object.entries(OPPOSITES).map(([op, other]) => [other, op])) };

/** Reads a filter, or null for everything. Each leaf gets the next condition with its test, or else one of its field: a
 *  filter says in other words what some conditions mean, such as a day of instants. */
export function readTree(filter, conditions, { unexplained = ALWAYS } = {}) {
  const used = new Set();
  const find = (test) => {
    const key = JSON.stringify(test);
    return conditions.findIndex(({ field, op, value }, i) => !used.has(i) && JSON.stringify({ field, op, value }) === key);
  };
  const leaf = (test, cql2) => {
    const exact = find(test);
    used.add(exact);
    const index = exact < 0 ? conditions.findIndex(({ field }) => field === test.field) : exact;
    return { test, cql2, index: index < 0 ? unexplained : index };
  };
  const read = (node) => {
    const test = readTest(node);
    if (test) return leaf(test, [node]);
    if (node.op === "not") return { op: "not", args: [read(node.args[0])] };
    // An empty list counts as unknown, and `isNull` beside it says so.
    const nodes = node.args.filter((arg) => arg.op !== "a_equals");
    if (nodes.length === 1) return { ...read(nodes[0]), cql2: [node] };
    const args = [];
    for (let i = 0; i < nodes.length; i += 1) {
      const range = node.op === "and" && readRange(nodes[i], nodes[i + 1]);
      const isRange = range && find(range) >= 0;
      args.push(isRange ? leaf(range, [nodes[i], nodes[i + 1]]) : read(nodes[i]));
      if (isRange) i += 1;
    }
    return args.length === 1 ? args[0] : { op: node.op, args };
  };
  return filter && read(filter);
}

/** Writes a tree as CQL2-JSON. */
export function writeTree(tree) {
  if (!tree) return null;
  if (tree.test) return joined("and", tree.cql2);
  return tree.op === "not" ? { op: "not", args: [writeTree(tree.args[0])] } : joined(tree.op, tree.args.map(writeTree));
}

function joined(op, nodes) {
  if (nodes.length === 1) return nodes[0];
  return { op, args: nodes.flatMap((node) => (node.op === op ? node.args : [node])) };
}

/** Returns a tree with another node in the place of one, or without it if that is null. */
export function replaceNode(tree, node, other) {
  if (tree === node) return other;
  if (!tree.args) return tree;
  const args = tree.args.map((arg) => replaceNode(arg, node, other)).filter(Boolean);
  if (!args.length) return null;
  return args.length === 1 && tree.op !== "not" ? args[0] : { ...tree, args };
}

/** Returns a tree with one more test that must be true. */
export function withTest(tree, leaf) {
  if (!tree) return leaf;
  return tree.op === "and" ? { op: "and", args: [...tree.args, leaf] } : { op: "and", args: [tree, leaf] };
}

/** Returns the opposite of a test, which is as little true of an unknown value as the test itself. */
export const opposite = (test) => ({ ...test, op: OPPOSITE[test.op] });

/** Returns true if the test is a negation. */
export const isNegative = ({ op }) => op === "<>" || op.startsWith("not ");

/** Returns a leaf with a test of a field of the catalog. `index` is as above. */
export const leafOf = (test, field, index = ADDED) => ({ test, index, cql2: [writeTest(test, field)] });

function writeTest({ field: name, op, value }, field) {
  if (op.startsWith("not ")) return { op: "not", args: [writeTest({ field: name, op: op.slice(4), value }, field)] };
  if (field.many && op === "<>") return { op: "not", args: [writeTest({ field: name, op: "=", value }, field)] };
  const property = { property: name };
  switch (op) {
    case "isNull": return { op, args: [property] };
    case "contains": return { op: "like", args: [casei(property), casei(`%${value.replace(/[%_\\]/g, "\\$&")}%`)] };
    case "between": return typeof value[0] === "number" ? { op, args: [property, ...value] }
      : { op: "and", args: [{ op: ">=", args: [property, value[0]] }, { op: "<=", args: [property, value[1]] }] };
    case "in": return isFolded(field, value) ? { op, args: [casei(property), value.map(casei)] }
      : { op: field.many ? "a_overlaps" : "in", args: [property, value] };
  }
  if (isFolded(field, [value])) return { op, args: [casei(property), casei(value)] };
  return field.many && op === "=" ? { op: "a_contains", args: [property, [value]] } : { op, args: [property, value] };
}

const casei = (arg) => ({ op: "casei", args: [arg] });

/** Returns true if values are strings that people wrote, and not copies of the catalog's. */
const isFolded = (field, values) => !field.many && values.every((value) =>
  typeof value === "string" && !field.values?.some((entry) => entry.value === value));
