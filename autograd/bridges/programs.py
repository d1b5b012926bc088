"""Programs: a computation of Values as operations on arrays, run again whenever its numbers change."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from .. import modes
from ..derivations import Form, derive
from ..fast.flat_parameters import FlatValues
from ..graph import topological_order
from ..op import Operation
from ..passes.values import Row
from ..tensor import Tensor
from ..value import NO_GRADIENT, Value, new
from .leaves import NAMELESS, Piece, in_blocks, kind_of, leaves_of, named_blocks, nameless_block, shape_of
from .reach import Reach
from .reading import Reading
from .regroup import Regrouping
from .tape import Tape

__all__ = ["Numbers", "Parameters", "Program", "as_node", "equations", "given_kinds", "with_names", "without_collector"]

# A graph in which hardly anything repeats is not made a program: an operation on arrays costs what four on
# numbers do.
FEW, SPARE = 4, 1000


def _refuse(z: object, x: object) -> Any:
    raise TypeError(
        "vectorized: how this number was computed is in its program; derive, draw or differentiate program.tensors()"
    )


class _Vectorized(Operation):
    """The operation of a number that a program computed: its local derivatives are its gradients."""

    def __reduce__(self) -> Any:
        return "VECTORIZED"


def vectorized(x: object) -> Any:
    """A number that a program computed from all of x at once."""
    return _refuse(None, x)


VECTORIZED = _Vectorized(vectorized, (_refuse,), reduces=True)


def as_node(data: float, row: Row, arguments: Sequence[Value] = (), slopes: Sequence[float] = ()) -> Value:
    """A Value of this number, whose derivatives by the parameters, and by other Values behind them, are known."""
    z = new(Value)
    z._data, z.grad, z._op, z._y = data, NO_GRADIENT, VECTORIZED, None
    if arguments:
        z._x, z._dx = (row.flat.values, tuple(arguments)), (row, tuple(slopes))
    else:
        z._x, z._dx = (row.flat.values,), (row,)
    return z


@contextmanager
def without_collector() -> Iterator[None]:
    """Without looking for cycles of garbage: graphs have none, and large ones are looked through again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def no_row() -> Row | None:
    """A reference to nothing."""
    return None


class Numbers(FlatValues):
    """Leaf Values as one vector of their present numbers, of which the Tensors of programs are views."""

    def __init__(self, pieces: Mapping[Hashable, Sequence[Piece]]) -> None:
        values, vector, self._gradient, self.blocks = in_blocks(pieces)
        super().__init__(values, vector)
        self._row: Callable[[], Row | None] = no_row  # what shows the gradients of the latest run, if it still lives
        # The arrays, in the order of the vector.
        self.tensors = [t for block in self.blocks.values() for t in block.tensors]
        self.begin()

    def run(self, tape: Tape, with_gradient: bool = True) -> Sequence[Any]:
        """What a program of these numbers gives. Who shows the gradients of the run before has them to himself now."""
        if with_gradient:
            if self._sum is self._gradient:
                self._sum = self._gradient.copy()
            if (row := self._row()) is not None:
                row.array, self._row = self._gradient.copy(), no_row
        return tape.run(with_gradient)

    def gradients(self) -> np.ndarray:
        """What the latest run of a program has left at the arrays, until the next; 0 for none."""
        for t in self.tensors:
            g = t._grad
            if g is not t._buffer:
                t._buffer[...] = 0.0 if g is None else g  # type: ignore[index]
        return self._gradient

    def row(self, reached: Reach) -> Row:
        """The same as derivatives of what depends on them so far."""
        row = Row(self.gradients(), self, reached.mask())
        self._row = weakref.ref(row)
        return row


