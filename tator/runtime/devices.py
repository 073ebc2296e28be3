"""Which device models run on and its memory; imports no model library."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tator.types import BadInput

BUDGET_SHARE = 0.6  # of the device's memory; the rest is for activations, images and other programs
QUERY = "index,name,memory.total,memory.free,compute_cap"


def pick_device(wanted: str) -> str:
    """Return the device to run on: cpu, cuda, cuda:N or mps.

    Args:
        wanted: one of these, or auto: a GPU if there is one that torch can drive.

    Raises:
        BadInput: the name is none of these.
    """
    if re.fullmatch(r"cpu|mps|cuda(:\d+)?", wanted):
        return wanted
    if wanted != "auto":
        raise BadInput(f"device must be auto, cpu, cuda, cuda:N or mps, is {wanted!r}")
    if find_spec("torch") is None:
        return "cpu"
    if Path("/proc/driver/nvidia/version").exists() and gpus():
        return "cuda"
    is_apple = sys.platform == "darwin" and os.uname().machine == "arm64"
    return "mps" if is_apple else "cpu"


@lru_cache(maxsize=1)
def _smi() -> str | None:
    return shutil.which("nvidia-smi")


def gpus() -> list[dict]:
    """Return one row per NVIDIA GPU.

    Keys: index, name, total_mb, free_mb, compute_capability.

    Source: https://docs.nvidia.com/deploy/nvidia-smi, option --query-gpu.
    """
    if _smi() is None:
        return []
    command = [str(_smi()), f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return []  # a driver that does not answer means that no GPU can be used
    return [_gpu_row(line) for line in answer.splitlines() if line.count(",") == QUERY.count(",")]


def _gpu_row(line: str) -> dict:
    index, name, total, free, capability = (cell.strip() for cell in line.split(","))
    memory = {"total_mb": _number(total), "free_mb": _number(free)}
    return {"index": _number(index), "name": name, **memory, "compute_capability": capability}


def _number(cell: str) -> int:
    return int(float(cell)) if re.fullmatch(r"[\d.]+", cell) else 0  # "[N/A]" on some boards


def memory_mb(device: str) -> int:
    """Return the total memory of a device in MB; the machine's own for cpu and mps."""
    if device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        return next((gpu["total_mb"] for gpu in gpus() if gpu["index"] == index), 0)
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return 4_096  # no portable way to ask on Windows without another package


def default_budget_mb(device: str) -> int:
    """Return how much memory loaded models may reserve on a device, in MB."""
    return int(memory_mb(device) * BUDGET_SHARE) or 4_096


def torch_problem(device: str) -> str:
    """Return why torch cannot drive a device, "" where it can.

    It imports torch, which takes seconds.
    """
    import torch

    if device == "mps":
        return "" if torch.backends.mps.is_available() else f"torch {torch.__version__} finds no Apple GPU"
    if not device.startswith("cuda"):
        return ""
    if torch.version.cuda is None:
        return f"torch {torch.__version__} was built without CUDA: install the build from https://pytorch.org"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} (CUDA {torch.version.cuda}) finds no usable NVIDIA driver"
    count, index = torch.cuda.device_count(), int(device.partition(":")[2] or 0)
    return "" if index < count else f"there is no {device}: torch sees {count} GPUs"


def trim_heap() -> None:
    """Return freed memory to the system where the C library has a call for it.

    Source: https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    """
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    if trim is not None:
        trim(0)
