"""The shelf of runs: kept, listed, renamed, deleted, restored, zipped and imported, whatever trained them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tator.storage.database import Store
from tator.storage.families import Family, add_family, families, family_called
from tator.storage.run_files import import_run, zip_run
from tator.storage.run_summaries import summary_of
from tator.storage.runs import Runs, delete_runs_of, register_family
from tator.storage.trash import Trash, TrashKind, register_trash
from tator.storage.workspace import Workspace
from tator.types import BadInput, Conflict, NotFound, Unavailable
from tests.folders import finish, text


def read_number(path: Path) -> int:
    """Read the weights of the toy family: one whole number."""
    if not path.read_text().isdigit():
        raise BadInput(f"{path.name} must hold a whole number")
    return int(path.read_text())


def figures(number: int, report: dict) -> dict:
    return {"number": number, "loss": report.get("loss")}


NUMBERS = register_family(
    Family("numbers", "Numbers", "number", "weights.txt", read_number, train="numbers_train", figures=figures)
)
OF_DATASETS: Family[None] = register_family(
    Family("per_dataset", "Run of each dataset", "run of a dataset", "w.txt", is_of_dataset=True)
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "home")


@pytest.fixture
def runs(workspace: Workspace) -> Runs[int]:
    return Runs(workspace, NUMBERS)


@pytest.fixture
def trash(workspace: Workspace):
    store = Store.open(f"sqlite:///{workspace.database}")
    yield Trash(store, workspace)
    store.close()


def keep(runs: Runs, name: str, value: str = "7") -> None:
    runs.save(name, {"dataset": "d", "seed": 3}, {"name": name, "loss": 0.5}, lambda path: path.write_text(value))


def test_a_run_keeps_weights_report_and_recipe(runs: Runs[int]):
    assert runs.names() == [] and not runs.folder.exists()
    keep(runs, "first")
    keep(runs, "Zweiter (1)", "12")
    assert runs.names() == ["Zweiter (1)", "first"] and runs.load("Zweiter (1)") == 12
    assert runs.report("first") == {"name": "first", "loss": 0.5} and runs.again("first") == {"dataset": "d", "seed": 3}
    assert sorted(path.name for path in runs.place("first").iterdir()) == ["metrics.json", "recipe.json", "weights.txt"]
    keep(runs, "first", "8")
    assert runs.load("first") == 8, "saved again, it takes the place of the old one"


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "a\\b", "x" * 90, "end.", "a\0", " x"])
def test_a_name_is_one_plain_part_of_a_path(runs: Runs[int], name: str):
    with pytest.raises(BadInput, match="number name"):
        keep(runs, name)
    with pytest.raises(NotFound, match="there are: none"):
        runs.path(name)
    assert not runs.folder.exists()


def test_a_folder_without_weights_is_not_a_run(runs: Runs[int]):
    text(runs.folder / "half" / "metrics.json", "{}")
    assert runs.names() == []
    with pytest.raises(NotFound, match="no number is called 'half'"):
        runs.report("half")


def test_an_active_run_stays_active_when_renamed_and_not_when_deleted(runs: Runs[int]):
    keep(runs, "first")
    assert runs.active() == ""
    runs.activate("first")
    runs.rename("first", "one")
    assert runs.active() == "one" and runs.names() == ["one"] and runs.report("one")["name"] == "one"
    keep(runs, "two")
    with pytest.raises(Conflict, match="'two' exists"):
        runs.rename("one", "two")
    with pytest.raises(NotFound):
        runs.rename("first", "three")
    runs.delete("one")
    assert runs.active() == "" and runs.names() == ["two"]


def test_unsound_weights_are_not_activated(runs: Runs[int]):
    keep(runs, "good")
    runs.activate("good")
    keep(runs, "bad", "seven")
    with pytest.raises(BadInput, match="whole number"):
        runs.activate("bad")
    assert runs.active() == "good"
    runs.deactivate()
    assert runs.active() == ""


def test_damaged_files_are_named(runs: Runs[int]):
    keep(runs, "first")
    for content in ("{", "[1]", "\x00"):
        text(runs.place("first") / "metrics.json", content)
        with pytest.raises(BadInput, match=r"metrics\.json"):
            runs.report("first")


def test_a_summary_has_the_figures_or_the_problem_and_follows_the_files(runs: Runs[int]):
    keep(runs, "first")
    assert summary_of(runs, "first").figures == {"number": 7, "loss": 0.5} and summary_of(runs, "first").problem == ""
    assert summary_of(runs, "first") is summary_of(runs, "first"), "read once"
    keep(runs, "first", "twelve")
    assert "whole number" in summary_of(runs, "first").problem and summary_of(runs, "first").figures == {}
    keep(runs, "first", "12")
    text(runs.place("first") / "metrics.json", "{")
    assert "metrics.json" in summary_of(runs, "first").problem
    (runs.place("first") / "metrics.json").unlink()
    assert summary_of(runs, "first").figures == {"number": 12, "loss": None}
    with pytest.raises(NotFound, match="'second'"):
        summary_of(runs, "second")


def test_settings_that_were_not_kept_cannot_be_used_again(runs: Runs[int]):
    keep(runs, "old")
    (runs.place("old") / "recipe.json").unlink()
    with pytest.raises(Unavailable, match="'old' were not kept"):
        runs.again("old")


def test_a_deleted_run_comes_back_whole_and_under_a_free_name(runs: Runs[int], trash: Trash):
    keep(runs, "first")
    entry = runs.delete("first", "ann")
    listed = trash.entry(entry)
    assert (listed.kind, listed.name, listed.user, listed.problem) == ("number", "first", "ann", "")
    keep(runs, "first", "8")
    with pytest.raises(Conflict, match="another name to restore"):
        trash.restore(entry)
    assert trash.restore(entry, "again").name == "again"
    assert runs.load("again") == 7 and runs.report("again")["name"] == "again" and trash.entries() == []
    assert finish(trash.purge(runs.delete("again")))["freed_bytes"] > 10 and runs.names() == ["first"]


def test_a_kind_that_nobody_registered_is_listed_and_can_only_be_purged(trash: Trash, tmp_path: Path):
    entry = trash.folder.throw("marvel", "x", "", text(tmp_path / "thing.txt", "abc"))
    assert "'marvel'" in trash.entry(entry).problem
    with pytest.raises(Conflict, match="cannot be restored"):
        trash.restore(entry)
    finish(trash.purge(entry))
    assert trash.entries() == []


def test_a_name_belongs_to_one_family_and_one_kind():
    assert family_called("numbers") is NUMBERS and NUMBERS in families()
    with pytest.raises(NotFound, match=r"no family of runs is called 'x'; there are: .*numbers"):
        family_called("x")
    with pytest.raises(ValueError, match="'numbers'"):
        add_family(NUMBERS)
    with pytest.raises(ValueError, match="'number'"):
        register_trash(TrashKind("number", lambda trash, entry, name: name))


def test_runs_of_a_dataset_go_with_it_and_keep_its_number(workspace: Workspace, trash: Trash):
    runs = Runs(workspace, OF_DATASETS)
    for name in ("3", "33"):
        runs.save(name, {}, {}, lambda path: path.write_text("abcdef"))
    with pytest.raises(BadInput, match="named after its dataset"):
        runs.rename("3", "4")
    entry = runs.delete("3")
    with pytest.raises(BadInput, match="named after its dataset"):
        trash.restore(entry, "4")
    assert trash.restore(entry).name == "3" and runs.names() == ["3", "33"]
    with pytest.raises(BadInput, match="cannot be made active"):
        runs.activate("3")
    assert delete_runs_of(workspace, 3) == 6 + 2 * len("{}") and runs.names() == ["33"]


# -- in and out ------------------------------------------------------------------------------------------------------


def test_a_run_goes_out_as_a_zip_and_comes_in_the_same(runs: Runs[int], tmp_path: Path):
    keep(runs, "first")
    text(runs.place("first") / "notes.md", "not of the run")
    one, two = zip_run(runs, "first"), zip_run(runs, "first")
    assert one.read_bytes() == two.read_bytes() and one.parent == runs.workspace.folder("tmp")
    answer = finish(import_run(runs, one, "second"))
    assert answer == {"name": "second", "files": ["weights.txt", "metrics.json", "recipe.json"]}
    for file in answer["files"]:
        assert (runs.place("second") / file).read_bytes() == (runs.place("first") / file).read_bytes()
    other = Runs(Workspace(tmp_path / "other"), NUMBERS)
    assert finish(import_run(other, one, ""))["name"] == "first", "without a name it keeps its own"
    assert finish(import_run(other, runs.place("first"), "by folder"))["name"] == "by folder"
    with pytest.raises(Conflict, match="'first' exists"):
        finish(import_run(other, one, ""))
    assert not list(other.workspace.folder("tmp").iterdir())


def zipped(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"metrics.json": "{}"}, "0 files called weights.txt"),
        ({"a/weights.txt": "1", "b/weights.txt": "2"}, "2 files called weights.txt"),
        ({"weights.txt": "import os"}, "whole number"),
        ({"weights.txt": "1", "metrics.json": "[]"}, "metrics.json must hold an object"),
        ({"weights.txt": "1", "recipe.json": "{"}, "recipe.json is not readable"),
        ({"weights.txt": "1", "../../up.txt": "x"}, r"up\.txt"),
    ],
)
def test_an_import_that_is_not_sound_leaves_nothing(runs: Runs[int], tmp_path: Path, files: dict, told: str):
    with pytest.raises(BadInput, match=told):
        finish(import_run(runs, zipped(tmp_path / "run.zip", files), "new"))
    assert runs.names() == [] and not list(runs.workspace.folder("tmp").iterdir())
    assert not runs.folder.exists() or not list(runs.folder.iterdir())


def test_an_import_takes_only_files_that_it_knows(runs: Runs[int], tmp_path: Path):
    files = {"x/weights.txt": "5", "x/train.py": "print(1)", "__MACOSX/x": "", "x/log.txt": "done"}
    answer = finish(import_run(runs, zipped(tmp_path / "run.zip", files), ""))
    assert answer == {"name": "x", "files": ["weights.txt", "log.txt"]} and runs.load("x") == 5
    assert sorted(path.name for path in runs.place("x").iterdir()) == ["log.txt", "weights.txt"]


def test_links_and_huge_reports_are_refused(runs: Runs[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    secret = text(tmp_path / "secret.txt", "1")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "weights.txt").symlink_to(secret)
    with pytest.raises(BadInput, match=r"weights\.txt is a link"):
        finish(import_run(runs, tmp_path / "run", "new"))
    monkeypatch.setattr("tator.storage.run_files.LARGEST_JSON", 4)
    big = zipped(tmp_path / "big.zip", {"weights.txt": "1", "metrics.json": json.dumps({"a": 1})})
    with pytest.raises(BadInput, match=r"metrics\.json has 0 MB; at most"):
        finish(import_run(runs, big, "new"))
    assert runs.names() == []


def test_runs_of_a_dataset_are_not_imported(workspace: Workspace, tmp_path: Path):
    with pytest.raises(BadInput, match="cannot be imported"):
        finish(import_run(Runs(workspace, OF_DATASETS), tmp_path, "3"))
