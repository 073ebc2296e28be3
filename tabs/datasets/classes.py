"""The class editor: rename, recolour, reorder, add and delete, each one operation."""

from __future__ import annotations

import gradio as gr

from tabs._parts import html as h
from tabs._parts import words as w
from tabs._parts.pages import Page
from tabs._parts.shell import Shell

LISTS = [("Lines (.txt)", "txt"), ("Lines (.names)", "names"), ("YAML", "yaml"), ("JSON", "json")]
KEEP = -1  # of class_delete: move no boxes, as a class without boxes has none


class Classes(Page):
    """The label map of a dataset as rows that are edited in place."""

    name, title = "classes", "Classes"

    def build(self) -> None:
        """Draw the rows, and the field that adds one."""
        shell, editor, doomed = self.shell, h.panel(elem_id="classes"), gr.State(None)
        new = gr.Textbox(
            label="New class",
            show_label=False,
            container=False,
            placeholder="New class: type a name, press Enter",
            max_length=100,
            elem_id="class-new",
        )
        _lists(shell, editor)
        self.outputs = [editor]
        shell.on(new.submit, self._added, [shell.dataset, new], [editor, new])
        shell.on(editor.pick, self._changed, [shell.dataset, doomed], [editor, doomed])

    def draw(self, dataset: str) -> tuple:
        """Return the rows."""
        return (draw(self.shell, dataset),)

    def _changed(self, dataset: str, doomed: int | None, event: gr.EventData) -> tuple:
        doomed = apply(self.shell, self.shell.require(dataset), event._data, doomed)
        return draw(self.shell, dataset, doomed), doomed

    def _added(self, dataset: str, name: str) -> tuple:
        apply(self.shell, self.shell.require(dataset), {"act": "add", "value": name}, None)
        return draw(self.shell, dataset), ""


def _lists(shell: Shell, editor: gr.HTML) -> None:
    """Draw the box that class lists are pasted into and copied from."""
    with gr.Row(elem_classes="t-line"):
        label = "Class list: paste one to add its classes"
        text = gr.Textbox(
            label=label, lines=3, max_lines=12, placeholder="cat\ndog", buttons=["copy"], elem_id="class-list", scale=4
        )
        kind = gr.Dropdown(LISTS, value="txt", label="As", elem_id="class-list-kind", scale=1)
        take = gr.Button("Add these", elem_id="class-list-add", scale=0)
        give = gr.Button("Write list", elem_id="class-list-write", scale=0)

    def taken(dataset: str, text: str, kind: str) -> tuple:
        read = kind if kind in ("yaml", "json") else "lines"
        told = shell.call("classes_import", dataset=shell.require(dataset), text=text, kind=read)
        refused = "".join(f"; {each['name']!r} is refused: {each['reason']}" for each in told["refused"][:3])
        gr.Info(
            f"{w.plural(len(told['added']), 'class', 'classes')} added, {told['kept']} there already{refused}",
            title="Classes",
        )
        return draw(shell, dataset), ""

    def given(dataset: str, kind: str) -> str:
        return shell.call("classes_export", dataset=shell.require(dataset), kind=kind)["text"]

    shell.on(take.click, taken, [shell.dataset, text, kind], [editor, text])
    shell.on(give.click, given, [shell.dataset, kind], text)
    shell.anew(text, "")


def apply(shell: Shell, dataset: str, asked: dict, doomed: int | None) -> int | None:
    """Do what a widget of the editor asks.

    Returns the class whose deletion is being asked about, else None.

    Args:
        shell: the window's frame.
        dataset: name.
        asked: data attributes of the widget, and its "value".
        doomed: class chosen for deletion, not yet confirmed.
    """
    act, value = asked.get("act"), str(asked.get("value", ""))
    class_id = int(asked.get("id", KEEP))
    if act == "add" and value.strip():
        shell.call("class_add", dataset=dataset, name=value.strip())
    elif act == "rename":
        shell.call("class_rename", dataset=dataset, class_id=class_id, name=value)
    elif act == "recolor":
        shell.call("class_recolor", dataset=dataset, class_id=class_id, color=value)
    elif act == "move":
        shell.call("class_reorder", dataset=dataset, class_ids=moved(_ids(shell, dataset), class_id, int(asked["by"])))
    elif act == "ask":
        return class_id
    elif act in ("delete", "delete_into") and doomed is not None:
        shell.call("class_delete", dataset=dataset, class_id=doomed, move_to=int(value or KEEP))
    return None


def _ids(shell: Shell, dataset: str) -> list[int]:
    return [row["class_id"] for row in shell.call("datasets_get", dataset=dataset)["classes"]]


def moved(ids: list[int], class_id: int, by: int) -> list[int]:
    """Return the ids with one moved by some places, kept inside the list."""
    rest = [other for other in ids if other != class_id]
    at = min(max(ids.index(class_id) + by, 0), len(rest))
    return [*rest[:at], class_id, *rest[at:]]


def draw(shell: Shell, dataset: str, doomed: int | None = None) -> h.Html:
    """Draw the label map of a dataset as rows that can be edited in place."""
    if not dataset:
        return h.Html("")
    rows = shell.call("datasets_get", dataset=dataset)["classes"]
    drawn = [_row(i, row, len(rows)) for i, row in enumerate(rows)]
    asked = next((row for row in rows if row["class_id"] == doomed), None)
    table = (
        h.table(["", "Key", "Name", "Boxes", ""], drawn, numeric=(3,), cls="t-tight")
        if rows
        else h.div("No class yet: add the first one below.", cls="t-note")
    )
    return h.div(_ask(asked, rows) if asked else None, table, cls="t-stack")


def _row(i: int, row: dict, n: int) -> list:
    facts = {"data_id": row["class_id"]}
    color = h.el(
        "input",
        type="color",
        cls="t-color",
        value=row["color"],
        data_act="recolor",
        aria_label=f"Colour of {row['name']}",
        **facts,
    )
    name = h.field(
        row["name"],
        "rename",
        aria_label=f"Name of {row['name']}",
        maxlength=100,
        **facts,
    )
    tools = h.div(
        h.button("↑", "move", "quiet", data_by=-1, disabled=i == 0, title="Up", **facts),
        h.button("↓", "move", "quiet", data_by=1, disabled=i == n - 1, title="Down", **facts),
        h.button("Delete", "ask", "quiet", **facts),
        cls="t-row t-nowrap t-end",
    )
    key = h.el("kbd", (i + 1) % 10) if i < 10 else ""
    return [color, key, name, w.count(row.get("annotations", 0)), tools]


def _ask(doomed: dict, rows: list[dict]) -> h.Html:
    boxes = doomed.get("annotations", 0)
    others = [row for row in rows if row["class_id"] != doomed["class_id"]]
    if boxes and others:
        choice = h.el(
            "select",
            h.el("option", "Move its boxes to …", value=KEEP),
            [h.el("option", row["name"], value=row["class_id"]) for row in others],
            cls="t-field boxed",
            data_act="delete_into",
            aria_label="Class that takes the boxes",
        )
    else:
        choice = (
            h.button("Delete", "delete", "bad")
            if not boxes
            else h.span("First add the class that its boxes are to move to.", cls="t-note")
        )
    told = f"It has {w.plural(boxes, 'box', 'boxes')}."
    return h.question(f"Delete {doomed['name']}?", told, choice, h.button("Keep it", "keep", "quiet"))
