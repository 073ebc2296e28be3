"""Drawings of runs: the list of a family, and the heading and questions of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tabs._parts import html as h
from tabs._parts import words as w
from tator.ops import operations

PLAIN = (str, int, float, bool)


@dataclass(frozen=True)
class Figure:
    """A column with a key figure of the runs.

    Attributes:
        key: its name in the "figures" of runs_list.
        label: above the column.
        write: returns it as people read it.
    """

    key: str
    label: str
    write: Callable[[Any], str] = w.figure


def settled(run: dict) -> h.Html:
    """Draw the report and the settings of a run, as runs_get answers it."""
    told = [(key, value) for key, value in run["report"].items() if isinstance(value, PLAIN)]
    columns = [("Report", told), ("Settings", list(run["settings"].items()))]
    parts = [h.div(h.head(title), _facts(pairs), cls="t-box") for title, pairs in columns if pairs]
    return h.div(parts, cls="t-two") if parts else h.div("Nothing was recorded of its training.", cls="t-note")


def _facts(pairs: Sequence[tuple[str, Any]]) -> h.Html:
    return h.facts((worded(key).capitalize(), w.figure(value)) for key, value in pairs)


def worded(key: str) -> str:
    """Return the name of a setting or figure in words."""
    return key.replace("_", " ")


def called(family: dict, row: dict) -> str:
    """Return what people call a run: its name, or its dataset's.

    Its dataset's is taken where a dataset has one run.
    """
    return row["dataset"] or row["name"] if family["is_of_dataset"] else row["name"]


def begun_by(family: dict) -> str:
    """Return what makes a run of a family, such as Train; "" for nothing."""
    return operations()[family["train"]].title.split()[0] if family["train"] else ""


def heading(family: dict, row: dict) -> h.Html:
    """Draw a run's name, its dataset, and the buttons that change it."""
    is_named = not family["is_of_dataset"]
    verb = begun_by(family)
    how = "trained on" if verb == "Train" else "of"
    of = h.span(f"{how} {row['dataset']}", cls="t-clip") if row["dataset"] and is_named else None
    tools = [
        tool("Rename", "rename", row) if is_named else None,
        tool(f"{verb} again", "again", row) if verb else None,
        tool("Delete", "delete", row),
    ]
    title = f"{family['one'].capitalize()} {called(family, row)}"
    return h.head(title, of, h.chip("active", "ok") if row["active"] else None, h.div(tools, cls="t-row t-nowrap"))


def tool(label: str, act: str, row: dict, tone: str = "quiet", **facts: Any) -> h.Html:
    """Return a button that does something with a run."""
    return h.button(label, act, tone, data_name=row["name"], **facts)


def listing(family: dict, figures: Sequence[Figure], rows: Sequence[dict], chosen: str) -> h.Html:
    """Draw the runs; a click shows one, the chosen one is marked."""
    of = [] if family["is_of_dataset"] else ["Dataset"]
    first, one = 1 + len(of), family["one"]
    is_text = [any(isinstance(row["figures"].get(figure.key), str) for row in rows) for figure in figures]
    numeric = [first + i for i, text in enumerate([*is_text, False]) if not text]
    columns = [one.capitalize(), *of, *(figure.label for figure in figures), "Made", ""]
    drawn = [_row(family, figures, row, numeric, row["name"] == chosen) for row in rows]
    return h.div(h.head(family["label"], w.plural(len(rows), one)), h.table(columns, drawn, numeric))


def _row(family: dict, figures: Sequence[Figure], row: dict, numeric: Sequence[int], is_chosen: bool) -> h.Html:
    address = f"run/{quote(family['family'], safe='')}/{quote(row['name'], safe='')}"
    tools = h.div(_state(family, row), h.link("Download", address, download=True), cls="t-row t-nowrap t-end")
    of = [] if family["is_of_dataset"] else [row["dataset"]]
    told = [figure.write(row["figures"].get(figure.key)) for figure in figures]
    cells = [h.el("b", called(family, row)), *of, *told, w.when(row["created_at"]), tools]
    mark = "on" if is_chosen else None
    return h.row(cells, numeric, data_act="show", data_name=row["name"], tabindex=0, cls=mark)


def _state(family: dict, row: dict) -> h.Html | None:
    if row["problem"]:
        return h.chip("damaged", "bad", title=row["problem"])
    if row["active"]:
        return h.chip("active", "ok")
    return tool("Activate", "activate", row, "") if family["can_be_active"] else None


def asked_name(family: dict, row: dict, new_name: str, field: str) -> h.Html:
    """Ask for another name of a run.

    Args:
        family: as runs_families answers it.
        row: of the run.
        new_name: what the field holds at first.
        field: id of the field.
    """
    sure = tool("Rename", "do_rename", row, "primary", data_field=f"#{field}")
    told = "Where it is used, it goes on being used."
    return h.question(f"Rename {family['one']} {row['name']}.", told, _field(new_name, field), sure, _leave(row))


def asked_again(family: dict, row: dict, settings: dict, new_name: str, field: str) -> h.Html:
    """Ask whether to train another with the same settings; see asked_name."""
    told = ", ".join(f"{worded(key)} {w.figure(value)}" for key, value in settings.items())
    has_name = not family["is_of_dataset"]
    verb = begun_by(family)
    ask = f"{verb} with the same settings." if verb != "Train" else f"Train another {family['one']} like this one."
    ask = ask if has_name else f"{verb} this {family['one']} anew."
    sure = tool(verb, "again", row, "primary", data_begins=True, data_field=f"#{field}" if has_name else None)
    told = f"Its settings are {told}." if told else "Its settings were not kept."
    return h.question(ask, told, _field(new_name, field) if has_name else None, sure, _leave(row))


def asked_delete(family: dict, row: dict) -> h.Html:
    """Ask whether a run goes to the trash."""
    sure = tool("Delete", "do_delete", row, "bad")
    told = "It goes to the trash and can be restored from there."
    return h.question(f"Delete {family['one']} {called(family, row)}?", told, sure, _leave(row))


def _field(value: str, field: str) -> h.Html:
    return h.el("input", cls="t-field boxed", value=value, maxlength=80, aria_label="New name", id=field)


def _leave(row: dict) -> h.Html:
    return tool("Cancel", "show", row)
