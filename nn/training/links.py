"""Layers in a row that may be computed without a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autograd.fast.links import Link, links_of

from ..layers import BatchLayer, changed, is_told_in_steps


class Links:
    """The operations of layers in a row, looked up again only after an attribute of some layer was set.

    activated: False for all but the last step, which a loss takes upon itself.
    label: what the result is called
    """

    def __init__(self, layers: Sequence[BatchLayer], dtype: np.dtype, activated: bool = True) -> None:
        self.layers, self.dtype, self.activated = list(layers), dtype, activated
        self.label: str | None = None
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
        if not all(map(is_told_in_steps, self.layers)):
            return None
        steps = [step for layer in self.layers for step in layer.steps()]
        if not self.activated:
            del steps[-1]
        self.label = steps[-1][2] if steps else None
        return links_of([step[:2] for step in steps], self.dtype)
