"""On which numbers of its leaves a graph of Tensors depends: those of a row that was not picked get no gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import is_node, topological_order
from ..ops import shapes
from ..tensor import Tensor

__all__ = ["Reach"]


class Reach:
    """Which numbers of these leaves a graph depends on.

    leaves: float64, their numbers one after the other in a row. moving: index arrays in the graph that change from run
    to run, or of which those are views.
    """

    def __init__(self, root: Tensor, leaves: Sequence[Tensor], moving: Sequence[np.ndarray] = ()) -> None:
        ends = np.cumsum([0, *(t.size for t in leaves)]).tolist()
        places = {t: (start, stop) for t, start, stop in zip(leaves, ends, ends[1:], strict=False)}
        self._mask = np.zeros(ends[-1], bool)
        self._moving: list[tuple[np.ndarray, Any]] = []  # views of the mask, and the indices of what is reached there
        order = topological_order(root)
        here: dict[Any, Any] = {root: np.ones(root.shape)}  # of every node where it is above 0
        for v in reversed(order):
            g = here.pop(v, None)
            if v in places:
                start, stop = places[v]
                self._mask[start:stop] = g.ravel() > 0
            data = [u._data if is_node(u) else u for u in v.operands]
            for i, u in enumerate(v.operands):
                if not is_node(u):
                    continue
                if v.op is shapes.getitem.op and _shows(data[1], moving):
                    leaf = u.operands[0] if u.op is shapes.reshape.op else u
                    if leaf in places:
                        start, stop = places[leaf]
                        self._moving.append((self._mask[start:stop].reshape(u.shape), data[1]))
                        here.setdefault(u, np.zeros(u.shape))
                        continue
                # what is moved depends on what it shows, and on no other
                pull = v.op.pulls[i] if v.op is not None and v.op.moves else None
                term = pull(g, v._data, *data) if pull is not None else np.ones(u.shape)
                here[u] = here.get(u, 0.0) + shapes.sum_to(term, u.shape)
        self._fixed = self._mask.copy()
        self._are_all = bool(self._mask.all())

    def mask(self) -> np.ndarray | None:
        """A mask of the numbers on which the latest run depended; None for all."""
        if self._are_all:
            return None
        if not self._moving:
            return self._fixed
        np.copyto(self._mask, self._fixed)
        for view, index in self._moving:
            view[index] = True
        return self._mask.copy()


def _shows(index: object, arrays: Sequence[np.ndarray]) -> bool:
    """True if one of these arrays is, or stands behind, a part of the index."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(i, np.ndarray) and any(np.may_share_memory(i, a) for a in arrays) for i in parts)
