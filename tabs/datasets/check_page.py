"""The check of a dataset: findings by kind with their images, and repairs.

A repair is one click; undo takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import opener, pager, thumb
from tabs._parts.jobs import JobPanel
from tabs._parts.pages import End, Outcome, Page, Pages
from tabs._parts.shell import IN_TURN, Shell

PAGE = 25
LOOKED_THROUGH = 20  # newest checks of any dataset, among which this one's is looked for
TONES = {"error": "bad", "warning": "warn", "info": "accent"}
AT_FIRST = {"check": "", "page": 1, "asking": False, "said": ""}
UNDO = "In each image this is one edit: open the image in Label and press Ctrl+Z to undo it."
BY_ID = ("equals ", "inside ")  # details that name another box by its id, which says nothing to people
GROUP = 4  # pictures of a group that are drawn
ALSO_FROM = "manage"  # the page whose check of the files is answered here


class Check(Page):
    """Findings by kind, what checks a dataset, and what repairs a kind."""

    name, title = "check", "Check"
    kinds = ("datasets_check", "datasets_repair")

    def build(self) -> None:
        """Draw the settings and the findings."""
        self._settings, self._start, self._repair = _asking()
        panel, shown = h.panel(elem_id="check-page"), gr.State(AT_FIRST)
        self.outputs, self.reads = [panel, shown], [shown]
        self.shell.on(panel.pick, self._picked, [self.shell.dataset, shown], [panel, shown])
        self.shell.on(self._start.click, lambda: AT_FIRST, None, shown, **IN_TURN)

    def draw(self, dataset: str) -> tuple:
        """Return the findings of the newest check, the first kind chosen."""
        return draw(self.shell, dataset, AT_FIRST), AT_FIRST

    def wire(self, panel: JobPanel, pages: Pages) -> None:
        """Start checks and repairs as jobs of the tab."""
        panel.start(self._start.click, self._check, [self.shell.dataset, *self._settings])
        panel.start(self._repair.click, self._mend, [self.shell.dataset, *self.reads])

    def ended(self, end: End) -> Outcome:
        """Return the findings; what a repair said stays above the check that follows it."""
        if end.kind == "datasets_repair":
            if not end.is_done:
                return Outcome()
            facts, again = repaired(self.shell, end.job)
            return Outcome(self._shown(end.dataset, facts), job=again)
        page = self.name if end.is_done and end.page == ALSO_FROM else ""
        if self.name not in (page, end.page):
            return Outcome()
        facts = AT_FIRST | {"said": end.values[self.reads[0]]["said"]}
        return Outcome(self._shown(end.dataset, facts), page=page)

    def _shown(self, dataset: str, facts: dict) -> dict:
        return dict(zip(self.outputs, (draw(self.shell, dataset, facts), facts), strict=True))

    def _picked(self, dataset: str, shown: dict, event: gr.EventData) -> tuple:
        shown = changed(shown, dict(event._data))
        return draw(self.shell, dataset, shown), shown

    def _check(self, dataset: str, tiny: float, near: float, looks: bool) -> str:
        settings = {"tiny_px": tiny, "near_bits": near, "with_looks": looks}
        return self.shell.call("datasets_check", dataset=self.shell.require(dataset), **settings)

    def _mend(self, dataset: str, shown: dict) -> str:
        before = (latest(self.shell, self.shell.require(dataset)) or {"arguments": {}})["arguments"]
        limits = {key: before[key] for key in ("tiny_px", "near_bits") if key in before}
        return self.shell.call("datasets_repair", dataset=dataset, check=shown["check"], **limits)


def _asking() -> tuple[list, gr.Button, gr.Button]:
    """Draw a check's settings, the button that starts it, and the repair's button.

    The latter is hidden; the answer to a repair's question presses it.
    """
    with gr.Row(elem_classes="t-line"):
        tiny = gr.Number(4, label="Tiny: below (pixels)", minimum=0, elem_id="check-tiny", min_width=90)
        near = gr.Number(
            4,
            label="Alike: differ by up to (bits)",
            precision=0,
            minimum=0,
            maximum=10,
            elem_id="check-near",
            min_width=150,
        )
        looks = gr.Checkbox(
            True,
            label="Compare the images",
            info="Decodes every image: finds copies, look-alikes and rotated photos.",
            elem_id="check-looks",
            scale=2,
        )
        start = gr.Button("Check", variant="primary", elem_id="check-start", scale=0)
        repair = gr.Button("Repair", elem_id="check-repair", elem_classes="t-hidden", scale=0)
    return [tiny, near, looks], start, repair


def changed(shown: dict, told: Mapping) -> dict:
    """Return what the page shows after a pick.

    That is another kind, another page, or the question before a repair.
    """
    act = told.get("act")
    if act == "kind":
        return AT_FIRST | {"check": str(told["check"])}
    if act == "turn":
        return shown | {"page": int(told["page"])}
    return shown | {"asking": act == "ask"}


def repaired(shell: Shell, job: dict) -> tuple[dict, str]:
    """Return what the page says after a repair, and the job that checks again."""
    told, before = job["result"], latest(shell, job["arguments"]["dataset"])
    left = f"; {told['skipped_count']:,} images were left as they are" if told["skipped_count"] else ""
    said = f"{w.plural(told['changes'], 'change')} in {w.plural(told['images'], 'image')}{left}."
    again = before["arguments"] if before else {"dataset": job["arguments"]["dataset"]}
    return AT_FIRST | {"said": said if told["check"] == "split_leakage" else f"{said} {UNDO}"}, shell.call(
        "datasets_check", **again
    )


def latest(shell: Shell, dataset: str) -> dict | None:
    """Return the job of a dataset's newest finished check; None where there is none."""
    jobs = shell.call("jobs_list", kind="datasets_check", limit=LOOKED_THROUGH)
    return next((job for job in jobs if job["state"] == "succeeded" and job["arguments"]["dataset"] == dataset), None)


