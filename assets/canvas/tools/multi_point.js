// Points on and off an object, a preview after each, Enter takes it.

export function multiPoint({ stage, assist }) {
  let positive = true;
  return {
    id: "multi_point",
    crosshair: true,
    cursor: () => "crosshair",
    get positive() {
      return positive;
    },
    /** What the next click means: on the object, or off it. */
    setPositive(value) {
      positive = value;
    },
    onPointerDown() {},
    onPointerMove() {},
    onPointerUp(p) {
      if (stage.isInside(p.at)) assist.addPoint(p.at, p.alt ? !positive : positive);
    },
    onCancel() {},
    onLeave() {
      positive = true;
      assist.drop();
    },
  };
}
