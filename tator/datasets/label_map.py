"""The ordered classes of a dataset: names, colours and their changes.

No change alters what an old annotation means.
"""

from __future__ import annotations

import colorsys
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from tator.attributes import Skeleton
from tator.storage.schema import dataset as dataset_table
from tator.storage.schema import label_class
from tator.types import BadInput, Conflict, NotFound

LONGEST_NAME = 100
PALETTE = (  # distinct on photographs in light and dark; neighbours differ in hue by far
    "#ff5a5f",
    "#2fa8ff",
    "#ffc01e",
    "#2ecc8f",
    "#b57bff",
    "#ff8f3d",
    "#19c9d6",
    "#f45cbf",
    "#9bd334",
    "#6d83ff",
    "#d9a066",
    "#e8586e",
    "#4fd1a5",
    "#c9b6ff",
)
DISTINCT = 2_000  # colours of the palette that are looked through for one that no class has
GOLDEN_ANGLE = 137.508 / 360  # turns; successive hues never come close
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class LabelClass:
    """One row of a label map.

    Attributes:
        class_id: stable number of the class in its dataset, never reused.
        name: what a person reads.
        color: "#rrggbb".
        position: row in the label map, which exports count densely.
        retired: deleted; kept so that history still reads.
        skeleton: its key points as {"names", "edges"}, None where it has none.
    """

    class_id: int
    name: str
    color: str
    position: int
    retired: bool = False
    skeleton: dict | None = None

    def as_json(self) -> dict:
        """Return the row as JSON, without a key for the key points where it has none."""
        return {name: value for name, value in asdict(self).items() if name != "skeleton" or value}


def palette_color(index: int) -> str:
    """Return the colour for the index-th class: the palette, then golden-angle hues."""
    if index < len(PALETTE):
        return PALETTE[index]
    hue = (index * GOLDEN_ANGLE) % 1.0
    red, green, blue = colorsys.hls_to_rgb(hue, 0.55 + 0.1 * (index % 3 - 1), 0.75)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def free_colors(used: Iterable[str]) -> Iterator[str]:
    """Yield palette colours for new classes, those first that no class has yet.

    There are a few thousand; after them colours repeat.
    """
    taken = {color.lower() for color in used}
    for index in itertools.count():
        if (color := palette_color(index)) not in taken or index >= DISTINCT:
            yield color


def _joins(name: str, at: int) -> bool:
    """Whether the joiner here belongs to an emoji or a script that needs joiners."""
    before = name[:at].rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")[-1:]
    after = name[at + 1 : at + 2]
    pictures = bool(before and after) and unicodedata.category(before) == "So" == unicodedata.category(after)
    signs = (
        bool(after)
        and unicodedata.category(after) in ("So", "Sm", "Po")
        and unicodedata.category(before or "a") == "So"
    )
    return pictures or signs or bool(before and after) and unicodedata.bidirectional(before) == "AL"


def _is_hidden(name: str, at: int) -> bool:
    letter = name[at]
    if letter in "\u200c\u200d":
        return not _joins(name, at)
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") or letter in "\u115f\u1160\u3164\uffa0"


def without_hidden(name: str) -> str:
    """Return the name trimmed and without invisible characters.

    These are control, zero-width and direction-override characters.
    """
    name = unicodedata.normalize("NFC", name)
    name = "".join(letter for at, letter in enumerate(name) if not _is_hidden(name, at))
    return name.strip()[:LONGEST_NAME].strip()


def check_class(class_id: int, names: Mapping[int, str]) -> None:
    """Refuse a class that a dataset does not have; -1 means none.

    Args:
        class_id: of the class.
        names: {class id: name} of the dataset.

    Raises:
        BadInput: no such class.
    """
    if class_id != -1 and class_id not in names:
        known = ", ".join(f"{number} {name}" for number, name in names.items()) or "none"
        raise BadInput(f"class_id {class_id} is not a class of the dataset; there are {known}")


