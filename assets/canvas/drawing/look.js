// How the picture is shown: brightness, contrast, gamma and black and white point, as one curve over its values.
// The browser applies it to the picture's own layer, so that nothing is painted anew and no shape changes its colour.

import { clamp } from "./geometry.js";

/** What a reset gives back: settings of the look, all kept in this browser. */
export const LOOK = ["brightness", "contrast", "gamma", "windows", "opacity", "lineWidth", "labels", "fill", "minimap"];
const VALUES = 256,
  DOUBLES = 25; // percent of contrast that double its slope
const SVG = "http://www.w3.org/2000/svg";
let filters = 0; // ids, one a stage

/** @typedef {{brightness: number, contrast: number, gamma: number, low?: number, high?: number}} Look  percent, percent, exponent; 0 to 255 */

/** Does a look leave every value as it is? @param {Look} look */
export const isNeutral = ({ brightness, contrast, gamma, low = 0, high = 255 }) =>
  brightness === 0 && contrast === 0 && gamma === 1 && low <= 0 && high >= 255;

/** What each value of 8 bits is shown as, in [0, 1]: first the window, then gamma, contrast about the middle, brightness. */
export function curve({ brightness, contrast, gamma, low = 0, high = 255 }) {
  const slope = 2 ** (contrast / DOUBLES),
    span = Math.max(high - low, 1e-6);
  return Array.from({ length: VALUES }, (_, value) => {
    const bright = clamp((value - low) / span, 0, 1) ** (1 / gamma);
    return clamp((bright - 0.5) * slope + 0.5 + brightness / 100, 0, 1);
  });
}

/** The page's filter for a curve, and what to write as `filter` of an element that it is for. */
export function createFilter() {
  const make = (tag, facts = {}) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(facts)) node.setAttribute(name, value);
    return node;
  };
  const id = `tc-look-${(filters += 1)}`,
    channels = ["R", "G", "B"].map((letter) => make(`feFunc${letter}`, { type: "table" })),
    transfer = make("feComponentTransfer"),
    filter = make("filter", { id, "color-interpolation-filters": "sRGB", x: "0", y: "0", width: "1", height: "1" }),
    root = make("svg", { width: "0", height: "0", "aria-hidden": "true" });
  transfer.append(...channels);
  filter.append(transfer);
  root.append(filter);
  root.style.position = "absolute";
  return {
    root,
    /** @param {Look} look */
    of(look) {
      if (isNeutral(look)) return "none";
      const table = curve(look)
        .map((value) => value.toFixed(4))
        .join(" ");
      for (const channel of channels) channel.setAttribute("tableValues", table);
      return `url(#${id})`;
    },
  };
}
