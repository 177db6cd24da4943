// The API's documentation, made of /openapi.json. It loads nothing else, and writes text only.

import { $, el, fill } from "./dom.js";

const TAGS = {
  jobs: "Jobs",
  batches: "Batches",
  catalogs: "Catalogs",
  streams: "Stream tokens",
  service: "The service itself",
  older: "The older APIs",
};
const MAX_DEPTH = 6;

let api;

try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  api = await response.json();
  show();
  fill($("state"));
} catch (error) {
  fill($("state"), `The description of the API could not be loaded: ${error.message}. Reload the page to try again.`);
}

function show() {
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
    ...Object.values(api.webhooks).map((hook) => card({ path: "your address", method: "post", operation: hook.post })));
  if (location.hash) $(location.hash.slice(1))?.scrollIntoView();
}

function card({ path, method, operation }) {
  return el("details", { class: "operation" },
    el("summary", {}, el("b", { class: "method" }, method.toUpperCase()), el("code", {}, path), el("span", {}, ...prose(operation.summary))),
    operation.description && el("p", {}, ...prose(operation.description)),
    ...section("Parameters", parameters(operation.parameters ?? [])),
    ...Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, { schema }]) =>
      section(`Body, ${type}`, tree(schema))),
    ...section("Answers", answers(operation.responses)),
    ...(path.startsWith("/") ? section("With curl", el("pre", {}, curl(path, method, operation))) : []));
}

function section(title, content) {
  return content ? [el("h3", {}, title), content] : [];
}

function parameters(list) {
  if (!list.length) return null;
  return el("dl", {}, ...list.flatMap((one) => [
    el("dt", {}, el("code", {}, one.name)),
    el("dd", {}, ...prose(one.description ?? ""), el("span", { class: "quiet" }, ` ${one.in}${one.required ? ", required" : ""}`)),
  ]));
}

function answers(responses) {
  return el("dl", {}, ...Object.entries(responses).flatMap(([status, answer]) => {
    const [type, media] = Object.entries(answer.content ?? {})[0] ?? [];
    const whole = type === "application/json" && el("details", {}, el("summary", {}, "Its members"), tree(media.schema));
    const said = el("dd", {}, ...prose(answer.description), type && el("span", { class: "quiet" }, ` ${type}`), whole || null);
    return [el("dt", {}, status), said];
  }));
}

/** A schema as a nested list, as deep as it makes sense to show. */
function tree(schema, depth = 0) {
  const found = resolve(schema);
  const members = Object.entries(found.properties ?? {});
  if (!members.length) return el("p", { class: "quiet" }, typeName(found));
  const required = new Set(found.required ?? []);
  return el("ul", { class: "schema" }, ...members.map(([name, member]) => {
    const inner = nested(member);
    const line = [
      el("code", {}, name), " ",
      el("span", { class: "type" }, `${typeName(member)}${required.has(name) ? "" : ", optional"}`), " ",
      ...prose(member.description ?? ""),
    ];
    if (!inner || depth >= MAX_DEPTH) return el("li", {}, ...line);
    return el("li", {}, el("details", {}, el("summary", {}, ...line), tree(inner, depth + 1)));
  }));
}

/** The object schema inside a member: itself, an item of its list, or what it is when it is not null. */
function nested(member) {
  const found = resolve(member);
  if (found.properties) return found;
  if (found.items) return nested(found.items);
  const other = (found.anyOf ?? []).map(resolve).find((one) => one.properties || one.items);
  return other ? nested(other) : null;
}

function typeName(schema) {
  const found = resolve(schema);
  if (found.enum) return found.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (found.const !== undefined) return JSON.stringify(found.const);
  if (found.anyOf) return [...new Set(found.anyOf.map(typeName))].join(" | ");
  if (found.type === "array") return found.items ? `list of ${typeName(found.items)}` : "list";
  return found.format ? `${found.type} (${found.format})` : found.type ?? "anything";
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

/** Text with `code` and [links](to places). */
function prose(text) {
  return text.split(/(`[^`]*`|\[[^\]]*\]\([^)]*\))/).filter(Boolean).map((part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    const link = part.match(/^\[([^\]]*)\]\(([^)]*)\)$/);
    return link ? el("a", { href: link[2] }, link[1]) : document.createTextNode(part);
  });
}
