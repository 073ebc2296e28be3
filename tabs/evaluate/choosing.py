"""The evaluations that a page can show."""

from __future__ import annotations

from tabs._parts.shell import Shell


def evaluations(shell: Shell, dataset: str) -> list[dict]:
    """Return the evaluations of a dataset as runs_list answers them, newest first."""
    rows = [row for row in shell.call("runs_list", family="evaluation") if not row["problem"]]
    mine = [row for row in rows if row["figures"].get("dataset") == dataset]
    return sorted(mine, key=lambda row: -row["created_at"])
