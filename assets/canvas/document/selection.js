// Which annotations are selected, and which one the pointer is over.

import { signal } from "./signal.js";

/** @param {{rows: Map, subscribe: Function}} store */
export function createSelection(store) {
  const changed = signal();
  let ids = new Set(),
    hover = null;

  store.subscribe(() => {
    const left = [...ids].filter((id) => store.rows.has(id));
    if (hover && !store.rows.has(hover)) hover = null;
    if (left.length !== ids.size) {
      ids = new Set(left);
      changed.emit();
    }
  });
  const show = (next) => {
    if (next.size === ids.size && [...next].every((id) => ids.has(id))) return;
    ids = next;
    changed.emit();
  };
  return {
    get ids() {
      return ids;
    },
    get size() {
      return ids.size;
    },
    get hover() {
      return hover;
    },
    has: (id) => ids.has(id),
    /** Selected annotations, in drawing order of selection. */
    rows: () => [...ids].map((id) => store.rows.get(id)).filter(Boolean),
    /** The one selected annotation, or null when none or several are. */
    only: () => (ids.size === 1 ? (store.rows.get([...ids][0]) ?? null) : null),
    set: (list) => show(new Set(list)),
    add: (list) => show(new Set([...ids, ...list])),
    toggle(id) {
      const next = new Set(ids);
      if (!next.delete(id)) next.add(id);
      show(next);
    },
    clear: () => show(new Set()),
    setHover(id) {
      if (id === hover) return false;
      hover = id;
      return true;
    },
    subscribe: changed.subscribe,
  };
}
