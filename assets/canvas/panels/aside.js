// Changes that were set aside: apply them again, download them, or forget them.

import { el, icon } from "../shell/dom.js";

export function createAsidePanel({ outbox, session, dialogs, conflict }) {
  function download(parcel) {
    const link = el("a", {
      href: URL.createObjectURL(new Blob([JSON.stringify(parcel, null, 1)], { type: "application/json" })),
      download: `tator-changes-${parcel.imageId}.json`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  async function again(parcel, end) {
    end(null);
    if (session.imageId !== parcel.imageId) await session.openImage(parcel.imageId);
    if (session.imageId !== parcel.imageId) return;
    conflict.apply(parcel.edits);
    outbox.dropAside(parcel.id);
  }
  const line = (parcel, end) =>
    el(
      "div.tc-asiderow",
      {},
      el("span.tc-name", { text: parcel.name, title: parcel.name }),
      el("em", { text: `${parcel.edits.length} steps, ${new Date(parcel.at).toLocaleString()}` }),
      el("button.tc-button", { type: "button", onclick: () => again(parcel, end) }, "Apply"),
      el("button.tc-button", { type: "button", onclick: () => download(parcel) }, "Download"),
      el(
        "button.tc-mini",
        {
          type: "button",
          "aria-label": "Delete",
          title: "Delete",
          onclick: (event) => {
            outbox.dropAside(parcel.id);
            event.currentTarget.parentNode.remove();
          },
        },
        icon("trash"),
      ),
    );
  return {
    open: () =>
      dialogs.show("tc-asides", "Changes set aside", (box, end) => {
        const parcels = outbox.aside();
        box.append(
          dialogs.head("Changes set aside", end),
          parcels.length
            ? el(
                "div",
                {},
                parcels.map((p) => line(p, end)),
              )
            : el("p.tc-hint", { text: "Nothing is set aside." }),
        );
      }),
  };
}
