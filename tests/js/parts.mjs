// Real parts of the canvas for tests. The server, the decoder and the stage's canvas are what Node lacks.

import { createStore } from "../../assets/canvas/document/store.js";
import { createSelection } from "../../assets/canvas/document/selection.js";
import { createClasses } from "../../assets/canvas/document/classes.js";
import { createSettings } from "../../assets/canvas/document/settings.js";
import { createNewRow } from "../../assets/canvas/document/rows.js";
import { createPending } from "../../assets/canvas/assist/pending.js";
import { createAsk } from "../../assets/canvas/assist/ask.js";
import { createCards } from "../../assets/canvas/assist/cards.js";
import { createNaming } from "../../assets/canvas/assist/naming.js";
import { createPreview } from "../../assets/canvas/assist/preview.js";
import { createSimplify } from "../../assets/canvas/assist/simplify.js";
import { createTweak } from "../../assets/canvas/assist/tweak.js";
import { createAssist } from "../../assets/canvas/assist/assist.js";
import { createFinds } from "../../assets/canvas/assist/finds.js";
import { createStrokes } from "../../assets/canvas/assist/strokes.js";
import { createProposals } from "../../assets/canvas/assist/proposals.js";
import { createIndex } from "../../assets/canvas/drawing/hit.js";
import { createQueue } from "../../assets/canvas/document/queue.js";
import { createNudges } from "../../assets/canvas/tools/nudges.js";
import { createTools } from "../../assets/canvas/tools/toolbox.js";

export const SIZE = { width: 100, height: 80 };
export const CLASSES = [
  { class_id: 3, name: "car", color: "#ff0000" },
  { class_id: 8, name: "traffic light", color: "#00ff00" },
];

export const row = (id, xyxy = [10, 10, 30, 30], more = {}) => ({
  id,
  class_id: 3,
  xyxy,
  polygons: null,
  confidence: null,
  source: "human",
  status: "accepted",
  ...more,
});

export const opened = (annotations = [], more = {}) => ({
  image_id: 4,
  dataset: "d",
  name: "a.jpg",
  ...SIZE,
  revision: 1,
  state: "in_progress",
  annotations,
  undo: [],
  redo: [],
  ...more,
});

/** A browser's storage in memory. */
export function memory() {
  const held = new Map();
  return {
    getItem: (key) => held.get(key) ?? null,
    setItem: (key, value) => void held.set(key, value),
    removeItem: (key) => void held.delete(key),
  };
}

/** The stage without its canvases: what is asked of it about the open image. */
function flatStage(store) {
  let moved = [];
  return {
    size: SIZE,
    view: { zoom: 1, x: 0, y: 0 },
    frame() {},
    paintBase() {},
    cursorStyle() {},
    setMoved: (rows) => (moved = rows),
    moveEnds: () => (moved = []),
    get moved() {
      return moved;
    },
    isInside: ([x, y]) => x >= 0 && y >= 0 && x <= SIZE.width && y <= SIZE.height,
    hit: (at) => createIndex(store.rows.values()).at(at),
    inside: (box) => createIndex(store.rows.values()).inside(box),
  };
}

/**
 * A canvas with an open image.
 *
 * @param {object[]} annotations  of the open image
 * @param {Object<string, (args: object) => any>} server  answers by the name of the operation
 */
export async function canvas(annotations = [], server = {}) {
  const told = [],
    asked = [],
    reviewing = [];
  let ids = 0;
  const call = async (op, args) => {
    asked.push([op, args]);
    if (!server[op]) throw Object.assign(new Error(`${op} is not served`), { code: "unavailable" });
    return server[op](args);
  };
  const toast = (text) => void told.push(text),
    newId = () => `new${(ids += 1)}`,
    tell = (error) => void told.push(error.message);
  const store = createStore(),
    classes = createClasses(store),
    settings = createSettings(memory()),
    pending = createPending();
  const images = { dataset: "d" };
  const base = {
    store,
    classes,
    settings,
    pending,
    call,
    toast,
    newId,
    tell,
    images,
    selection: createSelection(store),
  };
  const { one: ask, parts: askParts } = createAsk(base),
    cards = createCards(base);
  store.load(opened(annotations));
  classes.load(CLASSES);
  if (server.models_list) await cards.load();
  const review = { begin: () => reviewing.push("begin"), end: () => reviewing.push("end") };
  return {
    ...base,
    told,
    asked,
    reviewing,
    review,
    ask,
    askParts,
    cards,
    confirm: async () => true,
    stage: flatStage(store),
    newRow: createNewRow(base),
    naming: createNaming({ ...base, ask }),
    rows: () => [...store.rows.values()],
  };
}

/** The canvas with its models and tools, and a hand for them: positions are image pixels, which are the screen's. */
export async function canvasWithTools(annotations = [], server = {}) {
  const c = await canvas(annotations, server);
  const review = { begin: () => tools.borrow("review"), end: () => tools.giveBack("review") };
  const preview = createPreview({ ...c, review }),
    simplify = createSimplify(c),
    tweak = createTweak({ ...c, preview }),
    assist = createAssist({ ...c, tweak }),
    finds = createFinds({ ...c, review }),
    strokes = createStrokes(c);
  const models = { preview, simplify, tweak, assist, finds, strokes },
    nudges = createNudges(c);
  const tools = createTools({ ...c, ...models, beforeEdit: nudges.flush });
  const at = (x, y, more = {}) => ({
    screen: [x, y],
    at: [x, y],
    time: 0,
    shift: false,
    ctrl: false,
    alt: false,
    ...more,
  });
  const hand = {
    at,
    down: (x, y, more) => tools.down(at(x, y, more)),
    move: (x, y, more) => tools.move(at(x, y, more)),
    up: (x, y, more) => tools.up(at(x, y, more)),
    click(x, y, more) {
      hand.down(x, y, more);
      hand.up(x, y, more);
    },
    drag([ax, ay], [bx, by], more) {
      hand.down(ax, ay, more);
      hand.move((ax + bx) / 2, (ay + by) / 2, more);
      hand.move(bx, by, more);
      hand.up(bx, by, more);
    },
  };
  const reread = [],
    session = {
      subscribe() {},
      run: (task) => task(async () => {}),
      staleAll() {},
      reload: async () => void reread.push(c.store.image.id),
      imageId: c.store.image.id,
      dataset: "d",
    };
  const queue = createQueue({ ...c, session, sync: { flush: async () => true }, point() {} });
  return {
    ...c,
    ...models,
    session,
    queue,
    reread,
    review,
    nudges,
    tools,
    hand,
    proposals: createProposals({ ...c, ...models }),
  };
}

/** Wait until something holds, for a second at most. */
export async function until(holds) {
  for (let i = 0; i < 1000 && !holds(); i++) await new Promise((done) => setTimeout(done, 1));
  if (!holds()) throw new Error(`never came true: ${holds}`);
}
