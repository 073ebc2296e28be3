// All panels, laid out, and redrawn when what they show changes.

import { el, eachFrame } from "../shell/dom.js";
import { showTab } from "../shell/window.js";
import { GROUPS } from "../actions/index.js";
import { createDialogs } from "./dialogs.js";
import { createRail } from "./rail.js";
import { createClassPanel } from "./classes.js";
import { createObjectPanel } from "./objects.js";
import { createFilmstrip } from "./filmstrip.js";
import { createStatus } from "./status.js";
import { createAssistPanel } from "./assist.js";
import { createFindPanel } from "./find.js";
import { createSimplifyBar } from "./simplify.js";
import { createSlotRings } from "./slots.js";
import { createRequestPanel } from "./requests.js";
import { createConflictPanel } from "./conflict.js";
import { createAsidePanel } from "./aside.js";
import { createEmpty } from "./empty.js";
import { createHelp } from "./help.js";
import { createPalette } from "./palette.js";

export function createPanels(app, actions, actionById) {
  app.dialogs = createDialogs(app.root);
  const rail = createRail(app, actions),
    status = createStatus(app),
    objects = createObjectPanel(app),
    requests = createRequestPanel(app),
    empty = createEmpty(app);
  app.classPanel = createClassPanel(app);
  app.filmstrip = createFilmstrip(app);
  app.assistPanel = createAssistPanel(app, actionById);
  app.findPanel = createFindPanel(app, actionById);
  const simplifyBar = createSimplifyBar(app),
    rings = createSlotRings(app);
  app.conflict = createConflictPanel(app, app.outbox);
  app.asides = createAsidePanel(app, app.outbox);
  app.help = createHelp(app, actions, GROUPS);
  app.palette = createPalette(app, actions);
  app.status = status;
  app.stage.root.append(empty.root, status.top, requests.root, simplifyBar.root, app.conflict.root);
  rail.slots.append(rings.root);
  app.root.append(
    rail.root,
    app.stage.root,
    el(
      "aside.tc-side",
      { "aria-label": "Classes and boxes" },
      app.classPanel.root,
      objects.root,
      el("div.tc-folds", {}, app.findPanel.root, app.assistPanel.root),
      app.assistPanel.buttons,
    ),
    app.filmstrip.root,
    status.line,
  );

  let dataset = null;
  const soon = eachFrame(() => {
    rail.refresh();
    app.assistPanel.refresh();
    status.image();
    status.boxes();
  });
  const api = {
    refreshSoon: soon,
    showLabel: () => showTab("label"),
    refresh() {
      empty.refresh();
      status.view();
      status.cursor(null);
      status.save();
      app.classPanel.draw();
      objects.draw();
      app.filmstrip.draw();
      soon();
    },
    onDocument: eachFrame(() => {
      app.classPanel.counts();
      objects.draw();
      soon();
    }),
    onClasses: eachFrame(() => {
      app.classPanel.draw();
      objects.draw();
      soon();
    }),
    onSelection() {
      objects.follow();
      soon();
    },
    onSession() {
      if (dataset !== app.session.dataset) {
        dataset = app.session.dataset;
        app.filmstrip.clear();
      }
      empty.refresh();
      app.filmstrip.draw();
      app.filmstrip.reveal();
      app.conflict.refresh();
      status.view();
      status.cursor(null);
      soon();
    },
    onView: eachFrame(() => status.view()),
    onPointer: (at) => status.cursor(at),
    onSave() {
      status.save();
      app.conflict.refresh();
    },
  };
  return api;
}
