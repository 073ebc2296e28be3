"""The one table of formats: what is tried on reading, and what can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

from tator.formats import (
    Report,
    Source,
    bdd100k,
    cityscapes,
    coco,
    coco_panoptic,
    createml,
    cvat,
    darwin,
    datumaro,
    deeppcb,
    dota,
    gt_jsonl,
    gt_vs_pred,
    hf_objects,
    imagenet,
    images_only,
    kitti,
    label_studio,
    label_studio_predictions,
    labelbox,
    labelme,
    labelme_xml,
    masks,
    mot,
    openimages,
    plain_csv,
    qwen,
    roboflow,
    superannotate,
    supervisely,
    tfrecord,
    ultralytics_ndjson,
    via,
    via3,
    voc,
    vott,
    wider,
    yolo,
    yolo_obb,
    yolo_pose,
    yolo_seg,
)
from tator.formats._ultralytics import read_data_yaml
from tator.formats.joining import Joined
from tator.formats.mask_evidence import set_masks_aside
from tator.formats.tree import Tree
from tator.formats.writing import Output, Splits, in_split
from tator.types import BadInput


@dataclass(frozen=True)
class Format:
    """A way to keep a dataset in files.

    Attributes:
        name: what operations call it.
        label: what people call it.
        sniff: whether a folder holds it.
        read: return the source of a folder that sniff took.
        write: write everything but the images; None where a format is only read.
        image_path: where an image of a split goes.
        embedded: yield (path, content) of the images that are inside the label files of a folder and nowhere else.
        holds_images: whether what is written has the images inside.
        holds_captions: whether what is written has the captions.
        holds_confidence: whether what is written has the confidence of boxes that a machine found.
        holds_tags: whether what is written has the tags of images.
        holds_notes: whether what is written has the notes of images.
        holds_skeletons: whether what is written has the names and joints of key points.
        holds_masks: whether its masks are pictures, which its reader finds itself.
        one_namespace: whether images of two splits need names of their own.
        holds_attributes: names of the attributes that what is written has; writing.ANY where it has all.
    """

    name: str
    label: str
    sniff: Callable[[Tree], bool]
    read: Callable[[Tree], Source]
    write: Callable[[Output, list[str], Splits], Iterator[int]] | None
    image_path: Callable[[str, str], str] = in_split
    embedded: Callable[[Tree], Iterator[tuple[str, bytes]]] | None = None
    holds_images: bool = False
    holds_captions: bool = False
    holds_confidence: bool = False
    holds_tags: bool = False
    holds_notes: bool = False
    holds_skeletons: bool = False
    holds_masks: bool = False
    one_namespace: bool = False
    holds_attributes: frozenset[str] = frozenset()

    def holds(self, attribute: str) -> bool:
        """Return whether what is written has an attribute of this name."""
        return bool({attribute, "*"} & self.holds_attributes)


def _of(module: ModuleType) -> Format:
    held = ("images", "captions", "confidence", "tags", "notes", "skeletons", "masks")
    traits = (*(f"holds_{what}" for what in held), "one_namespace")
    return Format(
        module.NAME,
        module.LABEL,
        module.sniff,
        module.read,
        getattr(module, "write", None),
        getattr(module, "image_path", in_split),
        getattr(module, "embedded", None),
        holds_attributes=getattr(module, "HOLDS_ATTRIBUTES", frozenset()),
        **{trait: getattr(module, trait.upper(), False) for trait in traits},
    )


_TRIED = (  # in this order: the special before the general
    dota,
    kitti,
    mot,
    wider,
    deeppcb,
    yolo_pose,
    yolo_obb,
    yolo_seg,
    yolo,
    datumaro,
    ultralytics_ndjson,
    supervisely,
    darwin,
    labelbox,
    label_studio,
    bdd100k,
    vott,
    superannotate,
    hf_objects,
    roboflow,
    coco,
    coco_panoptic,
    cvat,
    imagenet,
    labelme_xml,
    voc,
    labelme,
    createml,
    via3,
    via,
    qwen,
    gt_jsonl,
    gt_vs_pred,
    label_studio_predictions,
    openimages,
    plain_csv,
    tfrecord,
    masks,
    cityscapes,
    images_only,
)
FORMATS = {module.NAME: _of(module) for module in _TRIED}


def writable() -> dict[str, str]:
    """Return {name: label} of the formats that can be written."""
    return {name: found.label for name, found in FORMATS.items() if found.write}


def recognised(tree: Tree) -> list[str]:
    """Return the formats that a folder holds, the one to read first."""
    if tree.formats is None:
        tree.formats = _recognised(tree)
    return tree.formats


def _recognised(tree: Tree) -> list[str]:
    found = []
    for name, known in FORMATS.items():
        tree.tell(0, 0, f"Are the labels {known.label}?")
        found += [name] if known.sniff(tree) else []
    general = {
        **dict.fromkeys(("dota", "kitti", "mot", "wider", "deeppcb"), ("yolo",)),
        "yolo_pose": ("yolo_obb", "yolo_seg", "yolo"),
        "yolo_obb": ("yolo_seg", "yolo"),
        "yolo_seg": ("yolo",),
        "roboflow": ("coco",),
        "datumaro": ("coco",),
        "imagenet": ("voc",),
        "openimages": ("csv",),
        "masks": ("cityscapes",),
    }
    covered = {name for special in found for name in general.get(special, ())}
    return [name for name in found if name not in covered]


def format_named(name: str) -> Format:
    """Return a format by name.

    Raises:
        BadInput: no such format.
    """
    if name not in FORMATS:
        raise BadInput(f"format must be one of {', '.join(FORMATS)}, is {name[:80]!r}")
    return FORMATS[name]


def _without_labels(tree: Tree) -> str:
    """Return the format of a folder that has no labels: a data.yaml may say YOLO."""
    claimed = set(tree.claimed)
    yamls = (read_data_yaml(tree, path, Report()) for path in tree.each(".yaml", ".yml"))
    is_yolo = any(found is not None and found.classes and found.splits for found in yamls)
    tree.claimed = claimed  # that was only a look
    return yolo.NAME if is_yolo else images_only.NAME


def open_source(tree: Tree, format: str = "") -> Source:
    """Return the reader of a folder; without known labels, of its images only.

    Args:
        tree: the folder.
        format: name of the format; "" takes the first that knows the folder.

    Raises:
        BadInput: no such format.
    """
    if format:
        if not (asked := format_named(format)).holds_masks:
            set_masks_aside(tree)
        return asked.read(tree)
    found = recognised(tree)
    if not any(FORMATS[name].holds_masks for name in found):
        set_masks_aside(tree)
    if not found:
        masks.note_unread(tree)
    if len(found) < 2:
        return FORMATS[found[0] if found else _without_labels(tree)].read(tree)
    labels = [FORMATS[name].label for name in found]
    source = Joined([FORMATS[name].read(tree) for name in found], labels)
    told = f"{labels[0]} is read; {' and '.join(labels[1:])} for images that it has no labels of"
    source.report.notice(".", "labels in several formats", told)
    return source
