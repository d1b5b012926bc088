"""Layers in a row that may be computed without a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd.fast.links import Link, links_of

from ..attributes import changed
from ..layers import BatchLayer, is_told_in_steps
from ..module import mode_inside


class Links:
    """The operations of layers in a row, looked up again only after an attribute of some layer was set, or for
    another mode of training.

    activated: False for all but the last step, which a loss takes upon itself.
    label: what the result is called
    """

    def __init__(self, layers: Sequence[BatchLayer], dtype: np.dtype, activated: bool = True) -> None:
        self.layers, self.dtype, self.activated = list(layers), dtype, activated
        self.label: str | None = None
        self._known: tuple[tuple[object, bool | None], list[Link] | None] = (None, None), None

    def get(self) -> list[Link] | None:
        """The operations; None if a layer does more, such as one of somebody's own."""
        when = changed[0], mode_inside(self.layers[0]) if self.layers else None
        known, found = self._known
        if known != when:
            found = self._links()
            self._known = when, found  # both at once, for other threads
        return found

    def _links(self) -> list[Link] | None:
        if not all(map(is_told_in_steps, self.layers)):
            return None
        steps = [step for layer in self.layers for step in layer.steps()]
        if not self.activated:
            del steps[-1]
        self.label = steps[-1][2] if steps else None
        return links_of([step[:2] for step in steps], self.dtype)
