"""The command line: its verbs, its answers, its exit codes and how fast it helps."""

from __future__ import annotations

import json
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from tator.cli import main, narrated
from tator.ops import operations
from tator.signatures import verbs
from tator.types import Progress
from tator.web.accounts import Accounts, read_accounts
from tests.conftest import ROOT
from tests.folders import finish


def tator(*arguments: str, home: Path | None = None, stdin: str = "") -> subprocess.CompletedProcess:
    at = ["--home", str(home)] if home else []
    return subprocess.run(
        [sys.executable, "-m", "tator", *at, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=120,
    )


def test_help_loads_neither_numpy_nor_a_database():
    command = [sys.executable, "-X", "importtime", "-m", "tator", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0 and "argparse" in loaded and not loaded & {"numpy", "sqlalchemy", "PIL", "gradio"}


def test_the_source_reads_like_the_functions():
    read, real = verbs(), operations()
    assert list(read) == list(real)
    for name, verb in real.items():
        flags = {flag.name: flag for flag in read[name].flags}
        assert list(flags) == list(verb.parameters)
        for p in verb.parameters.values():
            flag, hint, origin = flags[p.name], p.annotation, typing.get_origin(p.annotation)
            assert flag.required == (p.default is p.empty)
            assert flag.is_list == (origin is list)
            if origin is typing.Literal:
                assert flag.choices == typing.get_args(hint)
            else:
                assert flag.kind is (typing.get_args(hint)[0] if origin is list else hint)


def test_the_source_of_a_recipe_reads_like_its_class():
    read = {flag.name: flag for flag in verbs()["heads_train"].flags}
    recipe = operations()["heads_train"].recipe
    assert {name: read[name].help for name in recipe.help()} == recipe.help()
    assert {p.name: read[p.name].default for p in recipe.parameters()} == {
        p.name: repr(p.default) for p in recipe.parameters()
    }


def test_help_names_every_operation():
    listed = tator("--help").stdout
    for name, verb in verbs().items():
        assert f"    {name.replace('_', '-')}" in listed
        assert verb.summary


def test_an_answer_is_json(tmp_path: Path):
    done = tator("system-health", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True
    assert len(tator("--json", "system-health", home=tmp_path).stdout.splitlines()) == 1


@pytest.mark.parametrize("name", ["models", "datasets", "jobs", "heads"])
def test_what_lists_things_answers_to_their_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture):
    told = []
    for each in (name, f"{name}-list"):
        assert main(["--home", str(tmp_path / "home"), each]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]


def test_a_refusal_is_one_line_and_exit_code_2(tmp_path: Path):
    done = tator("datasets-get", "--dataset", "nowhere", home=tmp_path)
    assert done.returncode == 2 and not done.stdout
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("not_found: ") and "nowhere" in done.stderr


@pytest.mark.parametrize(
    "wrong", [["no-such-verb"], ["jobs-list", "--limit", "many"], ["datasets-get"], ["jobs-list", "--colour", "red"]]
)
def test_a_wrong_call_names_what_is_wrong(wrong: list[str], tmp_path: Path):
    done = tator(*wrong, home=tmp_path)
    assert done.returncode == 2 and "usage:" in done.stderr


def test_a_job_runs_here_reports_and_is_recorded(tmp_path: Path, data: Path):
    home, source = tmp_path / "home", data / "bccd"
    done = tator("--json", "datasets-create", "--name", "cells", "--source", str(source), home=home)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stderr.splitlines()]
    assert steps and steps[-1]["done"] == steps[-1]["total"] > 0 and steps[-1]["rate"] > 0
    recorded = json.loads(tator("jobs-list", home=home).stdout)
    assert [(job["kind"], job["state"]) for job in recorded] == [("datasets_create", "succeeded")]
    assert json.loads(tator("datasets-get", "--dataset", "cells", home=home).stdout)["name"] == "cells"


def test_a_job_that_is_refused_is_recorded_as_failed(tmp_path: Path):
    home = tmp_path / "home"
    done = tator("datasets-create", "--name", "cells", "--source", str(tmp_path / "absent"), home=home)
    assert done.returncode == 2 and "absent" in done.stderr and "Traceback" not in done.stderr
    assert [job["state"] for job in json.loads(tator("jobs-list", home=home).stdout)] == ["failed"]


def test_the_workspace_comes_from_the_environment(tmp_path: Path):
    import os

    clean = {**os.environ, "TATOR_HOME": str(tmp_path / "from_env")}
    subprocess.run(
        [sys.executable, "-m", "tator", "system-health"], cwd=ROOT, env=clean, check=True, capture_output=True
    )
    assert (tmp_path / "from_env" / "tator.db").exists()


def test_add_user_writes_a_login(tmp_path: Path):
    file = tmp_path / "logins"
    done = tator("add-user", "--auth-file", str(file), "ann", stdin="correct horse\n")
    assert done.returncode == 0, done.stderr
    token = done.stdout.split("Bearer ")[1].strip()
    accounts = Accounts(file)
    assert accounts.verify("ann", "correct horse") and not accounts.verify("ann", "wrong horse")
    assert accounts.of_token(token) == "ann" and accounts.of_token(token + "x") is None
    assert "correct horse" not in file.read_text() and token not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("name", "password"), [("a:b", "long enough"), ("", "long enough"), ("ann", "short")])
def test_add_user_refuses(name: str, password: str, tmp_path: Path):
    done = tator("add-user", "--auth-file", str(tmp_path / "logins"), name, stdin=f"{password}\n")
    assert done.returncode == 2 and done.stderr.startswith("bad_input: ")
    assert read_accounts(tmp_path / "logins") == {}


def test_the_rate_of_another_part_of_the_work_is_its_own(capsys):
    def work():
        for done, total, said in ((1, 3, "predicting"), (3, 3, "predicting"), (0, 0, "evaluating"), (2, 2, "drawing")):
            yield Progress(done, total, said)
        return "done"

    assert finish(narrated(work(), plain=True)) == "done"
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines][-2:] == ["evaluating", "drawing"]
    assert all(line["rate"] >= 0 and (line["left_s"] or 0) >= 0 for line in lines)
