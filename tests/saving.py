"""Short words for tests that save edits: an image, ops, edits, and a save of one window."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select

from tator.editing.edits import save_edits
from tator.editing.rows import rows_of
from tator.storage import schema
from tator.storage.database import Store

WIDTH, HEIGHT = 100, 80


def new_image(store: Store, dataset_id: int = 1, size=(WIDTH, HEIGHT)) -> int:
    with store.write() as conn:
        count = conn.execute(select(func.count()).select_from(schema.image)).scalar_one()
        values = {"dataset_id": dataset_id, "path": f"{count}.jpg", "width": size[0], "height": size[1]}
        return conn.execute(insert(schema.image).values(values)).inserted_primary_key[0]


def box(key: str, **fields) -> dict:
    return {"id": key, "class_id": 0, "xyxy": [1.0, 2.0, 30.0, 40.0], **fields}


def add(key: str, **fields) -> dict:
    return {"op": "add", "annotation": box(key, **fields)}


def change(key: str, **changes) -> dict:
    return {"op": "set", "id": key, "changes": changes}


def edit(seq: int, *ops, kind: str = "edit", label: str = "") -> dict:
    return {"seq": seq, "kind": kind, "label": label, "ops": list(ops)}


def client(image_id: int, name: str = "tab") -> str:
    return f"{name}-{image_id}"


def save(store: Store, image_id: int, base: int, *edits: dict, who: str = "tab", user: str = "") -> dict:
    return save_edits(store, image_id, base, client(image_id, who), list(edits), user)


def rows(store: Store, image_id: int) -> list[dict]:
    with store.read() as conn:
        return rows_of(conn, image_id)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = Store.open(f"sqlite:///{tmp_path_factory.mktemp('edits') / 'tator.db'}")
    with made.write() as conn:
        for number in (1, 2):
            conn.execute(
                insert(schema.dataset).values(id=number, name=f"set{number}", storage="linked", root="/i", created_at=0)
            )
            classes = [
                {"class_id": i, "name": f"c{i}", "color": "#ffffff", "position": i, "retired": i == 2} for i in range(3)
            ]
            conn.execute(insert(schema.label_class), [{"dataset_id": number, **each} for each in classes])
    yield made
    made.close()


@pytest.fixture
def image(store):
    return new_image(store)
