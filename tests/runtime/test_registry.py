"""The registry: files become backends, misfits are refused by name."""

from __future__ import annotations

import types

import pytest

from tator.protocols import Card
from tator.runtime import registry
from tator.types import NotFound, Unavailable


def module(**classes: type) -> types.ModuleType:
    made = types.ModuleType("tator.models.made")
    for name, cls in classes.items():
        cls.__module__ = made.__name__
        setattr(made, name, cls)
    return made


class Whole:
    card = Card("whole", task="encode", label="Whole")
    dim = 3

    def __init__(self, weights, device): ...
    def encode(self, crops): ...


def test_every_built_in_backend_is_found_and_says_what_it_expects():
    found = registry.backends()
    assert {"ridge_box", "grabcut", "colour_texture"} <= set(found)
    for cls in found.values():
        assert cls.card.expects and cls.card.license and cls.card.label


def test_a_class_with_a_card_is_a_backend_and_an_imported_one_is_not():
    class Other(Whole): ...

    made = module(Whole=Whole)
    made.Other = Other
    assert registry.declared(made) == [Whole]


def test_a_backend_without_its_methods_is_refused():
    class Half:
        card = Card("half", task="segment", label="Half")

        def embed(self, image): ...

    with pytest.raises(TypeError, match="half.*segment"):
        registry.declared(module(Half=Half))

    class Odd:
        card = Card("odd", task="guess", label="Odd")

    with pytest.raises(TypeError, match="guess"):
        registry.declared(module(Odd=Odd))


def test_an_unknown_id_lists_the_known_ones():
    with pytest.raises(NotFound, match="grabcut"):
        registry.backend("grab_cut")
    with pytest.raises(NotFound, match="no encode backend"):
        registry.backend("grabcut", "encode")


def test_a_missing_package_is_told_with_its_pip_command():
    card = Card("far", task="encode", label="Far", requires=("numpy", "no_such_package"))
    assert registry.missing_packages(card) == ["no_such_package"]
    with pytest.raises(Unavailable, match="pip install no_such_package"):
        registry.require_packages(card)
