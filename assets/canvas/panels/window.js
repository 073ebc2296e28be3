// The histogram of the open image and the window over it: the values that are shown black and white.

import { el } from "../shell/dom.js";
import { shown as keyText } from "../shell/keys.js";
import { clamp } from "../drawing/geometry.js";
import { createFields } from "./fields.js";

const HIGH = 56; // screen pixels

/** A number of the stored range, short: whole for whole kinds, else six digits. */
export const rounded = (value, kind) => (/int/.test(kind) ? Math.round(value) : Number(value.toPrecision(6)));

/** The end of a window that a drag takes, and the window with that end at a value. @returns {[number, number]} */
export function dragged({ low, high, lowest, highest }, end, value, least) {
  const at = clamp(value, lowest, highest);
  return end === "low" ? [Math.min(at, high - least), high] : [low, Math.max(at, low + least)];
}

export function createWindowField({ windows, settings, commands, tell }) {
  const bars = el("canvas.tc-histogram", {
    title: "Drag the lines: the values that are shown black and white",
    onpointerdown(event) {
      const { shown } = windows;
      if (!shown) return;
      bars.setPointerCapture(event.pointerId);
      const value = valueAt(event, shown);
      end = Math.abs(value - shown.low) < Math.abs(value - shown.high) ? "low" : "high";
      drag(event);
    },
    onpointermove: (event) => bars.hasPointerCapture(event.pointerId) && drag(event),
  });
  const field = (name, label) =>
    el("input.tc-input.tc-end", {
      type: "number",
      step: "any",
      "aria-label": label,
      title: label,
      onchange: () => typed(name),
      onkeydown: ({ key, currentTarget }) => /^(Enter|Escape)$/.test(key) && currentTarget.blur(), // the keys are the canvas's again
    });
  const low = field("low", "Value that is shown black"),
    high = field("high", "Value that is shown white");
  const action = commands.byId("auto_window");
  const auto = el(
    "button.tc-button",
    { type: "button", title: action.label, onclick: () => commands.run(action) },
    "Auto",
    el("kbd", { text: keyText(action.keys[0]) }),
  );
  const full = el(
    "button.tc-button",
    { type: "button", title: "Show every value that is there", onclick: () => windows.full() },
    "Full range",
  );
  const scope = createFields({ settings, tell }).list(
    "windowFor",
    "Kept for",
    [
      ["dataset", "This dataset"],
      ["image", "This image"],
    ],
    "What a window is remembered for: all images of the dataset with values of the same kind, or this image alone",
  );
  const kind = el("p.tc-note"),
    root = el(
      "div.tc-window",
      {},
      kind,
      bars,
      el("div.tc-field.tc-ends", {}, low, el("span.tc-grow", { text: "to" }), high),
      el("div.tc-buttons", {}, auto, full),
      scope.root,
    );
  let end = "low"; // that is dragged

  function valueAt(event, { lowest, highest }) {
    const box = bars.getBoundingClientRect();
    return lowest + ((event.clientX - box.left) / box.width) * (highest - lowest);
  }
  /** The least width of a window: one value, or a hundredth of a hundredth of what floats span. */
  const least = ({ kind: of, lowest, highest }) => (/int/.test(of) ? 1 : (highest - lowest) / 10_000);

  function drag(event) {
    const { shown } = windows;
    if (!shown) return;
    windows.set(...dragged(shown, end, rounded(valueAt(event, shown), shown.kind), least(shown)));
  }

  function typed(name) {
    const { shown } = windows,
      value = Number((name === "low" ? low : high).value);
    if (shown && Number.isFinite(value)) {
      const ends = { low: shown.low, high: shown.high, [name]: value };
      windows.set(ends.low, ends.high);
    }
    show();
  }

  function paint(now) {
    const dpr = devicePixelRatio || 1,
      wide = bars.clientWidth;
    if (!wide) return;
    bars.width = Math.round(wide * dpr);
    bars.height = Math.round(HIGH * dpr);
    const g = bars.getContext("2d"),
      style = getComputedStyle(bars);
    g.scale(dpr, dpr);
    const top = Math.log1p(Math.max(...now.counts, 1)),
      step = wide / now.counts.length;
    g.fillStyle = style.getPropertyValue("--muted");
    now.counts.forEach((count, at) => {
      const tall = (Math.log1p(count) / top) * (HIGH - 2);
      g.fillRect(at * step, HIGH - tall, Math.max(step, 0.6), tall);
    });
    const span = now.highest - now.lowest || 1;
    g.fillStyle = style.getPropertyValue("--accent");
    for (const value of [now.low, now.high])
      g.fillRect(clamp(((value - now.lowest) / span) * wide, 0, wide - 2), 0, 2, HIGH);
  }

  function show() {
    const now = windows.shown;
    scope.show();
    for (const node of [low, high, auto, full]) node.disabled = !now;
    kind.textContent = now
      ? `Values ${rounded(now.lowest, now.kind)} to ${rounded(now.highest, now.kind)} (${now.kind})`
      : "Values of the open image";
    if (!now) {
      low.value = high.value = "";
      bars.width = 0; // empties it
      return;
    }
    low.value = String(rounded(now.low, now.kind));
    high.value = String(rounded(now.high, now.kind));
    full.disabled = now.low <= now.lowest && now.high >= now.highest;
    if (root.isConnected) paint(now);
  }
  windows.subscribe(show);
  settings.subscribe((name) => name === "windowFor" && show());
  show();
  return { root, show };
}
