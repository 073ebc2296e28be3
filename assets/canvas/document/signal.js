// A list of listeners.

/** @returns {{emit: Function, subscribe: (f: Function) => () => void}} */
export function signal() {
  const listeners = new Set();
  return {
    emit(...values) {
      for (const f of [...listeners]) f(...values);
    },
    subscribe(f) {
      listeners.add(f);
      return () => listeners.delete(f);
    },
  };
}
