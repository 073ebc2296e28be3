"""Downloads: exports and trained heads."""

from __future__ import annotations

import io
import zipfile
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tator.types import NotFound
from tator.workbench import Workbench
from tator.workflows.heads.head import HeadShelf


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


def head(wb: Workbench, request: Request) -> Response:
    """Answer a trained head as a zip of its safetensors and JSON.

    Raises:
        NotFound: no such head.
    """
    name = request.path_params["name"]
    weights = HeadShelf(wb.workspace.folder("runs")).path(name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (weights, weights.with_name("head.json")):
            archive.write(file, f"{name}/{file.name}")
    marks = {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}.zip"}
    return Response(packed.getvalue(), media_type="application/zip", headers=marks)
