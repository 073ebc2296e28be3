"""Snapshots that evaluations freeze: each has an owner, goes with it and comes back with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tator.datasets.dataset import Dataset
from tator.editing.edits import save_edits
from tator.ops import call, operations, prepared
from tator.types import BadInput, NotFound
from tests.folders import coloured, finish, make
from tests.ops.test_evaluate import results, run


@pytest.fixture
def squares(wb, tmp_path: Path) -> Dataset:
    return make(wb, coloured(tmp_path / "set"), "squares")


@pytest.fixture
def source(squares, tmp_path: Path) -> str:
    return results(squares, tmp_path / "p.json")


def there(wb) -> dict[str, str]:
    return {row["name"]: row["evaluation"] for row in call(wb, "snapshots_list", dataset="squares")}


def delete_label(wb, squares: Dataset) -> None:
    image = squares.images()[0]
    gone = squares.annotations([image.id])[image.id].data["id"].tolist()[0]
    op = {"op": "delete", "id": gone}
    save_edits(wb.store, image.id, image.revision, "me", [{"seq": 1, "kind": "edit", "label": "Delete", "ops": [op]}])


def test_a_snapshot_goes_and_comes_back_with_its_evaluation(wb, squares, source):
    finish(operations()["snapshots_create"].fn(wb, "squares", "mine", with_hashes=False))
    run(wb, "one", predictor="file", source=source)
    delete_label(wb, squares)
    run(wb, "two", predictor="file", source=source)
    assert there(wb) == {"mine": "", "evaluation one": "one", "evaluation two": "two"}
    entry = call(wb, "runs_delete", family="evaluation", name="one")["entry"]
    assert there(wb) == {"mine": "", "evaluation two": "two"}
    restored = call(wb, "trash_restore", entry=entry)
    assert restored["name"] == "one" and there(wb)["evaluation one"] == "one"
    assert call(wb, "evaluate_compare", one="one", other="two")["kind"] == "labels"  # it needs both snapshots


def test_what_was_deleted_for_good_meanwhile_stays_away(wb, squares, source):
    run(wb, "one", predictor="file", source=source)
    entry = call(wb, "runs_delete", family="evaluation", name="one")["entry"]
    snapshot = next(row for row in call(wb, "trash_list") if row["kind"] == "snapshot")
    finish(operations()["trash_purge"].fn(wb, snapshot["entry"], snapshot["name"]))
    assert call(wb, "trash_restore", entry=entry)["name"] == "one"
    assert there(wb) == {} and call(wb, "evaluate_get", name="one")["metrics"]["bbox_AP"] == 1


def test_another_evaluation_of_the_same_labels_takes_it_over(wb, squares, source):
    run(wb, "one", predictor="file", source=source)
    run(wb, "two", predictor="file", source=source, snapshot="evaluation one")
    call(wb, "runs_delete", family="evaluation", name="one")
    assert there(wb) == {"evaluation one": "two"}
    call(wb, "runs_delete", family="evaluation", name="two")
    assert there(wb) == {}


@pytest.mark.parametrize("options", [
    {"predictor": "candidates", "source": "none@none"}, {"predictor": "file", "source": ""},
    {"predictor": "head", "source": "none"}, {"predictor": "file", "source": "gone.json"},
])  # fmt: skip
def test_a_start_that_fails_leaves_none(wb, squares, tmp_path, options):
    (tmp_path / "gone.json").write_text("[{}]")
    given = options | ({"source": str(tmp_path / "gone.json")} if options["source"] == "gone.json" else {})
    with pytest.raises((BadInput, NotFound)):
        run(wb, "one", **given)
    assert there(wb) == {} and not list(wb.workspace.folder("snapshots").iterdir())


def test_one_that_was_cut_off_goes_on_with_the_labels_of_then(wb, squares, source):
    verb = operations()["evaluate"]
    given = {"name": "one", "dataset": "squares", "predictor": "file", "source": source, "batch_size": 2}
    work = verb.fn(wb, **prepared(wb, verb, given))
    while "predicting" not in next(work).message:
        continue
    work.close()
    assert there(wb) == {"evaluation one": "one"}
    delete_label(wb, squares)
    told = finish(verb.fn(wb, **prepared(wb, verb, given | {"resume": True})))
    assert told["metrics"]["bbox_AP"] == 1 and there(wb) == {"evaluation one": "one"}
    run(wb, "one", predictor="file", source=source, overwrite=True)  # begun anew: of the labels as they are now
    assert call(wb, "evaluate_get", name="one")["metrics"]["bbox_AP"] < 1 and len(there(wb)) == 1
    note = json.loads((wb.workspace.folder("runs") / "evaluation" / "one" / "frozen.json").read_text())
    assert note["snapshot"] in there(wb)
