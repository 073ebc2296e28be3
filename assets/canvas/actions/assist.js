// Help by models. None of these runs by itself on a box that a person drew.

const any = (app) => app.selection.size > 0;
const open = (app) => Boolean(app.store.image);

/** A second X within this time means all boxes of the class; the first answer waits for it. */
export const DOUBLE_MS = 350;

let pressed = null;

async function tweak(app) {
  const now = performance.now();
  if (pressed && now - pressed.at < DOUBLE_MS) {
    pressed.off = true;
    pressed = null;
    await app.tweak.ofClass();
    return;
  }
  const press = (pressed = { at: now, off: false });
  const asked = any(app) ? app.tweak.selection() : null;
  await new Promise((done) => {
    setTimeout(done, DOUBLE_MS);
  });
  if (press.off) return;
  if (!asked) {
    app.toast("Select a box to tweak it; X X tweaks all of the class.");
    return;
  }
  (await asked)?.();
}

export const assistActions = [
  {
    id: "tweak",
    label: "Tweak the selection; X X: all boxes of the class",
    keys: ["x"],
    group: "Assist",
    icon: "wand",
    when: open,
    run: tweak,
  },
  {
    id: "tweak_class",
    label: "Tweak all boxes of the class",
    keys: ["shift+x"],
    group: "Assist",
    icon: "wand",
    when: open,
    run: (app) => app.tweak.ofClass(),
  },
  {
    id: "auto_class",
    label: "Auto class: the selection, else on or off for new boxes",
    keys: ["a"],
    group: "Assist",
    icon: "tag",
    when: open,
    isOn: (app) => app.settings.get("autoClass"),
    run: (app) => (any(app) ? app.naming.classify(app.selection.rows()) : app.naming.toggle()),
  },
  {
    id: "auto_class_image",
    label: "Auto class: all boxes of this image",
    keys: ["shift+a"],
    group: "Assist",
    when: open,
    async run(app) {
      const rows = [...app.store.rows.values()].filter((row) => row.status === "accepted");
      if (
        rows.length &&
        (await app.confirm(
          `Auto class all ${rows.length} boxes of this image?`,
          "Boxes the head is not sure of keep their class. One undo step takes it back.",
          "Auto class",
        ))
      )
        await app.naming.classify(rows);
    },
  },
  {
    id: "mask_from_box",
    label: "Mask from the selected box",
    keys: ["p"],
    group: "Assist",
    icon: "mask",
    when: (app) => app.selection.size === 1,
    run: (app) => app.assist.maskFromBox(),
  },
  {
    id: "find",
    label: "Find objects by phrases",
    keys: ["shift+f"],
    group: "Assist",
    icon: "search",
    when: open,
    run: (app) => app.findPanel.open(),
  },
  {
    id: "cancel_requests",
    label: "Cancel every request under way",
    keys: ["shift+esc"],
    group: "Assist",
    when: (app) => app.pending.size > 0,
    run: (app) => app.pending.cancelAll(),
  },
];
