"""Tator on the command line: one subcommand per operation, from its signature.

The result is JSON on stdout; progress and errors go to stderr. Exit codes: 0 done, 2 refused, 1 a bug.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tator.signatures import Verb, verbs

if TYPE_CHECKING:
    from tator.types import Progress, Work
    from tator.workbench import Workbench

HOME = "~/.tator"
INTERRUPTED = 130  # what a shell reports for Ctrl-C
FROM_ENVIRONMENT = {"root_image_dir": "ROOT_IMAGE_DIR"}  # flags that the environment gives where a caller does not


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit code."""
    known = verbs()
    arguments = vars(parser(known).parse_args(argv))
    settings = {name: arguments.pop(f"_{name}", default) for name, default in defaults().items()}
    name = arguments.pop("_verb")
    flags = {flag.name for flag in known[name].flags} if name in known else set()
    arguments = {
        key: os.environ[at] for key, at in FROM_ENVIRONMENT.items() if key in flags and at in os.environ
    } | arguments
    if name in ("add-user", "upload"):  # these need no workspace
        alone: dict[str, Callable[..., int]] = {"add-user": add_user, "upload": upload}
        return alone[name](**arguments)
    from tator.types import TatorError

    internal: dict[str, Callable[..., None]] = {"run-job": run_job, "make-sample": make_sample}
    try:
        wb = workbench(settings)
        try:
            inner = internal.get(name)
            outcome = inner(wb, **arguments) if inner else run(wb, name, arguments, settings["json"])
            wb.jobs.finish()  # jobs-resume starts one
        finally:
            wb.close()
    except TatorError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    if not inner:
        print(json.dumps(outcome, ensure_ascii=False, indent=None if settings["json"] else 2))
    return 0


def defaults() -> dict[str, Any]:
    """Return the settings that hold for every subcommand, from the environment."""
    read = os.environ.get
    return {
        "home": read("TATOR_HOME", HOME),
        "db": read("TATOR_DB", ""),
        "device": read("TATOR_DEVICE", "auto"),
        "json": False,
    }


def workbench(settings: dict[str, Any]) -> Workbench:
    """Open the workspace.

    A person at the command line owns the machine, so any folder may be imported.
    """
    from tator.weights.network import Network
    from tator.workbench import Workbench

    home, network = Path(settings["home"]).expanduser(), Network.of(os.environ)
    return Workbench.at(home, db_url=settings["db"], device=settings["device"], network=network)


def run(wb: Workbench, name: str, arguments: dict[str, Any], plain: bool = False) -> Any:
    """Call one operation; a job runs in the foreground and is recorded.

    Args:
        wb: the workbench.
        name: of the operation.
        arguments: its keyword arguments.
        plain: report progress as JSON lines.

    Raises:
        TatorError: the operation refused.
    """
    from tator.ops import call, operations, prepared

    verb = operations()[name]
    if not verb.is_job:
        return call(wb, name, **arguments)
    return wb.jobs.run_here(verb.fn, name, prepared(wb, verb, arguments), lambda work: narrated(work, plain))


def run_job(wb: Workbench, job_id: str) -> None:
    """Drive a job that another process wrote down; it reports through the database."""
    from tator.jobs.driver import run_child
    from tator.ops import operations

    run_child(wb, job_id, lambda kind: operations()[kind].fn)


def make_sample(wb: Workbench) -> None:
    """Draw the sample project where there is none, at a low priority."""
    import signal

    from tator.sample.project import create_sample

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that half a sample is cleaned up
    if hasattr(os, "nice"):
        os.nice(5)  # not lower: beside other work the first start would show an empty window for minutes
    create_sample(wb)


def narrated(work: Work, plain: bool = False, unit: str = "") -> Work:
    """Pass work through, showing each step on stderr with its rate and the time left.

    Args:
        work: what is done.
        plain: show JSON lines.
        unit: MB where progress counts bytes.
    """
    began, shown, start, last = time.monotonic(), 0.0, None, 0.0
    try:
        while True:
            step = next(work)
            now = time.monotonic()
            if (
                start is None or step.done < last
            ):  # a work that goes on starts with what was done before, a part of it anew
                began, start = (began if start is None else now), step.done
            last = step.done
            rate = (step.done - start) / (now - began) if now > began else 0.0
            if now - shown > 0.2 or step.done == step.total:
                shown = now
                print(line_of(step, rate, plain, unit), file=sys.stderr, flush=True)
            yield step
    except StopIteration as stop:
        return stop.value
    finally:
        work.close()


def line_of(step: Progress, rate: float, plain: bool, unit: str = "") -> str:
    """Return one line for a person, or one JSON object for a program.

    The unit MB is for progress in bytes.
    """
    left_s = (step.total - step.done) / rate if rate and step.total else None
    if plain:
        facts = {"done": step.done, "total": step.total, "rate": rate, "left_s": left_s, "message": step.message}
        return json.dumps(facts | {"metrics": step.metrics})
    left = "" if left_s is None else f", {left_s:.0f} s left"
    if unit:
        return f"{step.done / 1e6:.1f}/{step.total / 1e6:.1f} {unit}  {rate / 1e6:.1f} {unit}/s{left}  {step.message}"
    of = f"/{step.total}" if step.total else ""
    return f"{step.done}{of}  {rate:.1f}/s{left}  {step.message}"


