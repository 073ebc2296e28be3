// Which class is drawn next, and the classes themselves.

export function classActions({ selection, classes, session, selecting, panels }) {
  const numbered = (n) => ({
    id: `class_${n}`,
    label: `Class ${n} for the next box; with Select, for the selection`,
    keys: [String(n)],
    group: "Classes",
    when: () => Boolean(classes.numbered(n)),
    why: () => `There is no class ${n}.`,
    run: () => selecting.chooseClass(classes.numbered(n).class_id),
  });
  const given = (n) => ({
    id: `give_class_${n}`,
    label: `Class ${n} for the selection, with any tool`,
    keys: [`ctrl+${n}`],
    group: "Classes",
    when: () => selection.size > 0 && Boolean(classes.numbered(n)),
    why: () => (classes.numbered(n) ? "Select a box to give it another class." : `There is no class ${n}.`),
    run: () => selecting.giveClass(classes.numbered(n).class_id),
  });

  return [
    {
      id: "next_class",
      label: "Next class",
      keys: ["down"],
      group: "Classes",
      repeats: true,
      when: () => classes.list.length > 0,
      run: () => classes.step(1),
    },
    {
      id: "previous_class",
      label: "Previous class",
      keys: ["up"],
      group: "Classes",
      repeats: true,
      when: () => classes.list.length > 0,
      run: () => classes.step(-1),
    },
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((n) => [numbered(n), given(n)]),
    {
      id: "choose_class",
      label: "Choose a class by name or number",
      keys: ["shift+n"],
      group: "Classes",
      icon: "search",
      when: () => classes.list.length > 0,
      run: () => panels.chooseClass(),
    },
    {
      id: "give_class",
      label: "Give the current class to the selection",
      keys: ["."],
      group: "Classes",
      icon: "tag",
      when: () => selection.size > 0,
      run: () => selecting.giveClass(classes.current.class_id),
    },
    {
      id: "rename_class",
      label: "Rename the current class",
      keys: ["f2"],
      group: "Classes",
      icon: "edit",
      when: () => classes.list.length > 0,
      run: () => panels.renameClass(classes.current.class_id),
    },
    {
      id: "edit_skeleton",
      label: "Key points of the current class: names and edges",
      keys: ["alt+shift+y"],
      group: "Classes",
      icon: "key_points",
      when: () => classes.list.length > 0,
      run: () => panels.skeleton(classes.current.class_id),
    },
    {
      id: "add_class",
      label: "Add a class",
      keys: ["shift+c"],
      group: "Classes",
      icon: "plus",
      when: () => Boolean(session.dataset),
      run: () => panels.addClass(),
    },
  ];
}
