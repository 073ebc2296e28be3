"""Ask other people's programs what they read: offline, in processes of their own, some in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BESIDE = Path(sys.prefix) / "oracles" / "bin" / "python"  # made by the Makefile from requirements-oracles.txt

ULTRALYTICS = """
import json, sys
from ultralytics.cfg import get_cfg
from ultralytics.data.build import build_yolo_dataset
from ultralytics.data.utils import check_det_dataset
answers = []
for folder, task in zip(sys.argv[1::2], sys.argv[2::2]):
    data = check_det_dataset(folder + "/data.yaml")
    out = {"names": data["names"], "nc": data["nc"]}
    for split in ("train", "val", "test"):
        if data.get(split):
            found = build_yolo_dataset(get_cfg(overrides={"imgsz": 64, "task": task}), data[split], 4, data, mode="val")
            out[split] = [{"file": l["im_file"], "shape": l["shape"], "cls": l["cls"].ravel().tolist(),
                           "boxes": l["bboxes"].tolist(),
                           "keypoints": None if l.get("keypoints") is None else l["keypoints"].tolist()} for l in found.labels]
    answers.append(out)
print("ANSWER" + json.dumps(answers))
"""


def run_python(code: str, *arguments: str, env: dict[str, str], folder: Path, python: str = sys.executable) -> str:
    """Run code in a process of its own and return what it printed after ANSWER; fail with its output when it did not."""
    run = subprocess.run(
        [python, "-c", code, *arguments], capture_output=True, text=True, env=env, cwd=folder, timeout=280
    )
    assert "ANSWER" in run.stdout, run.stdout[-3000:] + run.stderr[-3000:]
    return run.stdout.rpartition("ANSWER")[2]


def ultralytics_env(config: Path) -> dict[str, str]:
    """Return the environment in which Ultralytics asks nobody on the network; it keeps its settings in `config`."""
    import matplotlib

    fonts = config / "Ultralytics"
    fonts.mkdir(parents=True, exist_ok=True)
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):  # else it asks GitHub for them
        (fonts / name).write_bytes((Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf").read_bytes())
    return os.environ | {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": str(config)}


def ultralytics_reads(config: Path, *sets: tuple[Path, str]) -> list[dict]:
    """Return what Ultralytics' own loader makes of folders, from another working folder.

    Args:
        config: where it may keep its settings.
        sets: folders with a data.yaml, each with its task: detect, segment, obb or pose.

    Returns:
        For each {"names", "nc"} and {split: [{"file", "shape", "cls", "boxes", "keypoints"}]}, boxes as centre and size in 0..1.
    """
    arguments = [part for folder, task in sets for part in (str(folder), task)]
    return json.loads(run_python(ULTRALYTICS, *arguments, env=ultralytics_env(config), folder=config))


def pixel_boxes(label: dict, names: dict[str, str]) -> list[tuple]:
    """Return (class name, x1, y1, x2, y2) in pixels of an image as `ultralytics_reads` gives it."""
    h, w = label["shape"]
    rows = zip(label["cls"], label["boxes"], strict=True)
    return [
        (names[str(int(c))], (x - bw / 2) * w, (y - bh / 2) * h, (x + bw / 2) * w, (y + bh / 2) * h)
        for c, (x, y, bw, bh) in rows
    ]


def datumaro_reads(folder: Path, importer: str) -> dict:
    """Return what datumaro reads in a folder: see datumaro_reads.py."""
    return _beside("datumaro_reads.py", folder, importer)


def tfrecord_reads(folder: Path) -> dict[str, list[dict]]:
    """Return what protobuf's own code reads in the record files of a folder: see tfrecord_reads.py."""
    return _beside("tfrecord_reads.py", folder)


def service_reads(folder: Path, reader: str) -> dict:
    """Return what the makers' own code reads in a folder: see services_read.py."""
    return _beside("services_read.py", folder, reader)


def darwin_reads(folder: Path) -> dict[str, dict]:
    """Return what V7's own code reads in the Darwin files of a folder: see darwin_reads.py."""
    return _beside("darwin_reads.py", folder)


def _beside(script: str, folder: Path, *arguments: str) -> dict:
    """Run a script of this folder in the environment of requirements-oracles.txt and return its answer."""
    assert BESIDE.is_file(), f"no {BESIDE}: `make slow` makes it from requirements-oracles.txt"
    code = Path(__file__).with_name(script).read_text(encoding="utf-8")
    told = run_python(code, str(folder), *arguments, env=dict(os.environ), folder=folder, python=str(BESIDE))
    return json.loads(told)
