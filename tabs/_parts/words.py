"""How the tabs write numbers, sizes, times and states."""

from __future__ import annotations

import time
from typing import Any

from tabs._parts.html import Html, chip

STATE_TONES = {
    "queued": "",
    "running": "accent",
    "succeeded": "ok",
    "failed": "bad",
    "cancelled": "warn",
    "interrupted": "warn",
}
ACTIVE = ("queued", "running")


def count(number: Any) -> str:
    """Return 12345 as 12,345, and a dash for nothing."""
    return "–" if number is None else f"{int(number):,}"


def figure(value: Any) -> str:
    """Return a plain value as people read it.

    A fraction has three figures, above 1,000 none behind the point; a bool is yes or no, and nothing is a dash.
    """
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(share: float | None, digits: int = 1) -> str:
    """Return 0.954 as 95.4 %."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def plural(number: int, one: str, many: str = "") -> str:
    """Return "1 image" or "12 images"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(n_bytes: float | None) -> str:
    """Return bytes in the largest unit that keeps a figure before the point."""
    if n_bytes is None:
        return "–"
    for unit in ("B", "KB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def duration(seconds: float | None) -> str:
    """Return 95 as 1 min 35 s."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def when(stamp: float | None) -> str:
    """Return the local time of a stamp in seconds since 1970.

    With the date where it is not today.
    """
    if not stamp:
        return "–"
    then, now = time.localtime(stamp), time.localtime()
    return time.strftime("%H:%M:%S" if then[:3] == now[:3] else "%d %b %H:%M", then)


def state_chip(state: str) -> Html:
    """Return a job's state as a chip in its colour."""
    return chip(state, STATE_TONES.get(state, ""))
