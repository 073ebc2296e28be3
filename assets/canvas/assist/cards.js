// The models that can be asked, and which one a person's choice means now.

import { signal } from "../document/signal.js";

const TASKS = ["segment", "find"];
const FALLBACK = { segmenter: "ridge_box", masker: "grabcut", finder: "" };
const TASK_OF = { segmenter: "segment", masker: "segment", finder: "find" };

/** @typedef {{id: string, label: string, state: string, expects: string, message?: string, weights?: string, is_default?: boolean}} Card */
export function createCards({ call, settings }) {
  const changed = signal();
  let lists = { segment: [], find: [] };

  const isReady = (card) => card?.state === "ready";
  const find = (id) => [...lists.segment, ...lists.find].find((card) => card.id === id) ?? null;
  /** Does it answer without encoding the image first? */
  const isLight = (card) => !card || ["", "trained"].includes(card.weights ?? "");

  function automatic(role) {
    const best = lists[TASK_OF[role]].find((card) => card.is_default && isReady(card));
    if (role === "masker" && isLight(best)) return find(FALLBACK.masker); // the box refiner makes no masks
    return best ?? find(FALLBACK[role]);
  }

  /** The card that a role means: the person's choice while it is ready, else the best one here. @returns {?Card} */
  function card(role) {
    const wanted = find(settings.get(role));
    return isReady(wanted) ? wanted : automatic(role);
  }

  return {
    subscribe: changed.subscribe,
    find,
    isReady,
    isLight,
    of: (role) => lists[TASK_OF[role]],
    automatic,
    card,
    /** Its id, also before the list is here. */
    id: (role) => card(role)?.id ?? FALLBACK[role],
    async load() {
      const [segment, found] = await Promise.all(TASKS.map((task) => listed(call, task)));
      lists = { segment, find: found };
      changed.emit();
    },
  };
}

/** A task that no backend serves has no models. */
async function listed(call, task) {
  try {
    const answer = await call("models_list", { task });
    return answer.models ?? answer;
  } catch (error) {
    if (error.code === "bad_input") return [];
    throw error;
  }
}
