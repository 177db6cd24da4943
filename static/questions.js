// The questions that were asked in this browser, each with its permanent address. They are kept nowhere else.

import { $, el, fill } from "./dom.js";

const KEY = "questions";
const MAX = 30;

/** Keeps a conversation, `{texts, title, url}`, as the latest; the same one is kept once. */
export function keepQuestion(question) {
  const key = ({ texts, title }) => JSON.stringify([texts, title]);
  const others = questions().filter((other) => key(other) !== key(question));
  localStorage.setItem(KEY, JSON.stringify([question, ...others].slice(0, MAX)));
  showQuestions();
}

export function clearQuestions() {
  localStorage.removeItem(KEY);
  showQuestions();
}

/** Lists the questions. */
export function showQuestions() {
  const entries = questions();
  $("history").hidden = !entries.length;
  fill($("questions"), ...entries.map(({ texts, title, url }) =>
    el("li", {}, el("a", { href: url }, texts.join(" → ")), " ", el("span", { class: "quiet" }, title))));
}

function questions() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return []; // Another version of the page wrote it.
  }
}
