"""Tells how far an image encoder has come, block by block, and lets its callers wait or stop it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

OnStep = Callable[[int, int], None]  # blocks begun, blocks in all; raising stops the encoder

_listeners: ContextVar[tuple[OnStep, ...]] = ContextVar("encoder_listeners", default=())


@contextmanager
def listening(on_step: OnStep) -> Iterator[None]:
    """Call `on_step` before each block of any encoder that runs in this context inside the block.

    Those that listen outside it are called first.
    """
    token = _listeners.set((*_listeners.get(), on_step))
    try:
        yield
    finally:
        _listeners.reset(token)


def report_blocks(blocks: Sequence[Any]) -> None:
    """Make an encoder's blocks (torch modules, in order) report to whoever listens."""
    for index, block in enumerate(blocks):
        block.register_forward_pre_hook(partial(_step, index, len(blocks)))


def _step(index: int, total: int, module: Any, arguments: Any) -> None:
    for on_step in _listeners.get():
        on_step(index, total)