def add_user(auth_file: str, name: str) -> int:
    """Ask for a password and add a user to the auth file; print a new API token."""
    import getpass

    from tator.types import TatorError
    from tator.web.accounts import add_account

    password = getpass.getpass(f"Password for {name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        token = add_account(Path(auth_file).expanduser(), name, password)
    except TatorError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2
    print(f"{name} may log in. For API and MCP clients, shown once: Authorization: Bearer {token}")
    return 0


def upload(url: str, token: str, resume: str, paths: list[Path]) -> int:
    """Send files to a running Tator and print the source to import them from.

    When it is cut off, it says how to go on.
    """
    from tator.types import TatorError
    from tator.web.upload_client import Uploading

    sending = None
    try:
        sending = Uploading(url, token or os.environ.get("TATOR_TOKEN", ""), resume.removeprefix("upload:"))
        work = narrated(sending.send(paths), unit="MB")
        while True:
            next(work)
    except StopIteration as done:
        for row in done.value["left_out"]:
            print(f"left out: {row['file']}: {row['reason']}", file=sys.stderr)
        print(f"upload:{done.value['upload']}")
        return 0
    except (TatorError, KeyboardInterrupt) as error:
        code = error.code if isinstance(error, TatorError) else "interrupted"
        print(f"{code}: {error}".rstrip(": "), file=sys.stderr)
        if sending and sending.is_begun:
            print(f"to go on, give the same again with --resume {sending.id}", file=sys.stderr)
        return 2 if isinstance(error, TatorError) else INTERRUPTED


def parser(known: dict[str, Verb]) -> argparse.ArgumentParser:
    """Return the command line of the given verbs."""
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = shared.add_argument_group("workspace")
    group.add_argument("--home", dest="_home", metavar="FOLDER", help=f"workspace folder (default: {HOME})")
    group.add_argument("--db", dest="_db", metavar="URL", help="another database than the file in the workspace")
    group.add_argument("--device", dest="_device", help="cpu, cuda, cuda:N, mps or auto (default: auto)")
    group.add_argument(
        "--json", dest="_json", action="store_true", help="one line of JSON on stdout, JSON lines on stderr"
    )
    top = argparse.ArgumentParser(
        "tator", description=__doc__.splitlines()[0], epilog=__doc__.splitlines()[2], parents=[shared]
    )
    commands = top.add_subparsers(dest="_verb", required=True, metavar="SUBCOMMAND")
    for verb in known.values():
        add_verb(commands, verb, shared)
    account = commands.add_parser("add-user", help="Add a login to an auth file.")
    account.add_argument("--auth-file", required=True)
    account.add_argument("name")
    sending = commands.add_parser(
        "upload",
        help="Send folders, zips or files to a running Tator, in pieces; an upload that was cut off can go on.",
        description="Send folders, zips or files to a running Tator and print upload:<id>, a source for datasets-create, "
        "datasets-merge, captions-import and weights-import there. Cut off, it goes on with --resume.",
    )
    sending.add_argument("--url", required=True, help="address of the window, such as http://localhost:7860")
    sending.add_argument("--token", default="", help="API token, where there are logins (default: TATOR_TOKEN)")
    sending.add_argument(
        "--resume", default="", metavar="ID", help="go on with this upload; what has arrived is not sent again"
    )
    sending.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a folder keeps its name and sub-folders")
    commands.add_parser("make-sample", parents=[shared])  # no help: how the product starts its own child processes
    job = commands.add_parser("run-job", parents=[shared])
    job.add_argument("job_id")
    return top


def add_verb(commands: Any, verb: Verb, shared: argparse.ArgumentParser) -> None:
    """Add the subcommand of an operation, with one flag per parameter.

    A flag that is not given is left to the function's default.

    What lists things answers to their name alone too: `models` is `models-list`.
    """
    name = verb.name.replace("_", "-")
    command = commands.add_parser(
        name,
        aliases=[name.removesuffix("-list")] if name.endswith("-list") else [],
        help=verb.summary,
        description=verb.doc,
        parents=[shared],
        conflict_handler="resolve",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    command.set_defaults(_verb=verb.name)
    for flag in verb.flags:
        kind: dict[str, Any] = (
            {"action": argparse.BooleanOptionalAction}
            if flag.kind is bool and not flag.is_list
            else {"type": flag.kind}
        )
        kind |= {"choices": flag.choices} if flag.choices else {}
        kind |= {"nargs": "*"} if flag.is_list else {}
        shown = flag.help.replace("%", "%%") + (
            "" if flag.required else f" (default: {flag.default})".replace("%", "%%")
        )
        command.add_argument(
            f"--{flag.name.replace('_', '-')}", dest=flag.name, required=flag.required, help=shown, **kind
        )
