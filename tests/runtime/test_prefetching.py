"""Wishes: each client's own, current images first, the silent forgotten."""

from __future__ import annotations

import pytest

from tator.runtime.prefetching import MOST_CLIENTS, ORDER, Wanted, Wishes
from tator.runtime.slots import Slots
from tator.types import BadInput


def want(slot: str, key: str) -> Wanted:
    return Wanted(slot, f"{key}.jpg", key, lambda: None, image_id=ord(key[0]))


def keys(wishes: Wishes) -> list[str]:
    return [wish.key for wish in wishes.by_urgency()]


def test_one_who_turns_a_page_leaves_the_wishes_of_others_alone():
    wishes = Wishes()
    for slot, key in zip(ORDER, "abc", strict=True):
        wishes.add(want(slot, key), "ann")
    wishes.add(want("current", "x"), "ben")
    wishes.add(want("next", "y"), "ben")
    assert keys(wishes) == ["x", "a", "y", "b", "c"], "current images first, the newest client before others"
    wishes.add(want("current", "z"), "ben")
    assert [wish.key for wish in wishes.of("ben")] == ["z"], "a new current image ends the earlier wishes"
    assert [wish.key for wish in wishes.of("ann")] == ["a", "b", "c"]
    wishes.replace([], "ann")
    assert wishes.keys() == {"z"} and wishes.of("nobody") == ()


def test_a_wish_replaces_the_one_in_its_slot_and_the_same_one_elsewhere():
    wishes = Wishes()
    wishes.replace([want("current", "a"), want("next", "b")])
    wishes.add(want("next", "c"))
    assert keys(wishes) == ["a", "c"]
    wishes.add(want("previous", "c"))
    assert [(wish.slot, wish.key) for wish in wishes.of("")] == [("current", "a"), ("previous", "c")]
    wishes.add(want("current", "a"))
    assert keys(wishes) == ["a", "c"], "the same image once more ends nothing"


@pytest.mark.parametrize(("images", "kept"), [(1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"])])
def test_the_number_of_images_is_each_clients(images, kept):
    wishes = Wishes()
    wishes.replace([want(slot, key) for slot, key in zip(ORDER, "abc", strict=True)], "ann")
    wishes.resize(images)
    assert [wish.key for wish in wishes.of("ann")] == kept
    with pytest.raises(BadInput, match="images must be 1 to 3"):
        wishes.resize(4)


def test_the_client_that_was_silent_longest_is_forgotten_first():
    wishes = Wishes()
    for number in range(MOST_CLIENTS):
        wishes.add(want("current", chr(65 + number)), f"client {number}")
    wishes.add(want("next", "n"), "client 0")
    wishes.add(want("current", "z"), "one more")
    assert wishes.of("client 1") == () and len(wishes.of("client 0")) == 2 and len(wishes.of("one more")) == 1


def test_two_people_get_their_images_encoded_ahead_each():
    class Value:
        nbytes = 1

    slots = Slots()
    for person in ("ann", "ben"):
        for slot in ORDER:
            key = f"{person} {slot}"
            slots.want(Wanted(slot, key, key, Value, image_id=len(key)), person)
    assert slots.wait(10)
    assert [row["state"] for row in slots.status()] == ["ready"] * 6
    assert [row["name"] for row in slots.status("ben")] == ["ben current", "ben next", "ben previous"]
    assert slots.stats()["stopped"] == 0
