// The client with its API key, the catalogs that can be asked, and the one that is chosen.

import { Client, Problem } from "./client.js";
import { $, el, fill } from "./dom.js";
import { fieldTitle } from "./format.js";
import { showDialects } from "./results.js";

export const session = { client: null, catalogs: [] };

export const hasKey = () => Boolean(sessionStorage.getItem("key"));

/** Connects with the stored API key, if there is one, and loads what can be asked. Returns false if a key is needed. */
export async function connect() {
  const client = (session.client = new Client({ key: sessionStorage.getItem("key") }));
  try {
    const [{ catalogs: summaries }, { dialects }] = await Promise.all([client.get("/v1/catalogs"), client.get("/v1/dialects")]);
    showDialects(dialects.map(({ name, title }) => [name, title]), localStorage.getItem("dialect") ?? dialects[0].name);
    session.catalogs = await Promise.all(summaries.map(async (entry) => ({ ...entry, ...(await client.get(entry.url)) })));
  } catch (error) {
    if (!(error instanceof Problem) || ![401, 403].includes(error.status)) throw error;
    askForKey(error);
    return false;
  }
  document.forms.key.hidden = true;
  $("forget").hidden = !hasKey();
  document.forms.ask.hidden = false;
  fill($("catalogs"), $("catalogs").querySelector("legend"), ...session.catalogs.map((catalog) =>
    el("label", {}, el("input", { type: "radio", name: "catalog", value: catalog.name }), el("span", {}, titleOf(catalog)))));
  return true;
}

/** Asks for an API key, after the service has refused the one before or none. */
export function askForKey(error) {
  const hadKey = hasKey();
  sessionStorage.removeItem("key");
  document.forms.ask.hidden = true;
  document.forms.key.hidden = false;
  const reason = error.status === 401 ? "This key is not valid, or has been revoked." : error.message;
  $("refused").textContent = hadKey ? reason : "";
  document.forms.key.secret.value = "";
  document.forms.key.secret.focus();
}

export const titleOf = (catalog) => catalog.title || catalog.name;

export const catalogNamed = (name) => session.catalogs.find((catalog) => catalog.name === name);

export const currentCatalog = () => catalogNamed(document.forms.ask.catalog.value);

/** Chooses a catalog, and shows its fields and examples; `onExample(text)` asks one. */
export function chooseCatalog(name, onExample) {
  document.forms.ask.catalog.value = catalogNamed(name) ? name : session.catalogs[0].name;
  describeCatalog(onExample);
}

/** Shows the examples and fields of the current catalog. */
export function describeCatalog(onExample) {
  const catalog = currentCatalog();
  fill($("examples"), ...(catalog.examples ?? []).map((text) => {
    const button = el("button", { type: "button", class: "example" }, text);
    button.addEventListener("click", () => onExample(text));
    return button;
  }));
  fill($("fields"), ...catalog.fields.flatMap((field) => [
    el("dt", {}, fieldTitle(field)),
    el("dd", {}, [field.type, field.unit ?? field.currency, field.description].filter(Boolean).join(" · "),
      field.values?.length ? el("span", { class: "quiet" },
        ` ${field.values.slice(0, 8).map((value) => value.value).join(", ")}${field.values.length > 8 ? ", …" : ""}`) : null),
  ]));
}
