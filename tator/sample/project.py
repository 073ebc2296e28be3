"""The sample project: drawn scenes of a harbour, partly labelled.

It is made on the first start, without a download.
"""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
from sqlalchemy import insert, select

from tator.datasets.dataset import Dataset
from tator.datasets.label_map import add_classes
from tator.editing.rows import add_many
from tator.sample.scenes import CLASSES
from tator.sample.scenes.render import Scene, Studio, render
from tator.storage.database import Store
from tator.storage.schema import dataset as dataset_table
from tator.storage.schema import image
from tator.storage.workspace import Workspace
from tator.types import NotFound

NAME = "sample-harbour"
SCENES = 24
REVIEWED, STARTED = 15, 3  # of SCENES; the rest are new, for a person to label
SPLITS = ("train", "train", "train", "val", "train", "test")  # repeated
STARTED_SHARE = 0.5  # of the boxes of an image in progress
MARK = "sample-made"  # file in the workspace: a person who deletes the sample does not get it back
COLORS = ("#2fa8ff", "#ff5a5f", "#ffc01e", "#b57bff", "#2ecc8f", "#ff8f3d")


def create_sample(wb, again: bool = False) -> Dataset | None:  # noqa: ANN001
    """Make the sample project and return it.

    Unless it is there, or was and somebody deleted it.

    Args:
        wb: workbench, of which the workspace and the store are used.
        again: make it even if it was deleted.

    Returns:
        The dataset; None when it was deleted before and again is False.
    """
    workspace: Workspace = wb.workspace
    try:
        return Dataset.named(wb.store, workspace, NAME)
    except NotFound:
        if (workspace.home / MARK).exists() and not again:
            return None
    folder = workspace.folder("datasets") / f"{NAME}-{os.urandom(4).hex()}"
    try:
        scenes = _draw(folder)
        is_new = _record(wb.store, folder, scenes)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if not is_new:  # another process was quicker
        shutil.rmtree(folder, ignore_errors=True)
    (workspace.home / MARK).touch()
    return Dataset.named(wb.store, workspace, NAME)


def _draw(folder: Path) -> list[Scene]:
    """Render every scene into the folder and return them without their pixels."""
    folder.mkdir(parents=True)
    studio = Studio()

    def one(number: int) -> Scene:
        scene = render(number, studio)
        PIL.Image.fromarray(scene.pixels).save(folder / _file(number), quality=88)
        return Scene(np.zeros((0, 0, 3), np.uint8), scene.boxes)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, range(SCENES)))


def _file(number: int) -> str:
    return f"harbour-{number + 1:02}.jpg"


def _state(number: int) -> str:
    return "reviewed" if number < REVIEWED else "in_progress" if number < REVIEWED + STARTED else "new"


def _record(store: Store, folder: Path, scenes: list[Scene]) -> bool:
    """Write the dataset in one transaction; return False when somebody else just did."""
    from tator.sample.scenes import HEIGHT, WIDTH

    with store.write() as conn:
        if conn.execute(select(dataset_table.c.id).where(dataset_table.c.name == NAME)).first():
            return False
        values = {"name": NAME, "storage": "managed", "root": str(folder), "settings": {"sample": True}}
        made = insert(dataset_table).values(**values, created_at=time.time()).returning(dataset_table.c.id)
        dataset_id = conn.execute(made).scalar_one()
        ids = {row.name: row.class_id for row in add_classes(conn, dataset_id, CLASSES, COLORS)}
        rows = [
            {
                "dataset_id": dataset_id,
                "path": _file(n),
                "width": WIDTH,
                "height": HEIGHT,
                "state": _state(n),
                "split": SPLITS[n % len(SPLITS)],
            }
            for n in range(len(scenes))
        ]
        added = conn.execute(
            insert(image).returning(image.c.id, image.c.path, sort_by_parameter_order=True), rows
        ).all()
        boxes = [
            {
                "image_id": added[n].id,
                "class_id": ids[name],
                "xyxy": box,
                "source": "human",
                "status": "accepted",
                "author": "sample",
            }
            for n, scene in enumerate(scenes)
            for name, box in _labelled(scene, n)
        ]
        add_many(conn, dataset_id, boxes)
    return True


def _labelled(scene: Scene, number: int) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Return the boxes that somebody has drawn already."""
    if _state(number) == "in_progress":
        return scene.boxes[: round(len(scene.boxes) * STARTED_SHARE)]
    return scene.boxes if _state(number) == "reviewed" else []
