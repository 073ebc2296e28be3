// Help by models. None of these runs by itself on a box that a person drew.

/** A second X within this time means all boxes of the class; the first answer waits for it. */
export const DOUBLE_MS = 350;

export function assistActions({ store, selection, settings, assist, tweak, naming, pending, toast, confirm, panels }) {
  const any = () => selection.size > 0;
  const open = () => Boolean(store.image);

  let pressed = null; // the X that may become the first of two

  async function press() {
    const now = performance.now();
    if (pressed && now - pressed.at < DOUBLE_MS) {
      pressed.off = true;
      pressed = null;
      await tweak.ofClass();
      return;
    }
    const mine = (pressed = { at: now, off: false });
    const asked = any() ? tweak.selection() : null;
    await new Promise((done) => {
      setTimeout(done, DOUBLE_MS);
    });
    if (mine.off) return;
    if (!asked) {
      toast("Select a box to tweak it. X X tweaks all boxes of its class.");
      return;
    }
    (await asked)?.();
  }

  return [
    {
      id: "tweak",
      label: "Tweak the selection; X X: all boxes of the class",
      keys: ["x"],
      group: "Assist",
      icon: "wand",
      when: open,
      run: press,
    },
    {
      id: "tweak_class",
      label: "Tweak all boxes of the class",
      keys: ["shift+x"],
      group: "Assist",
      icon: "wand",
      when: open,
      run: () => tweak.ofClass(),
    },
    {
      id: "auto_class",
      label: "Auto class: the selection, else on or off for new boxes",
      keys: ["a"],
      group: "Assist",
      icon: "tag",
      when: open,
      isOn: () => settings.get("autoClass"),
      run: () => (any() ? naming.classify(selection.rows()) : naming.toggle()),
    },
    {
      id: "auto_class_image",
      label: "Auto class: all boxes of this image",
      keys: ["shift+a"],
      group: "Assist",
      when: open,
      async run() {
        const rows = [...store.rows.values()].filter((row) => row.status === "accepted");
        if (
          rows.length &&
          (await confirm(
            `Auto class all ${rows.length} boxes of this image?`,
            "Boxes that the head is not sure of keep their class. One undo step takes it all back.",
            "Auto class",
          ))
        )
          await naming.classify(rows);
      },
    },
    {
      id: "mask_from_box",
      label: "Mask from the selected box",
      keys: ["p"],
      group: "Assist",
      icon: "mask",
      when: () => selection.size === 1,
      why: () => "Select one box to get its mask.",
      run: () => assist.maskFromBox(),
    },
    {
      id: "find",
      label: "Find objects by phrases",
      keys: ["shift+f"],
      group: "Assist",
      icon: "search",
      when: open,
      run: () => panels.find(),
    },
    {
      id: "cancel_requests",
      label: "Cancel every request under way",
      keys: ["shift+esc"],
      group: "Assist",
      when: () => pending.size > 0,
      run: () => pending.cancelAll(),
    },
  ];
}
