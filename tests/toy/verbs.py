"""Train toys and let them propose boxes."""

from __future__ import annotations

import json
from dataclasses import asdict

from tator.ops import operation
from tator.storage.runs import Runs
from tator.types import Progress, Work
from tator.workbench import Workbench
from tator.workflows.proposing import ProposingRecipe, class_table, propose
from tator.workflows.toy import TOYS, ToyRecipe, learn, worker_of


@operation(title="Train toy", recipe=ToyRecipe)
def toy_train(wb: Workbench, dataset: str, name: str, recipe: ToyRecipe) -> Work:
    """Learn from the accepted boxes how large a bright region must be.

    Args:
        dataset: dataset name, from datasets_list.
        name: name of the new run.
        recipe: settings of the training.

    Raises:
        NotFound: no such dataset.
        Conflict: a toy has that name already.
        Unavailable: the dataset has no accepted boxes.
    """
    runs = Runs(wb.workspace, TOYS)
    runs.check_free(name)
    yield Progress(0, 1, "Measuring boxes")
    learned = learn(wb.dataset(dataset), recipe)
    settings = {"dataset": dataset, **asdict(recipe)}
    runs.save(name, settings, {"learned": learned}, lambda path: path.write_text(json.dumps(learned)))
    yield Progress(1, 1, "Done")
    return {"toy": name, **learned}


@operation(title="Find bright regions")
def toy_propose(wb: Workbench, dataset: str, run: str) -> Work:
    """Propose the bright regions of every image as candidates.

    Args:
        dataset: dataset name, from datasets_list.
        run: name of a toy, from runs_list.

    Raises:
        NotFound: no such dataset or toy.
    """
    data, learned = wb.dataset(dataset), Runs(wb.workspace, TOYS).load(run)
    table = class_table(data, [learned["name"]])
    worker = worker_of(data, learned)
    return (yield from propose(data, ProposingRecipe(), table, worker, "toy", run, user=wb.user))
