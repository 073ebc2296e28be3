"""Write the class names of a dataset as a list."""

from __future__ import annotations

import json
from collections.abc import Sequence

FILES = {"txt": "classes.txt", "names": "obj.names", "yaml": "classes.yaml", "json": "classes.json"}


def class_list(names: Sequence[str], kind: str) -> dict:
    """Return {"file": its usual name, "text": its content} of a list of class names.

    Args:
        names: in label-map order.
        kind: txt, names, yaml or json.
    """
    import yaml

    numbered = dict(enumerate(names))
    if kind == "yaml":
        text = yaml.safe_dump({"nc": len(names), "names": numbered}, allow_unicode=True, sort_keys=False, width=1000)
    elif kind == "json":
        text = json.dumps({"names": list(names)}, ensure_ascii=False, indent=2) + "\n"
    else:
        text = "".join(f"{name}\n" for name in names)
    return {"file": FILES[kind], "text": text}
