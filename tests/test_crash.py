"""An acknowledged edit survives kill -9 at any moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.crash import lost, replay, survive


@pytest.mark.parametrize("kills", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_kills_lose_no_acknowledged_edit(tmp_path, kills):
    findings = survive(tmp_path, kills)
    assert findings.problems == []
    assert findings.kills == kills
    assert findings.acknowledged > 3 * kills  # the children did edit


def test_the_check_itself_sees_a_lost_edit(tmp_path):
    class Saved:
        def __init__(self, seq: int, revision: int) -> None:
            self.seq, self.revision = seq, revision
            self.forward = [{"op": "add", "annotation": {"id": str(seq)}}]

    journal = [Saved(1, 1), Saved(2, 2)]
    assert list(lost(journal, {1: 1, 2: 2})) == []
    assert list(lost(journal, {1: 1, 2: 2, 3: 3})) == ["seq 3 at revision 3 is lost"]
    assert "gap" in next(lost([journal[0], Saved(3, 3)], {}))
    assert list(replay(journal)[-1]) == ["1", "2"]


def test_editing_needs_no_heavy_library():
    code = "import sys; import bench.crash; print(*sys.modules)"
    told = subprocess.check_output([sys.executable, "-c", code], cwd=Path(__file__).parents[1], text=True).split()
    assert not {"gradio", "sklearn", "torch", "cv2", "alembic"} & set(told)
