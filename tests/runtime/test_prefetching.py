"""Prefetch requests: each client's own, current images first, the silent forgotten."""

from __future__ import annotations

import pytest

from tator.runtime.embedding_cache import EmbeddingCache
from tator.runtime.prefetching import MOST_CLIENTS, ORDER, PrefetchRequest, PrefetchRequests
from tator.types import BadInput


def want(slot: str, key: str) -> PrefetchRequest:
    return PrefetchRequest(slot, f"{key}.jpg", key, lambda: None, image_id=ord(key[0]))


def keys(requests: PrefetchRequests) -> list[str]:
    return [request.key for request in requests.by_urgency()]


def test_one_who_turns_a_page_leaves_the_requests_of_others_alone():
    requests = PrefetchRequests()
    for slot, key in zip(ORDER, "abc", strict=True):
        requests.add(want(slot, key), "ann")
    requests.add(want("current", "x"), "ben")
    requests.add(want("next", "y"), "ben")
    assert keys(requests) == ["x", "a", "y", "b", "c"], "current images first, the newest client before others"
    requests.add(want("current", "z"), "ben")
    assert [request.key for request in requests.of("ben")] == ["z"], "a new current image ends the earlier requests"
    assert [request.key for request in requests.of("ann")] == ["a", "b", "c"]
    requests.replace([], "ann")
    assert requests.keys() == {"z"} and requests.of("nobody") == ()


def test_a_request_replaces_the_one_in_its_slot_and_the_same_one_elsewhere():
    requests = PrefetchRequests()
    requests.replace([want("current", "a"), want("next", "b")])
    requests.add(want("next", "c"))
    assert keys(requests) == ["a", "c"]
    requests.add(want("previous", "c"))
    assert [(request.slot, request.key) for request in requests.of("")] == [("current", "a"), ("previous", "c")]
    requests.add(want("current", "a"))
    assert keys(requests) == ["a", "c"], "the same image once more ends nothing"


@pytest.mark.parametrize(("images", "kept"), [(1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"])])
def test_the_number_of_images_is_each_clients(images, kept):
    requests = PrefetchRequests()
    requests.replace([want(slot, key) for slot, key in zip(ORDER, "abc", strict=True)], "ann")
    requests.resize(images)
    assert [request.key for request in requests.of("ann")] == kept
    with pytest.raises(BadInput, match="images must be 1 to 3"):
        requests.resize(4)


def test_the_client_that_was_silent_longest_is_forgotten_first():
    requests = PrefetchRequests()
    for number in range(MOST_CLIENTS):
        requests.add(want("current", chr(65 + number)), f"client {number}")
    requests.add(want("next", "n"), "client 0")
    requests.add(want("current", "z"), "one more")
    assert requests.of("client 1") == () and len(requests.of("client 0")) == 2 and len(requests.of("one more")) == 1


def test_two_people_get_their_images_encoded_ahead_each():
    class Value:
        nbytes = 1

    cache = EmbeddingCache()
    for person in ("ann", "ben"):
        for slot in ORDER:
            key = f"{person} {slot}"
            cache.prefetch_also(PrefetchRequest(slot, key, key, Value, image_id=len(key)), person)
    assert cache.wait(10)
    assert [row["state"] for row in cache.status()] == ["ready"] * 6
    assert [row["name"] for row in cache.status("ben")] == ["ben current", "ben next", "ben previous"]
    assert cache.stats()["stopped"] == 0
