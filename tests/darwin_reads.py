"""Print as JSON what V7's own code reads in Darwin files; runs in the environment of requirements-oracles.txt, see oracles.py.

Usage: python darwin_reads.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from darwin.utils import parse_darwin_json


def read(folder: str) -> dict:
    """Return {file: {"image", "folder", "rows": [[class, kind, box or paths, track, text]]}} of every file below a folder."""
    found = {}
    for path in sorted(Path(folder).rglob("*.json")):
        file = parse_darwin_json(path)
        rows = []
        for each in file.annotations:
            subs = {sub.annotation_type: sub.data for sub in each.subs}
            shape = each.data.get("bounding_box", each.data) if isinstance(each.data, dict) else each.data
            paths = each.data.get("paths") if isinstance(each.data, dict) else None
            kind = each.annotation_class.annotation_type
            rows.append([each.annotation_class.name, kind, shape, paths, subs.get("instance_id"), subs.get("text")])
        found[path.relative_to(folder).as_posix()] = {"image": file.filename, "folder": file.remote_path, "rows": rows}
    return found


if __name__ == "__main__":
    print("ANSWER" + json.dumps(read(sys.argv[1])))
