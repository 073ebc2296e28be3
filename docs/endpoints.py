"""Write docs/endpoints.md from the operations: `make docs`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tator.ops import Operation, operations  # noqa: E402  (the project is run from its folder)

ROUTES = {  # answered by a route, where HTTP itself is the point
    "GET /metrics": ("system_metrics",),
    "POST /upload": ("datasets_upload", "qwen_dataset_chunk"),
    "DELETE /upload": ("qwen_dataset_cancel",),
    "GET /head/NAME": ("clip_classifiers_download_zip",),
    "GET /export/NAME": ("datasets_download",),
}
HEAD = """# Endpoints

Written by `make docs`; do not edit. Every operation is one Python function, and with that

* an HTTP endpoint: `POST /gradio_api/run/NAME` with `{"data": [arguments in order]}`, or with
  `gradio_client`: `Client(url).predict(..., api_name="/NAME")`
* an MCP tool of the same name at `/gradio_api/mcp/`
* a subcommand: `python -m tator NAME --argument value`, with dashes in place of underscores

With logins on, send `Authorization: Bearer TOKEN` (`python -m tator add-user` prints a token).
A refusal is worded `code: message`; the codes are bad_input, not_found, conflict, forbidden and
unavailable. Long work answers a job id: see jobs_get, jobs_events, jobs_cancel.

Files go up in pieces: `POST /upload?path=set/a.jpg` with the bytes as body answers `{"upload": ID, "bytes": N}`; with
`id=ID` the next file goes into the same upload, with `offset=N` a file goes on where it stands, and a multipart body
holds many small files. `GET /upload?id=ID` answers what has arrived, `DELETE /upload?id=ID` discards it. `upload:ID` is
then a source. `python -m tator upload --url URL FOLDER` does all that, and so does the window.

`GET /media/IMAGE_ID` is an image as browsers show it. Of a large or deep one `GET /tile/IMAGE_ID/LEVEL/X/Y?v=VERSION` is a tile as
PNG, with what image_pyramid says; `&low=LOW&high=HIGH` are the values of a deep image that are shown black and white.
"""


def reference() -> dict[str, tuple[str, str]]:
    """Return {name: (method and path, purpose)} of the reference's endpoints."""
    rows = [line.split("\t") for line in (HERE / "reference.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    return {name: (f"{method} {path}", purpose) for name, method, path, purpose in rows}


def mapped(verbs: dict[str, Operation]) -> dict[str, list[str]]:
    """Return {reference name: our calls} of those that are built.

    They are in the reference's order.
    """
    answers: dict[str, list[str]] = {name: [] for name in reference()}
    for call, names in ROUTES.items():
        for name in names:
            answers[name].append(f"`{call}`")
    for verb in verbs.values():
        for name in verb.mirrors:
            answers[name].append(f"`{verb.name}`")
    return {name: calls for name, calls in answers.items() if calls}


def text() -> str:
    """Return the page."""
    verbs, known = operations(), reference()
    lines = [HEAD, "## Operations", "", "| operation | arguments | answers | what it does |", "|---|---|---|---|"]
    for verb in verbs.values():
        arguments = ", ".join(
            p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in verb.parameters.values()
        )
        kind = "job" if verb.is_job else "at once"
        lines.append(f"| `{verb.name}` | {arguments} | {kind} | {(inspect.getdoc(verb.fn) or '').splitlines()[0]} |")
    lines += [
        "",
        "## From the reference's names to ours",
        "",
        "| reference endpoint | purpose | here |",
        "|---|---|---|",
    ]
    lines += [f"| {known[name][0]} | {known[name][1]} | {', '.join(calls)} |" for name, calls in mapped(verbs).items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (HERE / "endpoints.md").write_text(text(), encoding="utf-8")
