"""Tells how far an image encoder has come, block by block, and lets its caller stop it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

OnStep = Callable[[int, int], None]  # blocks begun, blocks in all; raising stops the encoder

_listener: ContextVar[OnStep | None] = ContextVar("encoder_listener", default=None)


@contextmanager
def listening(on_step: OnStep) -> Iterator[None]:
    """Call `on_step` before each block of any encoder that runs in this thread inside the block."""
    token = _listener.set(on_step)
    try:
        yield
    finally:
        _listener.reset(token)


def report_blocks(blocks: Sequence[Any]) -> None:
    """Make an encoder's blocks (torch modules, in order) report to whoever listens."""
    for index, block in enumerate(blocks):
        block.register_forward_pre_hook(partial(_step, index, len(blocks)))


def _step(index: int, total: int, module: Any, arguments: Any) -> None:
    on_step = _listener.get()
    if on_step is not None:
        on_step(index, total)
