"""Downloads: exports and what trainings left."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tator.storage.families import family_called
from tator.storage.run_files import zip_run
from tator.storage.runs import Runs
from tator.types import NotFound
from tator.workbench import Workbench


def export(wb: Workbench, request: Request) -> Response:
    """Answer a finished export as a download.

    Raises:
        NotFound: no such export.
    """
    name = request.path_params["name"]
    path = wb.workspace.inside(wb.workspace.folder("exports"), name)
    if not path.is_file():
        raise NotFound(f"no export is called {name!r}")
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


def run(wb: Workbench, request: Request) -> Response:
    """Answer a run as a zip of its files.

    The address `/head/{name}` is that of a class head.

    Raises:
        NotFound: no such family or run.
    """
    family, name = request.path_params.get("family", "heads"), request.path_params["name"]
    packed = zip_run(Runs(wb.workspace, family_called(family)), name)
    tidy = BackgroundTask(packed.unlink, missing_ok=True)
    return FileResponse(packed, filename=f"{name}.zip", media_type="application/zip", background=tidy)
