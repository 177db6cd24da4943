// The main page: choose a catalog, describe what you are looking for, and follow the job to its filter.

import { showChosenDialect, undo, whenEdited } from "./answer.js";
import { ask, askAloud, cancel, keepEdit, refine, restore } from "./conversation.js";
import { $, fill } from "./dom.js";
import { addMicrophones } from "./microphone.js";
import { hideProblem, sentenceOf, showProblem } from "./problems.js";
import { showStep } from "./progress.js";
import { clearQuestions, showQuestions } from "./questions.js";
import { connectParts } from "./sentence.js";
import { connect, describeCatalog, session } from "./session.js";

let ready; // Resolves when the catalogs are on the page.

/** Connects with the stored API key, if there is one, and sets the page up. */
function login() {
  ready = connect();
  ready.then((isConnected) => isConnected && restore({ draft: $("text").value })).catch((error) =>
    showProblem(`The page could not be set up: ${sentenceOf(error)}`, login));
}

document.forms.ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  await ready;
  if ($("text").value.trim()) ask($("text").value);
});
document.forms.refine.addEventListener("submit", (event) => {
  event.preventDefault();
  if ($("followup").value.trim()) refine($("followup").value);
});
document.forms.key.addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", document.forms.key.secret.value.trim());
  login();
});
$("forget").addEventListener("click", () => {
  sessionStorage.removeItem("key");
  clearQuestions();
  location.reload();
});
$("catalogs").addEventListener("change", () => describeCatalog(ask));
$("cancel").addEventListener("click", cancel);
$("undo").addEventListener("click", undo);
$("clear-questions").addEventListener("click", clearQuestions);
$("dialect").addEventListener("change", () => {
  localStorage.setItem("dialect", $("dialect").value);
  showChosenDialect();
});
$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("code").textContent);
    $("status").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren($("code"));
    $("status").textContent = "Selected: press Ctrl+C to copy";
  }
});
window.addEventListener("popstate", () => restore());
whenEdited(keepEdit);
connectParts($("understood"));
showQuestions();
login();
addMicrophones([document.forms.ask, document.forms.refine], {
  isOffered: async () => {
    await ready; // Without a catalog, nothing can be asked.
    return (await session.client.get("/readyz")).workers.audio > 0;
  },
  onRecording: askAloud,
  onProblem: showProblem,
  show: (text) => {
    hideProblem();
    showStep(text);
  },
  announce: (text) => fill($("status"), text),
});
