// The sentences of a conversation, with every word marked by what became of it.

import { $, el, fill } from "./dom.js";
import { fieldTitle } from "./format.js";

const KINDS = { // In the order in which a word that is several things is coloured.
  used: "a condition",
  order: "order or number",
  words: "fits no field",
  ignored: "not used",
};
const PARTS = { sort: "the order", limit: "the number of rows" };

/** Shows the texts of a conversation, the latest last. `turns` are `{id, text, reading}`, where the last one's reading may be
 *  null: a condition names the job whose text has its words, unless that is the latest. */
export function showSentences(turns, fields) {
  const latest = turns.at(-1);
  const conditions = latest.reading?.conditions ?? [];
  const lines = turns.map((turn) => {
    const here = conditions.flatMap((condition, index) =>
      ((condition.said_in ?? latest.id) === turn.id ? [conditionMark(condition, index, fields)] : []));
    const others = turn.reading ? otherMarks(turn.reading) : [];
    const words = turn.reading ? markWords(turn.text, [...here, ...others]) : [turn.text];
    return el("p", { class: turn === latest ? "sentence" : "sentence before" }, ...words);
  });
  fill($("sentences"), ...lines);
  showLegend();
}

const conditionMark = ({ span, field }, index, fields) =>
  ({ span, kind: "used", part: `c${index}`, title: `became a condition on ${fieldTitle(fields.get(field))}` });

function otherMarks({ mentions = [], ignored }) {
  return [
    ...mentions.map(({ span, part }) => (part === "text"
      ? { span, kind: "words", part, title: "fits no field of this catalog" }
      : { span, kind: "order", part, title: `became ${PARTS[part]}` })),
    ...ignored.map(({ span, reason }) => ({ span, kind: "ignored", part: "ignored", title: reason })),
  ];
}

/** Cuts a text into marked parts. Words without a mark only join others. */
function markWords(text, marks) {
  const characters = Array.from(text); // Spans count code points, while strings count UTF-16 units.
  const edges = [...new Set([0, ...marks.flatMap(({ span }) => span), characters.length])].sort((a, b) => a - b);
  return edges.slice(1).map((end, i) => { // Marks may share words, so the text is cut at every edge.
    const start = edges[i];
    const words = characters.slice(start, end).join("");
    const covering = marks.filter(({ span }) => span[0] <= start && end <= span[1]);
    if (covering.length) {
      const kind = Object.keys(KINDS).find((name) => covering.some((mark) => mark.kind === name));
      const parts = covering.map(({ part }) => part).join(" ");
      return el("mark", { class: kind, "data-parts": parts, title: covering.map(({ title }) => title).join("; ") }, words);
    }
    return words.trim() ? el("span", { class: "joining", title: "only joins the other words" }, words) : words;
  });
}

/** Explains the colours that occur. */
function showLegend() {
  const kinds = Object.entries(KINDS).filter(([kind]) => $("sentences").querySelector(`mark.${kind}`));
  fill($("legend"), ...kinds.map(([kind, title]) => el("li", {}, el("i", { class: `swatch ${kind}` }), title)));
}

/** Lights everything in `root` that came of the same words as what is pointed at or focused: chips light words, and words
 *  light chips. */
export function connectParts(root) {
  const light = (target) => {
    const source = target?.closest?.("[data-parts]");
    const parts = source?.dataset.parts.split(" ") ?? [];
    for (const other of root.querySelectorAll("[data-parts]")) {
      const isLit = other !== source && other.dataset.parts.split(" ").some((part) => parts.includes(part));
      other.classList.toggle("lit", isLit);
    }
  };
  root.addEventListener("mouseover", ({ target }) => light(target));
  root.addEventListener("mouseleave", () => light(document.activeElement));
  root.addEventListener("focusin", ({ target }) => light(target));
  root.addEventListener("focusout", () => light(null));
}
