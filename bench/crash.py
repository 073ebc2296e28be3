"""Kill a process that edits, again and again, and look whether anything it was promised is lost."""

from __future__ import annotations

import copy
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from bench._row import Row
from tator.ops.annotations import annotations_redo, annotations_save, annotations_undo, image_open
from tator.storage import schema
from tator.workbench import Workbench

KILLS = 1_000
BATCH = 4  # edits a save at most


@dataclass
class Findings:
    """What the kills showed.

    Attributes:
        kills: processes killed.
        acknowledged: edits that were acknowledged before a kill.
        extra: edits that were saved, their acknowledgement cut off by the kill.
        problems: what was wrong, in words; empty is what is promised.
        open_ms: time to open the database after each kill, recovery included.
    """

    kills: int = 0
    acknowledged: int = 0
    extra: int = 0
    problems: list[str] = field(default_factory=list)
    open_ms: list[float] = field(default_factory=list)


def plan(image_id: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield one endless, repeatable stream of requests: saves of several edits, undos and redos."""
    dice, seq, known = random.Random(image_id), 0, 0
    while True:
        verb = dice.choices(("save", "undo", "redo"), (8, 2, 1))[0]
        if verb != "save":
            seq += 1
            yield verb, [{"seq": seq}]
            continue
        edits = []
        for _ in range(dice.randint(1, BATCH)):
            seq, known = seq + 1, known + 1
            row = {
                "id": f"{image_id}-{known}",
                "class_id": dice.randrange(2),
                "xyxy": [1, 2, dice.randint(3, 90), dice.uniform(3, 70)],
            }
            edits.append({"seq": seq, "kind": "edit", "label": "Draw", "ops": [{"op": "add", "annotation": row}]})
        yield verb, edits


def edit_for_ever(home: Path, image_id: int, pipe: Any) -> None:
    """Be the child: edit through the operations, and tell each acknowledged answer at once."""
    wb = opened(home)
    client, revision = f"child-{image_id}", 0
    for verb, edits in plan(image_id):
        if verb == "save":
            answer = annotations_save(wb, image_id, revision, client, json.dumps(edits))
        else:
            if not image_open(wb, image_id)[verb]:
                continue
            step = annotations_undo if verb == "undo" else annotations_redo
            answer = step(wb, image_id, client, edits[0]["seq"])
        revision = answer["revision"]
        pipe.send((revision, answer["acknowledged"]))


def survive(folder: Path, kills: int, between_ms: tuple[float, float] = (20, 60), seed: int = 1) -> Findings:
    """Kill `kills` children at random moments and check the database after each.

    Args:
        folder: where the database is made.
        kills: how many.
        between_ms: from the first acknowledgement to the kill, drawn evenly.
        seed: of the moments.
    """
    dice, findings = random.Random(seed), Findings()
    prepare(folder)
    spawn = multiprocessing.get_context("forkserver")
    spec = sys.modules["__main__"].__spec__  # a child imports what we were started as (bench, pytest) once more
    spawn.set_forkserver_preload(["bench.crash", *([spec.name.removesuffix(".__main__")] if spec else [])])
    acknowledged: dict[int, dict[int, int]] = {}
    for image_id in range(1, kills + 1):
        acknowledged[image_id] = killed(spawn, folder, image_id, dice.uniform(*between_ms) / 1000)
        check(folder, image_id, acknowledged[image_id], findings)
    check_all(folder, acknowledged, findings)
    return findings


def opened(home: Path) -> Workbench:
    """Open the workspace, as every part of the product does."""
    return Workbench.at(home, device="cpu")


def prepare(home: Path) -> None:
    """Make the workspace with a dataset of two classes and its first image."""
    wb = opened(home)
    with wb.store.write() as conn:
        conn.execute(insert(schema.dataset).values(id=1, name="crash", storage="linked", root="/", created_at=0))
        classes = [
            {"dataset_id": 1, "class_id": i, "name": f"c{i}", "color": "#ffffff", "position": i} for i in range(2)
        ]
        conn.execute(insert(schema.label_class), classes)
        add_image(conn, 1)
    wb.close()


def add_image(conn: Any, image_id: int) -> None:
    """Add an image of 100 x 80 pixels."""
    conn.execute(insert(schema.image).values(id=image_id, dataset_id=1, path=f"{image_id}.jpg", width=100, height=80))


def killed(spawn: Any, home: Path, image_id: int, after_s: float) -> dict[int, int]:
    """Run a child, kill -9 it some time after its first acknowledgement; return {seq: revision} as told."""
    here, there = spawn.Pipe(duplex=False)
    child = spawn.Process(target=edit_for_ever, args=(home, image_id, there))
    child.start()
    there.close()
    told: dict[int, int] = {}
    if not here.poll(60):
        raise RuntimeError("the child acknowledged nothing within a minute")
    until = time.monotonic() + after_s
    while time.monotonic() < until:
        if here.poll(max(0.0, until - time.monotonic())):
            note(told, here.recv())
    child.kill()
    child.join()
    try:
        while True:  # acknowledgements on their way when it died count too
            note(told, here.recv())
    except EOFError:
        return told


def note(told: dict[int, int], answer: tuple[int, list[int]]) -> None:
    """Remember which revision each acknowledged edit made."""
    revision, seqs = answer
    told |= {seq: revision - len(seqs) + i for i, seq in enumerate(seqs, 1)}


def check(home: Path, image_id: int, told: dict[int, int], findings: Findings) -> None:
    """Open the database after a kill and look at everything that was promised of one image."""
    began = time.perf_counter()
    wb = opened(home)
    findings.open_ms.append(1000 * (time.perf_counter() - began))
    findings.kills += 1
    findings.acknowledged += len(told)
    with wb.store.read() as conn:
        if (verdict := conn.execute(text("pragma integrity_check")).scalar()) != "ok":
            findings.problems.append(f"kill {image_id}: integrity {verdict}")
        journal = conn.execute(
            select(schema.edit).where(schema.edit.c.image_id == image_id).order_by(schema.edit.c.revision)
        ).all()
    findings.extra += len(journal) - len(told)
    findings.problems += [f"kill {image_id}: {problem}" for problem in lost(journal, told)]
    findings.problems += [f"kill {image_id}: {problem}" for problem in wrong_undo(wb, image_id, journal)]
    with wb.store.write() as conn:
        add_image(conn, image_id + 1)  # for the next child
    wb.close()


def lost(journal: list[Any], told: dict[int, int]) -> Iterator[str]:
    """Yield what the journal lacks of what was acknowledged, and what it has too much."""
    kept = {row.seq: row.revision for row in journal}
    yield from (
        f"seq {seq} at revision {revision} is lost" for seq, revision in told.items() if kept.get(seq) != revision
    )
    if [row.revision for row in journal] != list(range(1, len(journal) + 1)):
        yield "the journal has a gap"
    if len(journal) - len(told) > BATCH:
        yield f"{len(journal) - len(told)} edits were saved that nobody was told of; one request holds {BATCH}"


def wrong_undo(wb: Workbench, image_id: int, journal: list[Any]) -> Iterator[str]:
    """Yield where rows differ from the journal replayed, before and after one more undo and redo."""
    states, found = replay(journal), image_open(wb, image_id)
    if ids(found) != set(states[-1]) or found["revision"] != len(journal):
        yield "the rows are not what the journal says"
    if not found["undo"]:
        return
    top = found["undo"][-1]
    before = set(states[-1]) - {op["id"] for op in top["inverse"] if op["op"] == "delete"}
    annotations_undo(wb, image_id, f"parent-{image_id}", 1)
    if ids(image_open(wb, image_id)) != before:
        yield "undo gave other rows than before the edit"
    annotations_redo(wb, image_id, f"parent-{image_id}", 2)
    if image_open(wb, image_id)["annotations"] != found["annotations"]:
        yield "redo did not bring the rows back"


def replay(journal: list[Any]) -> list[dict[str, Any]]:
    """Return the rows after each edit, by plain application of the forward ops."""
    states: list[dict[str, Any]] = [{}]
    for row in journal:
        state = copy.copy(states[-1])
        for op in row.forward:
            if op["op"] == "add":
                state[op["annotation"]["id"]] = op["annotation"]
            else:
                del state[op["id"]]
        states.append(state)
    return states


def ids(found: dict[str, Any]) -> set[str]:
    """Return the ids of an opened image's annotations."""
    return {row["id"] for row in found["annotations"]}


def check_all(home: Path, acknowledged: dict[int, dict[int, int]], findings: Findings) -> None:
    """Look once more, at the end, whether any later kill took an earlier edit."""
    wb = opened(home)
    with wb.store.read() as conn:
        children = select(schema.edit).where(schema.edit.c.client_id.like("child-%"))
        kept = {(row.image_id, row.seq): row.revision for row in conn.execute(children)}
    wb.close()
    promised = {(image_id, seq): revision for image_id, told in acknowledged.items() for seq, revision in told.items()}
    lacking = [key for key, revision in promised.items() if kept.get(key) != revision]
    findings.problems += [f"at the end: seq {seq} of image {image_id} is lost" for image_id, seq in lacking]


def rows() -> Iterator[Row]:
    """Measure: edits lost in 1,000 kills, and how long the database takes to open after one."""
    with tempfile.TemporaryDirectory() as folder:
        findings = survive(Path(folder), KILLS, between_ms=(5, 60))
    for problem in findings.problems[:20]:
        print(problem)
    what = f"after {findings.kills} kill -9 of an editing process, {findings.acknowledged} acknowledged edits"
    yield Row(
        f"edits lost or wrong {what}", len(findings.problems), "problems", target="0", holds=not findings.problems
    )
    slowest = sorted(findings.open_ms)[int(0.95 * len(findings.open_ms))]
    yield Row(f"opening the database {what}, 95th percentile", slowest, "ms", target="<= 100 ms", holds=slowest <= 100)
