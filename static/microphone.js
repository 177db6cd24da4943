// The microphone buttons: each records a question and hands it over. Permission is asked for on a click only.

import { el } from "./dom.js";

const MAX_S = 30; // Longer than any question, and one part for the speech model.
const TICK_MS = 100;
const SILENT = 0.005; // Voices are louder than this, as a root mean square; a muted microphone is not.
const SILENT_S = 3;
const GAIN = 8; // Near a microphone, speech has a root mean square of about 0.1.
const ASK = "Ask aloud";
const STOP = "Stop recording";
const HAS_KEYBOARD = !matchMedia("(hover: none)").matches; // Phones have no Escape.
const HOW_TO_END = HAS_KEYBOARD ? "Press the button again to ask, or Escape to discard." : "Press the button again to ask.";
const UNHEARD = "Nothing is heard. Is the right microphone chosen, and not muted?";
const REMEDIES = {
  InsecureContext: "Browsers record only on pages over https or on localhost. Open this page there.",
  NotAllowedError: "This page may not use the microphone. Allow it in the browser's settings for this site, and press the "
    + "button again.",
  NotFoundError: "There is no microphone. Connect one, and press the button again.",
  NotReadableError: "The microphone does not answer. Close other programs that use it, and press the button again.",
  Other: "The recording broke off. Press the button to record again.",
};

let current = null; // The recording that runs, of which there is one at most: `{button, ending}`.

/** Discards the recording that runs, if there is one. */
export const discardRecording = () => current?.ending.abort("discard");

/** Adds a button to each of the forms, which is there while `isOffered()` says that recordings are taken. `onRecording(blob,
 *  form)` gets what was recorded, `onProblem` a sentence that says what to do. `show` and `announce` get what there is to see
 *  and to hear meanwhile. */
export function addMicrophones(forms, { isOffered, ...handlers }) {
  const buttons = forms.map((form) => {
    const button = el("button", { type: "button", class: "microphone", hidden: true, title: ASK, "aria-label": ASK });
    button.addEventListener("click", () => press(button, form, handlers));
    form.querySelector("button[type=submit]").before(button);
    return button;
  });
  const offer = async () => {
    const isHidden = !(await isOffered().catch(() => false));
    for (const button of buttons) button.hidden = isHidden;
  };
  window.addEventListener("focus", offer); // Workers come and go.
  offer();
}

/** Starts a recording, or ends the one that this button has started. */
async function press(button, form, { onRecording, onProblem, show, announce }) {
  if (current?.button === button) {
    current.ending.abort("ask");
    return;
  }
  discardRecording();
  const mine = (current = { button, ending: new AbortController() });
  const onKey = ({ key }) => key === "Escape" && mine.ending.abort("discard");
  document.addEventListener("keydown", onKey);
  setLabel(button, STOP);
  show("Waiting for the microphone");
  let recording = null;
  let problem = null;
  try {
    recording = await record(mine.ending, meter(button, show, announce));
  } catch (error) {
    problem = REMEDIES[error.name] ?? REMEDIES.Other;
  } finally {
    document.removeEventListener("keydown", onKey);
    setLabel(button, ASK);
    button.style.removeProperty("--level");
    if (current === mine) current = null;
  }
  show("");
  announce(recording ? "Recorded" : "Not recorded");
  if (problem) onProblem(problem);
  if (recording) onRecording(recording, form);
}

function setLabel(button, label) {
  button.setAttribute("aria-label", label);
  button.title = label;
  button.classList.toggle("recording", label === STOP);
}

/** Returns a function that shows the level of a recording, and its length in seconds so far. */
function meter(button, show, announce) {
  let heardS = 0;
  let hint = null;
  return (level, seconds) => {
    if (level > SILENT) heardS = seconds;
    const previous = hint;
    hint = seconds - heardS > SILENT_S ? UNHEARD : HOW_TO_END;
    if (hint !== previous) announce(`Recording. ${hint}`);
    button.style.setProperty("--level", Math.min(1, GAIN * level).toFixed(2));
    show(`Recording ${Math.floor(seconds)} of ${MAX_S} s. ${hint}`);
  };
}

/** Records until `ending` is aborted or `MAX_S` have passed. Returns the sound, or null if it was discarded. `onTick(level,
 *  seconds)` is called all the while. */
async function record(ending, onTick) {
  if (!navigator.mediaDevices) throw new DOMException("There are no devices.", "InsecureContext");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const audio = new AudioContext();
  const startMs = Date.now();
  let ticking = null;
  try {
    if (ending.signal.aborted) return null;
    const level = levelOf(stream, audio);
    const recorder = new MediaRecorder(stream);
    const sound = soundOf(recorder);
    ending.signal.addEventListener("abort", () => recorder.state !== "inactive" && recorder.stop());
    recorder.start();
    const tick = () => {
      const seconds = (Date.now() - startMs) / 1000;
      if (seconds >= MAX_S) ending.abort("ask");
      else onTick(level(), seconds);
    };
    tick();
    ticking = setInterval(tick, TICK_MS);
    const blob = await sound;
    return ending.signal.reason === "discard" ? null : blob;
  } finally {
    clearInterval(ticking);
    for (const track of stream.getTracks()) track.stop();
    audio.close();
  }
}

/** Resolves to all that a recorder has recorded once it stops, as it also does when the microphone is pulled out. */
function soundOf(recorder) {
  const pieces = [];
  recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
  return new Promise((resolve, reject) => {
    recorder.addEventListener("stop", () => resolve(new Blob(pieces, { type: recorder.mimeType })));
    recorder.addEventListener("error", ({ error }) => reject(error));
  });
}

/** Returns a function for the level of a stream at the moment: the root mean square of its samples, from 0 to 1. */
function levelOf(stream, audio) {
  const analyser = audio.createAnalyser();
  audio.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return () => {
    analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  };
}
