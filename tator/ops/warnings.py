"""The warnings that answers may carry."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tator.ops import operation
from tator.warning_codes import warning_codes
from tator.workbench import Workbench


@operation(writes=False)
def warnings_list(wb: Workbench) -> list[dict[str, Any]]:
    """Return each warning that an answer may carry: id, text and operations.

    An answer has "warnings", a list of ids, only where something was clamped, left out or done another way.
    """
    return [asdict(code) for code in warning_codes()]
