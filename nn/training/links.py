"""Layers in a row that may be computed without a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd.fast.links import Link

from ..layers import BatchLayer, changed


class Links:
    """The operations of layers in a row, looked up again only after an attribute of some layer was set."""

    def __init__(self, layers: Sequence[BatchLayer], dtype: np.dtype, activated: bool = True) -> None:
        self.layers, self.dtype, self.activated = list(layers), dtype, activated
        self._when: object = None
        self._found: list[Link] | None = None

    def get(self) -> list[Link] | None:
        """The operations; None if a layer does more, such as one of somebody's own."""
        when = changed[0]
        if self._when is not when:
            self._found = self._links()
            self._when = when
        return self._found

    def _links(self) -> list[Link] | None:
        links: list[Link] = []
        last = self.layers[-1] if self.layers else None
        for layer in self.layers:
            if not tells(layer, "links", "forward", "before_activation"):
                return None
            found = layer.links(self.dtype, self.activated or layer is not last)
            if found is None:
                return None
            links += found
        return links


def tells(x: Any, short: str, *long: str) -> bool:
    """True if the method `short` belongs to the others: none of them was written anew in a class below, or in x."""
    first, *others = (next(i for i, c in enumerate(type(x).__mro__) if name in vars(c)) for name in (short, *long))
    return first <= min(others) and not any(name in vars(x) for name in long)
