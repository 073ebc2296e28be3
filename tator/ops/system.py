"""What runs here: health, the device and its memory."""

from __future__ import annotations

import os
import shutil
from typing import Any

from sqlalchemy import func, select

from tator.datasets.owners import IN_USE
from tator.ops import operation
from tator.runtime.devices import gpus, memory_mb
from tator.storage import schema
from tator.warning_codes import MODELS_ON_CPU, warned
from tator.workbench import Workbench

VERSION = "0.1.0"


@operation(mirrors=("system_health", "system_health_summary", "system_storage_check"), writes=False)
def system_health(wb: Workbench) -> dict[str, Any]:
    """Return whether all is well: version, counts and storage; changes nothing."""
    with wb.store.read() as conn:
        in_use = select(schema.dataset.c.id).where(IN_USE)
        datasets = conn.execute(select(func.count()).select_from(in_use.subquery())).scalar_one()
        images = conn.execute(select(func.count()).where(schema.image.c.dataset_id.in_(in_use))).scalar_one()
        by_state = select(schema.job.c.state, func.count()).group_by(schema.job.c.state)
        jobs = {state: count for state, count in conn.execute(by_state)}
    home = wb.workspace.home
    is_writable = os.access(home, os.W_OK)
    storage = {"home": str(home), "free_mb": shutil.disk_usage(home).free // 2**20, "writable": is_writable}
    counts = {"datasets": datasets, "images": images, "jobs": jobs}
    return {"ok": is_writable, "version": VERSION, **counts, "storage": storage}


@operation(mirrors=("system_gpu",), writes=False)
def system_gpu(wb: Workbench) -> dict[str, Any]:
    """Return the device models run on, what is loaded there, and the machine's GPUs."""
    found, device = gpus(), wb.models.device
    index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else -1
    own = next((gpu for gpu in found if gpu["index"] == index), None)
    total = memory_mb(device)
    used = own["total_mb"] - own["free_mb"] if own else _used_memory_mb(total)
    answer = {
        "device": device,
        "fallback": wb.models.fallback,
        "name": own["name"] if own else f"{os.cpu_count()} cores",
        "memory_total_mb": total,
        "memory_used_mb": used,
        "budget_mb": wb.models.budget_mb,
        "reserved_mb": sum(row["mb"] for row in wb.models.loaded()),
        "loaded": wb.models.loaded(),
        "available": bool(found),
        "device_count": len(found),
        "devices": found,
    }
    return warned(answer, {MODELS_ON_CPU: bool(wb.models.fallback)})


def _used_memory_mb(total: int) -> int | None:
    """Return the machine's memory in use where the system tells, else None.

    Source: https://docs.kernel.org/filesystems/proc.html, MemAvailable.
    """
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            facts = dict(line.split(":", 1) for line in lines)
        return total - int(facts["MemAvailable"].split()[0]) // 1024
    except (OSError, KeyError):
        return None
