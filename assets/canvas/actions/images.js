// From image to image.

export function imageActions({ store, images, session, proposals, panels }) {
  const open = () => Boolean(session.imageId);
  const listed = () => images.total > 0;

  return [
    {
      id: "next_image",
      label: "Next image",
      keys: ["right", "pagedown"],
      group: "Images",
      icon: "next",
      repeats: true,
      when: listed,
      run: () => session.step(1),
    },
    {
      id: "previous_image",
      label: "Previous image",
      keys: ["left", "pageup"],
      group: "Images",
      icon: "prev",
      repeats: true,
      when: listed,
      run: () => session.step(-1),
    },
    {
      id: "next_unlabelled",
      label: "Next unlabelled image",
      keys: ["n"],
      group: "Images",
      icon: "skip",
      when: listed,
      run: () => session.nextUnlabelled(),
    },
    {
      id: "reviewed_next",
      label: "Reviewed, next image",
      keys: ["enter"],
      group: "Images",
      icon: "check",
      when: () => open() && !proposals.current,
      run: () => session.step(1, "reviewed"),
    },
    {
      id: "toggle_reviewed",
      label: "Reviewed or in progress",
      keys: ["r"],
      group: "Images",
      when: open,
      run: () => session.mark(store.image.state === "reviewed" ? "in_progress" : "reviewed"),
    },
    {
      id: "search_images",
      label: "Search images",
      keys: ["/"],
      group: "Images",
      icon: "search",
      when: listed,
      run: () => panels.searchImages(),
    },
  ];
}
