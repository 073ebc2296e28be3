"""What the last run over the open dataset proposed, and the way to it in Label."""

from __future__ import annotations

from collections.abc import Sequence

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import opener
from tabs._parts.pages import Part
from tabs._parts.shell import Shell

LOOKED_AT = 20  # newest jobs of a kind, among which the open dataset's is
BAD_SHOWN = 5


class Proposed(Part):
    """The candidates that the newest job of some kinds left in the open dataset.

    Args:
        shell: the window's frame.
        kinds: the operations; only of those that answer with candidates something is shown.
    """

    def __init__(self, shell: Shell, kinds: Sequence[str]) -> None:
        super().__init__(shell)
        self.kinds = tuple(kinds)

    def build(self) -> None:
        """Draw the panel, empty."""
        self.outputs = [h.panel(elem_id=f"{self.kinds[0].replace('_', '-')}-proposed")]

    def draw(self, dataset: str) -> tuple:
        """Return what the newest job proposed in the open dataset; nothing where none did."""
        listed = [self.shell.call("jobs_list", kind=kind, limit=LOOKED_AT) for kind in self.kinds]
        done = [job for jobs in listed for job in jobs if job["state"] == "succeeded" and is_of(job, dataset)]
        newest = max(done, key=lambda job: job["ended_at"], default=None)
        return (proposed(self.shell, dataset, newest["result"]) if newest else h.Html(""),)


def is_of(job: dict, dataset: str) -> bool:
    """Return whether a job left candidates in a dataset."""
    result = job["result"]
    return job["arguments"].get("dataset") == dataset and isinstance(result, dict) and "candidates" in result


def proposed(shell: Shell, dataset: str, result: dict) -> h.Html:
    """Draw what a run proposed and what became of it, with a button to Label."""
    source, images, snapshot = result["source"], result["images"], result["snapshot"]
    rows = shell.call("candidates_sources", dataset=dataset)
    counts = next((row for row in rows if row["source"] == source), {"candidate": 0, "accepted": 0, "rejected": 0})
    left = f"{images['bad']:,} could not be read" if images["bad"] else "all could be read"
    numbers = h.stats(
        [
            ("To decide", w.count(counts["candidate"]), "candidates that wait for you"),
            ("Accepted", w.count(counts["accepted"]), "labels now"),
            ("Rejected", w.count(counts["rejected"]), "kept apart"),
            ("Looked through", w.count(images["done"] + images["kept"]), f"images; {left}"),
        ]
    )
    head = h.head("Candidates", source, _open(shell, dataset, source))
    kept = h.div(f"The dataset as it was before is snapshot {snapshot}.", cls="t-note") if snapshot else None
    return h.div(h.div(head, numbers), kept, _bad(dataset, result), cls="t-stack")


def _open(shell: Shell, dataset: str, source: str) -> h.Html | None:
    """Return the button to the first image with candidates; None where none is left."""
    first = shell.call("candidates_list", dataset=dataset, source=source, limit=1)["candidates"]
    facts = {"data_dataset": dataset}
    return h.button("Decide in Label", "", "primary", data_open_image=first[0]["image_id"], **facts) if first else None


def _bad(dataset: str, result: dict) -> h.Html | None:
    rows = [[opener(dataset, row["image_id"], row["image"]), row["reason"]] for row in result["bad"][:BAD_SHOWN]]
    return h.table(["Image", "Could not be read"], rows) if rows else None