class Parameters(list[Value]):
    """The leaves of programs. An optimizer moves them as the vector in which the programs look at them."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__(numbers.values)
        self.flat = numbers


class Program:
    """A recorded computation of Values as operations on arrays, which is run again on the present numbers.

    Made by `vectorize(loss)`. Call it: the result is a Value of the numbers that its leaves have now, and
    its `backward()` adds to their `.grad` as that of the recorded graph would. What was a plain number when
    the graph was recorded, and what was decided then, stays as it was.

    parameters  the leaves
    """

    def __init__(self, loss: Value, parameters: Mapping[str, Any] | None = None) -> None:
        with without_collector():
            kinds, given = given_kinds(parameters)
            reading = Reading(loss, lambda v: kinds.get(v) or kind_of(v))
            pieces = {
                group.key[1]: given.get(group.key[1]) or [named_blocks(group.key[1], group.nodes)]
                for group in reading.groups
                if group.is_leaf
            }
            self.numbers = Numbers(pieces)
            regrouping = Regrouping(reading, self.numbers.blocks, given={})
            if NAMELESS in pieces:
                pieces[NAMELESS] = nameless_block(pieces[NAMELESS][0].values, regrouping.wishes.get(NAMELESS, ()))
                self.numbers = Numbers(pieces)
                regrouping = Regrouping(reading, self.numbers.blocks, given={})
            if loss.label is not None:
                regrouping.root.label = loss.label
            self._tape = Tape(regrouping.root, self.numbers.tensors)
            self._reached = Reach(regrouping.root, self.numbers.tensors)
        if len(self._tape) > SPARE and reading.size < FEW * len(self._tape):
            raise ValueError(
                f"vectorize: found no repetition: {reading.size} numbers are {len(self._tape)} operations on "
                "arrays, which take longer; use the graph as it is"
            )
        self._size = reading.size

    @property
    def parameters(self) -> Parameters:
        """The leaves of the computation, for an optimizer: `nn.Adam(program.parameters)`."""
        return Parameters(self.numbers)

    def training(self) -> AbstractContextManager[None]:
        """Inside, steps of an optimizer of `parameters` go from array to array: the fastest way to train.

        The leaves show the new numbers and gradients at the end of the block, before it the numbers of its beginning.
        Gradients are cleared by the optimizer's `zero_grad()`. RuntimeWarning for those that a graph of the leaves
        themselves gives, a penalty added beside the program: it does not know the present numbers.
        """
        return self.numbers.apart()

    def __call__(self) -> Value:
        """The result for the numbers that the leaves have now."""
        self.numbers.begin()
        is_recording = modes.is_recording()
        data = float(self.numbers.run(self._tape, is_recording)[0])
        return as_node(data, self.numbers.row(self._reached)) if is_recording else Value(data)

    def tensors(self) -> Tensor:
        """The computation as a graph of Tensors, for the numbers that the leaves have now.

        It is an ordinary graph: `derive`, `draw_graph`, `gradients`, also of gradients, work on it. Results on the way
        that have no name have those of the equations: V₁, V₂.
        """
        self.numbers.begin()
        return with_names(self._tape.tensors())

    def __str__(self) -> str:
        return self.text()

    def text(self, *, form: Form = "rows") -> str:
        """The equations of the lectures, with shapes: how the result is computed, and all gradients.

        form: "rows" (samples are rows) or "columns", see `derive`.
        """
        return equations(self.tensors(), form)

    def __repr__(self) -> str:
        return f"<program of {self._size} numbers: {len(self._tape)} operations on arrays>"


def given_kinds(parameters: Mapping[str, Any] | None) -> tuple[dict[Value, Hashable], dict[Hashable, list[Piece]]]:
    """Of every Value in named lists and matrices its kind, and the arrays of each kind."""
    kinds: dict[Value, Hashable] = {}
    pieces: dict[Hashable, list[Piece]] = {}
    for name, given in (parameters or {}).items():
        shape = shape_of(given)
        if shape is None:
            raise ValueError(
                f"vectorize: expected parameters[{name!r}] to be a Value, a list of Values, or rows of equal length"
            )
        values = list(leaves_of(given))
        kind = "given", name
        kinds |= dict.fromkeys(values, kind)
        pieces[kind] = [Piece(values, shape, name)]
    return kinds, pieces


def with_names(root: Tensor) -> Tensor:
    """The graph, with results on the way called as in its equations, so that pictures show them too."""
    leaves: list[Any] = [u for u in topological_order(root) if u.op is None and u.label is not None]
    steps: list[Any] = [s for u in leaves for s in derive(root, u).steps]
    for s in steps:
        if s.node.label is None:
            s.node.label = s.label
    return root


def equations(root: Tensor, form: Form) -> str:
    """How a Tensor is computed and all its gradients, in equations with shapes."""
    definitions: dict[str, str] = {}
    steps: dict[str, str] = {}
    for u in topological_order(root):
        if u.op is not None or u.label is None or u.label in steps:
            continue
        leaf: Any = u
        derivation: Any = derive(root, leaf, form=form)
        for d in derivation.definitions:
            name = d.formula.notations.text().symbol(d.label)
            definitions.setdefault(d.label, f"{name} = {d.formula}{_shape(d.value)}")
        for s in derivation.steps:
            steps.setdefault(s.label, f"{s}{_shape(s.value)}")
    return "\n".join([*definitions.values(), "", *steps.values()])


def _shape(x: np.ndarray) -> str:
    return f"    ({' × '.join(map(str, x.shape))})" if x.ndim else ""
