// What is proposed on screen and waits for Enter or Esc: by the models, by a tweak, by simplifying.

/** Each of the parts is a proposal {isOpen, text, take, drop}. */
export function createProposals({ assist, finds, preview, simplify, classes }) {
  return {
    /** The proposal that Enter takes; null for none. */
    get current() {
      return [simplify, preview, assist, finds].find((one) => one.isOpen) ?? null;
    },
    /** Another image: nothing proposed on the old one stays. */
    reset() {
      simplify.drop();
      preview.drop();
      assist.reset();
      finds.reset();
    },
    /** The fields of the overlay's scene that show them. */
    scene: () => ({
      draft: assist.draft,
      found: finds.shown(),
      foundHover: finds.hover,
      foundColor: classes.current.color,
      preview: preview.isOpen ? preview : null,
      simplified: simplify.isOpen,
    }),
  };
}
