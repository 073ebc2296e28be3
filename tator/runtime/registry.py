"""Finds every backend in tator/models/.

Adding a file adds a backend; nothing else changes.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import threading
from functools import cache
from types import ModuleType
from typing import TypeGuard

from tator import models
from tator.protocols import TASKS, Backend, Card
from tator.types import NotFound, Unavailable

IMPORTING = threading.Lock()


@cache
def backends() -> dict[str, type[Backend]]:
    """Return {card.id: class} for each class that declares a `card`.

    Raises:
        TypeError: a class does not fit the protocol of its card.task.
        ValueError: two files claim one id.
    """
    found: dict[str, type[Backend]] = {}
    for info in pkgutil.iter_modules(models.__path__):
        if info.name.startswith("_"):
            continue  # what several backends share
        for cls in declared(importlib.import_module(f"{models.__name__}.{info.name}")):
            if cls.card.id in found:
                raise ValueError(f"two backends are called {cls.card.id!r}")
            found[cls.card.id] = cls
    return found


def declared(module: ModuleType) -> list[type[Backend]]:
    """Return the backend classes that a module itself defines.

    Raises:
        TypeError: a class does not fit the protocol of its card.task.
    """
    classes = [value for value in vars(module).values() if _is_backend(value)]
    own = [cls for cls in classes if cls.__module__ == module.__name__]
    for cls in own:
        _check(cls)
    return own


def _is_backend(value: object) -> TypeGuard[type[Backend]]:
    return isinstance(value, type) and isinstance(getattr(value, "card", None), Card)


def _check(cls: type[Backend]) -> None:
    card = cls.card
    if card.task not in TASKS:
        raise TypeError(f"{card.id} has the unknown task {card.task!r}; known are {', '.join(TASKS)}")
    wanted = [name for name in dir(TASKS[card.task]) if not name.startswith("_")]
    if missing := [name for name in wanted if not hasattr(cls, name)]:
        raise TypeError(f"{card.id} is not a {card.task} backend: it lacks {', '.join(missing)}")


PACKAGES = {  # names to import that differ from the names to install
    "cv2": "opencv-python-headless",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "open_clip": "open_clip_torch",
    "segment_anything": "segment-anything",
}


def backend(card_id: str, task: str = "") -> type[Backend]:
    """Return a backend class by the id of its card.

    Args:
        card_id: id of the card.
        task: key of TASKS it must serve; "" for any.

    Raises:
        NotFound: no such backend for that task; the message lists those there are.
    """
    known = {name: cls for name, cls in backends().items() if not task or cls.card.task == task}
    if card_id not in known:
        raise NotFound(f"no {task or 'model'} backend is called {card_id!r}; there are: {', '.join(known) or 'none'}")
    return known[card_id]


def sharing(card: Card) -> list[Card]:
    """Return the cards that one loaded model answers for.

    That is `card` alone, or all of the same model_id.
    """
    return [cls.card for cls in backends().values() if cls.card.model_id == card.model_id] or [card]


def missing_packages(card: Card) -> list[str]:
    """Return the packages that `card` requires and this machine lacks."""
    return [name for name in card.requires if importlib.util.find_spec(name) is None]


def require_packages(card: Card) -> None:
    """Refuse a backend whose packages are not installed.

    Raises:
        Unavailable: a package is missing; the message has the command that installs it.
    """
    if lacking := missing_packages(card):
        raise Unavailable(f"{card.label} needs: {pip_command(card)}", packages=lacking)


def import_packages(card: Card) -> None:
    """Import what `card` requires, one caller at a time.

    Of two threads that import a package at once, one finds half-made modules.

    Raises:
        Unavailable: a package is installed and cannot be imported.
    """
    with IMPORTING:
        for name in card.requires:
            try:
                importlib.import_module(name)
            except (ImportError, OSError, RuntimeError) as error:  # torchvision of another version says RuntimeError
                raise Unavailable(f"{card.label} needs {name}, which does not load: {error}") from error


def pip_command(card: Card) -> str:
    """Return the command that installs what a backend lacks, "" if nothing."""
    lacking = [PACKAGES.get(name, name) for name in missing_packages(card)]
    return f"pip install {' '.join(lacking)}" if lacking else ""
