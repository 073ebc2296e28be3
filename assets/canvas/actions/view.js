// Looking: zoom, what is shown, help.

const open = (app) => Boolean(app.stage.size);
const toggled = (app, name) => {
  app.settings.toggle(name);
  app.stage.paintBase();
};
const LABELS = { auto: "always", always: "never", never: "auto" };

export const viewActions = [
  { id: "fit", label: "Fit image", keys: ["0"], group: "View", icon: "fit", when: open, run: (app) => app.stage.fit() },
  {
    id: "actual_size",
    label: "Actual pixels",
    keys: ["z"],
    group: "View",
    when: open,
    run: (app) => app.stage.zoomTo(1),
  },
  {
    id: "zoom_in",
    label: "Zoom in",
    keys: ["+", "="],
    group: "View",
    repeats: true,
    when: open,
    run: (app) => app.stage.zoomBy(1.25),
  },
  {
    id: "zoom_out",
    label: "Zoom out",
    keys: ["-"],
    group: "View",
    repeats: true,
    when: open,
    run: (app) => app.stage.zoomBy(0.8),
  },
  {
    id: "zoom_selection",
    label: "Zoom to selection",
    keys: ["e"],
    group: "View",
    when: (app) => app.selection.size > 0,
    run: (app) => app.focusSelection(),
  },
  {
    id: "keep_zoom",
    label: "Keep zoom across images",
    keys: ["k"],
    group: "View",
    isOn: (app) => app.settings.get("keepZoom"),
    run: (app) =>
      app.toast(app.settings.toggle("keepZoom") ? "The view stays from image to image." : "Each image opens fitted."),
  },
  {
    id: "labels",
    label: "Class names on boxes: auto, always, never",
    keys: ["l"],
    group: "View",
    icon: "tag",
    run: (app) => {
      app.settings.set("labels", LABELS[app.settings.get("labels")] ?? "auto");
      app.stage.paintBase();
      app.toast(`Class names: ${app.settings.get("labels")}.`);
    },
  },
  {
    id: "fill",
    label: "Tint boxes",
    keys: ["t"],
    group: "View",
    isOn: (app) => app.settings.get("fill"),
    run: (app) => toggled(app, "fill"),
  },
  {
    id: "crosshair",
    label: "Crosshair",
    keys: ["shift+h"],
    group: "View",
    isOn: (app) => app.settings.get("crosshair"),
    run: (app) => toggled(app, "crosshair"),
  },
  {
    id: "hide_class",
    label: "Hide or show the current class",
    keys: ["i"],
    group: "View",
    icon: "eye",
    when: (app) => app.classes.list.length > 0,
    run: (app) => app.classes.toggleHidden(app.classes.current.class_id),
  },
  {
    id: "show_all",
    label: "Show all classes",
    keys: ["shift+i"],
    group: "View",
    when: (app) => app.classes.hiddenCount > 0,
    run: (app) => app.classes.showAll(),
  },
  {
    id: "asides",
    label: "Changes set aside",
    keys: [],
    group: "Images",
    when: (app) => app.asides.any,
    run: (app) => app.asides.open(),
  },
  {
    id: "palette",
    label: "Command palette",
    keys: ["ctrl+k"],
    group: "View",
    icon: "command",
    rail: "foot",
    run: (app) => app.palette.open(),
  },
  {
    id: "help",
    label: "Keyboard help",
    keys: ["?"],
    group: "View",
    icon: "help",
    rail: "foot",
    run: (app) => app.help.open(),
  },
];
