// Puts the canvas together inside one Gradio element and connects its parts. The parts know each other as `app`.

import { el } from "./shell/dom.js";
import { createRpc } from "./document/rpc.js";
import { createStore } from "./document/store.js";
import { createOutbox } from "./document/outbox.js";
import { createSync } from "./document/sync.js";
import { createSettings } from "./document/settings.js";
import { createSelection } from "./document/selection.js";
import { createClasses } from "./document/classes.js";
import { createImageList } from "./document/images.js";
import { createBitmaps } from "./drawing/bitmaps.js";
import { createPending } from "./assist/pending.js";
import { createAsk } from "./assist/ask.js";
import { createCards } from "./assist/cards.js";
import { createAssist } from "./assist/assist.js";
import { createTweak } from "./assist/tweak.js";
import { createNaming } from "./assist/naming.js";
import { createPreview } from "./assist/preview.js";
import { createFinds } from "./assist/finds.js";
import { createSimplify } from "./assist/simplify.js";
import { createStrokes } from "./assist/strokes.js";
import { createSlots } from "./assist/slots.js";
import { createTools } from "./tools/toolbox.js";
import { createNudges } from "./tools/nudges.js";
import { createStage } from "./drawing/stage.js";
import { createSession } from "./document/session.js";
import { createPanels } from "./panels/index.js";
import { createKeys } from "./shell/keys.js";
import { connect } from "./connect.js";
import { ACTIONS, actionById } from "./actions/index.js";
import { fillHeight } from "./shell/window.js";

const newId = () =>
  crypto.randomUUID?.() ??
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

let mounted = null;

/** Start the canvas in an element. Gradio calls this once; `props.value` is {dataset}. */
export async function mount({ watch, ...given }) {
  watch("value", () => mounted?.follow());
  await start(given);
}

/** Start a canvas in place of the one before. */
async function start(given) {
  const { element, props, server, trigger } = given;
  mounted?.destroy();
  const app = createApp({ server, trigger, wanted: () => props.value?.dataset ?? "" });
  element.replaceChildren(app.root);
  const free = fillHeight(app.root);
  const disconnect = connect(app);
  const unkey = createKeys(ACTIONS, {
    isVisible: () => app.root.getBoundingClientRect().width > 0,
    isModal: () => app.dialogs.isOpen || hasForeignModal(),
    onHold: (down) => app.stage.hold(down),
    run: app.run,
    context: app,
  });
  const openDataset = (name) => (name !== app.session.dataset ? app.session.openDataset(name) : null);
  const follow = () => openDataset(app.wanted() || null);
  mounted = {
    follow,
    destroy() {
      unkey();
      disconnect();
      free();
      app.session.destroy();
      app.stage.destroy();
    },
  };
  window.tator = Object.assign(window.tator ?? {}, {
    openDataset,
    async openImage(dataset, imageId) {
      app.showLabel();
      if (dataset === app.session.dataset) return app.session.openImage(Number(imageId));
      return app.session.openDataset(dataset, Number(imageId));
    },
    /** For tests and measurements: the canvas, and a new one as after a reload of the page. */
    app,
    restart: () => start(given),
  });
  app.sync.adopt();
  (await follow()) ?? app.panels.refresh();
}

/** Another dialog on the page owns the keyboard. */
const hasForeignModal = () =>
  [...document.querySelectorAll('dialog[open],[aria-modal="true"]')].some((node) => node.getClientRects().length > 0);

function createApp({ server, trigger, wanted }) {
  const clientId = newId(),
    outbox = createOutbox(localStorage, clientId);
  const app = { clientId, outbox, newId, trigger, wanted, actions: ACTIONS, root: el("div.tc", { lang: "en" }) };
  app.call = createRpc(server);
  app.store = createStore();
  app.settings = createSettings(localStorage);
  app.sync = createSync({ call: app.call, outbox, clientId });
  app.selection = createSelection(app.store);
  app.classes = createClasses(app.store);
  app.images = createImageList(app.call);
  app.bitmaps = createBitmaps();
  app.pending = createPending();
  const { one, parts } = createAsk(app);
  app.ask = one;
  app.askParts = parts;
  app.cards = createCards(app);
  app.assist = createAssist(app);
  app.tweak = createTweak(app);
  app.naming = createNaming(app);
  app.preview = createPreview(app);
  app.finds = createFinds(app);
  app.simplify = createSimplify(app);
  app.strokes = createStrokes(app);
  app.tools = createTools(app);
  app.stage = createStage(app);
  app.nudges = createNudges(app);
  app.session = createSession(app);
  app.slots = createSlots(app);
  Object.assign(app, verbs(app));
  app.panels = createPanels(app, ACTIONS, actionById);
  return app;
}

