// All panels, laid out, and redrawn when what they show changes.

import { el, eachFrame } from "../shell/dom.js";
import { createRail } from "./rail.js";
import { createClassPanel } from "./classes.js";
import { createObjectPanel } from "./objects.js";
import { createFilmstrip } from "./filmstrip.js";
import { createStatus } from "./status.js";
import { createAssistPanel } from "./assist.js";
import { createFindPanel } from "./find.js";
import { createReviewPanel } from "./review.js";
import { createSheet } from "./sheet.js";
import { createSimplifyBar } from "./simplify.js";
import { createSlotRings } from "./slots.js";
import { createRequestPanel } from "./requests.js";
import { createConflictPanel } from "./conflict.js";
import { createAsidePanel } from "./aside.js";
import { createMinimap } from "./minimap.js";
import { createViewPanel } from "./view.js";
import { createEmpty } from "./empty.js";
import { createSkeletonDialog } from "./skeleton.js";
import { createHelp } from "./help.js";
import { createPalette } from "./palette.js";

/** @param {object} parts  what the panels show; `root` is the element they are laid out in */
export function createPanels(parts) {
  const { root, stage, session } = parts;
  const rail = createRail(parts),
    status = createStatus(parts),
    objects = createObjectPanel(parts),
    requests = createRequestPanel(parts),
    empty = createEmpty(parts),
    classes = createClassPanel({ ...parts, editSkeleton: (class_id) => skeleton.open(class_id) }),
    filmstrip = createFilmstrip(parts),
    assist = createAssistPanel(parts),
    find = createFindPanel(parts),
    review = createReviewPanel(parts),
    sheet = createSheet(parts),
    simplify = createSimplifyBar(parts),
    rings = createSlotRings(parts),
    minimap = createMinimap(parts),
    look = createViewPanel(parts),
    conflict = createConflictPanel(parts),
    asides = createAsidePanel({ ...parts, conflict }),
    skeleton = createSkeletonDialog(parts),
    help = createHelp(parts),
    palette = createPalette(parts);

  stage.root.append(empty.root, status.top, minimap.root, requests.root, simplify.root, review.bar, conflict.root);
  rail.slots.append(rings.root);
  root.append(
    rail.root,
    stage.root,
    el(
      "aside.tc-side",
      { "aria-label": "Classes and boxes" },
      classes.root,
      objects.root,
      el("div.tc-folds", {}, review.root, find.root, assist.root, look.root),
      assist.buttons,
    ),
    filmstrip.root,
    status.line,
  );

  let dataset = null;
  const soon = eachFrame(() => {
    rail.refresh();
    assist.refresh();
    status.image();
    status.boxes();
  });
  return {
    searchImages: filmstrip.search,
    addClass: classes.add,
    renameClass: classes.rename,
    skeleton: skeleton.open,
    find: find.open,
    sheet: sheet.open,
    onQueue: eachFrame(review.refresh),
    asides: asides.open,
    help: help.open,
    palette: palette.open,
    viewSettings: look.open,
    chooseClass: palette.chooseClass,
    setAside: conflict.setAside,
    refreshSoon: soon,
    refresh() {
      empty.refresh();
      status.view();
      status.cursor(null);
      status.save();
      classes.draw();
      objects.draw();
      filmstrip.draw();
      soon();
    },
    onDocument: eachFrame(() => {
      classes.counts();
      objects.draw();
      soon();
    }),
    onClasses: eachFrame(() => {
      classes.draw();
      objects.draw();
      soon();
    }),
    onImages: filmstrip.draw,
    onSelection() {
      objects.follow();
      soon();
    },
    onSession() {
      if (dataset !== session.dataset) {
        dataset = session.dataset;
        filmstrip.clear();
      }
      empty.refresh();
      filmstrip.draw();
      filmstrip.reveal();
      minimap.draw();
      conflict.refresh();
      status.view();
      status.cursor(null);
      soon();
    },
    onView: eachFrame(() => {
      status.view();
      minimap.follow();
    }),
    onPointer: (at) => status.cursor(at),
    onSave() {
      status.save();
      conflict.refresh();
    },
  };
}
