"""Write label files of every format by hand, good or bad, without the product's own writers."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

WIDTH, HEIGHT = 64, 48
Row = tuple[str, str, tuple[float, float, float, float]]  # what the file calls the image, class, xyxy in pixels


def _text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _by_image(rows: Sequence[Row]) -> dict[str, list[tuple[str, tuple]]]:
    found: dict[str, list] = {}
    for reference, name, box in rows:
        found.setdefault(reference, []).append((name, box))
    return found


def _stem(reference: str, at: int) -> str:
    """Return what the label file of an image is called; a path that leads out has one of no image."""
    plain = reference.rpartition("/")[2].rpartition(".")[0]
    return (
        f"stray{at}"
        if not plain or any(sign in reference for sign in ("..", ":", "\\")) or reference[0] == "/"
        else plain
    )


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def voc(root: Path, rows: Sequence[Row]) -> None:
    for at, (reference, objects) in enumerate(_by_image(rows).items()):
        stem = _stem(reference, at)
        found = "".join(
            f"<object><name>{escaped(name)}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
            for name, (x1, y1, x2, y2) in objects
        )
        _text(
            root / "Annotations" / f"{stem}.xml",
            f"<annotation><filename>{escaped(reference)}</filename>{found}</annotation>",
        )


def labelme_xml(root: Path, rows: Sequence[Row]) -> None:
    for at, (reference, objects) in enumerate(_by_image(rows).items()):
        found = "".join(
            f"<object><name>{escaped(name)}</name><deleted>0</deleted><verified>0</verified><id>{number}</id><polygon>"
            + "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2)))
            + "</polygon><type>bounding_box</type></object>"
            for number, (name, (x1, y1, x2, y2)) in enumerate(objects)
        )
        size = f"<imagesize><nrows>{HEIGHT}</nrows><ncols>{WIDTH}</ncols></imagesize>"
        _text(
            root / "Annotations" / f"{_stem(reference, at)}.xml",
            f"<annotation><filename>{escaped(reference)}</filename>{size}{found}</annotation>",
        )


def imagenet(root: Path, rows: Sequence[Row]) -> None:
    voc(root, rows)
    (root / "Annotations").rename(root / "moved")
    (root / "Annotations").mkdir()
    (root / "moved").rename(root / "Annotations" / "DET")


def cvat(root: Path, rows: Sequence[Row]) -> None:
    images = "".join(
        f'<image id="{at}" name="{escaped(reference)}">'
        + "".join(f'<box label="{escaped(n)}" xtl="{a}" ytl="{b}" xbr="{c}" ybr="{d}"/>' for n, (a, b, c, d) in objects)
        + "</image>"
        for at, (reference, objects) in enumerate(_by_image(rows).items())
    )
    _text(root / "annotations.xml", f"<annotations><meta/>{images}</annotations>")


def labelme(root: Path, rows: Sequence[Row]) -> None:
    for at, (reference, objects) in enumerate(_by_image(rows).items()):
        shapes = [{"label": n, "points": [[a, b], [c, d]], "shape_type": "rectangle"} for n, (a, b, c, d) in objects]
        stem = _stem(reference, at)
        _text(root / "json" / f"{stem}.json", json.dumps({"imagePath": reference, "imageData": None, "shapes": shapes}))


def coco(root: Path, rows: Sequence[Row]) -> None:
    names = sorted({name for _, name, _ in rows})
    images = {reference: at for at, reference in enumerate(_by_image(rows), 7)}
    annotations = [
        {"id": at, "image_id": images[r], "category_id": 3 * names.index(n), "bbox": [a, b, c - a, d - b]}
        for at, (r, n, (a, b, c, d)) in enumerate(rows)
    ]
    content = {
        "images": [{"id": at, "file_name": reference} for reference, at in images.items()],
        "annotations": annotations,
        "categories": [{"id": 3 * at, "name": name} for at, name in enumerate(names)],
    }
    _text(root / "annotations.json", json.dumps(content))


def roboflow(root: Path, rows: Sequence[Row]) -> None:
    coco(root, rows)
    (root / "annotations.json").rename(root / "_annotations.coco.json")


def createml(root: Path, rows: Sequence[Row]) -> None:
    content = [
        {
            "image": reference,
            "annotations": [
                {"label": n, "coordinates": {"x": (a + c) / 2, "y": (b + d) / 2, "width": c - a, "height": d - b}}
                for n, (a, b, c, d) in objects
            ],
        }
        for reference, objects in _by_image(rows).items()
    ]
    _text(root / "annotations.json", json.dumps(content))


def via(root: Path, rows: Sequence[Row]) -> None:
    content = {
        f"{reference}-1": {
            "filename": reference,
            "size": -1,
            "file_attributes": {},
            "regions": [
                {
                    "shape_attributes": {"name": "rect", "x": a, "y": b, "width": c - a, "height": d - b},
                    "region_attributes": {"label": n},
                }
                for n, (a, b, c, d) in objects
            ],
        }
        for reference, objects in _by_image(rows).items()
    }
    _text(root / "via_region_data.json", json.dumps(content))


def via3(root: Path, rows: Sequence[Row]) -> None:
    names = sorted({name for _, name, _ in rows})
    images = list(_by_image(rows))
    content = {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "data_format_version": "3.1.1",
            "vid_list": [str(at) for at in range(len(images))],
        },
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {}},
        "attribute": {
            "1": {
                "aname": "Kind",
                "anchor_id": "FILE1_Z0_XY1",
                "type": 3,
                "options": {f"o{at}": name for at, name in enumerate(names)},
            }
        },
        "file": {
            str(at): {"fid": at, "fname": reference, "type": 2, "loc": 1, "src": ""}
            for at, reference in enumerate(images)
        },
        "view": {str(at): {"fid_list": [at]} for at in range(len(images))},
        "metadata": {
            f"{images.index(r)}_{at}": {
                "vid": str(images.index(r)),
                "flg": 0,
                "z": [],
                "xy": [2, a, b, c - a, d - b],
                "av": {"1": f"o{names.index(n)}"},
            }
            for at, (r, n, (a, b, c, d)) in enumerate(rows)
        },
    }
    _text(root / "via_project.json", json.dumps(content))


def table(path: Path, rows: Sequence[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def openimages(root: Path, rows: Sequence[Row]) -> None:
    head = ["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax"]
    body = [[r, "", n, 1, a / WIDTH, c / WIDTH, b / HEIGHT, d / HEIGHT] for r, n, (a, b, c, d) in rows]
    table(root / "annotations-bbox.csv", [head, *body])


def plain_csv(root: Path, rows: Sequence[Row]) -> None:
    head = ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
    table(root / "labels.csv", [head, *([r, WIDTH, HEIGHT, n, *box] for r, n, box in rows)])


def qwen(root: Path, rows: Sequence[Row]) -> None:
    lines = [
        json.dumps(
            {
                "image": reference,
                "conversations": [
                    {"from": "human", "value": "<image>\nwhere?"},
                    {
                        "from": "gpt",
                        "value": json.dumps({"detections": [{"label": n, "bbox": list(box)} for n, box in objects]}),
                    },
                ],
            }
        )
        for reference, objects in _by_image(rows).items()
    ]
    _text(root / "annotations.jsonl", "\n".join(lines) + "\n")


def tfrecord(root: Path, rows: Sequence[Row]) -> None:
    with open(root / "data.tfrecord", "wb") as file:
        for reference, objects in _by_image(rows).items():
            sides = zip(*[(a / WIDTH, b / HEIGHT, c / WIDTH, d / HEIGHT) for _, (a, b, c, d) in objects], strict=True)
            features = {
                "image/filename": _bytes_list([reference]),
                "image/object/class/text": _bytes_list([n for n, _ in objects]),
            }
            for side, values in zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=True):
                features[f"image/object/bbox/{side}"] = _field(2, _field(1, struct.pack(f"<{len(values)}f", *values)))
            entries = b"".join(_field(1, _field(1, key.encode()) + _field(2, value)) for key, value in features.items())
            record = _field(1, entries)
            length = struct.pack("<Q", len(record))
            file.write(length + checksum(length) + record + checksum(record))


def checksum(content: bytes) -> bytes:
    """Return TFRecord's masked CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _bytes_list(texts: Sequence[str]) -> bytes:
    return _field(1, b"".join(_field(1, text.encode()) for text in texts))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


REFERRING: dict[str, Callable[[Path, Sequence[Row]], None]] = {  # formats whose files name their images
    "voc": voc,
    "imagenet": imagenet,
    "labelme_xml": labelme_xml,
    "cvat": cvat,
    "labelme": labelme,
    "coco": coco,
    "roboflow": roboflow,
    "createml": createml,
    "via": via,
    "via3": via3,
    "openimages": openimages,
    "csv": plain_csv,
    "qwen": qwen,
    "tfrecord": tfrecord,
}