def check_class_name(name: str) -> str:
    """Return a class name in its stored form (NFC, trimmed).

    Any script, sign and emoji may be used; what cannot be seen may not.

    Raises:
        BadInput: empty, over LONGEST_NAME characters, or with hidden characters.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise BadInput("class name is empty; expected at least one visible character")
    if len(name) > LONGEST_NAME:
        raise BadInput(f"class name {name[:40]!r}... has {len(name)} characters; at most {LONGEST_NAME} are kept")
    hidden = sorted({f"U+{ord(name[at]):04X}" for at in range(len(name)) if _is_hidden(name, at)})
    if hidden:
        raise BadInput(f"class name {name!r} has hidden characters ({', '.join(hidden)}); expected visible ones only")
    return name


def check_color(color: str) -> str:
    """Return a colour as "#rrggbb".

    Raises:
        BadInput: not a colour of that form.
    """
    if not _COLOR.fullmatch(color):
        raise BadInput(f"color {color[:40]!r} is not a colour; expected #rrggbb")
    return color.lower()


def read_classes(conn: Connection, dataset_id: int, retired: bool = False) -> list[LabelClass]:
    """Return the classes in label-map order; retired ones only if asked for, last."""
    query = select(label_class).where(label_class.c.dataset_id == dataset_id)
    if not retired:
        query = query.where(label_class.c.retired.is_(False))
    rows = conn.execute(query.order_by(label_class.c.retired, label_class.c.position, label_class.c.class_id))
    return [LabelClass(r.class_id, r.name, r.color, r.position, r.retired, r.skeleton) for r in rows]


def _one(conn: Connection, dataset_id: int, class_id: int) -> LabelClass:
    for row in read_classes(conn, dataset_id):
        if row.class_id == class_id:
            return row
    raise NotFound(f"the dataset has no class with id {class_id}")


def _refuse_taken(rows: Sequence[LabelClass], name: str) -> None:
    if any(row.name == name for row in rows):
        raise Conflict(f"the dataset already has a class {name!r}")


def add_classes(
    conn: Connection, dataset_id: int, names: Sequence[str], colors: Sequence[str] = ()
) -> list[LabelClass]:
    """Append classes to the label map and return them.

    Args:
        conn: open write transaction.
        dataset_id: whose label map.
        names: distinct new names.
        colors: "#rrggbb" each; "" or absent picks one that is free.

    Raises:
        BadInput: a name or colour is refused.
        Conflict: a name is taken.
    """
    rows = read_classes(conn, dataset_id)
    fresh = free_colors([row.color for row in rows])
    taken = {row.name for row in rows}
    place = max((row.position for row in rows), default=-1) + 1
    first = conn.execute(select(dataset_table.c.next_class_id).where(dataset_table.c.id == dataset_id)).scalar_one()
    added = []
    for offset, name in enumerate(map(check_class_name, names)):
        if name in taken:
            raise Conflict(f"the dataset already has a class {name!r}")
        color = check_color(colors[offset]) if offset < len(colors) and colors[offset] else next(fresh)
        taken.add(name)
        added.append(LabelClass(first + offset, name, color, place + offset))
    if added:
        conn.execute(label_class.insert(), [{"dataset_id": dataset_id, **asdict(row)} for row in added])
        after = first + len(added)
        conn.execute(update(dataset_table).where(dataset_table.c.id == dataset_id).values(next_class_id=after))
    return added


def add_skeletons(conn: Connection, dataset_id: int, skeletons: Mapping[int, dict]) -> list[int]:
    """Give classes their key points; return those that have other ones, which stay.

    Args:
        conn: open write transaction.
        dataset_id: whose classes.
        skeletons: {class id: {"names", "edges"}}.

    Raises:
        BadInput: one is not a skeleton.
    """
    held = {row.class_id: row.skeleton for row in read_classes(conn, dataset_id, retired=True)} if skeletons else {}
    stored = {class_id: Skeleton.of(skeleton).as_json() for class_id, skeleton in skeletons.items()}
    for class_id, skeleton in stored.items():
        if held[class_id] is None:
            conn.execute(_row(dataset_id, class_id).values(skeleton=skeleton))
    return [class_id for class_id, skeleton in stored.items() if held[class_id] not in (None, skeleton)]


def change_class(conn: Connection, dataset_id: int, class_id: int, **values: Any) -> LabelClass:
    """Give a class another name, color or skeleton and return it.

    Raises:
        NotFound: no such class, or it is retired.
        BadInput: a value is refused.
        Conflict: the name is taken.
    """
    _one(conn, dataset_id, class_id)
    if "name" in values:
        values["name"] = check_class_name(values["name"])
        _refuse_taken([r for r in read_classes(conn, dataset_id) if r.class_id != class_id], values["name"])
    if "color" in values:
        values["color"] = check_color(values["color"])
    if values.get("skeleton"):
        values["skeleton"] = Skeleton.of(values["skeleton"]).as_json()
    conn.execute(_row(dataset_id, class_id).values(**values))
    return _one(conn, dataset_id, class_id)


def reorder_classes(conn: Connection, dataset_id: int, class_ids: Sequence[int]) -> None:
    """Put the classes in this order; ids and annotations stay as they are.

    Raises:
        BadInput: the ids are not each class of the dataset once.
    """
    have = [row.class_id for row in read_classes(conn, dataset_id)]
    if sorted(class_ids) != sorted(have):
        raise BadInput(f"class_ids {list(class_ids)} must name each class once; the dataset has {have}")
    mine = (label_class.c.dataset_id == dataset_id) & (label_class.c.class_id == bindparam("_id"))
    query = update(label_class).where(mine).values(position=bindparam("_position"))
    if class_ids:
        conn.execute(query, [{"_id": class_id, "_position": at} for at, class_id in enumerate(class_ids)])


def retired_ids(conn: Connection, dataset_id: int) -> set[int]:
    """Return the ids of deleted classes; none is deleted until this transaction ends."""
    query = select(label_class.c.class_id, label_class.c.retired).where(label_class.c.dataset_id == dataset_id)
    return {row.class_id for row in conn.execute(query.with_for_update(read=True)) if row.retired}


def retire_class(conn: Connection, dataset_id: int, class_id: int) -> None:
    """Take a class out of the label map; its id is never used again.

    Raises:
        NotFound: no such class, or it is retired already.
    """
    gone = _one(conn, dataset_id, class_id)
    conn.execute(_row(dataset_id, class_id).values(retired=True))
    later = label_class.c.position > gone.position
    kept = (label_class.c.dataset_id == dataset_id) & label_class.c.retired.is_(False)
    conn.execute(update(label_class).where(kept & later).values(position=label_class.c.position - 1))


def revive_class(conn: Connection, dataset_id: int, class_id: int) -> LabelClass:
    """Bring a deleted class back as the last row of the label map and return it.

    Where another class has its name by now, a number tells them apart.

    Args:
        conn: open write transaction.
        dataset_id: whose class.
        class_id: of a retired class.
    """
    rows = read_classes(conn, dataset_id, retired=True)
    gone, taken = next(row for row in rows if row.class_id == class_id), {row.name for row in rows if not row.retired}
    tries = (gone.name, *(f"{gone.name[: LONGEST_NAME - 10]} ({number})" for number in range(2, len(taken) + 3)))
    name = next(each for each in tries if each not in taken)
    values = {"name": name, "retired": False, "position": len(taken)}
    conn.execute(_row(dataset_id, class_id).values(**values))
    return _one(conn, dataset_id, class_id)


def _row(dataset_id: int, class_id: int):  # noqa: ANN202
    return update(label_class).where(label_class.c.dataset_id == dataset_id, label_class.c.class_id == class_id)


def count_classes(conn: Connection, dataset_id: int) -> int:
    """Return how many classes the label map has, retired ones left out."""
    query = select(func.count()).where(label_class.c.dataset_id == dataset_id, label_class.c.retired.is_(False))
    return conn.execute(query.select_from(label_class)).scalar_one()
