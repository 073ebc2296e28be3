// Puts the canvas together inside one Gradio element. Every part is made here and handed the parts that it uses;
// what is made later is handed as a function.

import { createNewRow } from "./document/rows.js";
import { createStore } from "./document/store.js";
import { createOutbox } from "./document/outbox.js";
import { createSync } from "./document/sync.js";
import { createRpc } from "./document/rpc.js";
import { createSettings } from "./document/settings.js";
import { createSelection } from "./document/selection.js";
import { createClasses } from "./document/classes.js";
import { createImageList } from "./document/images.js";
import { createSession } from "./document/session.js";
import { createQueue } from "./document/queue.js";
import { el } from "./shell/dom.js";
import { createDialogs } from "./shell/dialogs.js";
import { createKeys } from "./shell/keys.js";
import { fillHeight } from "./shell/window.js";
import { createBitmaps, isLarge } from "./drawing/bitmaps.js";
import { createTiles } from "./drawing/tiles.js";
import { createWindows } from "./drawing/windows.js";
import { createStage } from "./drawing/stage.js";
import { createPending } from "./assist/pending.js";
import { createAsk } from "./assist/ask.js";
import { createCards } from "./assist/cards.js";
import { createNaming } from "./assist/naming.js";
import { createPreview } from "./assist/preview.js";
import { createTweak } from "./assist/tweak.js";
import { createAssist } from "./assist/assist.js";
import { createFinds } from "./assist/finds.js";
import { createSimplify } from "./assist/simplify.js";
import { createProposals } from "./assist/proposals.js";
import { createStrokes } from "./assist/strokes.js";
import { createSlots } from "./assist/slots.js";
import { createNudges } from "./tools/nudges.js";
import { createTools } from "./tools/toolbox.js";
import { createSelecting } from "./actions/selecting.js";
import { createActions } from "./actions/index.js";
import { createCommands } from "./actions/commands.js";
import { createPanels } from "./panels/index.js";
import { connect } from "./connect.js";

