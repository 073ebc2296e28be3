"""The check of a dataset: findings by kind, each with its image, and one-click repairs that undo takes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.gallery import opener, pager, thumb
from tabs._parts.jobs import JobPanel
from tabs._parts.shell import Shell

PAGE = 25
LOOKED_THROUGH = 20  # newest checks of any dataset, among which this one's is looked for
TONES = {"error": "bad", "warning": "warn", "info": "accent"}
AT_FIRST = {"check": "", "page": 1, "asking": False, "said": ""}
UNDO = "Every image's change is one edit: open the image in Label and press Ctrl+Z to take it back."
BY_ID = ("equals ", "inside ")  # details that name another box by its id, which says nothing to people
GROUP = 4  # pictures of a group that are drawn


@dataclass(frozen=True)
class CheckPage:
    """Widgets of the page.

    Attributes:
        panel: the findings.
        shown: which of them.
        start: the button that checks.
        repair: what the confirmed repair presses.
        settings: of the check.
    """

    panel: gr.HTML
    shown: gr.State
    start: gr.Button
    repair: gr.Button
    settings: list


def build(shell: Shell) -> CheckPage:
    """Draw the page and wire its own parts."""
    with gr.Row(elem_classes="t-line"):
        tiny = gr.Number(4, label="Tiny: below (px)", minimum=0, elem_id="check-tiny", min_width=90)
        near = gr.Number(
            4,
            label="Alike: up to (0 is equal)",
            precision=0,
            minimum=0,
            maximum=10,
            elem_id="check-near",
            min_width=150,
        )
        looks = gr.Checkbox(
            True,
            label="Compare the pictures",
            info="Decodes every image: finds copies, look-alikes and turned photos.",
            elem_id="check-looks",
            scale=2,
        )
        start = gr.Button("Check", variant="primary", elem_id="check-start", scale=0)
        repair = gr.Button("Repair", elem_id="check-repair", elem_classes="t-hidden", scale=0)
    panel = h.panel(elem_id="check-page")
    shown = gr.State(AT_FIRST)

    def picked(dataset: str, shown: dict, event: gr.EventData) -> tuple:
        shown = changed(shown, dict(event._data))
        return draw(shell, dataset, shown), shown

    shell.on(panel.pick, picked, [shell.dataset, shown], [panel, shown])
    shell.on(start.click, lambda: AT_FIRST, None, shown)
    return CheckPage(panel, shown, start, repair, [tiny, near, looks])


def wire(shell: Shell, jobs: JobPanel, page: CheckPage) -> None:
    """Start checks and repairs as jobs of the tab."""

    def check(dataset: str, tiny: float, near: float, looks: bool) -> str:
        return shell.call(
            "datasets_check", dataset=shell.require(dataset), tiny_px=tiny, near_bits=near, with_looks=looks
        )

    def mend(dataset: str, shown: dict) -> str:
        asked = (latest(shell, shell.require(dataset)) or {"arguments": {}})["arguments"]
        limits = {key: asked[key] for key in ("tiny_px", "near_bits") if key in asked}
        return shell.call("datasets_repair", dataset=dataset, check=shown["check"], **limits)

    jobs.start(page.start.click, check, [shell.dataset, *page.settings])
    jobs.start(page.repair.click, mend, [shell.dataset, page.shown])


def changed(shown: dict, told: Mapping) -> dict:
    """Return what the page shows after a pick: another kind, another page, or the question before a repair."""
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
    """Return the newest finished check of a dataset as a job; None where there is none."""
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
    undo = "This changes the images' splits and no box." if chosen["check"] == "split_leakage" else UNDO
    act = h.button(f"Repair {w.plural(chosen['count'], 'finding')}", tone="primary", data_press="#check-repair")
    ask, told = f"{chosen['label']}: {chosen['repair']}?", f"{w.plural(chosen['count'], 'finding')} {where}."
    return h.question(ask, told, act, h.button("Leave them", "keep", "quiet"), note=undo)


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
