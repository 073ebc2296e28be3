"""Fit a class head by logistic regression, and measure it on unseen images.

Its losses are reported while it converges.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tator.types import Progress, Unavailable
from tator.workflows.heads.head import Head
from tator.workflows.heads.recipe import HeadRecipe

PENALTIES = (0.01, 0.1, 1.0, 10.0)  # values of C that "auto" tries; facts on cached embeddings, section 4
CHUNKS = (1, 1, 1, 2, 3, 5, 8, 13, 20)  # solver iterations between two progress reports; later ones are longer
GRADIENT = 1e-5  # largest gradient at which the solver has converged; scikit-learn's 1e-4 stops visibly short
ONE_THREAD = 50_000_000  # numbers below which more threads only wait for each other: 2 s against 11 s on two busy cores
COARSE = 1e-4  # the same while several C are compared
STEPS = 1_000  # most solver iterations
VALIDATION = 0.2  # share of training images that "auto" holds back to choose C


@dataclass(frozen=True, eq=False)
class Crops:
    """Encoded boxes.

    Attributes:
        features: (N, dim).
        names: (N,) class names.
        image: (N,) number of the image each lies in.
        split: (N,) train, val, test or "".
    """

    features: NDArray[np.float32]
    names: NDArray
    image: NDArray[np.int64]
    split: NDArray

    def __getitem__(self, rows: NDArray) -> Crops:
        return Crops(self.features[rows], self.names[rows], self.image[rows], self.split[rows])

    def __len__(self) -> int:
        return len(self.names)


@dataclass(eq=False)
class Fitted:
    """What training gives: the head, the curve and what happened on the way."""

    head: Head
    c: float
    is_converged: bool
    history: list[dict[str, float]] = field(default_factory=list)


def split_rows(crops: Crops, test_size: float, seed: int) -> tuple[NDArray[np.bool_], str]:
    """Return which rows are held out for the test, and how they were chosen.

    Whole images are held out.

    The dataset's own split is used where it has training images and test (else val) images;
    otherwise a seeded share of the images.

    Raises:
        Unavailable: all boxes lie in one image.
    """
    for name in ("test", "val"):
        if (crops.split == name).any() and (crops.split == "train").any():
            return crops.split == name, f"split {name!r} of the dataset"
    images = np.random.default_rng(seed).permutation(np.unique(crops.image))
    if len(images) < 2:
        raise Unavailable("a head needs accepted boxes in at least 2 images: it is measured on images it did not see")
    held = images[: min(len(images) - 1, max(1, round(len(images) * test_size)))]
    return np.isin(crops.image, held), f"{len(held)} of {len(images)} images, drawn with seed {seed}"


def held_crops(crops: Crops, recipe: HeadRecipe, classes: Sequence[str]) -> Crops:
    """Return the rows that `train` measures a head of these classes on."""
    held, _ = split_rows(crops, recipe.test_size, recipe.seed)
    return crops[held & np.isin(crops.names, classes)]


def training_rows(crops: Crops, held: NDArray[np.bool_], way: str) -> NDArray[np.bool_]:
    """Return which rows train.

    With the dataset's split they are those of its train and unassigned images, else all that are not held out.
    """
    return ~held & (np.isin(crops.split, ("train", "")) if way.startswith("split") else True)


def usable_classes(names: NDArray, min_per_class: int) -> tuple[list[str], dict[str, int]]:
    """Return the classes with enough training boxes, and the counts of the others.

    The counts are {class: boxes}.

    Raises:
        Unavailable: fewer than two classes remain.
    """
    found, counts = np.unique(names, return_counts=True)
    kept = [str(name) for name, count in zip(found, counts, strict=True) if count >= min_per_class]
    dropped = {str(name): int(count) for name, count in zip(found, counts, strict=True) if count < min_per_class}
    if len(kept) < 2:
        have = ", ".join(f"{name} {count}" for name, count in zip(found, counts, strict=True)) or "none"
        wanted = f"2 classes with at least {min_per_class} accepted boxes each in training images"
        raise Unavailable(f"a head needs {wanted}; there are: {have}")
    return kept, dropped


def fit(
    crops: Crops,
    watch: Crops,
    classes: Sequence[str],
    c: float,
    encoder: tuple[str, int],
    tol: float = GRADIENT,
) -> Generator[Progress, None, Fitted]:
    """Fit a balanced logistic regression and report losses and accuracies meanwhile.

    The solver runs in chunks that start where the last one ended, until it says itself that it has
    converged (its gradient test), never because one step changed little.

    Args:
        crops: training rows.
        watch: rows whose loss and accuracy are shown beside; they change nothing.
        classes: names in the order of the outputs.
        c: inverse strength of the L2 penalty; 0 tries PENALTIES on held-back images.
        encoder: card id and version of what made the features.
        tol: largest gradient at which it has converged.
    """
    from threadpoolctl import threadpool_limits

    if c == 0:
        c = yield from choose_c(crops, classes, encoder)
    history: list[dict[str, float]] = []
    scale = crops.features.mean(0), crops.features.std(0) + 1e-6
    solver, steps = Solver(crops, classes, scale, c, tol), 0
    while not solver.is_converged and steps < STEPS:
        with threadpool_limits(1 if crops.features.size < ONE_THREAD else None, user_api="blas"):
            steps += solver.advance(min(CHUNKS[min(len(history), len(CHUNKS) - 1)], STEPS - steps))
            head = solver.head(encoder)
            point = {"step": float(steps), **measure(head, crops, "train"), **measure(head, watch, "val")}
        history.append(point)
        yield Progress(steps, 0, f"fitting, C = {c:g}", point)
    return Fitted(solver.head(encoder), c, solver.is_converged, history)


class Solver:
    """scikit-learn's L-BFGS logistic regression, advanced a few iterations at a time."""

    def __init__(
        self,
        crops: Crops,
        classes: Sequence[str],
        scale: tuple[NDArray, NDArray],
        c: float,
        tol: float,
    ) -> None:
        """Standardise the features; nothing is fitted yet."""
        from sklearn.linear_model import LogisticRegression

        self._model = LogisticRegression(C=c, class_weight="balanced", warm_start=True, tol=tol)
        self._x = (crops.features - scale[0]) / scale[1]
        self._y = np.array([list(classes).index(name) for name in crops.names])
        self._classes, self._scale, self.is_converged = tuple(classes), scale, False

    def advance(self, steps: int) -> int:
        """Run up to `steps` iterations and return how many it took."""
        from sklearn.exceptions import ConvergenceWarning

        self._model.max_iter = steps
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            self._model.fit(self._x, self._y)
        self.is_converged = not any(issubclass(w.category, ConvergenceWarning) for w in caught)
        return max(1, int(self._model.n_iter_.max()))

    def head(self, encoder: tuple[str, int]) -> Head:
        """Return the present weights as a head."""
        weight, bias = self._model.coef_, self._model.intercept_
        if len(self._classes) == 2:  # scikit-learn keeps one row for two classes: softmax of (0, z) is sigmoid(z)
            weight, bias = np.concatenate([weight * 0, weight]), np.concatenate([bias * 0, bias])
        layer = np.ascontiguousarray(weight.T, np.float32), np.asarray(bias, np.float32)
        mean, std = (np.asarray(part, np.float32) for part in self._scale)
        return Head(self._classes, *encoder, mean, std, (layer,))


