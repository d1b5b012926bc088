"""What is handed in: which quantity a name means, and which numbers stand beside it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import numpy as np

from ..formulas import names
from ..graph import Node, is_node
from ..operands import Operand, describe
from .computation import Computation, loose, small
from .written import DECIMAL_COMMA, NotANumber, Written, carried_on_the_way

__all__ = ["Item", "Sheet", "read_sheet"]

# What is handed in: names or nodes with numbers, as a mapping, as pairs, or as text.
Sheet: TypeAlias = str | Mapping[Node | str, Operand] | Iterable[tuple[Node | str, Operand]]

_RATIO = re.compile(r"\s*(?:d|∂|\\partial ?)\s*(?P<over>[^/]*?)\s*/\s*(?:d|∂|\\partial ?)\s*(?P<under>.+)")
_FRACTION = re.compile(r"\\frac\{\\partial ?(?P<over>[^{}]*)\}\{\\partial ?(?P<under>.+)\}")


class Item(NamedTuple):
    """One quantity that was handed in.

    key         what it is called here: dW[1], a[1]₂
    node        the node
    is_value    a number of the forward pass, and not a gradient
    written     the numbers
    """

    key: str
    node: Node
    is_value: bool
    written: Written

    @property
    def numbers(self) -> np.ndarray:
        return self.written.numbers


class Unread(NamedTuple):
    """What was handed in for a quantity and is no number. said: what was written. See Item."""

    key: str
    node: Node
    is_value: bool
    said: str


def read_sheet(c: Computation, sheet: Sheet) -> tuple[list[Item], list[Unread]]:
    """The items of a sheet, in the order in which they depend on each other: forward, then backward; and what is none.

    sheet: names or nodes -> numbers, as a mapping or as pairs. Names are those of the computation: `a[1]_1` for a
    value, `dW[1]`, `dW1`, `dL/dw[1]_1,1` for a gradient; a node stands for the gradient by it.
    """
    if isinstance(sheet, str):
        sheet = parsed(sheet)
    pairs: Iterable[tuple[Node | str, Operand]] = sheet.items() if isinstance(sheet, Mapping) else sheet
    try:
        pairs = [(name, x) for name, x in pairs]
    except (TypeError, ValueError):
        raise TypeError(
            f"check_work: expected names and numbers, as {{'dW[1]': ...}}, or a function; got {describe(sheet)}"
        ) from None
    found: dict[tuple[Node, bool], Item | Unread] = {}
    for name, x in pairs:
        node, is_value = which(c, name)
        key = c.labels[node] if is_value else c.key(node)
        if (node, is_value) in found:
            raise ValueError(f"check_work: {key} was handed in twice, the second time as {name!r}")
        if isinstance(x, str) and c.is_array and node.ndim and DECIMAL_COMMA.fullmatch(x):
            x = x.split(",")  # two numbers of an array
        try:
            found[node, is_value] = Item(key, node, is_value, Written(f"check_work: {key}", x))
        except NotANumber as error:
            found[node, is_value] = Unread(key, node, is_value, error.written)
    if not found:
        raise ValueError(f"check_work: nothing was handed in; {known(c)}")
    items = [item for item in found.values() if isinstance(item, Item)]
    carried_on_the_way([item.written for item in items])
    unread = [item for item in found.values() if isinstance(item, Unread)]
    return sorted(items, key=lambda item: _place(c, item)), unread


def _place(c: Computation, item: Item) -> tuple[bool, int, int, int]:
    """Forward first; then from the target down, the parameters of a layer after what arrives at it, weights first."""
    place = {u: i for i, u in enumerate(c.order)}
    u = item.node
    if item.is_value:
        return False, place[u], 0, 0
    edges = [e for e in c.edges if e.enters is u and e.is_parameter and not e.is_penalty]
    if not edges:
        return True, -place[u], 0, 0
    return True, -min(place[e.result] for e in edges), 1 + edges[0].is_bias, place[u]


def parsed(text: str) -> list[tuple[str, Operand]]:
    """The lines `name = numbers` of a text; rows of a matrix in brackets. # begins a comment; blanks are left out."""
    pairs: list[tuple[str, Operand]] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        name, equals, written = line.partition("=")
        if not equals:
            raise ValueError(f"check_work: line {number}: expected name = numbers; got {line!r}")
        if not written.strip(" _[],;()"):
            continue
        if re.search(r"[*·⋅×]", written) or DECIMAL_COMMA.fullmatch(written):  # a path, factor by factor; 0,3775
            pairs.append((name.strip(), written.strip()))
            continue
        is_spaced = re.search(r"\d,\d", written) and re.search(r"\d\s+[-+−–\d]", written)  # 0,5 0,3
        entry = r"[^\s\[\]();]+" if is_spaced else r"[^\s,\[\]();]+"
        rows = [re.findall(entry, row) for row in re.split(r"\]\s*,?\s*\[|;", written.strip())]
        if len({len(row) for row in rows}) > 1:
            raise ValueError(f"check_work: line {number}: rows of different lengths")
        is_scalar = len(rows) == 1 and len(rows[0]) == 1 and "[" not in written
        pairs.append(
            (name.strip(), rows[0][0] if is_scalar else rows if "[[" in written or ";" in written else rows[0])
        )
    return pairs


