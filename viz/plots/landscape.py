"""A loss as a function of one or two of its weights, and how gradient descent moves on it."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, Value, gradients, no_grad
from autograd.arguments import lookup
from autograd.formulas.names import parse
from autograd.graph import Node, is_node
from autograd.operands import Operand, describe, real
from nn.module import Parameter

__all__ = ["Landscape", "chosen_weights", "loss_of", "points_of", "ranges_of", "restored"]


class _Weight(NamedTuple):
    """One number that a loss depends on: a Value, or an element of a Tensor."""

    node: Node
    place: tuple[int, ...] = ()  # in the Tensor

    @property
    def label(self) -> str | None:
        name: str | None = self.node.label
        return name if name is None or not self.place else f"{name}_{','.join(str(i + 1) for i in self.place)}"

    def read(self) -> float:
        return float(self.of(_numbers(self.node)))

    def write(self, x: float) -> None:
        data = np.array(_numbers(self.node))
        data[self.place] = x
        self.node.data = data if isinstance(self.node, Tensor) else x

    def of(self, array: Operand) -> Operand:
        """The element of an array of the node's shape that belongs to this weight."""
        return np.asarray(array)[self.place]


class Landscape:
    """The loss as a function of the chosen weights alone; it moves them."""

    def __init__(self, loss: Callable[[], object], weights: list[_Weight]) -> None:
        self._loss, self._weights = loss, weights

    def heights(self, points: np.ndarray) -> np.ndarray:
        """The loss at every point, of shape (..., weights)."""
        found = []
        with no_grad():
            for point in points.reshape(-1, len(self._weights)):
                self._go_to(point)
                found.append(_as_number(self._loss()))
        return np.array(found).reshape(points.shape[:-1])

    def descent(self, start: Operand, learning_rate: float, steps: int) -> np.ndarray:
        """The points from the start on, shape (points, weights); it ends early where it runs to infinity."""
        points = [np.array(start, dtype=float)]
        for _ in range(steps):
            self._go_to(points[-1])
            loss = self._loss()
            if not is_node(loss):
                _as_number(loss)
                raise TypeError("plot_loss_surface: expected the loss to be a node, to follow its gradient; give path=")
            found = gradients(loss, [w.node for w in self._weights])
            slope = np.array([w.of(g) for w, g in zip(self._weights, found, strict=True)])
            point = points[-1] - learning_rate * slope
            if not np.isfinite(point).all() or np.abs(point).max() > 1e6:
                break
            points.append(point)
        return np.array(points)

    def _go_to(self, point: Operand) -> None:
        for w, data in zip(self._weights, point, strict=True):
            w.write(float(data))


def _as_number(loss: object) -> float:
    try:
        return real(loss.data if isinstance(loss, Value | Tensor) else loss)
    except TypeError:
        expected = "expected the loss to be a single number"
        raise TypeError(f"plot_loss_surface: {expected}, got {describe(loss)}") from None


@contextlib.contextmanager
def restored(parameters: Sequence[Parameter]) -> Iterator[None]:
    """Whatever happens inside, the parameters have their numbers back afterwards."""
    before = [np.copy(x) if isinstance(x := _numbers(p), np.ndarray) else x for p in parameters]
    try:
        yield
    finally:
        for p, data in zip(parameters, before, strict=True):
            if not np.array_equal(_numbers(p), data, equal_nan=True):
                p.data = data


def _numbers(node: Node) -> Operand:
    """What a node holds, only to be read: a Tensor watches an array that it has given away."""
    return node.numpy() if isinstance(node, Tensor) else node.data


def loss_of(loss: Callable[..., object], model: object) -> Callable[[], object]:
    """The loss as a function without arguments; TypeError for what is no function."""
    if not callable(loss):
        advice = "; write lambda: ... around it, so that it can be computed anew" if is_node(loss) else ""
        raise TypeError(f"plot_loss_surface: expected the loss to be a function, got {describe(loss)}{advice}")
    if model is None:
        return loss
    required = [p for p in inspect.signature(loss).parameters.values() if p.default is p.empty]
    return (lambda: loss(model)) if required else loss