def choose_c(crops: Crops, classes: Sequence[str], encoder: tuple[str, int]) -> Generator[Progress, None, float]:
    """Return the C with the best balanced accuracy on held-back training images.

    Ties go to the lower loss.

    With one training image, or a class only in the held-back ones, 0.1 is taken unseen.
    """
    images = np.random.default_rng(0).permutation(np.unique(crops.image))
    held = np.isin(crops.image, images[: round(len(images) * VALIDATION)])
    if not held.any() or set(crops.names[~held]) != set(classes):
        return 0.1
    scored = []
    for done, c in enumerate(PENALTIES):
        fitted = yield from _silent(fit(crops[~held], crops[held], classes, c, encoder, COARSE), done)
        figures = score(fitted.head, crops[held])
        loss = fitted.history[-1]["val_loss"]
        scored.append((-figures["balanced_accuracy"], loss, c))
        found = f"balanced accuracy {figures['balanced_accuracy']:.3f} on {held.sum()} held-back boxes"
        yield Progress(done + 1, len(PENALTIES), f"C = {c:g}: {found}")
    return min(scored)[2]


def _silent(work: Generator[Progress, None, Fitted], done: int) -> Generator[Progress, None, Fitted]:
    """Run a fit and pass on its progress without its metrics.

    The metrics belong to another curve.
    """
    try:
        while True:
            step = next(work)
            yield Progress(done, len(PENALTIES), f"choosing C: {step.message}")
    except StopIteration as end:
        return end.value


