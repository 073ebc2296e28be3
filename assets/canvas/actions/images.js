// From image to image, and from class to class.

const open = (app) => Boolean(app.session.imageId);
const listed = (app) => app.images.total > 0;

export const imageActions = [
  {
    id: "next_image",
    label: "Next image",
    keys: ["right", "pagedown"],
    group: "Images",
    icon: "next",
    repeats: true,
    when: listed,
    run: (app) => app.session.step(1),
  },
  {
    id: "previous_image",
    label: "Previous image",
    keys: ["left", "pageup"],
    group: "Images",
    icon: "prev",
    repeats: true,
    when: listed,
    run: (app) => app.session.step(-1),
  },
  {
    id: "next_unlabelled",
    label: "Next unlabelled image",
    keys: ["n"],
    group: "Images",
    icon: "skip",
    when: listed,
    run: (app) => app.session.nextUnlabelled(),
  },
  {
    id: "reviewed_next",
    label: "Reviewed, next image",
    keys: ["enter"],
    group: "Images",
    icon: "check",
    when: (app) => open(app) && !app.proposal(),
    async run(app) {
      app.session.mark("reviewed");
      if (app.session.index < app.images.total - 1) await app.session.step(1);
      else app.toast("Reviewed. This is the last image.", "ok");
    },
  },
  {
    id: "toggle_reviewed",
    label: "Reviewed or in progress",
    keys: ["r"],
    group: "Images",
    when: open,
    run: (app) => app.session.mark(app.store.image.state === "reviewed" ? "in_progress" : "reviewed"),
  },
  {
    id: "search_images",
    label: "Search images",
    keys: ["/"],
    group: "Images",
    icon: "search",
    when: listed,
    run: (app) => app.filmstrip.search(),
  },
];

const numbered = (n) => ({
  id: `class_${n}`,
  label: `Class ${n}, also for the selection`,
  keys: [String(n)],
  group: "Classes",
  when: (app) => Boolean(app.classes.numbered(n)),
  run: (app) => app.chooseClass(app.classes.numbered(n).class_id),
});

export const classActions = [
  {
    id: "next_class",
    label: "Next class",
    keys: ["down"],
    group: "Classes",
    repeats: true,
    when: (app) => app.classes.list.length > 0,
    run: (app) => app.classes.step(1),
  },
  {
    id: "previous_class",
    label: "Previous class",
    keys: ["up"],
    group: "Classes",
    repeats: true,
    when: (app) => app.classes.list.length > 0,
    run: (app) => app.classes.step(-1),
  },
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(numbered),
  {
    id: "give_class",
    label: "Give the current class to the selection",
    keys: ["."],
    group: "Classes",
    icon: "tag",
    when: (app) => app.selection.size > 0,
    run: (app) => app.chooseClass(app.classes.current.class_id),
  },
  {
    id: "rename_class",
    label: "Rename the current class",
    keys: ["f2"],
    group: "Classes",
    icon: "edit",
    when: (app) => app.classes.list.length > 0,
    run: (app) => app.classPanel.rename(app.classes.current.class_id),
  },
  {
    id: "add_class",
    label: "Add a class",
    keys: ["shift+c"],
    group: "Classes",
    icon: "plus",
    when: (app) => Boolean(app.session.dataset),
    run: (app) => app.classPanel.add(),
  },
];
