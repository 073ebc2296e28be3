"""Glossaries in every form, stored with a dataset and in the library, and the names they match."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tator.datasets.glossary import aliases, default_glossary
from tator.datasets.glossary_text import LONGEST_TEXT, clean_term, parse_glossary
from tator.datasets.names import match_names
from tator.ops import call
from tator.types import BadInput, NotFound
from tests.folders import make, yolo_folder


def terms(text: str) -> dict[str, list[str]]:
    return {entry["class"]: entry["synonyms"] for entry in parse_glossary(text)}


FORMS = {
    "object": '{"truck": ["lorry", "HGV"], "boat": "ship, vessel"}',
    "object of objects": '{"truck": {"synonyms": ["lorry", "HGV"], "description": "x"}, "boat": {"terms": "ship; vessel"}}',
    "list": '[{"label": "truck", "synonyms": ["lorry", "HGV"]}, {"class": "boat", "list": "ship/vessel"}]',
    "fenced": '```json\n{"truck": ["lorry", "HGV"], "boat": ["ship", "vessel"]}\n```',
    "colon": "truck: lorry, HGV\nboat: ship and vessel\n",
    "arrow": "truck -> lorry; HGV\nboat → ship or vessel",
    "equals": "truck = lorry, HGV\nboat = ship, vessel",
    "dash": "truck - lorry, HGV\nboat - ship, vessel",
    "brackets": "truck (lorry, HGV)\nboat (ship, vessel)",
    "bullets": "- truck: lorry, HGV\n* boat (ship and vessel)\n# a remark\n",
    "numbers": "1. truck: lorry, HGV\n2) boat: ship, vessel",
    "byte order mark": "\ufefftruck: lorry, HGV\nboat: ship, vessel",
    "fillers": "truck: also known as lorry, e.g. HGV\nboat: such as a ship, the vessel",
    "quotes": "truck: \"lorry\", 'HGV'\nboat: “ship”, `vessel`.",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_reads_alike(form: str):
    assert terms(FORMS[form]) == {"truck": ["lorry", "HGV"], "boat": ["ship", "vessel"]}


@pytest.mark.parametrize("name_key", ["label", "class", "name"])
@pytest.mark.parametrize("terms_key", ["synonyms", "terms", "values", "list"])
def test_a_list_may_spell_its_keys_in_every_way(name_key: str, terms_key: str):
    content = [{name_key: "truck", terms_key: ["lorry", "HGV"]}, {name_key: "boat", terms_key: "ship, vessel"}]
    assert terms(json.dumps(content)) == {"truck": ["lorry", "HGV"], "boat": ["ship", "vessel"]}


@pytest.mark.parametrize(
    "form", ["truck: {}", "truck -> {}", "truck = {}", "truck - {}", "truck ({})", '{{"truck": "{}"}}']
)
@pytest.mark.parametrize("between", ["; ", ", ", "/", " and ", " or ", ";", ",", " / ", " AND ", ", and "])
def test_terms_are_split_on_every_sign_and_word(form: str, between: str):
    assert terms(form.format(between.join(["lorry", "HGV", "tipper"]))) == {"truck": ["lorry", "HGV", "tipper"]}


@pytest.mark.parametrize(
    "line",
    [
        "truck (lorry, HGV)",
        "truck(lorry, HGV)",
        " truck  ( lorry , HGV ) ",
        "- truck (lorry; HGV)",
        "1. truck (lorry and HGV)",
        '"truck" (also known as "lorry", HGV)',
    ],
)
def test_the_form_in_brackets_and_fillers_work(line: str):
    r"""Expressions with \\( in a raw string never match a bracket: the form and a filler strip were dead elsewhere."""
    assert terms(line) == {"truck": ["lorry", "HGV"]}


FENCES = [
    "```json\n{}\n```",
    "```\n{}\n```",
    "  ```json\n{}\n```  ",
    "```JSON\n{}\n```",
    "```json\r\n{}\r\n```",
    "```json\n\n{}\n\n```\n",
]


@pytest.mark.parametrize("fence", FENCES)
@pytest.mark.parametrize("inside", ['{"truck": ["lorry"]}', '[{"label": "truck", "terms": "lorry"}]', "truck: lorry"])
def test_fences_are_taken_off(fence: str, inside: str):
    assert terms(fence.replace("{}", inside)) == {"truck": ["lorry"]}


@pytest.mark.parametrize("term", ["x" * 41, "!!!", "---", "a (b)", "a [b]", "a {b}", "a -> b", "a → b", "<b>"])
def test_what_is_no_term_is_left_out(term: str):
    assert terms(json.dumps({"truck": ["lorry", term, "x" * 40]})) == {"truck": ["lorry", "x" * 40]}


def test_terms_are_cleaned_and_told_apart_case_aside():
    text = "gas_tank: tank, Tank, GAS_TANK, a (b, " + "x" * 41 + ", <b>, ok->no, !!, tank farm"
    assert terms(text) == {"gas_tank": ["tank", "tank farm"]}
    assert terms("truck: lorry\nTruck: van") == {"truck": ["lorry", "van"]}
    assert terms("person") == {"person": []}
    assert terms("Bäume: 木, деревья") == {"Bäume": ["木", "деревья"]}


@pytest.mark.parametrize(
    ("term", "clean"),
    [
        ("also known as  lorry ", "lorry"),
        ("synonyms: lorry", "lorry"),
        ("e.g., lorry", "lorry"),
        ("the the boat", "boat"),
        ("another", "another"),
        ("theatre", "theatre"),
        ("a", "a"),
        ("including vans", "vans"),
        ('"', ""),
    ],
)
def test_fillers_are_taken_off_words_only(term: str, clean: str):
    assert clean_term(term) == clean


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"a": 5}',
        '{"a": [{}]}',
        "[" * 100_000,
        "x" * (LONGEST_TEXT + 1),
        '[{"synonyms": ["a"]}]',
        "# nothing",
    ],
)
def test_what_is_no_glossary_is_refused(text: str):
    with pytest.raises(BadInput, match="glossary|terms"):
        parse_glossary(text)


@given(st.text(max_size=300))
def test_any_text_reads_or_is_refused_in_words(text: str):
    try:
        entries = parse_glossary(text)
    except BadInput:
        return
    assert not entries or parse_glossary(json.dumps(entries)) == entries


def test_the_default_is_made_of_the_names():
    names = ["light_vehicle", "UtilityPole", "bus", "Gas tank", "city", "日本", "boats", "x"]
    entries = {entry["class"]: entry["synonyms"] for entry in default_glossary(names)}
    assert entries == {
        "light_vehicle": ["light vehicle", "light vehicles"],
        "UtilityPole": ["utility pole", "utility poles"],
        "bus": ["buses"],
        "Gas tank": ["gas tanks"],
        "city": ["cities"],
        "日本": [],
        "boats": ["boat"],
        "x": [],
    }


def test_aliases_lead_to_classes_and_torn_words_to_none():
    table = aliases(parse_glossary("truck: lorry, van\nbus: coach, van, truck\ngone: x"), ["truck", "bus"])
    assert table == {"lorry": "truck", "coach": "bus"}
    assert match_names(["Lorry", "COACH", "van", "truck", "x", "Truck"], ["truck", "bus"], table) == [
        0,
        1,
        -1,
        0,
        -1,
        0,
    ]


@pytest.fixture
def dataset(wb, tmp_path: Path):
    return make(wb, yolo_folder(tmp_path / "s", {"a.png": None}, ["truck", "light_vehicle"]))


def test_a_dataset_has_a_glossary(wb, dataset):
    made = call(wb, "datasets_glossary_get", dataset="set")
    assert made["is_default"] and [entry["class"] for entry in made["entries"]] == ["truck", "light_vehicle"]
    stored = call(wb, "datasets_glossary_set", dataset="set", text="Truck: lorry\nother: thing")
    assert not stored["is_default"]
    assert [(entry["class"], entry["synonyms"]) for entry in stored["entries"]] == [
        ("truck", ["lorry"]),
        ("light_vehicle", []),
        ("other", ["thing"]),
    ]
    dataset.rename_class(1, "car")
    assert [entry["class"] for entry in call(wb, "datasets_glossary_get", dataset="set")["entries"]] == [
        "truck",
        "car",
        "other",
    ]
    assert call(wb, "datasets_glossary_set", dataset="set", text="")["is_default"]
    with pytest.raises(BadInput):
        call(wb, "datasets_glossary_set", dataset="set", text="{")
    assert dataset.describe()["is_complete"]


def test_the_glossary_suggests_targets_in_a_preview(wb, dataset, tmp_path: Path):
    call(wb, "datasets_glossary_set", dataset="set", text="truck: lorry, HGV")
    other = yolo_folder(tmp_path / "o", {"b.png": "0 .5 .5 .5 .5"}, ["Lorry", "boat"])
    job = wb.jobs.wait(call(wb, "datasets_preview", source=str(other), dataset="set"), 60)
    assert [(row["source"], row["target"], row["how"]) for row in job["result"]["classes"]] == [
        ("Lorry", "truck", "alias"),
        ("boat", "boat", "new"),
    ]


def test_the_library(wb):
    assert call(wb, "glossaries_list") == []
    call(wb, "glossaries_save", name="Roads ", text="truck: lorry")
    call(wb, "glossaries_save", name="harbour", text='{"boat": ["ship", "vessel"]}')
    again = call(wb, "glossaries_save", name="roads", text="truck: lorry, HGV\nbus: coach")
    assert again["name"] == "roads" and again["created_at"] <= again["updated_at"]
    listed = call(wb, "glossaries_list")
    assert [(row["name"], row["classes"], row["terms"]) for row in listed] == [("harbour", 1, 2), ("roads", 2, 3)]
    assert call(wb, "glossaries_get", name="  ROADS")["entries"][1] == {
        "class": "bus",
        "synonyms": ["coach"],
        "description": "",
    }
    assert call(wb, "glossaries_delete", name="Roads")["deleted"] == "Roads"
    for name, error in (("Roads", NotFound), ("", BadInput), ("x\ny\0", BadInput), ("x" * 200, BadInput)):
        with pytest.raises(error):
            call(wb, "glossaries_get", name=name)
    with pytest.raises(BadInput):
        call(wb, "glossaries_save", name="empty", text="")
