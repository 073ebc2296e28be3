"""Make tests/data/old_workspace.zip: a workspace as the code of an earlier commit leaves it.

    python tests/old_workspace.py [REPOSITORY]

It needs the repository's history, so it is run once and its result is committed.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # run as a script

from tator.storage.zips import zip_files  # noqa: E402
from tests.folders import coloured  # noqa: E402

COMMIT = "667a87a"  # the last one before packages and the shelf of runs
TARGET = ROOT / "tests" / "data" / "old_workspace.zip"
HOME = "@HOME@"  # stands in the database where the workspace's own folder stood

MAKE = """
import json, sys
from pathlib import Path
from tator.ops import call, operations
from tator.recipes import HeadRecipe
from tator.workbench import Workbench

home, source = Path(sys.argv[1]), sys.argv[2]
wb = Workbench.at(home)

def run(kind, **arguments):
    return wb.jobs.run_here(operations()[kind].fn, kind, arguments)

run("datasets_create", name="squares", source=source, storage="managed")
run("datasets_create", name="thrown away", source=source, storage="managed")
call(wb, "datasets_glossary_set", dataset="squares", text="red: crimson")
for name, c in (("first", 1.0), ("second", 0.1), ("thrown head", 0.1)):
    run("heads_train", dataset="squares", name=name, encoder="colour_texture", c=c)
call(wb, "heads_activate", name="first")
call(wb, "heads_delete", name="thrown head")
run("refiner_train", dataset="squares")
run("datasets_build_qwen", dataset="squares", name="talk", context="Squares.")
for name in ("v1", "thrown snapshot"):
    run("snapshots_create", dataset="squares", name=name)
call(wb, "snapshots_delete", dataset="squares", name="thrown snapshot")
call(wb, "datasets_delete", dataset="thrown away", confirm="thrown away")
for name in ("Roads", "Thrown words"):
    call(wb, "glossaries_save", name=name, text="car: auto")
call(wb, "glossaries_delete", name="Thrown words")
image = call(wb, "images_list", dataset="squares")["images"][0]
call(wb, "datasets_text_label_set", dataset="squares", image="images/0.png", caption="Four squares")
opened = call(wb, "image_open", image_id=image["id"])
draw = {"op": "add", "annotation": {"id": "drawn", "class_id": 1, "xyxy": [1, 2, 11, 12]}}
edits = json.dumps([{"seq": 1, "kind": "edit", "label": "Draw", "ops": [draw]}])
call(wb, "annotations_save", image_id=image["id"], base_revision=opened["revision"], client_id="old", edits=edits)
HeadRecipe(encoder="colour_texture", c=2.0).save(wb.workspace.folder("recipes"), "mine")
frozen = run("datasets_export", dataset="squares", format="coco", snapshot="v1")
boxes = [4.0, 6.0, 28.0, 22.0]
named = call(wb, "classify_boxes", image_id=image["id"], boxes=boxes)["boxes"]
tight = call(wb, "tweak_boxes", image_id=image["id"], boxes=boxes)["boxes"]
facts = {"image": image["id"], "boxes": boxes, "named": named, "tight": tight, "snapshot_sha256": frozen["sha256"],
         "refiner": call(wb, "refiner_status", dataset="squares"), "heads": call(wb, "heads_list"),
         "qwen": [dict(row, folder="") for row in call(wb, "qwen_datasets_list")],
         "jobs": sorted(job["kind"] for job in call(wb, "jobs_list"))}
(home / "facts.json").write_text(json.dumps(facts))
wb.close()
"""


def checkout(repository: Path, into: Path) -> Path:
    """Unpack the tree of the old commit."""
    packed = into.with_suffix(".tar")
    with packed.open("wb") as file:
        subprocess.run(["git", "-C", str(repository), "archive", COMMIT], stdout=file, check=True)
    with tarfile.open(packed) as archive:
        archive.extractall(into, filter="data")
    return into


def make_workspace(scratch: Path, repository: Path) -> Path:
    """Return a workspace that the old code has made, used and closed."""
    home, source = scratch / "home", coloured(scratch / "source")
    subprocess.run(
        [sys.executable, "-c", MAKE, str(home), str(source)], cwd=checkout(repository, scratch / "old"), check=True
    )
    for folder in ("cache", "exports", "tmp", "uploads", "backups"):
        shutil.rmtree(home / folder, ignore_errors=True)
    forget_place(home / "tator.db", {str(home): HOME, str(source): f"{HOME}/source"})
    return home


def forget_place(database: Path, places: dict[str, str]) -> None:
    """Put other words in the place of folders everywhere in a database."""
    connection = sqlite3.connect(database)
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    for table in tables:
        columns = [
            row[1]
            for row in connection.execute(f"pragma table_info({table})")
            if "CHAR" in row[2] or row[2] in ("TEXT", "JSON")
        ]
        for column in columns:
            for old, new in places.items():
                connection.execute(
                    f'update {table} set "{column}" = replace("{column}", ?, ?) where "{column}" like ?',
                    (old, new, f"%{old}%"),
                )
    connection.commit()
    connection.execute("pragma journal_mode = delete")
    connection.execute("vacuum")
    connection.close()


def main(repository: Path) -> None:
    """Write the zip."""
    with tempfile.TemporaryDirectory() as scratch:
        home = make_workspace(Path(scratch).resolve(), repository)
        TARGET.parent.mkdir(exist_ok=True)
        zip_files(TARGET, {p.relative_to(home).as_posix(): p for p in sorted(home.rglob("*")) if p.is_file()})
    print(f"{TARGET.name}: {TARGET.stat().st_size >> 10} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
