"""Settings of a dataset: each changes alone, and none of a dataset that is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tator.datasets.settings import change_setting, read_settings, setting_of
from tator.storage.schema import dataset
from tator.types import Conflict
from tests.saving import store  # noqa: F401


def test_a_setting_changes_alone_and_is_taken_out_again(store):  # noqa: F811
    with store.write() as conn:
        change_setting(conn, 1, "split", {"seed": 1})
        change_setting(conn, 1, "glossary", [{"class": "cat"}])
        change_setting(conn, 1, "split", {"seed": 2})
        assert read_settings(conn, 1) == {"split": {"seed": 2}, "glossary": [{"class": "cat"}]}
        row = conn.execute(select(dataset).where(dataset.c.id == 1)).mappings().one()
        assert setting_of(row, "split") == {"seed": 2} and setting_of(row, "import") == {}
        change_setting(conn, 1, "split", None)
        change_setting(conn, 1, "glossary", None)
        assert read_settings(conn, 1) == {}


def test_a_dataset_that_is_gone_has_no_settings(store):  # noqa: F811
    with store.write() as conn, pytest.raises(Conflict, match="deleted for good"):
        change_setting(conn, 99, "split", {})
