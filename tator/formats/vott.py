"""VoTT: a file an asset, a project with all of them, or the JSON of version 1.

Source: https://github.com/microsoft/VoTT/blob/master/src/models/applicationState.ts and src/models/v1Models.ts beside it
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from tator.formats import Label, Report, folder_split
from tator.formats._drawn import Drawn, DrawnSource
from tator.formats._gathered import Refused
from tator.formats._json import as_dict, as_list, read_object
from tator.formats._json_keys import Keys, any_file, each_file
from tator.formats._shapes import Place, number
from tator.formats.tree import Tree

NAME = "vott"
LABEL = "VoTT JSON"
SUFFIXES = (".json", ".vott")
VIDEO, VIDEO_FRAME = 2, 3  # AssetType in applicationState.ts
NO_AREA = ("POLYLINE", "POINT", "Polyline", "Point")
SEVERAL = "several tags of a region"


def sniff(tree: Tree) -> bool:
    """Whether the folder has assets or a project of VoTT."""
    return any_file(tree, is_vott, *SUFFIXES)


def is_vott(keys: Keys) -> bool:
    """Whether keys are those of an asset, of a project, or of version 1."""
    is_asset = {"asset", "regions"} <= keys
    is_project = "assets" in keys and bool({"securityToken", "lastVisitedAssetId", "videoSettings"} & keys)
    return is_asset or is_project or {"frames", "inputTags"} <= keys


def read(tree: Tree) -> VottSource:
    """Return the source of a folder that `sniff` took."""
    source = VottSource(tree, Report())
    for path in each_file(tree, is_vott, *SUFFIXES):
        source.add(path)
    source.settle()
    return source


class VottSource(DrawnSource):
    """A folder with files of VoTT; see formats.Source."""

    format = NAME

    def add(self, path: str) -> None:
        """Take what a file holds."""
        content = read_object(self.tree, path, self.report, "a file of VoTT")
        if content is None:
            return
        for tag in map(as_dict, as_list(content.get("tags"))):
            if isinstance(tag.get("name"), str):
                self.listed.setdefault(self.name(tag["name"]))
        if "frames" in content and "inputTags" in content:
            self._first_version(content, path)
        elif "assets" in content:
            assets = content["assets"]
            rows = list(assets.values()) if isinstance(assets, dict) else as_list(assets)
            for at, row in enumerate(map(as_dict, rows), 1):
                if isinstance(row.get("asset"), dict):  # a project only lists its assets, each has a file
                    self._asset(row, path, at)
        else:
            self._asset(content, path, 1)

    def _asset(self, row: dict, path: str, at: int) -> None:
        asset, regions = as_dict(row.get("asset")), [as_dict(region) for region in as_list(row.get("regions"))]
        name = next((each for each in (asset.get("name"), asset.get("path")) if isinstance(each, str) and each), None)
        if asset.get("type") == VIDEO:
            if regions:
                self.report.drop(path, "annotation of a video", f"{str(name)[:120]}: {len(regions)} regions", at)
            return
        image = self._image(asset, name, path, at, len(regions))
        if image is None:
            return
        size = as_dict(asset.get("size"))
        self.told_size(image, path, size.get("width"), size.get("height"))
        for region in regions:
            self._take(image, path, region)

    def _image(self, asset: dict, name: str | None, path: str, at: int, count: int) -> str | None:
        """Return the image of an asset: by its whole path, else by its name."""
        whole = asset.get("path")
        if asset.get("type") == VIDEO_FRAME and name and not self.tree.find(name)[0]:
            told = f"{name[:120]}: {count} regions; expected an image file of the frame"
            self.report.drop(path, "annotation of a video", told, at)
            return None
        known = [each for each in (whole, name) if isinstance(each, str) and each and self.tree.find(each)[0]]
        image = self.find(known[0] if known else name, path, at)
        if image and (split := folder_split(image)):
            self.splits[image] = split
        return image

    def _take(self, image: str, path: str, region: dict, shown: tuple[float, float] = (0, 0)) -> None:
        """Keep a region; version 1 says how large the image was shown."""
        where = f"{path} ({image})"
        entry = self._entry(region, where)
        self.take(image, where, None, entry if isinstance(entry, Refused) else (entry, shown))

    def _entry(self, region: dict, where: str) -> Drawn | Refused:
        tags = [tag for tag in as_list(region.get("tags")) if isinstance(tag, str) and tag]
        kind = str(region.get("type") or "")
        if not tags:
            return Refused("object without a class", f"region {str(region.get('id'))[:40]}; expected tags")
        if len(tags) > 1:
            shown = f"{', '.join(tags)[:120]}: the first is the class, the attribute tags has all"
            self.report.notice(where, SEVERAL, shown)
        if kind in NO_AREA:
            return Refused("shape without an area", f"{kind.lower()}: {tags[0][:80]}")
        attributes: dict[str, Any] = {"tags": tags} if len(tags) > 1 else {}
        return Drawn(self.name(tags[0]), **_shape(region, kind), attributes=attributes)

    def _first_version(self, content: dict, path: str) -> None:
        """Take a file of version 1: regions by image, or by second of a video."""
        for tag in str(content.get("inputTags") or "").split(","):
            if tag.strip():
                self.listed.setdefault(self.name(tag.strip()))
        for at, (name, regions) in enumerate(as_dict(content.get("frames")).items(), 1):
            rows = [as_dict(region) for region in as_list(regions)]
            if PurePosixPath(str(name)).suffix == "":
                if rows:
                    told = f"frame {str(name)[:40]}: {len(rows)} regions; expected an image file of the frame"
                    self.report.drop(path, "annotation of a video", told, at)
                continue
            if image := self._image({}, str(name), path, at, len(rows)):
                for row in rows:
                    self._take(image, path, row, (number(row.get("width")), number(row.get("height"))))

    def _label(self, entry: Any, place: Place) -> Label | None:
        drawn, (width, height) = entry
        across = place.width / width if width > 0 else 1.0
        down = place.height / height if height > 0 else 1.0
        return super()._label(_scaled(drawn, across, down), place)


def _shape(region: Mapping[str, Any], kind: str) -> dict:
    """Return the fields of a Drawn that a region fills."""
    points = [as_dict(point) for point in as_list(region.get("points"))]
    flat = [number(point.get(axis)) for point in points for axis in ("x", "y")]
    is_box = kind.upper() in ("RECTANGLE", "SQUARE", "") or len(points) < 3
    if not is_box:
        return {"rings": [[flat]]}
    if "x1" in region:
        x1, y1, x2, y2 = (number(region.get(side)) for side in ("x1", "y1", "x2", "y2"))
        return {"box": (x1, y1, x2, y2)}
    if box := as_dict(region.get("boundingBox")):
        x, y, w, h = (number(box.get(side)) for side in ("left", "top", "width", "height"))
        return {"box": (x, y, x + w, y + h)}
    if len(flat) >= 4:
        return {"box": (min(flat[0::2]), min(flat[1::2]), max(flat[0::2]), max(flat[1::2]))}
    return {"box": (math.nan,) * 4}


def _scaled(drawn: Drawn, across: float, down: float) -> Drawn:
    """Return an object of a picture shown at another size, in pixels of the image."""
    if across == down == 1:
        return drawn
    sides = (across, down, across, down)
    box = None if drawn.box is None else [value * side for value, side in zip(drawn.box, sides, strict=True)]
    rings = [[[v * sides[at % 2] for at, v in enumerate(ring)] for ring in part] for part in drawn.rings]
    return replace(drawn, box=box, rings=rings)
