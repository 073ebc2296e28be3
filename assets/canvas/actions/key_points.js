// The picked key point by keys, while the tool for key points is in hand.

const STEP = 1,
  FAR = 10; // pixels

export function keyPointActions({ tools }) {
  const tool = () => tools.current,
    isOn = () => tool().id === "key_points" && tool().hasPoints;
  const action = (id, label, keys, run, more = {}) => ({ id, label, keys, group: "Tools", when: isOn, run, ...more });
  const move = (name, [dx, dy], by) =>
    action(
      `move_point_${name}${by === FAR ? "_far" : ""}`,
      `Move the picked key point ${name} by ${by === FAR ? "10 pixels" : "1 pixel"}`,
      [`${by === FAR ? "alt+" : ""}shift+${name}`],
      () => tool().nudge(dx * by, dy * by),
      { repeats: true },
    );
  const ways = Object.entries({ left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] });

  return [
    action("next_point", "Pick the next key point", ["]"], () => tool().step(1), { repeats: true }),
    action("previous_point", "Pick the previous key point", ["["], () => tool().step(-1), { repeats: true }),
    action("toggle_point", "Hide or show the picked key point", ["shift+t"], () => tool().toggle(), {
      when: () => isOn() && tool().isPlaced,
    }),
    action("remove_keypoint", "Remove the picked key point", ["delete", "backspace"], () => tool().remove(), {
      when: () => isOn() && tool().isPlaced,
    }),
    ...[STEP, FAR].flatMap((by) => ways.map(([name, way]) => move(name, way, by))),
  ];
}
