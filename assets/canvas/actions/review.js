// Reviewing candidates: an answer each, and on to the next.

export function reviewActions({ queue, tools, stage, panels, session }) {
  const reviewing = () => queue.isOpen,
    waiting = () => queue.isOpen && queue.current !== null;
  const begin = () => {
    tools.use("select");
    stage.cursorStyle();
  };
  const act = (id, label, keys, when, run, more = {}) => ({ id, label, keys, group: "Review", when, run, ...more });
  return [
    act(
      "review",
      "Review candidates: begin or end",
      ["shift+r"],
      () => Boolean(session.dataset),
      () => (queue.isOpen ? queue.close() : queue.open()),
      {
        icon: "review",
        rail: "history",
        isOn: reviewing,
        hint: "One candidate after the other, over all images",
      },
    ),
    act("review_accept", "Accept the candidate, next", ["y"], waiting, () => queue.accept(), {
      icon: "check",
      repeats: true,
    }),
    act("review_reject", "Reject the candidate, next", ["u"], waiting, () => queue.reject(), {
      icon: "close",
      repeats: true,
    }),
    act("review_fix", "Correct the candidate; then accept it", ["i"], waiting, () => queue.fix(begin), {
      icon: "edit",
    }),
    act(
      "review_nothing",
      "Nothing (else) here: reject the image's candidates, reviewed, next",
      ["shift+u"],
      waiting,
      () => queue.nothing(),
    ),
    act("review_next", "Next candidate, without an answer", ["]"], waiting, () => queue.move(1), { repeats: true }),
    act("review_previous", "Candidate before", ["["], reviewing, () => queue.move(-1), { repeats: true }),
    act(
      "review_undo",
      "Undo the last answer, on whatever image",
      ["ctrl+z"],
      () => queue.isOpen && queue.canUndo,
      () => queue.undo(),
      { repeats: true },
    ),
    act(
      "review_redo",
      "Redo the last answer that was undone",
      ["ctrl+shift+z", "ctrl+y"],
      () => queue.isOpen && queue.canRedo,
      () => queue.redo(),
      { repeats: true },
    ),
    act(
      "contact_sheet",
      "Contact sheet: candidates of a class side by side",
      ["shift+g"],
      () => Boolean(session.dataset),
      () => panels.sheet(),
      { icon: "images" },
    ),
  ];
}
