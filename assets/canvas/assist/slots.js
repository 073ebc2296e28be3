// Images encoded ahead: the open one, then its neighbours in the direction of travel. While the chosen models answer
// without an encoder, the first image of a dataset is asked for once, so that what they learn from it is learned before a click.

import { signal } from "../document/signal.js";

const POLL_MS = 300,
  WARM_MS = 700; // after the image is shown: learning takes a second or two of the server
const ROLES = ["segmenter", "masker", "finder"];
const BUSY = new Set(["waiting", "encoding"]);

export function createSlots({ call, cards, clientId, images, session, settings }) {
  const changed = signal();
  let rows = [],
    timer = null,
    turn = 0,
    warmed = ""; // dataset and model that are ready for the first click

  /** The model whose encoding is worth having: the first chosen one that needs it; a finder once it was used. */
  const card = () =>
    ROLES.filter((role) => role !== "finder" || settings.get("findUsed"))
      .map((role) => cards.card(role))
      .find((one) => !cards.isLight(one)) ?? null;

  function show(next) {
    rows = next;
    changed.emit();
  }

  async function poll(mine) {
    if (mine !== turn) return;
    if (!document.hidden) {
      const status = await call("slots_status", { client_id: clientId });
      if (mine !== turn) return;
      show(status.slots.filter((slot) => slot.state !== "empty"));
      if (!rows.some((slot) => BUSY.has(slot.state))) return;
    }
    timer = setTimeout(() => poll(mine).catch(() => lost(mine)), POLL_MS);
  }
  /** The server does not say how far it is: hide the rings rather than show an old state. */
  function lost(mine) {
    if (mine !== turn) return;
    stop();
    show([]);
  }
  function stop() {
    clearTimeout(timer);
    turn += 1;
  }

  async function preload(mine) {
    const { id } = card(),
      step = session.direction;
    const wanted = [
      ["current", session.imageId],
      ["next", await neighbour(step)],
      ["previous", await neighbour(-step)],
    ];
    for (const [slot, image_id] of wanted) {
      if (mine !== turn) return;
      if (image_id !== null) {
        await call("slots_preload", { image_id, segmenter: id, slot, client_id: clientId });
      }
    }
  }
  /** Let a light model learn from the open dataset, once; a click tells what it lacks. */
  function warm(mine) {
    const image_id = session.imageId,
      segmenter = cards.id("segmenter"),
      wanted = `${segmenter} ${session.dataset}`;
    if (!segmenter || wanted === warmed) return;
    timer = setTimeout(() => {
      if (mine !== turn) return;
      warmed = wanted;
      call("slots_preload", { image_id, segmenter, slot: "current", client_id: clientId }).catch(() => {});
    }, WARM_MS);
  }
  async function neighbour(step) {
    const row = await images.at(session.index + step);
    return row && !row.problem ? row.id : null;
  }

  return {
    subscribe: changed.subscribe,
    /** {slot, image_id, name, card, state, progress, bytes} of each slot in use. */
    get rows() {
      return rows;
    },
    /** The open image, its neighbours or the chosen model have changed. */
    async follow() {
      stop();
      const mine = turn;
      if (session.phase !== "ready") return show([]);
      if (!card()) {
        show([]);
        return warm(mine);
      }
      try {
        await preload(mine);
        await poll(mine);
      } catch (error) {
        if (mine !== turn) return;
        show([]);
        if (error.code !== "offline") console.info("no image is encoded ahead:", error.message); // a click will tell
      }
    },
    stop,
  };
}
