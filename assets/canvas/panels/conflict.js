// Somebody else saved this image first: both versions are kept until the person chooses.

import { el } from "../shell/dom.js";
import { compare, rebase } from "../document/ops.js";

export function createConflictPanel({ call, store, sync, outbox, session, stage, newId, tell, toast }) {
  const root = el("div.tc-conflict", { role: "alertdialog", "aria-label": "Conflict", hidden: true });
  let open = null,
    isSettling = false;

  const theirRows = (conflict) => new Map((conflict.theirs.annotations ?? []).map((row) => [row.id, row]));
  /** What differs: their annotations that differ from ours, and the numbers in words. */
  function differences(conflict) {
    const theirs = theirRows(conflict),
      { onlyMine, onlyTheirs, changed } = compare(store.rows, theirs);
    return {
      rows: [...onlyTheirs, ...changed].map((id) => theirs.get(id)),
      words: `${onlyMine.length} only here, ${onlyTheirs.length} only there, ${changed.length} different`,
    };
  }

  async function settle(mine) {
    if (isSettling) return; // the second click of a double click
    isSettling = true;
    const conflict = open,
      { imageId } = conflict;
    try {
      const now = await call("image_open", { image_id: imageId });
      await finish(mine, imageId, now.name, sync.resolve(imageId, now.revision));
      if (open === conflict) hide();
    } catch (error) {
      tell(error);
    } finally {
      isSettling = false;
    }
  }

  /** Show their version, and make our edits again on it or set them aside: whatever fails, they are not lost. */
  async function finish(mine, imageId, name, edits) {
    let isShown = false;
    try {
      if (session.imageId === imageId) await session.reload();
      isShown = session.imageId === imageId; // the person may have gone on to another image
    } finally {
      if (mine && isShown) apply(edits);
      else setAside(imageId, name, edits);
    }
  }

  /** Make edits again on the version that is open now. */
  function apply(edits) {
    const { ops, dropped } = rebase(
      store.rows,
      edits.flatMap((edit) => edit.ops).filter((op) => op.op !== "image"),
    );
    if (ops.length) store.commit("Apply my changes again", ops);
    if (dropped) toast(`${dropped} of your changes concerned boxes that are gone.`, "warn");
  }

  function setAside(imageId, name, edits) {
    if (!edits.length) return;
    const isKept = outbox.setAside({ id: newId(), imageId, name, at: Date.now(), edits });
    if (isKept) toast('Your version was set aside; find it under Ctrl K, "Changes set aside".', "ok");
    else toast('This browser has no room for it: download your version under Ctrl K, "Changes set aside".', "warn");
  }

  function show(conflict) {
    open = conflict;
    const { rows: theirs, words } = differences(conflict),
      who = conflict.theirs.author?.user || "Another window";
    const look = (rows) => stage.setCompare(rows);
    root.hidden = false;
    root.replaceChildren(
      el("h2", { text: `${who} saved this image before you` }),
      el("p", {
        text: `Nothing was overwritten. Your version is drawn in colour, what differs in theirs in white dashes: ${words}.`,
      }),
      el(
        "div.tc-buttons",
        {},
        el(
          "button.tc-button",
          {
            type: "button",
            title: "Show or hide their version",
            "aria-pressed": "true",
            onclick: (event) => {
              const on = event.target.getAttribute("aria-pressed") !== "true";
              event.target.setAttribute("aria-pressed", String(on));
              look(on ? theirs : null);
            },
          },
          "Show theirs",
        ),
        el(
          "button.tc-button",
          {
            type: "button",
            onclick: () => settle(false),
            dataset: { choice: "theirs" },
            title: "Their version stays; yours is set aside and can be applied later",
          },
          "Keep theirs",
        ),
        el(
          "button.tc-button.tc-primary",
          {
            type: "button",
            onclick: () => settle(true),
            dataset: { choice: "mine" },
            title: "Your changes are made again on their version",
          },
          "Apply mine on top",
        ),
      ),
    );
    look(theirs);
  }

  function hide() {
    open = null;
    root.hidden = true;
    root.replaceChildren();
    stage.setCompare(null);
  }

  return {
    root,
    apply,
    setAside,
    /** Show the conflict of the open image, if it has one. */
    refresh() {
      const conflict = sync.conflictOf(session.imageId);
      if (conflict && session.phase === "ready") show(conflict);
      else if (open) hide();
    },
  };
}
