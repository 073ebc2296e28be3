"""A stand-in for the command line: drives jobs whose work is written here, as `python -m tator run-job` does."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tator.jobs.driver import run_child  # noqa: E402
from tator.types import Progress, TatorError, Unavailable, Work  # noqa: E402
from tator.workbench import Workbench  # noqa: E402


def steps(wb: Workbench, count: int = 3, pause_s: float = 0.0) -> Work:
    for i in range(count):
        yield Progress(i + 1, count, f"step {i + 1}", {"loss": 1 / (i + 1)})
        time.sleep(pause_s)
    print("all done", file=sys.stderr)
    return {"pid": os.getpid(), "nice": os.nice(0), "user": wb.user}


def refuse(wb: Workbench) -> Work:
    yield Progress(0, 1)
    raise Unavailable("12 labelled boxes are needed, there are 3")


def crash(wb: Workbench) -> Work:
    yield Progress(0, 1)
    raise ZeroDivisionError("in the child")


def vanish(wb: Workbench) -> Work:
    yield Progress(1, 2)
    os.kill(os.getpid(), signal.SIGKILL)


def hang(wb: Workbench, deaf: bool = False) -> Work:
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield Progress(1, 2, "hanging")
    time.sleep(60)


def hold(wb: Workbench, device: str, seconds: float) -> Work:
    with (yield from wb.models.lease(device)):
        began = time.time()
        yield Progress(0, 1, "holding")
        time.sleep(seconds)
        return [began, time.time()]


KNOWN = {fn.__name__: fn for fn in (steps, refuse, crash, vanish, hang, hold)}

if __name__ == "__main__":
    bench = Workbench.at(Path(sys.argv[sys.argv.index("--home") + 1]), device="cpu")
    try:
        run_child(bench, sys.argv[-1], KNOWN.__getitem__)
    except TatorError as error:
        sys.exit(str(error))
    finally:
        bench.close()
