"""Which weights the loss reacts to most: the largest components of its gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from autograd.arguments import positive_integer
from autograd.formulas.names import Names, parse
from autograd.graph import Node, is_node
from autograd.operands import Operand, describe
from autograd.value import NO_GRADIENT

from ..style import current
from .base import Axes, Look, math_name, number, panels, styled, title_with_line

__all__ = ["plot_sensitivity"]


@styled
def plot_sensitivity(gradient: object, *, top: int = 10, ax: Axes | None = None) -> Axes:
    """The largest components of a gradient: which weights the loss reacts to most.

    gradient: a model after its backward pass, or weights with gradients, or a mapping from names to
    numbers. top: how many are drawn, the largest first.

    Bars to the right are positive and blue, those to the left negative, orange and hatched. The line
    below the title compares the first bar with the last that is not zero. Returns the Axes.

    ValueError if there is nothing to draw, or no backward pass has reached the nodes.
    """
    where = "plot_sensitivity"
    top = positive_integer(where, "top", top)
    components = _components(where, gradient)
    largest = sorted(components, key=lambda each: -abs(each[1]))[:top]
    write = Names(name for name, _ in components)
    names = [math_name(name, write) for name, _ in largest]
    room = 0.14 * max([0, *(len(name) - 8 for name in names if not name.startswith("$"))])  # for words, in inches

    (ax,) = panels(where, ax, 1, size=(5.4 + room, 0.3 * len(largest) + 1.2))
    for i, (_, g) in enumerate(largest):
        color, hatch, side = (current().positive, "", 1) if g >= 0 else (current().negative, "////", -1)
        fill = current().mixed(color, 0.15) if hatch else color
        ax.barh(i, g, height=0.66, facecolor=fill, edgecolor=color, hatch=hatch, linewidth=1)
        at: Look = {"xytext": (4 * side, 0), "textcoords": "offset points", "ha": "left" if side > 0 else "right"}
        ax.annotate(number(g), (g, i), va="center", fontsize=9, color=color, **at)
    ax.axvline(0, color=current().ink, linewidth=0.8)
    ax.margins(x=0.26)  # for the numbers beside the bars
    ax.set_ylim(len(largest) - 0.4, -0.6)
    ax.set_yticks(range(len(largest)), names)
    ax.tick_params(axis="y", length=0, labelcolor=current().ink, labelsize=11)
    ax.grid(False, axis="y")
    ax.set_xlabel("gradient of the loss")
    all_of_them = len(largest) == len(components)
    of = f"{len(components)} components" if all_of_them else f"the largest {len(largest)} of {len(components)}"
    title_with_line(ax, f"Sensitivity of the loss ({of})", _times(largest, write))
    return ax


def _times(largest: list[tuple[str, float]], write: Names) -> str:
    """How many times more sensitive the loss is to the first than to the last that is not zero."""
    others = [each for each in largest if each[1]]
    if len(others) < 2:
        return ""
    (first, most), (last, least) = others[0], others[-1]
    ratio = float(f"{abs(most / least):.2g}")
    return f"{number(ratio)} times more sensitive to {math_name(first, write)} than to {math_name(last, write)}"


def _components(where: str, gradient: Operand) -> list[tuple[str, float]]:
    """Every component with its name, in the order of the parameters."""
    if isinstance(gradient, Mapping):
        found = [(str(name), float(g)) for name, g in gradient.items()]
    else:
        if hasattr(gradient, "named_parameters"):
            nodes = list(gradient.named_parameters())
        elif isinstance(gradient, Iterable) and not (is_node(gradient) or isinstance(gradient, str | np.ndarray)):
            nodes = [(f"{i}", node) for i, node in enumerate(gradient, 1)]
        else:
            nodes = [("1", gradient)]
        if not all(hasattr(node, "grad") for _, node in nodes) or (is_node(gradient) and not gradient.is_leaf):
            expected = "a model, weights with gradients, or a mapping from names to numbers"
            raise TypeError(f"{where}: expected {expected}; got {describe(gradient)}")
        found = [each for path, node in nodes for each in _of_node(path, node)]
        if nodes and not found:
            raise ValueError(f"{where}: there is no gradient yet; call loss.backward() first")
    if not found:
        raise ValueError(f"{where}: expected at least one component, got none")
    for name, g in found:
        if not math.isfinite(g):
            raise ValueError(f"{where}: the gradient of {name} is {g}; autograd.find_nan(loss) says where it was born")
    return found


def _of_node(path: str, node: Node) -> Iterator[tuple[str, float]]:
    grad = node.grad
    if grad is None or grad is NO_GRADIENT:
        return
    name = getattr(node, "label", None) or path
    parsed = parse(name)
    for place, g in np.ndenumerate(grad):
        if is_node(node) and not place:
            yield name, float(g)
        elif parsed is not None and not parsed.index:  # a whole family of names: w has the members w_1, w_2
            yield f"{name}_{','.join(str(k + 1) for k in place)}", float(g)
        else:
            yield f"{name}{list(place)}", float(g)
