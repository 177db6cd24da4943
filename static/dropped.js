// Files and folders that somebody drops on a page, and the texts in them.

const MAX_FILE_BYTES = 2 * 2 ** 20; // The service skips larger files, too.
const MAX_BYTES = 30 * 2 ** 20; // As JSON they take a little more, of which the service accepts 32 MiB.
const LEFT_OUT = /(^|\/)(\.git|node_modules|__pycache__|\.venv|venv)\//;

/** Returns what was dropped as `{file, path}`, folders with all files in them. */
export async function filesOf(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter(Boolean);
  return (await Promise.all(entries.map(walk))).flat();
}

async function walk(entry) {
  if (entry instanceof File) return [{ file: entry, path: entry.name }];
  const path = entry.fullPath.slice(1);
  if (entry.isFile) return [{ file: await new Promise((...ways) => entry.file(...ways)), path }];
  if (LEFT_OUT.test(`${path}/`)) return [];
  const reader = entry.createReader();
  const children = [];
  for (;;) { // A reader gives a hundred entries at a time.
    const some = await new Promise((...ways) => reader.readEntries(...ways));
    if (!some.length) break;
    children.push(...some);
  }
  return (await Promise.all(children.map(walk))).flat();
}

/** Reads the files of a folder, `{file, path}`, as texts by their paths. Files that are no text are left out. */
export async function textsOf(files) {
  const candidates = files.filter(({ file, path }) => file.size <= MAX_FILE_BYTES && !LEFT_OUT.test(path));
  const size = candidates.reduce((sum, { file }) => sum + file.size, 0);
  if (size > MAX_BYTES) throw new Error("The files are larger than 30 MiB. Choose a folder in it, or an archive.");
  const texts = {};
  for (const { file, path } of candidates) {
    const text = await file.text();
    if (!text.includes("\0")) texts[path] = text;
  }
  if (!Object.keys(texts).length) throw new Error("There is no text in this folder.");
  return texts;
}
