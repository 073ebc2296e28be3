// Toasts, questions, and the frame of help and palette. One dialog at a time; the keyboard belongs to it.

import { el, icon } from "./dom.js";

const SHOWN_MS = 4200;

export function createDialogs(root) {
  const toasts = el("div.tc-toasts", { role: "status", "aria-live": "polite" });
  root.append(toasts);
  let open = null;

  function close(value) {
    if (!open) return;
    const { layer, done, focus } = open;
    open = null;
    layer.remove();
    focus?.focus?.({ preventScroll: true });
    done(value);
  }

  const api = {
    get isOpen() {
      return open !== null;
    },
    /** Show a line for a few seconds. @param {"info"|"ok"|"warn"|"bad"} tone */
    toast(text, tone = "info") {
      if ([...toasts.children].some((node) => node.dataset.text === text)) return;
      const node = el(`div.tc-toast.${tone}`, { dataset: { text } }, el("span", { text }));
      toasts.append(node);
      while (toasts.children.length > 4) toasts.firstChild.remove();
      setTimeout(() => node.remove(), tone === "bad" || tone === "warn" ? 2 * SHOWN_MS : SHOWN_MS);
    },
    /** Show a dialog; resolves with what `close(value)` gets, null for Esc or a click outside. */
    show(className, title, build) {
      close(null);
      return new Promise((done) => {
        const box = el(`div.tc-dialog.${className}`, {
          role: "dialog",
          "aria-modal": "true",
          "aria-label": title,
          tabindex: -1,
        });
        const layer = el(
          "div.tc-layer",
          {
            onpointerdown: (event) => {
              if (event.target === layer) close(null);
            },
          },
          box,
        );
        layer.addEventListener("keydown", (event) => {
          if (event.key === "Escape") {
            event.preventDefault();
            close(null);
          }
          if (event.key === "Tab") trap(event, box);
          event.stopPropagation();
        });
        open = { layer, done, focus: document.activeElement };
        root.append(layer);
        build(box, close);
        (box.querySelector("[autofocus]") ?? box).focus();
      });
    },
    /** Ask before something big. @returns {Promise<boolean>} */
    async confirm(question, note, verb) {
      const answer = await api.show("tc-confirm", question, (box, end) => {
        box.append(
          el("h2", { text: question }),
          el("p", { text: note }),
          el(
            "div.tc-buttons",
            {},
            el("button.tc-button", { type: "button", onclick: () => end(false) }, "Cancel", el("kbd", { text: "Esc" })),
            el(
              "button.tc-button.tc-primary",
              { type: "button", autofocus: true, onclick: () => end(true) },
              verb,
              el("kbd", { text: "Enter" }),
            ),
          ),
        );
      });
      return answer === true;
    },
    close,
    head: (title, end) =>
      el(
        "div.tc-dialoghead",
        {},
        el("h2", { text: title }),
        el(
          "button.tc-mini",
          { type: "button", "aria-label": "Close", title: "Close (Esc)", onclick: () => end(null) },
          icon("close"),
        ),
      ),
  };
  return api;
}

function trap(event, box) {
  const stops = [...box.querySelectorAll("button,input,select,textarea,[tabindex='0']")].filter((node) => !node.disabled);
  if (!stops.length) return;
  const [first, last] = [stops[0], stops.at(-1)];
  if (event.shiftKey && document.activeElement === first) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && document.activeElement === last) {
    event.preventDefault();
    first.focus();
  }
}
