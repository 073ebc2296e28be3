"""What the Datasets tab shows: the list, one dataset's numbers, its import report, its exports."""
from __future__ import annotations

from collections.abc import Sequence

from tabs import _html as h
from tabs import _words as w

REPORT_PAGE = 50
READ = {"images": ("Images", "found"), "labelled": ("With labels", "images"), "annotations": ("Boxes", "imported")}
KINDS = {"dropped": "not imported", "repaired": "imported, but changed", "noticed": "worth a look"}
TONES = {"dropped": "bad", "repaired": "warn", "noticed": ""}
STATES = (("reviewed", "ok", "Reviewed"), ("in_progress", "warn", "In progress"), ("new", "", "New"))
COLUMNS = ["Dataset", "Storage", "Images", "Boxes", "Classes", "Labelled", "Problems"]
NUMBERS = (2, 3, 4)


def labelled(row: dict) -> float:
    """Return the share of a dataset's images that somebody has worked on, in [0, 1]."""
    return 1 - row["states"].get("new", 0) / row["images"] if row["images"] else 0.0


def listing(rows: Sequence[dict], chosen: str) -> h.Html:
    """Draw all datasets; the open one is marked and a click opens another."""
    if not rows:
        return h.empty("No dataset yet", "Point Tator at a folder of images, with or without labels. Linked images stay where they are.",
                       h.button("Choose a folder", tone="primary", data_focus="#new-path input, #new-path textarea"))
    return h.div(h.head("Datasets", w.plural(len(rows), "dataset")), h.table(COLUMNS, [_row(row, row["name"] == chosen) for row in rows], NUMBERS))


def _row(row: dict, on: bool) -> h.Html:
    share = labelled(row)
    done = h.div(h.bar(share, "ok" if share >= 1 else ""), h.span(w.percent(share, 0), cls="t-note"), cls="t-row t-nowrap")
    cells = [h.el("b", row["name"]), h.chip(row["storage"]), w.count(row["images"]), w.count(row["annotations"]),
             w.count(row["class_count"]), done, problems(row)]
    return h.row(cells, NUMBERS, data_act="open", data_name=row["name"], tabindex=0, cls="on" if on else None)


def problems(row: dict) -> h.Html:
    """Draw what is wrong with a dataset, or that nothing is."""
    if not row.get("is_complete", True):
        return h.chip("import unfinished", "warn")
    return h.chip(f"{row['unreadable']:,} unreadable", "warn") if row["unreadable"] else h.span("none", cls="t-note")


def overview(facts: dict) -> h.Html:
    """Draw one dataset: numbers, states and splits of its images, where they lie."""
    share = labelled(facts)
    numbers = h.stats([
        ("Images", w.count(facts["images"]), f"{facts['unreadable']:,} unreadable" if facts["unreadable"] else "all readable"),
        ("Boxes", w.count(facts["annotations"]), f"{facts['annotations'] / facts['images']:.1f} an image" if facts["images"] else ""),
        ("Classes", w.count(facts["class_count"]), ""),
        ("Labelled", w.percent(share, 0), f"{facts['images'] - facts['states'].get('new', 0):,} of {facts['images']:,} images"),
    ])
    where = "linked: read only, never moved, changed or deleted" if facts["storage"] == "linked" else "managed: copied into the workspace"
    told = h.facts([("Storage", where), ("Folder", h.span(facts["root"], cls="t-mono")), ("Created", w.when(facts["created_at"])),
                    ("States", _states(facts["states"])), ("Splits", _splits(facts["splits"]))])
    return h.div(numbers, h.div(told, cls="t-box"), cls="t-stack")


def title(name: str) -> h.Html:
    """Draw the open dataset's name with what can be done with it."""
    return h.head(name, h.goto("Train a class head", "train_clip"), h.goto("Open in Label", "label", "primary"))


def _states(states: dict) -> h.Html:
    return h.div([h.chip(f"{label} {states.get(state, 0):,}", tone) for state, tone, label in STATES], cls="t-row")


def _splits(splits: dict) -> h.Html:
    named = {split or "none": n for split, n in splits.items()}
    return h.div([h.chip(f"{split} {n:,}") for split, n in sorted(named.items())], cls="t-row") if named else h.span("–")


def report(facts: dict, page: int) -> h.Html:
    """Draw what the last import read, dropped and repaired; long lists are paged.

    Args:
        facts: of datasets_get, with its "report".
        page: from 1.
    """
    told = facts.get("report") or {}
    if not told:
        return h.empty("No import report", "This dataset was not imported from files, or its import is still under way.")
    counts = told.get("counts", {})
    read = told.get("read", {})
    numbers = h.stats([(label, w.count(read[key]), note) for key, (label, note) in READ.items() if key in read]
                      + [(_title(kind), w.count(sum(counts.get(kind, {}).values())), note) for kind, note in KINDS.items()])
    parts = [_problems(kind, counts.get(kind, {}), told[kind], page) for kind in KINDS if told.get(kind)]
    clean = h.div(h.chip("clean", "ok"), "Every file was read as it is.", cls="t-row t-note") if not parts else None
    return h.div(numbers, clean, parts, cls="t-stack")


def _title(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _problems(kind: str, counts: dict, rows: Sequence[dict], page: int) -> h.Html:
    last = max(1, -(-len(rows) // REPORT_PAGE))
    page = min(page, last)
    shown = rows[(page - 1) * REPORT_PAGE: page * REPORT_PAGE]
    turn = [h.button("Back", "turn", data_page=page - 1, disabled=page <= 1), f"{page} of {last}",
            h.button("Next", "turn", data_page=page + 1, disabled=page >= last)] if last > 1 else []
    reasons = h.div([h.chip(f"{reason} {n:,}", TONES[kind]) for reason, n in counts.items()], cls="t-row t-below")
    table = h.table(["File", "Line", "Why", "Found"], [_problem(row) for row in shown], numeric=(1,))
    return h.div(h.head(_title(kind), *turn), reasons, table)


def _problem(row: dict) -> list:
    line = row.get("line")
    return [h.span(row.get("file", ""), cls="t-mono"), "" if line is None else line, row.get("reason", ""),
            h.span(row.get("detail", ""), cls="t-note")]


def exports(rows: Sequence[dict]) -> h.Html:
    """Draw the files made so far, each with its download link."""
    if not rows:
        return h.div("Exports that you make are listed here for download.", cls="t-note")
    cells = [[h.span(row["file"], cls="t-mono"), w.size(row.get("bytes")), w.when(row.get("created_at")),
              h.div(h.link("Download", row["url"].lstrip("/"), download=row["file"]),
                    h.button("Delete", "delete_export", "bad", data_file=row["file"]), cls="t-row")] for row in rows]
    return h.table(["File", "Size", "Made", ""], cells, numeric=(1, 2))