def measure(head: Head, crops: Crops, name: str) -> dict[str, float]:
    """Return mean log loss and accuracy under "<name>_loss" and "<name>_accuracy"."""
    if not len(crops):
        return {}
    probs = head.predict(crops.features)
    true = np.array([head.classes.index(n) for n in crops.names])
    loss = float(-np.log(np.maximum(probs[np.arange(len(true)), true], 1e-12)).mean())
    return {f"{name}_loss": loss, f"{name}_accuracy": float((probs.argmax(1) == true).mean())}


def score(head: Head, crops: Crops) -> dict:
    """Return a head's figures on some rows, with its confusion matrix.

    They are accuracy, balanced accuracy, macro F1, the majority baseline, and the figures of each
    class.

    Rows of the matrix are true classes, columns named ones, both in the order of `labels`.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    true = np.array([head.classes.index(name) for name in crops.names])
    named, places = head.predict(crops.features).argmax(1), np.arange(len(head.classes))
    found = precision_recall_fscore_support(true, named, labels=places, zero_division=0)
    precision, recall, f1, support = found
    columns = {"precision": precision, "recall": recall, "f1": f1}
    return {
        "accuracy": float(accuracy_score(true, named)),
        "balanced_accuracy": float(recall[support > 0].mean()),
        "macro_f1": float(f1[support > 0].mean()),
        "majority_accuracy": float(support.max() / len(true)),
        "per_class": [
            {"name": name, **{key: float(column[i]) for key, column in columns.items()}, "support": int(support[i])}
            for i, name in enumerate(head.classes)
        ],
        "confusion": confusion_matrix(true, named, labels=places).tolist(),
        "labels": list(head.classes),
    }


def train(crops: Crops, encoder: tuple[str, int], recipe: HeadRecipe) -> Generator[Progress, None, tuple[Head, dict]]:
    """Split by image, fit and measure; return the head and its report.

    Args:
        crops: encoded boxes.
        encoder: id and version of what encoded them.
        recipe: settings of the training.

    Raises:
        Unavailable: too few images, classes or boxes.
    """
    started = time.perf_counter()
    held, way = split_rows(crops, recipe.test_size, recipe.seed)
    trains = training_rows(crops, held, way)
    classes, dropped = usable_classes(crops.names[trains], recipe.min_per_class)
    known = np.isin(crops.names, classes)
    learn, test = crops[trains & known], crops[held & known]
    if not len(test):
        raise Unavailable(
            f"a head is measured on images it did not see, and those held out have no box of {', '.join(classes)}"
        )
    spare = (crops.split == "val") & known & ~held
    watch = crops[spare] if way.startswith("split") and spare.any() else test
    fitted = yield from fit(learn, watch, classes, recipe.c, encoder)
    counts = {
        "train_crops": len(learn),
        "train_images": len(np.unique(learn.image)),
        "test_crops": len(test),
        "test_images": len(np.unique(test.image)),
        "test_crops_of_dropped_classes": int((held & ~known).sum()),
    }
    return fitted.head, {
        **score(fitted.head, test),
        **counts,
        "split": way,
        "dropped_classes": dropped,
        "c": fitted.c,
        "is_converged": fitted.is_converged,
        "iterations": int(fitted.history[-1]["step"]),
        "history": fitted.history,
        "seconds": time.perf_counter() - started,
    }
