"""What the nodes and the constant arrays of a recorded graph are called, each by a name of its own."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..formulas import names
from ..graph import check_written, is_constant
from ..ops.elementwise import add
from ..paths.labels import unique_labels
from ..samples import is_data_name
from ..tensor import Tensor
from .atoms import Causal, data_key
from .roles import constants_of, hides, is_tensor, role, weights_of

__all__ = ["Naming"]


# The letters for constants without a name; the first that nothing else bears.
CONSTANTS = ("C", "K", "M", "Q", "constant")
WEIGHTS = "omega"  # of samples, in a loss


class Naming:
    """The names in a graph: those it came with, and those that leaves and constants get from their place.

    labels   node -> its name, for the nodes that have one
    """

    def __init__(self, order: Sequence[Tensor], target: Tensor, source: Tensor) -> None:
        check_written(order)
        kept = [u for u in order if u.label is not None or u is target]
        self.labels: dict[Tensor, str] = unique_labels(kept, target, are_arrays=True)
        self.labels.setdefault(source, source.label or "v")
        self._constants: dict[str, tuple[str, np.ndarray]] = {}  # by what equal ones have in common
        self._used = set(map(names.text, self.labels.values()))  # as they are written
        self._unnamed = {"V": itertools.count(1), "v": itertools.count(1)}
        self._letter = next(letter for letter in CONSTANTS if not self._is_used(letter))
        self._name_leaves(order)

    def _is_used(self, letter: str) -> bool:
        parsed = map(names.parse, self.labels.values())
        return any(name is not None and name.base == letter for name in parsed)

    def _name_leaves(self, order: Sequence[Tensor]) -> None:
        """Names for constants and leaves without one, by where they are used."""
        found: dict[str, dict[object, Tensor | np.ndarray]] = defaultdict(dict)
        flowing: set[object] = set()
        for v in order:
            for i, u in enumerate(v.operands):
                if is_tensor(u) and u.op is None and u not in self.labels and u.ndim:
                    base = role(v, i)
                    is_input = base == "X" and (i == 0 or _is_parameter(v.operands[0]))
                    found[base if base == "Y" or is_input else "V"].setdefault(u, u)
            for i, x in constants_of(v):
                called = role(v, i)
                # targets that look so by chance are data
                is_formula = (called == "C" or hides(x)) and Causal.of(x) is not None
                if _complement(x, _constants_in(found)) is None and not is_formula:
                    found[called].setdefault(data_key(x), x)
                    if v.op is not None and (v.op is add.op or not v.op.rules):  # not what scales or compares
                        flowing.add(data_key(x))
            weights = weights_of(v)
            if weights is not None:
                found[WEIGHTS].setdefault(data_key(weights), weights)
        samples = {u.shape[0] for base in "XY" for u in found[base].values() if u.ndim > 1}
        for key, u in list(found["C"].items()):  # what has a row for each sample is data too
            if key in flowing and u.ndim > 1 and u.shape[0] in samples:
                found["X"][key] = found["C"].pop(key)
        taken: set[object] = set()
        for base in sorted(found, key=("Y", "X", "V", "M", WEIGHTS, "C").index):
            members = {k: u for k, u in found[base].items() if k not in taken}
            base = self._letter if base == "C" else base
            taken |= members.keys()
            for (key, array), label in zip(members.items(), self.fresh(base, len(members)), strict=True):
                if isinstance(key, str):
                    self._constants[key] = label, np.asarray(array)
                else:
                    self.labels[array] = label  # type: ignore[index]

    def fresh(self, base: str, count: int = 1) -> list[str]:
        """So many names that nothing has yet: X, or X_1, X_2, or X_2 if there is an X."""
        if count == 1 and self.reserve(base):
            return [base]
        numbered = (f"{base}_{i}" for i in itertools.count(1 + (count == 1)))
        return list(itertools.islice(filter(self.reserve, numbered), count))

    def reserve(self, label: str) -> bool:
        """True if the name was free; from now on it is not."""
        written = names.text(label)
        is_free = written not in self._used
        self._used.add(written)
        return is_free

    def count(self) -> str:
        """What the number of samples is called."""
        return self.fresh("m")[0]

    def name(self, u: Tensor, wish: str | None = None) -> str:
        """The name of a node; a new one if it has none, the wished for if that is free."""
        if u not in self.labels and wish is not None and self.reserve(wish):
            self.labels[u] = wish
        if u not in self.labels:
            base = "V" if u.ndim else "v"
            self.labels[u] = next(filter(self.reserve, (f"{base}_{i}" for i in self._unnamed[base])))
        return self.labels[u]

    def constant(self, data: np.ndarray, letter: str | None = None) -> str:
        """The name of a constant array, a new one if it has none, with this letter or that of constants."""
        key = data_key(data)
        if key not in self._constants:
            self._constants[key] = self.fresh(letter or self._letter)[0], data
        return self._constants[key][0]

    def is_named(self, data: np.ndarray) -> bool:
        """True for a constant array that has a name."""
        return data_key(data) in self._constants

    def complement(self, data: np.ndarray) -> str | None:
        """The name of what is 1 minus this array: 1 − Y has no name of its own beside Y."""
        if data_key(data) in self._constants:
            return None
        given = [(label, u.numpy()) for u, label in self.labels.items() if u.op is None]
        return _complement(data, [*self._constants.values(), *given])

    def constants(self) -> dict[str, np.ndarray]:
        """The constant arrays by name."""
        return dict(self._constants.values())

    def nameless(self) -> list[str]:
        """The names that constants and leaves got here."""
        leaves = (label for u, label in self.labels.items() if u.op is None and u.label is None)
        return [*self.constants(), *leaves]

    def kept(self) -> list[str]:
        """The names of constants that somebody named, such as what a layer has kept from training."""
        return [label for u, label in self.labels.items() if u.label is not None and is_constant(u)]

    def quantities(self) -> dict[str, np.ndarray]:
        """The numbers of everything that has a name."""
        return {label: u.numpy() for u, label in self.labels.items()} | self.constants()


def _is_parameter(u: object) -> bool:
    return is_tensor(u) and u.op is None and u.label is not None and not is_data_name(u.label)


def _complement(data: np.ndarray, given: Iterable[tuple[str, np.ndarray]]) -> str | None:
    if np.all(data == data.flat[:1]):  # 0 is not known as 1 − 1
        return None
    opposite = 1 - data
    return next((label for label, array in given if np.array_equal(array, opposite)), None)


def _constants_in(found: Mapping[str, Mapping[object, Tensor | np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
    for members in found.values():
        for array in members.values():
            if isinstance(array, np.ndarray):
                yield "", array
