"""Requests of clients to encode images ahead: the open, next and previous one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from tator.types import BadInput

ORDER = ("current", "next", "previous")
MOST_IMAGES = len(ORDER)
MOST_CLIENTS = 16  # pages whose requests are kept; those of the one silent longest are dropped first

Make = Callable[[], Any]  # returns the value, which has `nbytes`


@dataclass(frozen=True)
class PrefetchRequest:
    """A value to compute before it is asked for.

    Attributes:
        slot: current, next or previous.
        name: what a person calls it: the image's path.
        key: identifies the value and the state of what it is made from.
        make: makes it; runs in a background thread.
        image_id: of the image.
        card: id of the backend that encodes it.
    """

    slot: str
    name: str
    key: Hashable
    make: Make
    image_id: int = 0
    card: str = ""


class PrefetchRequests:
    """The requests of several clients.

    They are kept apart, so that one client who turns a page does not end what another waits for.
    """

    def __init__(self, images: int = MOST_IMAGES) -> None:
        """Start without requests.

        Raises:
            BadInput: images is out of range.
        """
        self._of: OrderedDict[str, tuple[PrefetchRequest, ...]] = OrderedDict()  # the client heard of last comes last
        self.resize(images)

    def resize(self, images: int) -> None:
        """Change how many images per client are encoded ahead.

        Requests beyond that are dropped.

        Raises:
            BadInput: images is out of range.
        """
        if not 1 <= images <= MOST_IMAGES:
            raise BadInput(f"images must be 1 to {MOST_IMAGES}, is {images}")
        self.images = images
        for client, requests in self._of.items():
            self._of[client] = self._within_limit(requests)

    def replace(self, requests: Sequence[PrefetchRequest], client: str = "") -> None:
        """Replace a client's requests by these."""
        self._of[client] = self._within_limit(requests)
        self._of.move_to_end(client)
        while len(self._of) > MOST_CLIENTS:
            self._of.popitem(last=False)

    def add(self, request: PrefetchRequest, client: str = "") -> None:
        """Add a request of a client.

        A new current image drops the requests that the client made for the earlier one.
        """
        earlier = self._of.get(client, ())
        is_open = any(one.slot == ORDER[0] and one.image_id == request.image_id for one in earlier)
        is_new = request.slot == ORDER[0] and not is_open
        others = [] if is_new else [one for one in earlier if one.slot != request.slot and one.key != request.key]
        self.replace(sorted([request, *others], key=lambda one: ORDER.index(one.slot)), client)

    def clear(self) -> None:
        """Drop all requests."""
        self._of.clear()

    def of(self, client: str) -> tuple[PrefetchRequest, ...]:
        """Return the requests of a client, current first."""
        return self._of.get(client, ())

    def by_urgency(self) -> list[PrefetchRequest]:
        """Return all requests, most urgent first.

        Current images come before next ones; among those, the client heard of last comes first.
        """
        clients = list(reversed(self._of.values()))
        return [one for slot in ORDER for requests in clients for one in requests if one.slot == slot]

    def keys(self) -> set[Hashable]:
        """Return the keys of all requests."""
        return {one.key for requests in self._of.values() for one in requests}

    def _within_limit(self, requests: Sequence[PrefetchRequest]) -> tuple[PrefetchRequest, ...]:
        return tuple(one for one in requests if one.slot in ORDER[: self.images])