def chosen_weights(weights: object, model: object) -> list[_Weight]:
    """The one or two weights that are asked for: Values, pairs of a Tensor and an index, or labels in the model."""
    is_pair = isinstance(weights, tuple) and len(weights) == 2 and isinstance(weights[1], int | tuple)
    given = list(weights) if isinstance(weights, list | tuple) and not is_pair else [weights]
    if len(given) not in (1, 2):
        raise ValueError(f"plot_loss_surface: expected one or two weights, got {len(given)}")
    found = [_weight(_labelled(w, model) if isinstance(w, str) else w) for w in given]
    if len(found) == 2 and found[0].node is found[1].node and found[0].place == found[1].place:
        raise ValueError(f"plot_loss_surface: expected two different weights, got {found[0].node!r} twice")
    return found


def _weight(given: Operand) -> _Weight:
    node, place = given if isinstance(given, tuple) and len(given) == 2 else (given, ())
    place = place if isinstance(place, tuple) else (place,)
    expected = "plot_loss_surface: expected weights to be Values, (Tensor, index) or labels"
    if not is_node(node):
        raise TypeError(f"{expected}, got {describe(node)}")
    if not node.is_leaf:
        raise ValueError(
            f"plot_loss_surface: {node!r} is the result of an operation; choose a weight, which can be set"
        )
    shape = np.shape(_numbers(node))
    if len(place) != len(shape) or not all(
        isinstance(i, int) and 0 <= i < n for i, n in zip(place, shape, strict=True)
    ):
        example = f"(W, {tuple(0 for _ in shape)})"
        raise ValueError(f"plot_loss_surface: expected an index into shape {shape}, such as {example}; got {place}")
    return _Weight(node, place)


def _labelled(label: str, model: Any) -> Any:
    """The Value of this label, or the Tensor that carries it without the index, and this index."""
    if model is None:
        raise ValueError("plot_loss_surface: to find weights by their labels give model=, or give the nodes themselves")
    by_label = {p.label: p for p in model.parameters() if p.label}
    name = parse(label)
    if label not in by_label and name is not None and all(i.isdigit() for i in name.index):
        whole = replace(name, index=(), attached=False).label()
        if whole in by_label:
            return by_label[whole], tuple(int(i) - 1 for i in name.index)
    return lookup("weight", label, by_label)


def points_of(what: str, given: object, dimensions: int) -> np.ndarray:
    """Finite points, of shape (points, dimensions)."""
    expected = "a list of numbers" if dimensions == 1 else "a list of pairs"
    points = _floats(what, given, expected)
    if dimensions == 1 and points.ndim == 1:
        points = points[:, None]
    if points.ndim != 2 or points.shape[1] != dimensions or not len(points) or not np.isfinite(points).all():
        came = f"shape {points.shape}" if np.isfinite(points).all() else "nan or infinity"
        raise ValueError(f"plot_loss_surface: expected {what} to be {expected}, finite; got {came}")
    return points


def _floats(what: str, given: object, expected: str) -> np.ndarray:
    try:
        return np.array(given, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"plot_loss_surface: expected {what} to be {expected}; got {given!r}") from None


def ranges_of(span: object, points: np.ndarray) -> list[tuple[float, float]]:
    """The range to draw of each weight: as asked for, or what holds all points with room around them."""
    dimensions = points.shape[1]
    if span is None:
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.maximum((0.35 if dimensions == 2 else 0.2) * (high - low), 0.5)
        return list(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))
    expected = "(low, high) with low < high" + ", or such a pair for each weight" * (dimensions == 2)
    pairs = _floats("span", span, expected)
    if pairs.shape == (2,):
        pairs = np.tile(pairs, (dimensions, 1))
    if pairs.shape != (dimensions, 2) or not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(f"plot_loss_surface: expected span to be {expected}; got {span!r}")
    return [(low, high) for low, high in pairs.tolist()]
