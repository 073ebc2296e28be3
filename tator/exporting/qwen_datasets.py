"""Build folders that Qwen-VL is trained on: conversations about images.

Both splits are filled, and no image stands in two.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from pathlib import Path

from tator.datasets.dataset import Dataset
from tator.exporting.losses import Losses
from tator.exporting.plan import Choice, Plan, plan_export
from tator.exporting.writing import SplitImages, notes_of
from tator.formats import qwen
from tator.formats.table import FORMATS
from tator.formats.writing import Folder
from tator.storage.atomic import copy_file, filling, write_json
from tator.storage.families import RECIPE, Family
from tator.storage.names import folder_name
from tator.storage.runs import Runs, register_family
from tator.storage.upright import TURNED, upright_copy
from tator.storage.workspace import Workspace
from tator.types import BadInput, Conflict, Progress, Work

LONGEST_CONTEXT = 2_000


def _settings_of(report: dict) -> dict:
    """Return what is known of the settings of a folder built before they were kept."""
    return {"dataset": report.get("source", ""), "context": report.get("context", "")}


QWEN_SETS: Family[None] = register_family(
    Family(
        "qwen_datasets",
        label="Qwen datasets",
        one="Qwen dataset",
        weights="metadata.json",
        report="metadata.json",
        train="datasets_build_qwen",
        settings_of=_settings_of,
        is_tree=True,
        check_name=folder_name,
    )
)


def build_qwen(
    dataset: Dataset, name: str = "", val_share: float = 0.2, seed: int = 42, context: str = "", force: bool = False
) -> Work:
    """Write the images and <split>/annotations.jsonl into a new folder.

    Each image has a box and a point conversation.

    Args:
        dataset: whose accepted annotations.
        name: of the folder; "" takes the dataset's name.
        val_share: share of the train images that val gets where the dataset has no val split, above 0 and below 1.
        seed: of that choice.
        context: said before each question, such as what the images show.
        force: write over a folder of that name.

    Returns:
        What `listing` says of it, and "notes", what stayed behind.

    Raises:
        BadInput: a setting is refused, the dataset has no class, or fewer than two images to train on.
        Conflict: the folder exists.
    """
    if not 0 < val_share < 1:
        raise BadInput(f"val_share must be above 0 and below 1, is {val_share:g}")
    if len(context) > LONGEST_CONTEXT:
        raise BadInput(f"context has {len(context)} characters; at most {LONGEST_CONTEXT} are taken")
    sets = Runs(dataset.workspace, QWEN_SETS)
    folder = sets.place(folder_name(name or dataset.name, QWEN_SETS.one))
    if folder.exists() and not force:
        raise Conflict(
            f"a Qwen dataset called {folder.name!r} exists; choose another name, or build it anew with force"
        )
    plan = plan_export(dataset, qwen.image_path, Choice())
    if not plan.names:
        raise BadInput(f"dataset {dataset.name!r} has no class")
    _fill_both(plan, val_share, seed)
    with filling(folder) as part:
        yield from _write(part, dataset, plan, context)
        write_json(part / RECIPE, {"dataset": dataset.name, "val_share": val_share, "seed": seed, "context": context})
    return _facts(sets, folder.name) | {"notes": sets.report(folder.name)["notes"]}


def _fill_both(plan: Plan, val_share: float, seed: int) -> None:
    """Fill an empty val split from train and an empty train split from val.

    No image stands in both.
    """
    rows = plan.rows
    source, target = ("train", "val") if rows.get("train") else ("val", "train")
    if rows.get("train") and rows.get("val"):
        return
    given = rows.get(source) or []
    if len(given) < 2:
        raise BadInput(
            f"dataset {plan.content.name!r} has {len(given)} images in {source}; training needs one in train and one in val"
        )
    share = val_share if target == "val" else 1 - val_share
    count = min(max(round(share * len(given)), 1), len(given) - 1)
    order = sorted(
        given, key=lambda pair: hashlib.sha256(f"{seed}|{pair[0].path}".encode("utf-8", "surrogatepass")).digest()
    )
    moved = {row.id for row, _ in order[:count]}
    rows[target] = [pair for pair in given if pair[0].id in moved]
    rows[source] = [pair for pair in given if pair[0].id not in moved]


def _write(part: Path, dataset: Dataset, plan: Plan, context: str) -> Work:
    out, counts, done, digest, losses = Folder(part), {}, 0, hashlib.sha256(), []
    for split, rows in sorted(plan.rows.items()):
        counts[split] = {"images": len(rows), "records": 0, "detections": 0}
        with out.open(f"{split}/annotations.jsonl") as file:
            images = SplitImages(plan, split, notes=out.notes)
            for image in images:
                for mode in qwen.PROMPTS:
                    record = qwen.conversation(out, image, plan.names, mode, context)
                    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
                    digest.update(line)
                    file.write(line)
                    counts[split]["records"] += 1
                counts[split]["detections"] += len(image.labels)
            losses.append(images.losses)
        for row, name in rows:
            _place(dataset.path(row), part / split / name, out.notes)
            done += 1
            if done % 25 == 0 or done == plan.total:
                yield Progress(done, plan.total, name)
    facts = {
        "id": plan.content.name,
        "label": plan.content.name,
        "format": qwen.VERSION,
        "type": "bbox",
        "classes": plan.names,
        "context": context,
        "created_at": time.time(),
        "counts": counts,
        "modes": list(qwen.PROMPTS),
        "signature": digest.hexdigest(),
        "source": dataset.name,
        "notes": notes_of(plan, out.notes + Losses.of(losses).told(FORMATS[qwen.NAME])),
    }
    out.text("metadata.json", json.dumps(facts, ensure_ascii=False, indent=1) + "\n")


def _place(source: Path, target: Path, notes: Counter) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if upright := upright_copy(source):
        notes[TURNED] += 1
        target.write_bytes(upright)
        return
    try:
        os.link(source, target)  # the same file under two names: no second copy on the disk
    except OSError:
        copy_file(source, target)


def listing(workspace: Workspace) -> list[dict]:
    """Return the facts of each Qwen dataset, by name.

    Keys: name, classes, counts, context, created_at, signature, source, folder.
    """
    sets = Runs(workspace, QWEN_SETS)
    return [_facts(sets, name) for name in sets.names()]


def _facts(sets: Runs, name: str) -> dict:
    facts = sets.report(name)
    keys = ("classes", "counts", "context", "created_at", "signature", "source")
    return {"name": name, **{key: facts.get(key) for key in keys}, "folder": str(sets.place(name))}


def delete_qwen(workspace: Workspace, name: str, user: str = "") -> dict:
    """Put a built folder into the trash; the dataset it came from stays.

    Raises:
        NotFound: there is none of that name.
    """
    Runs(workspace, QWEN_SETS).delete(name, user)
    return {"deleted": name}