/** Small things that several parts need. */
const verbs = (app) => ({
  run(action) {
    if (action.when && !action.when(app)) return;
    if (!action.id.startsWith("nudge_")) app.beforeEdit();
    try {
      Promise.resolve(action.run(app)).catch(app.tell);
    } catch (error) {
      app.tell(error);
    }
    app.panels.refreshSoon();
  },
  runById: (id) => app.run(actionById(id)),
  refresh: () => app.panels.refreshSoon(),
  /** Finish what is half done before the document changes. */
  beforeEdit: () => app.nudges.flush(),
  /** What is proposed on screen and waits for Enter or Esc: {take, drop, text}; null for nothing. */
  proposal: () => [app.simplify, app.preview, app.assist, app.finds].find((one) => one.isOpen) ?? null,
  /** Another image: nothing proposed on the old one stays. */
  resetProposals() {
    app.simplify.drop();
    app.preview.drop();
    app.assist.reset();
    app.finds.reset();
  },
  toast: (text, tone) => app.dialogs.toast(text, tone),
  confirm: (question, note, verb) => app.dialogs.confirm(question, note, verb),
  /** Show a failure: expected ones in their own words, others also in the console. */
  tell(error) {
    if (!error.code) console.error(error);
    app.dialogs.toast(error.message, error.code === "unavailable" ? "warn" : "bad");
  },
  said: (verb, entry) => {
    if (entry?.label) app.toast(`${verb}: ${entry.label}`);
  },
  showLabel: () => app.panels.showLabel(),
  isInside: ([x, y]) => {
    const { size } = app.stage;
    return Boolean(size) && x >= 0 && y >= 0 && x <= size.width && y <= size.height;
  },
  /** A new annotation of the current class by this person; null (and told) while there is no class. */
  newRow(xyxy, class_id = app.classes.current.class_id) {
    if (class_id < 0) {
      app.toast("Add a class first: the plus beside Classes.", "warn");
      return null;
    }
    return { id: newId(), class_id, xyxy, polygons: null, confidence: null, source: "human", status: "accepted" };
  },
  /** Choose a class and give it to the selection. */
  chooseClass(class_id) {
    app.classes.choose(class_id);
    const rows = app.selection.rows().filter((row) => row.class_id !== class_id),
      { name } = app.classes.of(class_id);
    if (!rows.length) return;
    app.store.commit(
      `Class ${name}`,
      rows.map((row) => ({ op: "set", id: row.id, changes: { class_id } })),
    );
    app.toast(`${rows.length === 1 ? "The box is" : `${rows.length} boxes are`} ${name} now.`);
  },
  /** Select the next or previous annotation and bring it into sight. */
  cycle(by) {
    const ids = [...app.store.rows.values()]
      .filter((row) => row.status !== "rejected" && !app.classes.isHidden(row.class_id))
      .map((row) => row.id);
    if (!ids.length) return;
    const at = ids.indexOf([...app.selection.ids].at(-1));
    app.selection.set([ids[(at + by + ids.length + (at < 0 && by < 0 ? 1 : 0)) % ids.length]]);
  },
  focusSelection() {
    const rows = app.selection.rows();
    app.stage.focus(
      rows.reduce(
        (all, { xyxy: b }) => [
          Math.min(all[0], b[0]),
          Math.min(all[1], b[1]),
          Math.max(all[2], b[2]),
          Math.max(all[3], b[3]),
        ],
        rows[0].xyxy,
      ),
    );
  },
});
