// The dataset's classes: order, names, colours, which one is current, which are hidden, how many annotations each has here.

import { signal } from "./signal.js";

const UNKNOWN = Object.freeze({ class_id: -1, name: "?", color: "#9aa4b8" });

/** @typedef {{class_id: number, name: string, color: string}} LabelClass */
export function createClasses(store) {
  const changed = signal();
  let list = [],
    byId = new Map(),
    current = -1,
    hidden = new Set(),
    counted = -1,
    counts = new Map();

  return {
    get list() {
      return list;
    },
    get current() {
      return byId.get(current) ?? list[0] ?? UNKNOWN;
    },
    subscribe: changed.subscribe,
    of: (id) => byId.get(id) ?? UNKNOWN,
    /** The class a number key means: 1 is the first. */
    numbered: (n) => list[n - 1] ?? null,
    numberOf: (id) => {
      const i = list.findIndex((c) => c.class_id === id);
      return i >= 0 && i < 9 ? i + 1 : null;
    },
    isHidden: (id) => hidden.has(id),
    get hiddenCount() {
      return hidden.size;
    },

    /** Show a dataset's classes, in label-map order. */
    load(classes) {
      list = classes;
      byId = new Map(classes.map((c) => [c.class_id, c]));
      if (!byId.has(current)) current = list[0]?.class_id ?? -1;
      hidden = new Set([...hidden].filter((id) => byId.has(id)));
      changed.emit();
    },
    choose(id) {
      if (byId.has(id) && id !== current) {
        current = id;
        changed.emit();
      }
    },
    /** Choose the class `step` rows further in the list, stopping at its ends. */
    step(step) {
      const at = list.findIndex((c) => c.class_id === this.current.class_id);
      const next = list[Math.min(list.length - 1, Math.max(0, at + step))];
      if (next) this.choose(next.class_id);
    },
    toggleHidden(id) {
      if (!hidden.delete(id)) hidden.add(id);
      changed.emit();
    },
    showAll() {
      hidden = new Set();
      changed.emit();
    },

    /** Annotations of a class on the open image, rejected ones not counted. */
    count(id) {
      if (counted !== store.version) {
        counted = store.version;
        counts = new Map();
        for (const row of store.rows.values()) {
          if (row.status !== "rejected") counts.set(row.class_id, (counts.get(row.class_id) ?? 0) + 1);
        }
      }
      return counts.get(id) ?? 0;
    },
  };
}
