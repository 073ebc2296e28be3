// Look through what is proposed: a click or a frame takes candidates (Alt drops them) or leaves tweaked boxes out.

import { rect } from "../drawing/geometry.js";
import { paintMarquee } from "../drawing/overlay.js";

const STILL = 4;

export function review(app) {
  let start = null,
    frame = false;
  const list = () => (app.preview.isOpen ? app.preview : app.finds);
  const forget = () => {
    start = null;
    frame = false;
  };
  return {
    id: "review",
    cursor: () => (app.finds.hover || start ? "pointer" : "default"),
    get isBusy() {
      return frame;
    },
    onPointerDown(p) {
      start = p;
    },
    onPointerMove(p) {
      if (start) frame ||= Math.hypot(p.screen[0] - start.screen[0], p.screen[1] - start.screen[1]) > STILL;
      else list().setHover(list().at(p.at));
    },
    onPointerUp(p) {
      const picked = frame ? list().within(rect(start.at, p.at)) : [list().at(p.at)].filter(Boolean);
      if (start && picked.length) Promise.resolve(list().pick(picked, p.alt)).catch(app.tell);
      forget();
    },
    onCancel: forget,
    onLeave() {
      app.finds.setHover(null);
      app.preview.setHover(null);
    },
    paint(g, scene) {
      if (frame && scene.cursor) paintMarquee(g, scene, rect(start.at, scene.cursor));
    },
  };
}