const newId = () =>
  crypto.randomUUID?.() ??
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** Show a tab of the window by the name of its module; the window's own script knows its buttons. */
const showTab = (name) => window.tator?.showTab?.(name);

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
  const { root, session, stage, dialogs, commands } = app;
  element.replaceChildren(root);
  const stops = [
    fillHeight(root),
    connect(app),
    createKeys(commands.list, {
      isVisible: () => root.getBoundingClientRect().width > 0,
      isModal: () => dialogs.isOpen || hasForeignModal(),
      onHold: stage.hold,
      run: commands.run,
      refuse: (why) => app.toast(why),
      later: (press) => app.queue.isOpen && session.isWalking && (session.queue(press), true),
    }),
    session.destroy,
    stage.destroy,
  ];
  const openDataset = (name) => (name !== session.dataset ? session.openDataset(name) : null);
  const follow = () => openDataset(app.wanted() || null);
  mounted = { follow, destroy: () => stops.forEach((stop) => stop()) };
  window.tator = Object.assign(window.tator ?? {}, {
    openDataset,
    async openImage(dataset, imageId) {
      app.showLabel();
      if (dataset === session.dataset) return session.openImage(Number(imageId));
      return session.openDataset(dataset, Number(imageId));
    },
    /** Review the candidates of a choice; see document/queue.js for its names. */
    async review(dataset, choice) {
      app.showLabel();
      if (dataset !== session.dataset) await session.openDataset(dataset);
      return app.queue.open(choice);
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

/** Make the parts, room by room. */
function createApp({ server, trigger, wanted }) {
  const base = { ...createDocument(server), wanted, showTab, showLabel: () => showTab("label") };
  const refresh = () => panels.refreshSoon(); // the panels come last
  const tiles = createTiles(base),
    windows = createWindows({ ...base, tiles }),
    bitmaps = createBitmaps();
  const stage = createStage({ ...base, tiles, windows, tools: () => tools, proposed: () => proposals.scene() });
  async function sharpen(id) {
    const better = await bitmaps.preview(id);
    if (session.imageId === id) stage.sharpen(better);
  }
  const nudges = createNudges({ ...base, stage });
  const review = { begin: () => tools.borrow("review"), end: () => tools.giveBack("review") };
  const models = createModels({ ...base, stage, review }),
    { proposals } = models;
  const tools = createTools({ ...base, ...models, stage, beforeEdit: nudges.flush });
  const session = createSession({
    ...base,
    bitmaps,
    show(bitmap, size, keepView) {
      const { id } = base.store.image ?? {};
      stage.show(bitmap, size, keepView);
      windows.show(bitmap && { id, ...size }, bitmap);
      if (bitmap && isLarge(size)) sharpen(id).catch(() => {}); // the small picture stays until tiles come
    },
    interrupt() {
      tools.cancel();
      proposals.reset();
    },
    isBusy: () => Boolean(tools.current.isBusy),
    beforeEdit: nudges.flush,
    opened(dataset) {
      if (dataset !== wanted()) trigger?.("opened", { dataset }); // the header follows
      models.naming.follow(dataset);
    },
  });
  const queue = createQueue({
    ...base,
    session,
    point(row) {
      if (base.classes.isHidden(row.class_id)) base.classes.toggleHidden(row.class_id);
      base.selection.set([row.id]);
      stage.reveal(row.xyxy);
    },
  });
  const parts = {
    ...base,
    ...models,
    stage,
    tiles,
    windows,
    nudges,
    tools,
    session,
    queue,
    slots: createSlots({ ...base, ...models, session }),
  };
  const selecting = createSelecting(parts);
  const openers = Object.fromEntries(OPENERS.map((name) => [name, (...args) => panels[name](...args)]));
  const actions = createActions({ ...parts, selecting, refresh, panels: openers });
  const commands = createCommands({ actions, beforeEdit: nudges.flush, tell: base.tell, refresh });
  const panels = createPanels({ ...parts, selecting, commands });
  return { ...parts, server, actions, commands, panels };
}

/** The panels that actions open. */
const OPENERS = ["searchImages", "addClass", "renameClass", "skeleton", "find", "asides", "help", "palette", "chooseClass", "sheet", "viewSettings"];

/** The open document, the way to the server, and what the person is told. */
function createDocument(server) {
  const root = el("div.tc", { lang: "en" }),
    dialogs = createDialogs(root),
    { toast, confirm } = dialogs;
  /** Show a failure: expected ones in their own words, others also in the console. */
  function tell(error) {
    if (!error.code) console.error(error);
    toast(error.message, error.code === "unavailable" ? "warn" : "bad");
  }
  const clientId = newId(),
    call = createRpc(server),
    outbox = createOutbox(localStorage, clientId),
    store = createStore(),
    classes = createClasses(store);
  return {
    root,
    dialogs,
    toast,
    confirm,
    tell,
    newId,
    clientId,
    call,
    outbox,
    store,
    classes,
    settings: createSettings(localStorage),
    sync: createSync({ call, outbox, clientId }),
    pending: createPending(),
    selection: createSelection(store),
    images: createImageList(call),
    newRow: createNewRow({ classes, newId, toast }),
  };
}

/** Asking models, and what they propose. */
function createModels(base) {
  const { pending } = base,
    { one: ask, parts: askParts } = createAsk(base);
  const cards = createCards(base),
    naming = createNaming({ ...base, ask }),
    preview = createPreview(base),
    simplify = createSimplify(base);
  const tweak = createTweak({ ...base, cards, askParts, naming, preview }),
    assist = createAssist({ ...base, cards, ask, naming, tweak }),
    finds = createFinds({ ...base, cards, ask, naming }),
    strokes = createStrokes({ ...base, ask, naming }),
    proposals = createProposals({ ...base, assist, finds, preview, simplify });
  return { cards, naming, preview, simplify, tweak, assist, finds, strokes, proposals };
}
