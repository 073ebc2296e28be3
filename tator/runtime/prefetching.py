"""What each client wants encoded ahead: the open image, the next and the previous one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from tator.types import BadInput

ORDER = ("current", "next", "previous")
MOST_IMAGES = len(ORDER)
MOST_CLIENTS = 16  # pages whose wishes are kept; the one that was silent longest is forgotten first

Make = Callable[[], Any]  # returns the value, which has `nbytes`


@dataclass(frozen=True)
class Wanted:
    """A value that will be asked for soon.

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


class Wishes:
    """The wishes of several clients, so that one who turns a page does not end what another waits for."""

    def __init__(self, images: int = MOST_IMAGES) -> None:
        """Want nothing yet.

        Raises:
            BadInput: images is out of range.
        """
        self._of: OrderedDict[str, tuple[Wanted, ...]] = OrderedDict()  # the client heard of last comes last
        self.resize(images)

    def resize(self, images: int) -> None:
        """Change how many images of a client are made ahead; wishes beyond that are forgotten.

        Raises:
            BadInput: images is out of range.
        """
        if not 1 <= images <= MOST_IMAGES:
            raise BadInput(f"images must be 1 to {MOST_IMAGES}, is {images}")
        self.images = images
        for client, wanted in self._of.items():
            self._of[client] = self._kept(wanted)

    def replace(self, wanted: Sequence[Wanted], client: str = "") -> None:
        """Forget a client's wishes and take these."""
        self._of[client] = self._kept(wanted)
        self._of.move_to_end(client)
        while len(self._of) > MOST_CLIENTS:
            self._of.popitem(last=False)

    def add(self, wish: Wanted, client: str = "") -> None:
        """Take one more wish of a client; a new current image ends the wishes of the client's earlier one."""
        earlier = self._of.get(client, ())
        is_new = wish.slot == ORDER[0] and not any(w.slot == ORDER[0] and w.image_id == wish.image_id for w in earlier)
        others = [] if is_new else [w for w in earlier if w.slot != wish.slot and w.key != wish.key]
        self.replace(sorted([wish, *others], key=lambda one: ORDER.index(one.slot)), client)

    def clear(self) -> None:
        """Forget everybody's wishes."""
        self._of.clear()

    def of(self, client: str) -> tuple[Wanted, ...]:
        """Return the wishes of a client, current first."""
        return self._of.get(client, ())

    def by_urgency(self) -> list[Wanted]:
        """Return everybody's wishes: all current images first, those of the client heard of last before others'."""
        clients = list(reversed(self._of.values()))
        return [wish for slot in ORDER for wanted in clients for wish in wanted if wish.slot == slot]

    def keys(self) -> set[Hashable]:
        """Return what anybody wants."""
        return {wish.key for wanted in self._of.values() for wish in wanted}

    def _kept(self, wanted: Sequence[Wanted]) -> tuple[Wanted, ...]:
        return tuple(wish for wish in wanted if wish.slot in ORDER[: self.images])
