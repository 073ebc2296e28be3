"""Where the images of a label file may lie."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

LABEL_FOLDERS = frozenset(
    "annotations annotation labels label label_2 labeltxt xml xmls voc json jsons ann anns imagesets".split()
)
IMAGE_FOLDERS = ("images", "JPEGImages", "Images", "image", "imgs", "img", "Data", "image_2")


def beside(file: str) -> tuple[str, ...]:
    """Return folders where a label file's images may lie, nearest first.

    Each is "" or ends with a slash: "a/b/".
    """
    return _beside(file.rpartition("/")[0])


@lru_cache(maxsize=1_000)  # a folder has many label files
def _beside(folder: str) -> tuple[str, ...]:
    parts = PurePosixPath(folder).parts
    places = [parts]
    swaps = [at for at, part in enumerate(parts) if part.lower() in LABEL_FOLDERS]
    if swaps:
        at = swaps[-1]
        places += [(*parts[:at], folder, *parts[at + 1 :]) for folder in IMAGE_FOLDERS]
        places.append((*parts[:at], *parts[at + 1 :]))
    places += [(*parts, folder) for folder in IMAGE_FOLDERS]
    places += [parts[:-1], *((*parts[:-1], folder) for folder in IMAGE_FOLDERS)]
    places += [(), *((folder,) for folder in IMAGE_FOLDERS)]
    return tuple("/".join(place) + "/" if place else "" for place in dict.fromkeys(places))
