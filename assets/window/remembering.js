// Remembers in this browser which upload a choice of files began, so that choosing them again goes on with it.
const KEY = "tator-uploads";
const KEPT = 50;

// Returns a short key of a choice of files: their paths, sizes and times of change.
export function keyOf(files) {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]; // cyrb53: crypto.subtle is only there over https
  const lines = files.map(({ file, path }) => `${path}\t${file.size}\t${file.lastModified}\n`).sort();
  for (const line of lines)
    for (let i = 0; i < line.length; i += 1) {
      const code = line.charCodeAt(i);
      a = Math.imul(a ^ code, 2654435761);
      b = Math.imul(b ^ code, 1597334677);
    }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return `${files.length}-${(b >>> 0).toString(36)}${(a >>> 0).toString(36)}`;
}

function all() {
  try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; }
}

function store(rows) {
  try { localStorage.setItem(KEY, JSON.stringify(rows.slice(-KEPT))); } catch { /* private mode: not remembered */ }
}

export function recall(key) {
  return all().find(([known]) => known === key)?.[1] || "";
}

// Remembers what a drop area, named by its place, began to send.
export function remember(key, id, name, place) {
  store([...all().filter(([known]) => known !== key), [key, id, name, place]]);
}

// Notes that an upload has arrived in full; its id stays known, as it may not be imported yet.
export function finish(key) {
  const [done, open] = [[], []];
  for (const row of all()) (row[0] === key || row.length === 2 ? done : open).push(row.slice(0, row[0] === key ? 2 : 4));
  store([...done, ...open]);
}

// Returns the name of what a drop area was sending last, "" when all has arrived.
export function unfinished(place) {
  return all().findLast((row) => row[3] === place)?.[2] || "";
}

export function forget(key) {
  store(all().filter(([known]) => known !== key));
}
