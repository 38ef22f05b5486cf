"""A shelf of bounded length: things by the path of a request and by what decides between its variants.

A response that varies by Accept-Encoding stands beside those for other encodings of the same path.  Which fields
decide is known only from the responses themselves, and they may disagree.  Source: RFC 9111 §4.1.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeAlias, TypeVar

from sim.http import Request
from sim.policies.caching.stored import vary_values

T = TypeVar("T")
Names: TypeAlias = tuple[str, ...]
Values: TypeAlias = tuple[str | None, ...]
Place: TypeAlias = tuple[str, Names, Values]
"""The path, the fields that decide in the order of their names, and what the request had in them."""


def place_of(request: Request, names: Names) -> Place:
    """Where something stands that answers *request* and varies by the fields *names*."""
    return request.path, names, vary_values(request, names)


class Shelf(Generic[T]):
    """At most *length* things; the one that was not used for the longest time falls off first.

    Finding costs one look for each set of fields that a path's things vary by, however many variants there are.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._things: OrderedDict[Place, T] = OrderedDict()
        self._of_path: dict[str, dict[Names, dict[Values, None]]] = {}

    def __len__(self) -> int:
        """How many things stand here."""
        return len(self._things)

    def suiting(self, request: Request) -> list[T]:
        """The things that *request* may have, at most one for each set of fields."""
        places = (place_of(request, names) for names in self._of_path.get(request.path, ()))
        return [self._things[place] for place in places if place in self._things]

    def variant(self, request: Request) -> Place:
        """What tells *request* from others of its path, by all fields that anything here varies by."""
        names = {name for names in self._of_path.get(request.path, ()) for name in names}
        return place_of(request, tuple(sorted(names)))

    def touch(self, place: Place) -> None:
        """The thing at *place* was used."""
        self._things.move_to_end(place)

    def put(self, place: Place, thing: T) -> None:
        """Stand *thing* at *place*, in place of what was there."""
        path, names, values = place
        self._things[place] = thing
        self._things.move_to_end(place)
        self._of_path.setdefault(path, {}).setdefault(names, {})[values] = None
        if len(self._things) > self._length:
            self.drop(next(iter(self._things)))

    def drop(self, place: Place) -> None:
        """Take the thing at *place* away."""
        del self._things[place]
        path, names, values = place
        of_path = self._of_path[path]
        del of_path[names][values]
        if not of_path[names]:
            del of_path[names]
        if not of_path:
            del self._of_path[path]

    def drop_path(self, path: str) -> None:
        """Take away everything that stands under *path*."""
        for names, held in tuple(self._of_path.get(path, {}).items()):
            for values in tuple(held):
                self.drop((path, names, values))
