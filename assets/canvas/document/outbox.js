// Unsaved edits on disk (localStorage), one slot a page, so that a reload, a crash or a closed laptop loses nothing.
// A page that starts adopts the slots of pages that no longer live; edits keep the client id and seq they were made
// with, so sending them twice is harmless.

const EDITS = "tator:edits:",
  ALIVE = "tator:alive:",
  ASIDE = "tator:aside";
/** Hidden pages get one timer tick a minute, so a page silent for longer than this is gone. */
const SILENT_MS = 90_000;

/**
 * @typedef {{client_id: string, seq: number, image_id: number, kind: string, label: string, ops: object[]}} Edit
 * @param {Storage} storage @param {string} clientId @param {() => number} now milliseconds
 */
export function createOutbox(storage, clientId, now = () => Date.now()) {
  const read = (key, otherwise) => {
    const text = storage.getItem(key);
    if (text === null) return otherwise;
    try {
      return JSON.parse(text);
    } catch {
      return otherwise;
    } // half-written by a crash
  };
  const write = (key, value) => {
    try {
      storage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    } // quota or private mode
  };
  const keys = (prefix) =>
    Array.from({ length: storage.length }, (_, i) => storage.key(i)).filter((k) => k?.startsWith(prefix));

  let unkept = []; // set aside, but the browser has no room for it

  return {
    /** Say that this page lives; call every few seconds. */
    beat() {
      write(ALIVE + clientId, now());
    },
    /** Say that this page ends; its unsaved edits may be adopted at once. */
    rest() {
      storage.removeItem(ALIVE + clientId);
    },
    /** Keep the unsaved edits and the revision each image's edits are based on; false when the browser refuses. */
    keep(edits, base) {
      if (edits.length) return write(EDITS + clientId, { edits, base });
      storage.removeItem(EDITS + clientId);
      return true;
    },
    /** Take over what dead pages left. @returns {{edits: Edit[], base: Object<string, number>}} */
    adopt() {
      const edits = [],
        base = {};
      for (const key of keys(EDITS)) {
        const owner = key.slice(EDITS.length);
        if (owner === clientId || now() - read(ALIVE + owner, 0) < SILENT_MS) continue;
        const left = read(key, { edits: [], base: {} });
        edits.push(...left.edits);
        for (const [id, revision] of Object.entries(left.base)) base[id] = Math.min(revision, base[id] ?? revision); // the older one shows a conflict
        storage.removeItem(key);
        storage.removeItem(ALIVE + owner);
      }
      return { edits, base };
    },
    /** Edits set aside when their image was kept as somebody else saved it. */
    aside: () => [...read(ASIDE, []), ...unkept],
    /** Set edits aside; false when the browser refuses, and then they last as long as this page. */
    setAside(parcel) {
      const isKept = write(ASIDE, [...read(ASIDE, []).slice(-19), parcel]);
      if (!isKept) unkept.push(parcel);
      return isKept;
    },
    dropAside(id) {
      unkept = unkept.filter((parcel) => parcel.id !== id);
      write(
        ASIDE,
        read(ASIDE, []).filter((parcel) => parcel.id !== id),
      );
    },
  };
}