def which(c: Computation, name: Node | str) -> tuple[Node, bool]:
    """The node that a name means, and whether its value is meant, not the gradient by it."""
    if is_node(name):
        if name not in c.labels:
            raise ValueError(
                f"check_work: a node was handed in that the target does not depend on, or that has no name; {known(c)}"
            )
        return name, False
    if not isinstance(name, str):
        raise TypeError(f"check_work: expected a name such as 'dW[1]', or a node; got {describe(name)}")
    node = _node_called(c, name)
    if node is not None:
        return node, node.op is not None  # nobody is asked for the value of a leaf
    for under in _gradient_names(c, name):
        node = _node_called(c, under)
        if node is not None:
            return node, False
    keys = [k for u in c.named for k in (c.labels[u], f"d{c.labels[u]}")]
    near = difflib.get_close_matches(name, keys, n=1)
    advice = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"check_work: there is no {name!r}; {known(c)}.{advice}")


def known(c: Computation) -> str:
    """The names that can be handed in."""
    gradients = [c.key(u) for u in c.named if u is not c.target and not c.is_data(u)]
    values = [c.labels[u] for u in c.named if u.op is not None]
    shown = (", ".join(keys[:12]) + ", ..." * (len(keys) > 12) for keys in (gradients, values) if keys)
    return f"the computation has {' and '.join(shown)}"


def _gradient_names(c: Computation, name: str) -> Iterable[str]:
    """What a gradient is by, from how it may be called: dW[1], dL/dw, ∂L/∂w, W1.grad, delta2."""
    stripped = name.strip().strip("$")
    for pattern in (_FRACTION, _RATIO):
        match = pattern.fullmatch(stripped)
        if match and (match["over"].isalpha() or _node_called(c, match["over"]) is c.target):
            yield match["under"].strip()
            return
    if stripped.endswith(".grad"):
        yield stripped.removesuffix(".grad")
    for prefix in ("grad_", "d_", "d", "∂"):
        if stripped.startswith(prefix) and len(stripped) > len(prefix):
            yield stripped.removeprefix(prefix)
    parts = names.parse(stripped)
    if parts is not None and parts.base in ("delta", "δ", "d"):
        yield replace(parts, base="Z").label()


def _node_called(c: Computation, name: str) -> Node | None:
    """The node of this name: as it is written, else with W1 read as W[1], else with small letters for large ones."""
    for key in (name, names.text(name), loose(name)):
        if key is not None and len(found := c.called_so.get(key, [])) == 1:
            return found[0]
    anyhow = c.called_so.get(small(loose(name)), [])
    return anyhow[0] if len(anyhow) == 1 else None
