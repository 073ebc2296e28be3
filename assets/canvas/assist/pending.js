// Requests to models under way: each is listed until it answers, can be cancelled, and is dropped when its image has gone.

import { signal } from "../document/signal.js";

export function createPending() {
  const changed = signal();
  const open = new Map();
  let last = 0;
  return {
    subscribe: changed.subscribe,
    list: () => [...open.values()],
    get size() {
      return open.size;
    },
    /**
     * Wait for an answer about an image.
     *
     * @param {{label: string, imageId: number, group?: string}} about  a new request cancels older ones of its group
     * @param {(entry: {cancelled: boolean, report: (progress: string) => void}) => Promise<any>} ask
     * @param {() => number} current  id of the image open when the answer arrives
     * @returns {Promise<any>} the answer, or null when it came too late or was cancelled
     */
    async run({ label, imageId, group = "" }, ask, current) {
      if (group) for (const other of open.values()) if (other.group === group) other.cancel();
      const id = (last += 1);
      const entry = { id, label, imageId, group, started: Date.now(), cancelled: false };
      entry.cancel = () => {
        entry.cancelled = true;
        open.delete(id);
        changed.emit();
      };
      entry.report = (progress) => {
        entry.progress = progress;
        changed.emit();
      };
      open.set(id, entry);
      changed.emit();
      try {
        const answer = await ask(entry);
        return entry.cancelled || current() !== imageId ? null : answer;
      } catch (error) {
        if (entry.cancelled || current() !== imageId) return null;
        throw error;
      } finally {
        if (open.delete(id)) changed.emit();
      }
    },
    cancelAll() {
      for (const entry of [...open.values()]) entry.cancel();
    },
  };
}
