// The progress of a job: its stages with their times, and what happens at the moment.

import { $, el, fill } from "./dom.js";

/** Shows that a question is being answered, which can be canceled, or that none is. */
export function showBusy(isBusy) {
  if (isBusy) $("answer").setAttribute("aria-busy", "true");
  else $("answer").removeAttribute("aria-busy");
  $("cancel").hidden = !isBusy;
  fill($("progress"), isBusy ? "Reading the sentence …" : "");
  if (isBusy) fill($("status"), "Searching");
}

/** Shows what happens at the moment. */
export const showStep = (text) => fill($("progress"), text);

/** Shows that the service is out of reach. The page goes on by itself once it is back. */
export const showLost = () => showStep(navigator.onLine
  ? "The service does not answer. Trying again …" : "There is no connection. This goes on once it is back.");

/** Shows the stages of a job with their times; without a job, none. */
export function showStages(job, by) {
  const items = Object.entries(job?.stages ?? {}).map(([name, run]) => {
    const waitMs = elapsedMs(run.queued_at, run.started_at);
    const runMs = elapsedMs(run.started_at, run.finished_at);
    const times = [waitMs != null && `waited ${waitMs} ms`, runMs != null && `ran ${runMs} ms`].filter(Boolean).join(" · ");
    return el("li", { class: run.status }, el("b", {}, run.label || name), el("span", { class: "quiet" }, times || run.status));
  });
  const totalMs = elapsedMs(job?.created_at, job?.finished_at);
  if (totalMs != null) {
    items.push(el("li", { class: "total" }, el("b", {}, "Total"), el("span", { class: "quiet" }, `${totalMs} ms`)));
  }
  fill($("stages"), ...(items.length ? items : [el("li", { class: "running" }, el("b", {}, "Sending"))]));
  fill($("transport"), by ? (by === "events" ? "live by Server-Sent Events" : "by polling") : "");
}

const elapsedMs = (from, to) => (from && to ? Date.parse(to) - Date.parse(from) : null);
