"""One verb, four surfaces: HTTP, MCP, command line and canvas offer the operations and nothing else."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tator.ops import call, checked, operations
from tator.types import BadInput
from tests.conftest import ROOT, Server
from tests.test_mcp import tools


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def test_the_surfaces_list_the_same_verbs(server: Server, client: Client):
    verbs = set(operations())
    http = {name.strip("/") for name in client.view_api(return_format="dict", print_info=False)["named_endpoints"]}
    shown = subprocess.run(
        [sys.executable, "-m", "tator", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = {line.split()[0].replace("-", "_") for line in shown.splitlines() if re.match(r"    [a-z]", line)}
    assert verbs
    assert http == verbs
    assert set(tools(server.url)) == verbs
    assert listed - {"add_user", "upload"} == verbs


def test_endpoints_have_the_parameters_of_the_functions(client: Client):
    info = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, verb in operations().items():
        parameters = info[f"/{name}"]["parameters"]
        assert [p["parameter_name"] for p in parameters] == list(verb.parameters)
        for told, real in zip(parameters, verb.parameters.values(), strict=True):
            assert told["parameter_has_default"] == (real.default is not real.empty)


def test_an_operation_answers_over_http(client: Client):
    assert client.predict(api_name="/system_health")["ok"] is True


def test_a_setting_that_a_client_leaves_out_is_that_of_the_recipe_or_in_force(client: Client):
    client.predict(images=2, budget_mb=512, keep_on_disk=False, api_name="/predictor_settings_set")
    found = client.predict(budget_mb=256, api_name="/predictor_settings_set")
    assert (found["images"], found["budget_mb"]) == (2, 256)
    client.predict(kind="predictors", name="one", settings='{"images": 1}', api_name="/recipes_save")
    assert client.predict(recipe="one", api_name="/predictor_settings_set")["images"] == 1
    assert client.predict(recipe="one", images=3, api_name="/predictor_settings_set")["images"] == 3


def test_a_refusal_has_its_code_and_text(client: Client):
    with pytest.raises(AppError, match=r"not_found: .*nowhere"):
        client.predict(dataset="nowhere", api_name="/datasets_get")
    with pytest.raises(AppError, match=r"bad_input: jobs_list: limit must be a whole number"):
        client.predict(limit="many", api_name="/jobs_list")


def test_a_job_answers_its_id_and_can_be_followed(client: Client, tmp_path: Path):
    job_id = client.predict(name="nothing here", source=str(tmp_path / "absent"), api_name="/datasets_create")
    for _ in range(200):
        job = client.predict(job_id=job_id, api_name="/jobs_get")
        if job["state"] not in ("queued", "running"):
            break
        time.sleep(0.05)
    assert job["state"] == "failed" and "absent" in job["error"]["message"]


@pytest.mark.slow
def test_two_apps_may_share_a_workspace_and_say_so(start_server: Callable[..., Server], server: Server):
    second = start_server("--no-sample", home=server.home)
    until = time.monotonic() + 20
    while "ready in" not in second.log.read_text() and time.monotonic() < until:
        time.sleep(0.1)
    assert "serves this workspace too" in second.log.read_text()
    for _ in range(
        50
    ):  # an impatient finger: a second signal came while the first was being noticed, and nothing ended
        second.process.send_signal(signal.SIGINT)
    assert second.stop() == 0 and "Traceback" not in second.log.read_text()


@pytest.mark.slow
def test_the_first_start_makes_the_sample_while_the_window_is_up(start_server: Callable[..., Server]):
    first = start_server()
    while draws_sample(first):
        time.sleep(0.5)
    found = Client(first.url, verbose=False).predict(api_name="/datasets_list")
    assert [dataset["images"] > 0 for dataset in found] == [True], first.log.read_text()


def draws_sample(server: Server) -> bool:
    """Whether the process that draws the sample is still at it."""
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.Error):  # one that has just ended
            if "make-sample" in child.cmdline():
                return True
    return False


def test_a_taken_port_is_one_clear_line(server: Server, tmp_path: Path):
    port = server.url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "app.py", "--home", str(tmp_path), "--port", port], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and port in done.stderr


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, "3"),
        (int, 3.5),
        (int, True),
        (int, None),
        (float, "1"),
        (float, float("nan")),
        (float, float("inf")),
        (str, 3),
        (str, None),
        (str, ["x"]),
        (bool, 1),
        (bool, "true"),
        (list[int], 3),
        (list[int], ["x"]),
        (list[str], "abc"),
        (list[float], [[1.0]]),
    ],
)
def test_a_value_of_another_type_is_refused(hint: type, value: object):
    with pytest.raises(BadInput, match="verb: argument must be"):
        checked("verb: argument", hint, value)


@pytest.mark.parametrize(
    ("hint", "value", "same"),
    [(int, 3.0, 3), (float, 3, 3.0), (list[float], [1, 2], [1.0, 2.0]), (str, "", ""), (bool, False, False)],
)
def test_a_value_of_the_type_passes(hint: type, value: object, same: object):
    got = checked("verb: argument", hint, value)
    assert got == same and type(got) is type(same)


def test_call_names_the_wrong_argument(wb):
    with pytest.raises(BadInput, match="takes no colour"):
        call(wb, "jobs_list", colour="red")
    with pytest.raises(BadInput, match="needs job_id"):
        call(wb, "jobs_get")
    with pytest.raises(BadInput, match="no operation"):
        call(wb, "os_system")


def test_the_endpoint_page_is_up_to_date():
    import importlib.util

    spec = importlib.util.spec_from_file_location("endpoints", ROOT / "docs" / "endpoints.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert (ROOT / "docs" / "endpoints.md").read_text(encoding="utf-8") == page.text(), "run: make docs"
    assert set(page.mapped(operations())) <= set(page.reference())
