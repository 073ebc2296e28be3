// Who else has the open image open: told to the server, and asked of it, every few seconds.

const LEASE_MS = 20_000;

/** @param {{call: Function, clientId: string, imageId: () => ?number, changed: () => void}} parts */
export function createLease({ call, clientId, imageId, changed }) {
  let others = [],
    timer = null,
    turn = 0;

  async function ask(id) {
    try {
      const answer = await call("image_lease", { image_id: id, client_id: clientId });
      const list = answer.others ?? answer ?? [];
      if (id === imageId() && JSON.stringify(list) !== JSON.stringify(others)) {
        others = list;
        changed();
      }
    } catch {
      others = [];
    } // saving tells when the server is away
  }

  async function renew() {
    const mine = (turn += 1);
    clearTimeout(timer);
    if (imageId() !== null && !document.hidden) await ask(imageId());
    if (mine === turn) timer = setTimeout(renew, LEASE_MS);
  }

  return {
    get others() {
      return others;
    },
    renew,
    forget() {
      others = [];
    },
    stop() {
      turn += 1;
      clearTimeout(timer);
    },
  };
}
