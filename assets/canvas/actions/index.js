// The one table of what the canvas can do. Toolbar, shortcuts, help and command palette are drawn from it.

import { toolActions } from "./tools.js";
import { editActions } from "./edit.js";
import { viewActions } from "./view.js";
import { classActions } from "./classes.js";
import { imageActions } from "./images.js";
import { polygonActions } from "./polygons.js";
import { keyPointActions } from "./key_points.js";
import { turningActions } from "./turning.js";
import { assistActions } from "./assist.js";
import { reviewActions } from "./review.js";

export const GROUPS = ["Tools", "Assist", "Polygons", "Edit", "Classes", "Images", "Review", "View"];

/**
 * Make the table for the parts of one canvas; none of them is touched before an action is asked about or run.
 *
 * @typedef {{id: string, label: string, keys: string[], group: string, icon?: string, rail?: true|string, hint?: string,
 *   repeats?: boolean, yields?: true, when?: () => boolean, why?: () => string, isOn?: () => boolean, detail?: () => string, run: () => any}} Action
 * @returns {Action[]}
 */
export const createActions = (parts) =>
  // A key means the first action that can run: while candidates are reviewed, the review's.
  [
    reviewActions,
    keyPointActions,
    toolActions,
    assistActions,
    polygonActions,
    turningActions,
    editActions,
    classActions,
    imageActions,
    viewActions,
  ].flatMap((table) => table(parts));
