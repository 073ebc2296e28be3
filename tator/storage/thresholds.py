"""From which confidence boxes count: calibration, else operating point, else conf.

Whatever infers asks here, so that one order holds everywhere: what a calibration found, then what a person chose in an
evaluation, then the `conf` that the caller gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tator.storage.atomic import write_json
from tator.storage.names import is_folder_name
from tator.storage.runs import read_object
from tator.storage.workspace import Workspace
from tator.types import BadInput

OPERATING_POINT = "operating_point.json"
PLACES = (
    ("calibration", "calibration_point.json"),
    ("operating point", OPERATING_POINT),
)  # the first that is there wins
CONF = "conf"
MODELS = "of_models"  # folder of the runs for what belongs to a model that nobody trained here


@dataclass(frozen=True)
class Thresholds:
    """Least confidences.

    Attributes:
        conf: of every class that is not named, in [0, 1].
        classes: {class name: its own}.
        source: where they come from: calibration, operating point or conf.
        evaluation: in which the operating point was chosen, "" where it was in none.
    """

    conf: float
    classes: Mapping[str, float] = field(default_factory=dict)
    source: str = CONF
    evaluation: str = ""

    @property
    def lowest(self) -> float:
        """Return what a model is to be asked for, so that no class lacks boxes."""
        return min([self.conf, *self.classes.values()])

    def of(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Return (C,) the least confidence of each class."""
        return np.array([self.classes.get(name, self.conf) for name in names], np.float64)

    def told(self) -> dict[str, Any]:
        """Return them as results tell them."""
        found = {"conf": self.conf, "classes": dict(self.classes), "from": self.source}
        return found | ({"evaluation": self.evaluation} if self.evaluation else {})


def thresholds_of(folder: Path | None, conf: float) -> Thresholds:
    """Return the thresholds of a run.

    Args:
        folder: of the run; None for what has none.
        conf: where neither a calibration nor an operating point is there, in [0, 1].

    Raises:
        BadInput: a file of them is damaged; the message names it.
    """
    for source, name in PLACES if folder is not None else ():
        file = Path(str(folder)) / name
        if file.is_file():
            return _read(file, source)
    return Thresholds(conf)


def _read(file: Path, source: str) -> Thresholds:
    """Return the thresholds of a file.

    Raises:
        BadInput: it does not hold thresholds.
    """
    value = read_object(file)
    conf, classes = value.get("score_thr"), value.get("classes", {})
    if not isinstance(classes, dict) or not all(map(_is_share, [conf, *classes.values()])):
        raise BadInput(f"{file} must hold score_thr and classes with thresholds in [0, 1]; delete it or choose anew")
    return Thresholds(float(str(conf)), classes, source, str(value.get("evaluation", "")))


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def keep_operating_point(folder: Path, score_thr: float, classes: Mapping[str, float], evaluation: str = "") -> None:
    """Keep what was chosen, in an evaluation of that name, with a run."""
    point = {"score_thr": score_thr, "classes": dict(classes)} | ({"evaluation": evaluation} if evaluation else {})
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / OPERATING_POINT, point)


def forget_operating_point(folder: Path) -> None:
    """Let `conf` hold again where no calibration says otherwise."""
    (folder / OPERATING_POINT).unlink(missing_ok=True)


def model_folder(workspace: Workspace, model: str) -> Path:
    """Return the folder of what belongs to a model that was not trained here.

    It need not be there.

    Raises:
        BadInput: the id names no folder.
    """
    if not is_folder_name(model):
        raise BadInput(f"{model!r} is not the id of a model")
    return workspace.folder("runs") / MODELS / model
