// What the stage says when there is no image to show, and what to do about it.

import { el, icon, fill } from "../shell/dom.js";

export function createEmpty({ session, commands, wanted, showTab }) {
  const root = el("div.tc-empty", { hidden: true });
  const screens = {
    empty: () => [
      "images",
      "No dataset is open",
      "Import a folder of images, or open one of your datasets.",
      ["Go to Datasets", () => showTab("datasets")],
    ],
    no_images: () => [
      "images",
      "This dataset has no images",
      "Import it again from a folder that holds images.",
      ["Go to Datasets", () => showTab("datasets")],
    ],
    unreadable: () => [
      "alert",
      "This image cannot be shown",
      session.problem,
      ["Next image", () => commands.runById("next_image")],
    ],
    failed: () => [
      "alert",
      "This could not be opened",
      session.problem,
      ["Try again", () => session.openDataset(session.dataset ?? wanted())],
    ],
  };
  return {
    root,
    refresh() {
      const { phase } = session,
        screen = screens[phase]?.();
      root.hidden = !screen && phase !== "loading";
      root.classList.toggle("tc-loading", phase === "loading");
      if (phase === "loading") return fill(root, el("i.tc-spin"), el("p", { text: "Opening" }));
      if (!screen) return undefined;
      const [sign, title, text, [verb, go]] = screen;
      return fill(
        root,
        icon(sign),
        el("h2", { text: title }),
        el("p", { text }),
        el("button.tc-button.tc-primary", { type: "button", onclick: go }, verb),
      );
    },
  };
}
