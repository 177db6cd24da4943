// Renders the API documentation from /openapi.json. It loads nothing else and writes text only.

import { $, el, fill } from "./dom.js";

const TAGS = {
  jobs: "Jobs",
  batches: "Batches",
  catalogs: "Catalogs",
  streams: "Stream tokens",
  service: "Operations",
  older: "Legacy APIs",
};
const MAX_DEPTH = 6;

let api;

try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  api = await response.json();
  render();
  fill($("state"));
} catch (error) {
  fill($("state"), `The description of the API could not be loaded: ${error.message}. Reload the page to try again.`);
}

function render() {
  fill($("about"), `The API, version ${api.info.version}.`);
  const groups = new Map(Object.keys(TAGS).map((tag) => [tag, []]));
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(methods)) groups.get(operation.tags[0]).push({ path, method, operation });
  const names = [...groups.keys()];
  fill($("contents"), ...[...names.map((tag) => [tag, TAGS[tag]]), ["webhooks", "Webhooks"]].map(([id, name]) =>
    el("a", { href: `#${id}` }, name)));
  fill($("operations"),
    ...names.flatMap((tag) => [el("h2", { id: tag }, TAGS[tag]), ...groups.get(tag).map(card)]),
    el("h2", { id: "webhooks" }, "Webhooks"),
    ...Object.values(api.webhooks).map((hook) => card({ path: "your URL", method: "post", operation: hook.post })));
  if (location.hash) $(location.hash.slice(1))?.scrollIntoView();
}

function card({ path, method, operation }) {
  return el("details", { class: "operation" },
    el("summary", {}, el("b", { class: "method" }, method.toUpperCase()), el("code", {}, path), el("span", {}, ...formatProse(operation.summary))),
    operation.description && el("p", {}, ...formatProse(operation.description)),
    ...section("Parameters", parameters(operation.parameters ?? [])),
    ...Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, { schema }]) =>
      section(`Request body, ${type}`, tree(schema))),
    ...section("Responses", responses(operation.responses)),
    ...(path.startsWith("/") ? section("With curl", el("pre", {}, curl(path, method, operation))) : []));
}

function section(title, content) {
  return content ? [el("h3", {}, title), content] : [];
}

function parameters(list) {
  if (!list.length) return null;
  return el("dl", {}, ...list.flatMap((parameter) => [
    el("dt", {}, el("code", {}, parameter.name)),
    el("dd", {}, ...formatProse(parameter.description ?? ""),
      el("span", { class: "quiet" }, ` ${parameter.in}${parameter.required ? ", required" : ""}`)),
  ]));
}

function responses(byStatus) {
  return el("dl", {}, ...Object.entries(byStatus).flatMap(([status, response]) => {
    const [type, media] = Object.entries(response.content ?? {})[0] ?? [];
    const members = type === "application/json" && el("details", {}, el("summary", {}, "Members"), tree(media.schema));
    const description = el("dd", {}, ...formatProse(response.description), type && el("span", { class: "quiet" }, ` ${type}`), members || null);
    return [el("dt", {}, status), description];
  }));
}

/** Renders a schema as a nested list, down to MAX_DEPTH. */
function tree(schema, depth = 0) {
  const { properties, required: requiredNames, ...rest } = resolve(schema);
  const members = Object.entries(properties ?? {});
  if (!members.length) return el("p", { class: "quiet" }, typeName(rest));
  const required = new Set(requiredNames ?? []);
  return el("ul", { class: "schema" }, ...members.map(([name, member]) => {
    const inner = nested(member);
    const line = [
      el("code", {}, name), " ",
      el("span", { class: "type" }, `${typeName(member)}${required.has(name) ? "" : ", optional"}`), " ",
      ...formatProse(member.description ?? ""),
    ];
    if (!inner || depth >= MAX_DEPTH) return el("li", {}, ...line);
    return el("li", {}, el("details", {}, el("summary", {}, ...line), tree(inner, depth + 1)));
  }));
}

/** Finds the object schema inside a member: the member's own, that of its list's items, or that of its non-null variant. */
function nested(member) {
  const schema = resolve(member);
  if (schema.properties) return schema;
  if (schema.items) return nested(schema.items);
  const variant = (schema.anyOf ?? []).map(resolve).find((option) => option.properties || option.items);
  return variant ? nested(variant) : null;
}

function typeName(reference) {
  const schema = resolve(reference);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeName))].join(" | ");
  if (schema.type === "array") return schema.items ? `list of ${typeName(schema.items)}` : "list";
  return schema.format ? `${schema.type} (${schema.format})` : schema.type ?? "anything";
}

function resolve(schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : schema ?? {};
}

function curl(path, method, operation) {
  const words = ["curl", "-s"];
  if (method !== "get") words.push("-X", method.toUpperCase());
  words.push(`${location.origin}${path}`);
  if (operation.security === undefined) words.push("-H", '"Authorization: Bearer $KEY"');
  const type = Object.keys(operation.requestBody?.content ?? {})[0];
  if (type === "application/json") words.push("--json", "@body.json");
  else if (type === "multipart/form-data") words.push("-F", "file=@texts.txt", "-F", "callback=https://…");
  else if (type) words.push("-H", `"Content-Type: ${type}"`, "--data-binary", "@rows");
  return words.join(" ");
}

/** Formats text with `code` and [links](URL), the only markup that descriptions use. */
function formatProse(text) {
  return text.split(/(`[^`]*`|\[[^\]]*\]\([^)]*\))/).filter(Boolean).map((part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    const link = part.match(/^\[([^\]]*)\]\(([^)]*)\)$/);
    return link ? el("a", { href: link[2] }, link[1]) : document.createTextNode(part);
  });
}
