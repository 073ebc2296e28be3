"""The Models and System tabs: every model with how to get it, what is loaded, and the try-out."""

from __future__ import annotations

import pytest

from tabs import models, system
from tabs.models import tryout
from tator.types import BadInput
from tests.tabs.test_tabs import read


def test_the_models_tab_tells_of_every_model_and_how_to_get_it(shell):
    cards = shell.call("models_list")
    shown = read(models.draw(shell, "")).said
    for card in cards:
        assert card["label"] in shown and card["license"] in shown
    for card in cards:
        opened = read(models.draw(shell, card["id"])).said
        assert card["expects"] in opened and card["message"] in opened
    assert "needs: a licence" in shown and "Get it" in shown
    assert ("SAM 3 phrases", "sam3") in models.importable(shell) and "grabcut" not in dict(
        models.importable(shell)
    ).values()


def test_the_system_tab_tells_of_the_device_what_is_loaded_and_the_slots(shell, wb):
    assert "healthy" in read(system.healthy(shell)).said and "For models" in read(system.healthy(shell)).said
    assert "None. A model is loaded when" in read(system.loaded(shell)).said
    with wb.models.use("grabcut"):
        assert "GrabCut mask" in read(system.loaded(shell)).said and "answering" in read(system.loaded(shell)).said
    assert "current" in read(system.ahead(shell)).said and "1.1 GB" in read(system.ahead(shell)).said
    assert "Thumbs" in read(system.cached(shell)).said and "button" in read(system.cached(shell)).tags
    assert "1 model, 0 MB reserved" in system.unloaded(shell.call("runtime_unload"))


def test_a_model_is_tried_on_an_image(shell, imported):  # noqa: F811
    assert "No dataset is open" in tryout.draw(shell, "", "grabcut", tryout.Trial())
    before = read(tryout.draw(shell, "cats", "grabcut", tryout.Trial()))
    assert "drag a loose box" in before.said and "image" in before.tags and "path" not in before.tags
    drag = {"act": "box", "x1": 10, "y1": "8", "x2": 50.5, "y2": 40}
    made = tryout.asked(shell, "cats", "grabcut", 0.3, tryout.Trial(), drag)
    drawn = read(tryout.draw(shell, "cats", "grabcut", made))
    assert "grabcut: " in drawn.said and "candidate" in drawn.said and "rect" in drawn.tags
    assert tryout.asked(shell, "cats", "grabcut", 0.3, made, {"act": "turn", "to": "1"}) == tryout.Trial(1)
    with pytest.raises(BadInput, match="choose a finder"):
        tryout.find(shell, "cats", "grabcut", "cat", 0.3, 0)
    holed = {"xyxy": [0, 0, 4, 4], "polygons": [[[0, 0, 4, 0, 4, 4], [1, 1, 2, 1, 2, 2]]]}
    assert tryout.outline(holed) == "M0,0 L4,0 L4,4 Z M1,1 L2,1 L2,2 Z"
