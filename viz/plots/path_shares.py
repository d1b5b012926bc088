"""PathShares: a callback that notes how much each path carries of a gradient, over a training."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from autograd import Value, derive
from autograd.arguments import positive_integer
from autograd.formulas.names import text
from autograd.graph import topological_order
from autograd.operands import describe
from nn.callbacks.base import Callback

from ..style import current, cut
from .base import MARKERS, Axes, End, Look, count_axis, name_lines, number, panels, styled, title_with_line

__all__ = ["PathShares", "plot_path_shares"]

LONGEST = 60  # characters of a path


class PathShares(Callback):
    """What each gradient path of a weight carries, noted at every epoch of a training::

        shares = PathShares(lambda: squared_error(net(x), y), "w[1]_1,1")
        net.fit(X, Y, callbacks=[shares])
        plot_path_shares(shares)

    or, in a loop of your own, by `shares.record()`.

    loss  a function that records the loss anew, of one sample say, with the weights as they are; a Value
    wrt   the node, or its name, whose paths are looked at
    top   so many of the strongest paths are noted each time

    values  for each path, by its chain of names, a product for each record; nan where it was not among the strongest
    total   for each record the sum of the sizes of all products, so that |values| / total are shares
    """

    def __init__(self, loss: Callable[[], Value], wrt: Value | str, *, top: int = 6) -> None:
        if not callable(loss):
            raise TypeError(f"PathShares: expected a function that records the loss, got {describe(loss)}")
        self.loss, self.wrt = loss, wrt
        self.top = positive_integer("PathShares", "top", top)
        self.values: dict[str, list[float]] = {}
        self.total: list[float] = []
        self.gradient: list[float] = []

    def record(self) -> None:
        """Note the strongest paths as they are now.

        TypeError if the function gives no Value; ValueError if the loss does not depend on wrt.
        """
        loss = self.loss()
        if not isinstance(loss, Value) or loss.is_leaf:
            raise TypeError(f"PathShares: expected the function to record a loss of Values, got {describe(loss)}")
        derivation = derive(loss, _meant(loss, self.wrt), top=self.top)
        if not derivation.count:
            raise ValueError(f"PathShares: the loss does not depend on {self.wrt!r}")
        labels, names = derivation.graph.labels, derivation.graph.names
        found = {" → ".join(names.text(labels[v]) for v in path.nodes): path.value for path in derivation.paths}
        for chain in found:
            self.values.setdefault(chain, [math.nan] * len(self.total))
        for chain, values in self.values.items():
            values.append(found.get(chain, math.nan))
        self.total.append(derivation.graph.strength(derivation.source))
        self.gradient.append(derivation.value)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Note the paths before the first step."""
        self.record()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the paths after an epoch."""
        self.record()

    def __len__(self) -> int:
        return len(self.total)

    def __repr__(self) -> str:
        return f"<PathShares of {len(self.values)} paths over {len(self)} records>"


def _meant(loss: Value, wrt: object) -> Value:
    if isinstance(wrt, Value):
        return wrt
    if not isinstance(wrt, str):
        raise TypeError(f"PathShares: expected wrt to be a Value or its name, got {describe(wrt)}")
    found = [v for v in topological_order(loss) if v.label is not None and text(v.label) == text(wrt)]
    if not found:
        raise ValueError(f"PathShares: the loss does not depend on a node called {wrt!r}")
    return found[0]


@styled
def plot_path_shares(shares: PathShares, *, ax: Axes | None = None) -> Axes:
    """How much of a gradient each path carries, over a training: shares of the sum of the sizes of all.

    shares: a PathShares with at least two records. A path is dashed while its product is negative. Returns the Axes.

    TypeError for another argument, ValueError for fewer than two records.
    """
    if not isinstance(shares, PathShares):
        raise TypeError(f"plot_path_shares: expected a PathShares, got {describe(shares)}")
    if len(shares) < 2:
        raise ValueError(f"plot_path_shares: expected at least 2 records, got {len(shares)}; train, or call record()")
    (ax,) = panels("plot_path_shares", ax, 1, size=(5.8, 3.7))
    total = np.array(shares.total)
    ends = []
    x = np.arange(len(shares))
    for i, (chain, values) in enumerate(shares.values.items()):
        products = np.array(values)
        share = np.abs(products) / np.where(total > 0, total, np.nan)
        known = np.flatnonzero(np.isfinite(share))
        color, every = current().classes[i % len(current().classes)], max(1, len(shares) // 8)
        look: Look = {"marker": MARKERS[i % len(MARKERS)], "markevery": every, "markersize": 5, "color": color}
        for line, part in (("-", ~(products < 0)), ("--", products < 0)):
            label = f"path {i + 1}: {cut(chain, LONGEST)}" if part[known[:1]].all() else None
            ax.plot(x, np.where(part, share, np.nan), linewidth=1.8, linestyle=line, label=label, **look)
        if known.size:
            ends.append(End(float(known[-1]), float(share[known[-1]]), f"path {i + 1}", color))
    count_axis(ax, 0, len(shares) - 1)
    ax.set_ylim(0, 1.02)
    ax.set(xlabel="epoch", ylabel="share of all paths")
    first, last = shares.gradient[0], shares.gradient[-1]
    title_with_line(ax, "What each path carries", f"the gradient went from {number(first)} to {number(last)}")
    name_lines(ax, ends)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=8)
    return ax
