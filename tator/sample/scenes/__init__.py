"""Draw aerial scenes of a small harbour, with the exact box of every object."""

from __future__ import annotations

CLASSES = ("boat", "car", "truck", "building", "tree", "person")
WIDTH, HEIGHT = 1440, 900  # pixels
FINE = 3  # supersampling of everything that is drawn as an object
