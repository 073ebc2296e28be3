// Look through what is proposed: a click or a frame takes candidates (Alt drops them) or leaves tweaked boxes out.

import { distance, rect } from "../drawing/geometry.js";
import { paintMarquee } from "../drawing/overlay.js";

const STILL = 4;

export function review({ finds, preview, tell }) {
  let start = null,
    frame = false;
  const list = () => (preview.isOpen ? preview : finds);
  const forget = () => {
    start = null;
    frame = false;
  };
  return {
    id: "review",
    cursor: () => (finds.hover || start ? "pointer" : "default"),
    get isBusy() {
      return frame;
    },
    onPointerDown(p) {
      start = p;
    },
    onPointerMove(p) {
      if (start) frame ||= distance(p.screen, start.screen) > STILL;
      else list().setHover(list().at(p.at));
    },
    onPointerUp(p) {
      const picked = frame ? list().within(rect(start.at, p.at)) : [list().at(p.at)].filter(Boolean);
      if (start && picked.length) Promise.resolve(list().pick(picked, p.alt)).catch(tell);
      forget();
    },
    onCancel: forget,
    onLeave() {
      finds.setHover(null);
      preview.setHover(null);
    },
    paint(g, scene) {
      if (frame && scene.cursor) paintMarquee(g, scene, rect(start.at, scene.cursor));
    },
  };
}
