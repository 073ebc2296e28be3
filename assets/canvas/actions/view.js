// Looking: zoom, what is shown and how, help.

import { LOOK } from "../drawing/look.js";

const LABELS = { auto: "always", always: "never", never: "auto" };

export function viewActions({ selection, classes, settings, outbox, stage, windows, selecting, toast, panels }) {
  const open = () => Boolean(stage.size);
  const toggled = (name) => {
    settings.toggle(name);
    stage.paintBase();
  };

  return [
    { id: "fit", label: "Fit image", keys: ["0"], group: "View", icon: "fit", when: open, run: () => stage.fit() },
    {
      id: "actual_size",
      label: "Actual pixels",
      keys: ["z"],
      group: "View",
      when: open,
      run: () => stage.zoomTo(1),
    },
    {
      id: "zoom_in",
      label: "Zoom in",
      keys: ["+", "="],
      group: "View",
      repeats: true,
      when: open,
      run: () => stage.zoomBy(1.25),
    },
    {
      id: "zoom_out",
      label: "Zoom out",
      keys: ["-"],
      group: "View",
      repeats: true,
      when: open,
      run: () => stage.zoomBy(0.8),
    },
    {
      id: "zoom_selection",
      label: "Zoom to selection",
      keys: ["e"],
      group: "View",
      when: () => selection.size > 0,
      run: () => selecting.focus(),
    },
    {
      id: "keep_zoom",
      label: "Keep zoom across images",
      keys: ["k"],
      group: "View",
      isOn: () => settings.get("keepZoom"),
      run: () =>
        toast(settings.toggle("keepZoom") ? "The view stays from image to image." : "Each image opens fitted."),
    },
    {
      id: "labels",
      label: "Class names on boxes: auto, always, never",
      keys: ["l"],
      group: "View",
      icon: "tag",
      run: () => {
        settings.set("labels", LABELS[settings.get("labels")] ?? "auto");
        stage.paintBase();
        toast(`Class names: ${settings.get("labels")}.`);
      },
    },
    {
      id: "fill",
      label: "Tint boxes",
      keys: ["t"],
      group: "View",
      isOn: () => settings.get("fill"),
      run: () => toggled("fill"),
    },
    {
      id: "crosshair",
      label: "Crosshair",
      keys: ["shift+h"],
      group: "View",
      isOn: () => settings.get("crosshair"),
      run: () => toggled("crosshair"),
    },
    {
      id: "view_settings",
      label: "View settings: brightness, contrast, opacity, line width",
      keys: ["shift+b"],
      group: "View",
      run: () => panels.viewSettings(),
    },
    {
      id: "auto_window",
      label: "Show the values that nearly all pixels have from black to white",
      keys: ["shift+w"],
      group: "View",
      when: open,
      run: () => windows.auto(),
    },
    {
      id: "reset_look",
      label: "Reset the view settings",
      keys: ["shift+d"],
      group: "View",
      when: () => !LOOK.every(settings.isDefault),
      why: () => "The view settings are as they were at first.",
      run() {
        settings.reset(LOOK);
        toast("The picture and its shapes are shown as at first.");
      },
    },
    {
      id: "minimap",
      label: "Minimap of images that are not wholly in sight",
      keys: ["shift+k"],
      group: "View",
      isOn: () => settings.get("minimap"),
      run: () => toast(settings.toggle("minimap") ? "The minimap is on." : "The minimap is off."),
    },
    {
      id: "hide_class",
      label: "Hide or show the current class",
      keys: ["i"],
      group: "View",
      icon: "eye",
      when: () => classes.list.length > 0,
      run: () => classes.toggleHidden(classes.current.class_id),
    },
    {
      id: "show_all",
      label: "Show all classes",
      keys: ["shift+i"],
      group: "View",
      when: () => classes.hiddenCount > 0,
      run: () => classes.showAll(),
    },
    {
      id: "asides",
      label: "Changes set aside",
      keys: [],
      group: "Images",
      when: () => outbox.aside().length > 0,
      run: () => panels.asides(),
    },
    {
      id: "palette",
      label: "Command palette",
      keys: ["ctrl+k"],
      group: "View",
      icon: "command",
      rail: "foot",
      run: () => panels.palette(),
    },
    {
      id: "help",
      label: "Keyboard help",
      keys: ["?"],
      group: "View",
      icon: "help",
      rail: "foot",
      run: () => panels.help(),
    },
  ];
}
