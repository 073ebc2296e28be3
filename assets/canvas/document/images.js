// The dataset's image list, fetched in pages as it scrolls into sight; holds for 100,000 images.

import { signal } from "./signal.js";

export const PAGE = 500;

/** @typedef {{id: number, name: string, width: number, height: number, state: string, annotation_count: number, problem: ?string}} ImageRow */
export function createImageList(call) {
  const changed = signal();
  let dataset = "",
    filter = { state: "", search: "" },
    total = 0,
    pages = new Map(),
    asked = new Map(),
    round = 0,
    whole = null;
  const places = new Map(); // image id -> index in this list, once known

  function accept(page, answer) {
    total = answer.total;
    pages.set(page, answer.images);
    answer.images.forEach((row, i) => places.set(row.id, page * PAGE + i));
  }

  function fetchPage(page) {
    if (pages.has(page)) return Promise.resolve();
    if (asked.has(page)) return asked.get(page);
    const mine = round;
    const answer = call("images_list", { dataset, offset: page * PAGE, limit: PAGE, ...filter })
      .then((found) => {
        if (mine === round) {
          accept(page, found);
          changed.emit();
        }
      })
      .finally(() => {
        if (mine === round) asked.delete(page);
      });
    asked.set(page, answer);
    return answer;
  }

  return {
    get dataset() {
      return dataset;
    },
    get total() {
      return total;
    },
    get filter() {
      return filter;
    },
    /** Images of the dataset without any filter, once a list without one was read. */
    get whole() {
      return whole;
    },
    get isFiltered() {
      return Boolean(filter.state || filter.search);
    },
    subscribe: changed.subscribe,

    /** Start over with another dataset or filter; resolves when the first page is there. */
    async reset(name, { state = "", search = "" } = {}) {
      round += 1;
      dataset = name;
      filter = { state, search };
      total = 0;
      pages = new Map();
      asked = new Map();
      places.clear();
      const mine = round;
      await fetchPage(0);
      if (mine === round && !state && !search) whole = total;
      if (mine === round) changed.emit();
    },
    /** The image at an index, or null while it is not here yet. @returns {?ImageRow} */
    row: (index) => pages.get(Math.floor(index / PAGE))?.[index % PAGE] ?? null,
    /** The image at an index, fetched when need be; null beyond the ends. @returns {Promise<?ImageRow>} */
    async at(index) {
      if (index < 0 || index >= total) return null;
      await fetchPage(Math.floor(index / PAGE));
      return this.row(index);
    },
    /** Ask for the pages of a range that is in sight. */
    ensure(from, to) {
      for (
        let page = Math.floor(Math.max(0, from) / PAGE);
        page <= Math.floor(Math.min(to, total - 1) / PAGE);
        page++
      ) {
        fetchPage(page).catch(() => {}); // the caller's own next request shows the failure
      }
    },
    indexOf: (id) => places.get(id) ?? -1,
    /** Note where an image stands in the unfiltered list before its page is here. */
    place(id, index) {
      places.set(id, index);
    },
    byId(id) {
      const i = places.get(id);
      return i === undefined ? null : this.row(i);
    },
    /** Show a change of an image, e.g. its state or count. */
    update(id, changes) {
      const index = places.get(id),
        page = pages.get(Math.floor(index / PAGE));
      if (!page?.[index % PAGE]) return;
      page[index % PAGE] = { ...page[index % PAGE], ...changes };
      changed.emit();
    },
  };
}
