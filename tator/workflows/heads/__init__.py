"""Class heads: small classifiers on an encoder's vectors, for auto class.

They are trained on accepted boxes.

Others may use `Head` (the classifier), `heads_of` (those that are kept), `keep_head` and `row_of` (add one, describe one),
`read_crops` (boxes as vectors), `train` (crops to a head and its report), `held_crops` (those it is measured on),
`name_boxes` (classes of boxes), `check_head` (that it knows a dataset), `origin_of` (what a report keeps of the dataset's
classes) and `changes` (what became of them).
"""

from tator.workflows.heads.fit import Crops, held_crops, train
from tator.workflows.heads.following import changes, origin_of
from tator.workflows.heads.head import Head
from tator.workflows.heads.naming import check_head, check_margin, name_boxes
from tator.workflows.heads.reading import read_crops
from tator.workflows.heads.shelf import HEADS, heads_of, keep_head, row_of

__all__ = [
    "HEADS",
    "Crops",
    "Head",
    "changes",
    "check_head",
    "check_margin",
    "heads_of",
    "held_crops",
    "keep_head",
    "name_boxes",
    "origin_of",
    "read_crops",
    "row_of",
    "train",
]
