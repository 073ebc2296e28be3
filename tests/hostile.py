"""Model files that act when they are opened carelessly."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path


class Payload:
    """Writes a file when unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


def hostile_files(folder: Path, target: Path) -> list[Path]:
    """Return files that touch `target` when they are opened carelessly."""
    import numpy as np
    import torch

    torch.save({"weight": torch.zeros(2), "extra": Payload(target)}, folder / "archive.pth")
    (folder / "bare.pth").write_bytes(pickle.dumps(Payload(target)))
    torch.save(Payload(target), folder / "legacy.pt", _use_new_zipfile_serialization=False)
    (folder / "model.pkl").write_bytes(pickle.dumps(Payload(target)))
    np.save(folder / "array.npy", np.array([Payload(target)], dtype=object), allow_pickle=True)
    np.savez(folder / "arrays.npz", a=np.array([Payload(target)], dtype=object))
    (folder / "head.joblib").write_bytes(pickle.dumps(Payload(target)))
    with zipfile.ZipFile(folder / "two.pth", "w") as archive:  # a harmless index beside the one that is read
        archive.writestr("a/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("b/data.pkl", pickle.dumps(Payload(target), protocol=2))
    with zipfile.ZipFile(folder / "computed.pth", "w") as archive:  # names that the memo brings, not the text before
        archive.writestr("a/data.pkl", pickle.dumps(Payload(target), protocol=4))
    (folder / "renamed.safetensors").write_bytes((folder / "archive.pth").read_bytes())
    return sorted(folder.iterdir())
