// The one table of what the canvas can do. Toolbar, shortcuts, help and command palette are drawn from it.

import { toolActions } from "./tools.js";
import { editActions } from "./edit.js";
import { viewActions } from "./view.js";
import { classActions, imageActions } from "./images.js";
import { polygonActions } from "./polygons.js";
import { assistActions } from "./assist.js";

/**
 * @typedef {{id: string, label: string, keys: string[], group: string, icon?: string, rail?: true|string, hint?: string,
 *   repeats?: boolean, when?: (app: object) => boolean, isOn?: (app: object) => boolean, detail?: (app: object) => string,
 *   run: (app: object) => any}} Action
 * @type {Action[]}
 */
export const ACTIONS = [
  ...toolActions,
  ...assistActions,
  ...polygonActions,
  ...editActions,
  ...classActions,
  ...imageActions,
  ...viewActions,
];

export const GROUPS = ["Tools", "Assist", "Polygons", "Edit", "Classes", "Images", "View"];
export const actionById = (id) => ACTIONS.find((action) => action.id === id);
