// The neighbours of the open image, fetched before the person gets there.

const FRESH_MS = 20_000; // a neighbour fetched longer ago is fetched again
const KEEP = 4;

/** @param {{call: Function, images: object, sync: object, bitmaps: object}} parts */
export function createAhead({ call, images, sync, bitmaps }) {
  const held = new Map(); // image id -> {at, answer: Promise}

  function fetchOne(row) {
    const { id } = row,
      answer = call("image_open", { image_id: id });
    decode(row, answer).catch(() => {}); // shown when the person gets there
    answer.catch(() => held.delete(id));
    held.set(id, { at: Date.now(), answer });
  }

  /** Decode an image as soon as its size is known: a list has it, or the answer that opens it. */
  async function decode(row, answer) {
    if (row?.width) return bitmaps.get(row);
    const { image_id: id, width, height } = await answer;
    return bitmaps.get({ id, width, height });
  }

  return {
    decode,
    has: (id) => held.has(id),
    /** What image_open says of an image: as it was fetched ahead while that is fresh, else as it is now. */
    async take(id) {
      const kept = held.get(id),
        ask = () => call("image_open", { image_id: id });
      held.delete(id);
      if (!kept || Date.now() - kept.at > FRESH_MS) return ask();
      const answer = await kept.answer;
      return answer.revision < (sync.revisionOf(id) ?? 0) ? ask() : answer; // we saved it since
    },
    /** Fetch the neighbours of an index, the one in the direction of travel first. */
    async fetch(index, direction) {
      for (const step of [direction, -direction]) {
        const row = await images.at(index + step);
        if (row && !row.problem && !held.has(row.id) && !sync.pendingOf(row.id).length) fetchOne(row);
      }
      for (const id of held.keys()) if (held.size > KEEP) held.delete(id);
    },
    /** Fetch one image that the person is about to see. */
    prepare(id) {
      if (!held.has(id) && !sync.pendingOf(id).length) fetchOne(images.byId(id) ?? { id });
    },
    forget(id) {
      held.delete(id);
    },
    forgetAll: () => held.clear(),
  };
}
