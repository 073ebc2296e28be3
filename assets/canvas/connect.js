// Who hears of what: the wiring between the parts, and between the page's life and saving.

import { urls } from "./document/urls.js";
import { isDark, onReturn, watchTheme } from "./shell/window.js";

const BEAT_MS = 5000;

/** @returns {() => void} disconnect */
export function connect(app) {
  const { panels, stage, sync, session, images } = app;
  const stops = [
    app.store.subscribe(({ ids }) => {
      stage.paintBase();
      panels.onDocument();
      if (ids) noteImage(app);
    }),
    app.store.onEdit((edit) => {
      session.stale(edit.imageId);
      sync.push(edit);
    }),
    app.selection.subscribe(() => {
      stage.frame();
      panels.onSelection();
    }),
    app.classes.subscribe(() => {
      stage.paintBase();
      panels.onClasses();
    }),
    app.settings.subscribe(() => {
      stage.paintBase();
      panels.refreshSoon();
    }),
    app.tools.subscribe(() => {
      stage.cursorStyle();
      stage.frame();
      panels.refreshSoon();
    }),
    ...[app.assist, app.finds, app.preview, app.simplify].map((part) => part.subscribe(panels.refreshSoon)),
    app.selection.subscribe(() => app.simplify.drop()),
    app.store.onEdit(() => app.simplify.drop()),
    ...encodeAhead(app),
    app.pending.subscribe(panels.refreshSoon),
    images.subscribe(() => panels.onImages()),
    session.subscribe(panels.onSession),
    app.queue.subscribe(() => {
      panels.onQueue();
      panels.refreshSoon();
    }),
    stage.viewChanged(panels.onView),
    stage.pointerMoved(panels.onPointer),
    sync.stateChanged(() => panels.onSave()),
    sync.onConflict(() => panels.onSave()),
    sync.onSaved(({ imageId, annotationCount, classesBack }) => {
      if (classesBack.length) classesCameBack(app, classesBack);
      session.stale(imageId);
      images.update(imageId, { annotation_count: annotationCount });
    }),
    sync.onRefused((refusal) => refused(app, refusal)),
    watchTheme(() => theme(app)),
    onReturn(app.root, () => session.refresh()),
    ...pageLife(app),
  ];
  theme(app);
  loadAssists(app);
  return () => {
    for (const stop of stops) stop?.();
  };
}

/** The stage is drawn with the theme's colours. */
function theme(app) {
  const style = getComputedStyle(app.root),
    read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  app.root.classList.toggle("tc-dark", isDark());
  app.stage.setPalette({ accent: read("--accent", "#4f8cff") });
}

/** Keep the open image and its neighbours encoded for the models in use. */
function encodeAhead(app) {
  let key = "";
  const follow = () => {
    const now = [app.session.imageId, app.session.phase, ...["segmenter", "masker", "finder"].map(app.cards.id)].join(
      ":",
    );
    if (now !== key) app.slots.follow();
    key = now;
  };
  return [app.session.subscribe(follow), app.cards.subscribe(follow), app.settings.subscribe(follow), app.slots.stop];
}

function noteImage(app) {
  const { image, rows } = app.store;
  if (image)
    app.images.update(image.id, {
      state: image.state,
      annotation_count: [...rows.values()].filter((row) => row.status === "accepted").length,
    });
}

/** The server will never take these edits: keep them aside and show what is stored. */
async function refused(app, { imageId, edits, error }) {
  app.panels.setAside(imageId, app.images.byId(imageId)?.name ?? String(imageId), edits);
  app.tell(error);
  if (app.session.imageId === imageId && error.code !== "not_found") await app.session.reload().catch(app.tell);
}

async function loadAssists(app) {
  try {
    await app.cards.load();
  } catch (error) {
    if (error.code !== "offline") app.tell(error);
  }
}

/** Save when the page goes away; come back when the network does. */
function pageLife(app) {
  const { sync, outbox } = app;
  const listen = (target, name, f) => {
    target.addEventListener(name, f);
    return () => target.removeEventListener(name, f);
  };
  const beat = setInterval(() => outbox.beat(), BEAT_MS);
  outbox.beat();
  const leave = () => {
    app.nudges.flush();
    for (const parcel of sync.parcels())
      navigator.sendBeacon(urls.beacon(), new Blob([JSON.stringify(parcel)], { type: "application/json" }));
    outbox.rest();
  };
  return [
    () => clearInterval(beat),
    listen(window, "pagehide", leave),
    listen(window, "pageshow", (event) => {
      if (event.persisted) {
        outbox.beat();
        sync.retry();
      }
    }),
    listen(document, "visibilitychange", () => {
      if (document.hidden) {
        app.nudges.flush();
        sync.flush();
      }
    }),
    listen(window, "online", () => sync.retry()),
    listen(window, "storage", (event) => {
      if (event.key?.startsWith("tator:alive:") && event.newValue === null) setTimeout(() => sync.adopt(), 1500);
    }),
  ];
}

/** An undo gave boxes a class that was deleted since: it is in the list again. */
function classesCameBack(app, rows) {
  app.session.refreshClasses().catch(() => {}); // the next visit reads them
  app.toast(`${rows.map((row) => row.name).join(", ")} was deleted and is back, as boxes have it again.`);
}
