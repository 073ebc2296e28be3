"""Give each torch module its own copy of the caches transformers keeps per class."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import _lru_cache_wrapper, lru_cache
from types import FunctionType
from typing import Any


def own_caches(model: Any) -> None:
    """Make cached results of a model's modules go when the model goes.

    transformers decorates methods such as a position encoding with functools.lru_cache, once for the class. That
    holds the last result, and with it the module, for as long as the process lives: 64 MB of SAM 2.1, 113 MB of SAM 3.

    Args:
        model: a torch module.

    Source: compile_compatible_method_lru_cache of transformers.pytorch_utils.
    """
    known: dict[type, list[tuple[str, Any, int]]] = {}
    for module in model.modules():
        kind = type(module)
        if kind not in known:
            known[kind] = list(_cached_methods(kind))
        for name, method, maxsize in known[kind]:
            setattr(module, name, lru_cache(maxsize)(method.__get__(module, kind)))


def _cached_methods(kind: type) -> Iterator[tuple[str, Any, int]]:
    """Yield name, method without its cache, and the cache's size.

    The method is a function, or a staticmethod of one.
    """
    for parent in reversed(kind.__mro__):
        for name, value in vars(parent).items():
            wrapper = value.__func__ if isinstance(value, staticmethod) else value
            if isinstance(wrapper, FunctionType) and (cache := _cache_in(wrapper)):
                plain = inspect.unwrap(wrapper, stop=lambda each: not isinstance(each, FunctionType))
                method = staticmethod(plain) if isinstance(value, staticmethod) else plain
                yield name, method, cache.cache_parameters()["maxsize"]


def _cache_in(wrapper: FunctionType) -> _lru_cache_wrapper | None:
    if not hasattr(wrapper, "__wrapped__"):
        return None
    held = [cell.cell_contents for cell in wrapper.__closure__ or ()]
    return next((value for value in held if isinstance(value, _lru_cache_wrapper)), None)
