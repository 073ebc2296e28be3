"""The most memory that a process has held; used by the child processes that measure it."""

from __future__ import annotations

from pathlib import Path


def peak_mb() -> float:
    """Return this process's peak in MB.

    Read from /proc: the maximum of `getrusage` also holds what the parent held when it started the child.
    """
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
