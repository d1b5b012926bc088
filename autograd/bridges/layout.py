"""The parameters of a function and the arrays in which its programs keep them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from ..value import Value
from .finding import Held, held, in_pieces
from .leaves import NAMELESS, Piece, nameless_block
from .programs import Numbers, given_kinds
from .recording import Recording, find_fresh

__all__ = ["Layout"]


class Layout:
    """Which leaves are parameters of a function, and where they lie.

    known    all parameters found so far
    kinds    of each the kind of its array
    numbers  their numbers; another object after parameters were found or put elsewhere
    """

    def __init__(self, function: Callable[..., Any], given: Mapping[str, Any] | None) -> None:
        self._function, self._given = function, given
        self.numbers = Numbers({})
        self.forget()

    def forget(self) -> None:
        """Start anew with the next recording."""
        self._held: Held | None = None
        self._pieces: dict[Hashable, list[Piece]] = {}
        self.known: dict[Value, None] = {}
        self._use()

    def _use(self) -> None:
        self.numbers.leave()
        self.numbers = Numbers(self._pieces)
        self.kinds = {v: kind for kind, found in self._pieces.items() for piece in found for v in piece.values}

    def changed(self) -> str | None:
        """The name of a variable of the function that is another number now, if there is one."""
        return None if self._held is None else self._held.changed()

    def begin(self) -> None:
        """Find what the function holds, and what was given, if that was not done."""
        if self._held is None:
            self._held = held(self._function)
            kinds, pieces = given_kinds(self._given)
            rest = {v: None for v in self._held.values if v not in kinds}
            self._pieces = pieces | in_pieces(self._held.matrices, rest)
            self.known = dict.fromkeys(kinds) | rest
            self._use()

    def take(self, recording: Recording) -> bool:
        """Tell parameters and constants in a recording; True if there are parameters that were not known."""
        self.begin()
        find_fresh(recording, self.known)
        new = [v for v in recording.leaves if v not in self.known]
        if new:
            self.known |= dict.fromkeys(new)
            values = [*(v for piece in self._pieces.get(NAMELESS, ()) for v in piece.values), *new]
            self._pieces[NAMELESS] = [Piece(values, (len(values),), None)]
            self._use()
        return bool(new)

    def lay_out(self, wishes: Mapping[Hashable, Sequence[np.ndarray]]) -> bool:
        """Put leaves without names into arrays as they are wanted; False if they are already."""
        nameless = self._pieces.get(NAMELESS, [])
        if NAMELESS not in wishes or len(nameless) != 1 or nameless[0].label is not None:
            return False
        self._pieces[NAMELESS] = nameless_block(nameless[0].values, wishes[NAMELESS])
        self._use()
        return True