def draw(shell: Shell, dataset: str, shown: dict) -> h.Html:
    """Draw the newest check of a dataset."""
    job = latest(shell, dataset)
    if job is None:
        return h.empty(
            "Not checked yet",
            "A check looks for unreadable and double images, images in two splits, and boxes that are empty, double, tiny, "
            "outside or of no class.",
            h.button("Check now", tone="primary", data_press="#check-start"),
        )
    checks = job["result"]["checks"]
    found = sorted((row for row in checks if row["count"]), key=lambda row: list(TONES).index(row["severity"]))
    clean = [row for row in checks if not row["count"]]
    chosen = next((row for row in found if row["check"] == shown["check"]), found[0] if found else None)
    said = h.div(h.chip("repaired", "ok"), shown["said"], cls="t-row t-note") if shown["said"] else None
    images = w.plural(job["result"]["images"], "image")
    head = h.head(
        f"{w.plural(sum(row['count'] for row in found), 'finding')} in {images}",
        f"checked {w.when(job['ended_at'])} in {w.duration(job['result']['took_s'])}",
    )
    if chosen is None:
        return h.div(head, said, h.empty("Nothing found", f"{images} passed all {len(checks)} checks."), cls="t-stack")
    left = h.div(_kinds(found, chosen), _clean(clean))
    return h.div(said, head, h.div(left, _findings(dataset, chosen, shown), cls="t-check"), cls="t-stack")


def _kinds(found: list[dict], chosen: dict) -> h.Html:
    rows = [
        h.row(
            [
                h.div(h.el("i", cls=f"t-dot {TONES[row['severity']]}"), row["label"], cls="t-row t-nowrap"),
                w.count(row["count"]),
            ],
            (1,),
            data_act="kind",
            data_check=row["check"],
            tabindex=0,
            cls="on" if row is chosen else None,
            title=row["help"],
        )
        for row in found
    ]
    return h.table(["Finding", ""], rows, (1,))


def _clean(clean: list[dict]) -> h.Html:
    return h.el(
        "details",
        h.el("summary", f"{w.plural(len(clean), 'check')} found nothing"),
        h.div([h.div(row["label"]) for row in clean]),
        cls="t-clean t-note",
    )


def _findings(dataset: str, chosen: dict, shown: dict) -> h.Html:
    rows, page = chosen["findings"], shown["page"]
    repair = (
        h.button(f"Repair: {chosen['repair']}", "ask", "primary") if chosen["repair"] and not shown["asking"] else None
    )
    question = _question(chosen) if shown["asking"] and chosen["repair"] else None
    head = h.head(chosen["label"], pager(len(rows), page, PAGE), repair)
    listed = [_finding(dataset, row) for row in rows[(page - 1) * PAGE : page * PAGE]]
    more = (
        h.div(f"The first {len(rows):,} of {chosen['count']:,} are listed; all are counted.", cls="t-note")
        if chosen["count"] > len(rows)
        else None
    )
    return h.div(
        h.div(head, h.div(chosen["help"], cls="t-note")),
        question,
        h.table(["", "Image", "Found"], listed, cls="t-findings"),
        more,
        cls="t-stack",
    )


def _question(chosen: dict) -> h.Html:
    images = len({row["image_id"] for row in chosen["findings"]})
    where = (
        f"in {w.plural(images, 'image')}"
        if chosen["count"] == len(chosen["findings"])
        else "in all images that have them"
    )
    undo = "This changes the splits of images, not their boxes." if chosen["check"] == "split_leakage" else UNDO
    act = h.button(f"Repair {w.plural(chosen['count'], 'finding')}", tone="primary", data_press="#check-repair")
    ask, told = f"{chosen['label']}: {chosen['repair']}?", f"{w.plural(chosen['count'], 'finding')} {where}."
    return h.question(ask, told, act, h.button("Leave them as they are", "keep", "quiet"), note=undo)


def _finding(dataset: str, row: dict) -> list:
    group = row.get("group") or []
    if group:
        names = [h.div(opener(dataset, each["image_id"], each["name"])) for each in group[:GROUP]]
        more = h.div(f"and {len(group) - GROUP} more", cls="t-note") if len(group) > GROUP else None
        return [
            h.div([thumb(each["image_id"]) for each in group[:2]], cls="t-row t-nowrap"),
            h.div(names, more),
            h.span(w.plural(len(group), "image"), cls="t-note"),
        ]
    if not row["image_id"]:
        return ["", h.span("–", cls="t-note"), h.span(row["detail"], cls="t-note")]
    told = w.plural(len(row["annotation_ids"]), "box", "boxes") if row["detail"].startswith(BY_ID) else row["detail"]
    return [thumb(row["image_id"]), opener(dataset, row["image_id"], row["name"]), h.span(told, cls="t-note")]
