"""See what the caches take, and empty them."""

from __future__ import annotations

from typing import Any

from tator.ops import operation
from tator.storage.caches import cache_of, caches
from tator.workbench import Workbench


@operation(writes=False)
def caches_list(wb: Workbench) -> list[dict[str, Any]]:
    """Return each cache with its folder, its number of files and their bytes."""
    rows = []
    for cache in caches():
        files, size = cache.measure(wb.workspace)
        facts = {"kind": cache.kind, "what": cache.what, "folder": str(cache.folder(wb.workspace))}
        rows.append(facts | {"files": files, "bytes": size})
    return rows


@operation
def caches_purge(wb: Workbench, kind: str) -> dict[str, Any]:
    """Delete the files of a cache; they are made again when they are needed.

    It works while the product runs: files that are being written stay.

    Args:
        kind: which cache, from caches_list.

    Returns:
        {"kind", "deleted_files", "freed_bytes"}.

    Raises:
        NotFound: no such cache.
        Unavailable: a file cannot be deleted.
    """
    files, size = cache_of(kind).purge(wb.workspace)
    return {"kind": kind, "deleted_files": files, "freed_bytes": size}
