// What has failed, in sentences for people, with a way to go on.

import { Problem } from "./client.js";
import { $, el, fill } from "./dom.js";

const REMEDIES = { // By the kind of problem, for those that the service describes to programs.
  "job-not-found": "This question is no longer kept. Ask it again.",
  "result-expired": "This question is no longer kept. Ask it again.",
  "catalog-not-found": "This catalog is no longer there. Reload the page, and choose another.",
  "not-found": "There is nothing at this address. Reload the page.",
  overloaded: "The service has too much to do. Try again in a moment.",
};
const TOO_LONG = /^String should have at most (\d+) characters$/;

/** Says what has failed: without pointers into the request, and without the words of programs. */
export function sentenceOf(error) {
  if (error.errors?.length) return error.errors.map(({ detail }) => detail.replace(TOO_LONG, "Use at most $1 characters.")).join(" ");
  if (error instanceof Problem) {
    return REMEDIES[error.type.split("/").at(-1)] ?? error.detail ?? "The service is not available. Try again in a moment.";
  }
  if (error.constructor === Error) return error.message;
  console.error(error);
  return "This page has made a mistake. Reload it, and ask again.";
}

/** Shows a problem, with a button that tries again if there is something to try. */
export function showProblem(message, onRetry = null) {
  const button = onRetry && el("button", { type: "button" }, "Try again");
  button?.addEventListener("click", () => {
    hideProblem();
    onRetry();
  });
  fill($("problem"), el("span", {}, message), button);
  $("problem").hidden = false;
}

export const hideProblem = () => {
  $("problem").hidden = true;
};
