"""unroll: a recorded computation of Tensors, read member by member as one of Values.

The way back from `vectorize`. With it what knows single numbers holds for arrays too: paths, pictures, the page.
A weight that many samples or places share has one path for each of them, and these add up.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..formulas import names
from ..graph import check_written, is_node, topological_order
from ..matrices.roles import Roles
from ..modes import recording
from ..op import Forward, Operation, table
from ..operands import Operand, describe
from ..ops import choosing, convolutions, einsums, elementwise, extremes, losses, matrices, shapes, softmaxes, sums
from ..ops.moves import running_sum
from ..ops.norms import euclidean_norm
from ..passes.tensors import changed, is_changed
from ..tensor import Tensor
from ..value import Value

__all__ = ["unroll", "unrolled"]


def unroll(target: Tensor, *tensors: Tensor, most: int = 20_000) -> Any:
    """The number that a Tensor is, as a Value computed from the members of the arrays below it, one by one.

    target: one number, such as a loss. tensors: leaves or results below it, whose members are wanted as well:
    `L, w = unroll(loss, W)` gives them as nested lists of W's shape. Without them the Value alone.

    The Values have the numbers of the Tensors and after `backward()` their gradients, and a graph for `derive`,
    `draw_graph` and `explore`. Members of W[1] are called w[1]_2,1; of what has a row (or a column) for each of
    several samples a[1](3)_2, which is sample 3, unit 2; of a sequence a[1]<2>(3)_1, its step 2; of an image its row,
    column and channel, w[1]_4,1,2,3 of a kernel unit 4, row 1, column 2, channel 3. What there is one of, an only
    sample, channel or unit, has no number. Constant arrays are numbers.

    most: so many products, sums and results are made at the most. ValueError if it would be more, if the target is
    not one number, if a Tensor that is asked for is not below it, and for an operation on whole arrays that is
    not known member by member; RuntimeError if a leaf was changed since it was used.
    """
    if not isinstance(target, Tensor):
        raise TypeError(
            f"unroll: expected a Tensor, got {describe(target)}; a Value consists of single numbers already"
        )
    if target.size != 1:
        raise ValueError(
            f"unroll: expected one number, got shape {target.shape}; take its .sum(), or one of its members"
        )
    order = topological_order(target)
    check_written(order)
    for u in tensors:
        if not isinstance(u, Tensor) or u not in set(order):
            called = repr(u.label) if getattr(u, "label", None) else describe(u)
            raise ValueError(f"unroll: {called} is not a Tensor below the target")
    root, *found = unrolled(order, tensors, {v: v.label for v in order if v.label is not None}, most)
    return (root, *found) if tensors else root


def unrolled(
    order: Sequence[Tensor], tensors: Sequence[Tensor], labels: Mapping[Tensor, str], most: int
) -> list[Operand]:
    """The Value that the last Tensor of an order is, and the members of some; labels: what Tensors are called."""
    target = order[-1]
    count = sum(map(_cost, order))
    if count > most:
        raise ValueError(
            f"unroll: this would make {count:,} products, sums and results, more than most={most:,}: take fewer "
            "samples or a smaller net; derive(target, W) writes it in matrices"
        )
    members: dict[Tensor, Members] = {}
    names_of = _Names(order, labels)
    for v in order:
        numbers = _read(v, [_operand(u, members) for u in v.operands])
        members[v] = Members(list(names_of.given(v, numbers)), v.shape)
    (root,) = members[target].flat
    root = root if isinstance(root, Value) else Value(root)
    return [root, *(_nested(members[u]) for u in tensors)]


class Members(NamedTuple):
    """An array as its members in a row, Values or numbers, and its shape."""

    flat: list[Number]
    shape: tuple[int, ...]

    def places(self) -> np.ndarray:
        """The places of the members in the row, in the shape of the array."""
        return np.arange(len(self.flat)).reshape(self.shape)

    def at(self, places: np.ndarray) -> list[Number]:
        """The members at these places, in a row; 0 where a place is negative, as beside an image."""
        return [self.flat[i] if i >= 0 else 0.0 for i in places.ravel().tolist()]


def _operand(u: Any, members: dict[Tensor, Members]) -> Any:
    if is_node(u):
        return members[u]
    return Members(u.ravel().tolist(), u.shape) if isinstance(u, np.ndarray) and u.dtype.kind == "f" else u


def _nested(m: Members) -> Any:
    if not m.shape:
        return m.flat[0]
    step = len(m.flat) // m.shape[0] if m.shape[0] else 0
    return [_nested(Members(m.flat[i * step : (i + 1) * step], m.shape[1:])) for i in range(m.shape[0])]


def _cost(v: Tensor) -> int:
    """How many products, sums and results a node stands for."""
    if v.op is None:
        return v.size
    longest = max((u.size for u in v.operands if is_node(u)), default=0)
    products = _PRODUCTS.get(v.op)
    return max(v.size, longest) if products is None else products(v.size, *v.operands)


# ---------------------------------------------------------------- names


class _Names:
    """What the members of a named array are called."""

    def __init__(self, order: Sequence[Tensor], labels: Mapping[Tensor, str]) -> None:
        self.labels = labels
        self.roles = Roles(order, dict(labels))
        self.computed = self.roles.computed_from_data()

    def given(self, v: Tensor, numbers: Sequence[Number]) -> Iterator[Any]:
        """The members with their names: a leaf's are made here, a result's get a node of their own if need be."""
        labels = self._labels(v)
        for label, u in zip(labels, numbers, strict=True):
            if v.op is None:
                yield Value(u, label)
                continue
            if label is not None:
                u = elementwise.identity(u) if isinstance(u, Value) and u.label is not None else u
                if isinstance(u, Value):
                    u.label = label
            yield u

    def _labels(self, v: Tensor) -> Iterator[str | None]:
        label = self.labels.get(v)
        if label is None:
            return itertools.repeat(None, v.size)
        name = names.parse(label)
        if name is None or not v.ndim:
            return itertools.repeat(label, v.size) if not v.ndim else (f"{label}_{i}" for i in range(1, v.size + 1))
        if name.attached and name.layer is None and len(name.index) == 1 and name.index[0].isdigit():
            name = replace(name, layer=name.index[0], index=(), attached=False)  # W1 is the W of layer 1
        if len(name.base) == 1:
            name = replace(name, base=name.base.lower())
        axis = self._axis_of_samples(v)
        return (self._member(name, place, axis, v.shape) for place in np.ndindex(v.shape))

    def _axis_of_samples(self, v: Tensor) -> int | None:
        has_samples = v in self.computed and v.ndim >= 2 and self.roles.samples == v.shape[self.roles.sample_axis]
        return self.roles.sample_axis if has_samples else None

    @staticmethod
    def _member(name: names.Name, place: tuple[int, ...], axis: int | None, shape: tuple[int, ...]) -> str:
        index: list[str | None] = [str(i + 1) for i in place]
        if len(shape) > 2:  # an only channel, or unit, needs no number
            index = [i if n > 1 else None for i, n in zip(index, shape, strict=True)]
            index = index if any(index) else ["1"]
        if axis is not None and name.sample is None and len(index) == len(shape):
            if len(shape) == 3 and name.time is None and index[1 - axis] is not None:
                name, index[1 - axis] = replace(name, time=index[1 - axis]), None
            sample, index[axis] = index[axis], None
            if shape[axis] > 1:
                name = replace(name, sample=sample)
        return replace(name, index=(*name.index, *filter(None, index)), attached=False).label()


# ---------------------------------------------------------------- operations

Number: TypeAlias = Value | float
Reader = Callable[..., list[Number]]


def _read(v: Tensor, operands: list[Number]) -> list[Number]:
    """The members of a node, from those of its operands."""
    op = v.op
    if op is None:
        return [float(x) for x in v.numpy().ravel()]
    for u in v.operands:
        if is_node(u) and u.op is None and is_changed(u, v):
            raise changed(u, op)
    if op.moves:
        return _moved(op, operands)
    reader = _READERS.get(op)
    if reader is not None:
        return reader(v.shape, *operands)
    if op.rules:
        return _each(op, v.shape, operands)
    sequence = _SEQUENCES.get(op) or next((r for r in table.values() if r.array is op), None)
    if sequence is None and op.formula is not None:
        return _spelled_out(op.formula, v.operands, operands)
    if sequence is None:
        raise ValueError(
            f"unroll: the operation {op.shown} on whole arrays is not known member by member; compute it with others, "
            "such as sums, products and indices, or say its formula="
        )
    return (_loss if op.loss is not None else _reduced)(sequence, v.shape, operands)


def _spelled_out(formula: Forward, operands: Sequence[Operand], read: Sequence[Operand]) -> list[Number]:
    """The members of what an operation's formula gives, from the graph of that."""
    with recording():
        result = formula(*operands)
    members = {u: m for u, m in zip(operands, read, strict=True) if is_node(u)}
    for u in topological_order(result):
        if u.op is not None and u not in members and all(x in members for x in u.operands if is_node(x)):
            members[u] = Members(_read(u, [_operand(x, members) for x in u.operands]), u.shape)
    return members[result].flat


def _each(op: Operation, shape: tuple[int, ...], operands: Sequence[Operand]) -> list[Number]:
    """Number by number."""
    return [op.function(*us) for us in zip(*(_spread(x, shape) for x in operands), strict=True)]


def _spread(x: Any, shape: tuple[int, ...]) -> list[Number]:
    """The members of an operand as broadcasting repeats them."""
    if isinstance(x, Members):
        return x.at(np.broadcast_to(x.places(), shape))
    return np.broadcast_to(x, shape).ravel().tolist()


def _rows(x: Members, axis: Any) -> list[list[Number]]:
    """What lies along these axes, a list for each place of the others."""
    axes = tuple(range(len(x.shape))) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, len(x.shape))
    n = math.prod(x.shape[a] for a in axes)
    others = tuple(a for a in range(len(x.shape)) if a not in axes)
    places = x.places().transpose((*others, *axes)).reshape(-1, n)
    return [x.at(row) for row in places]


def _reduced(op: Operation, shape: tuple[int, ...], operands: Sequence[Operand]) -> list[Number]:
    """A reduction along axes: that of sequences, for each."""
    *given, axis, _ = operands
    count = max(1, math.prod(shape))
    rows = [_rows(x, axis) if isinstance(x, Members) and x.shape else [x] * count for x in given]
    return [op.function(*(x.flat[0] if isinstance(x, Members) else x for x in row)) for row in zip(*rows, strict=True)]


def _loss(op: Operation, shape: tuple[int, ...], operands: Sequence[Operand]) -> list[Number]:
    """The losses of the samples, weighted and summed."""
    prediction, target, weight, *_ = operands
    weights = _spread(weight, prediction.shape[:1])
    each = [op.function(p, y) for p, y in zip(_rows(prediction, -1), _rows(target, -1), strict=True)]
    return [sums.sum([u * w for u, w in zip(each, weights, strict=True)]) if len(each) > 1 else each[0] * weights[0]]


def _moved(op: Operation, operands: Sequence[Operand]) -> list[Number]:
    """The operation run on places: it says where each number comes from."""
    flat: list[Number] = []
    places: list[Operand] = []
    for x in operands:
        if isinstance(x, Members):
            places.append(x.places() + len(flat))
            flat += x.flat
        else:
            places.append(x)
    return [flat[int(i)] for i in op.forward(*places).ravel().tolist()]


def _padded(shape: tuple[int, ...], x: Members, widths: Operand, value: Number) -> list[Number]:
    places = np.pad(x.places(), widths, constant_values=-1) if widths else x.places()
    return [x.flat[i] if i >= 0 else value for i in places.ravel().tolist()]


def _scattered(shape: tuple[int, ...], x: Members, index: Any, whole: tuple[int, ...]) -> list[Number]:
    return _added_at(shape, np.broadcast_to(np.arange(math.prod(whole)).reshape(whole)[index], x.shape), x)


def _folded(shape: tuple[int, ...], x: Members, space: Sequence[int], strides: Any, pads: Any) -> list[Number]:
    size = x.shape[len(space) + 1 : 2 * len(space) + 1]
    return _added_at(shape, _windows(Members([0.0] * math.prod(shape), shape), size, strides, pads), x)


def _added_at(shape: tuple[int, ...], places: np.ndarray, x: Members) -> list[Number]:
    """The sums of the members that come to each place of an array of this shape."""
    found: list[list[Number]] = [[] for _ in range(math.prod(shape))]
    for i, u in zip(places.ravel().tolist(), x.flat, strict=True):
        if i >= 0:
            found[i].append(u)
    return [_added(us) for us in found]


def _added(us: Sequence[Number]) -> Number:
    return sums.sum(us) if len(us) > 1 else us[0] if us else 0.0


def _dot(x: Sequence[Number], y: Sequence[Number], bias: Number = 0.0) -> Number:
    if not any(isinstance(u, Value) for u in (*x, *y, bias)):
        return math.fsum(a * b for a, b in zip(x, y, strict=True)) + bias
    return matrices.dot(x, y, bias)


def _matmul(shape: tuple[int, ...], x: Members, y: Members) -> list[Number]:
    left = x.places() if len(x.shape) > 1 else x.places()[None]
    right = y.places() if len(y.shape) > 1 else y.places()[:, None]
    stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left = np.broadcast_to(left, stack + left.shape[-2:]).reshape(-1, *left.shape[-2:])
    right = np.broadcast_to(right, stack + right.shape[-2:]).reshape(-1, *right.shape[-2:])
    found = []
    for a, b in zip(left, right, strict=True):
        columns = [y.at(column) for column in b.T]
        found += [_dot(x.at(row), column) for row in a for column in columns]
    return found


def _affine(shape: tuple[int, ...], x: Members, weight: Members, bias: Members) -> list[Number]:
    units = [weight.at(row) for row in weight.places()]
    rows = x.places().reshape(-1, x.shape[-1])
    return [_dot(x.at(row), w, b) for row in rows for w, b in zip(units, bias.flat, strict=True)]


def _correlated(
    shape: tuple[int, ...], x: Members, w: Members, b: Members | None, strides: Sequence[int], pads: Sequence[Operand]
) -> list[Number]:
    """Weighted sums of what lies under the window, place by place: the same weights at each."""
    kernel = w.shape[1:-1]
    under = _windows(x, kernel, strides, pads)  # (n, *places, *kernel, channels)
    units = [w.at(row) for row in w.places()]
    biases = [0.0] * len(units) if b is None else b.flat
    found = []
    for window in under.reshape(-1, math.prod(w.shape[1:])):
        inside = [i for i, place in enumerate(window.tolist()) if place >= 0]
        seen = x.at(window[inside])
        found += [_dot(seen, [u[i] for i in inside], c) for u, c in zip(units, biases, strict=True)]
    return found


def _windows(x: Members, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[Operand]) -> np.ndarray:
    """Which members lie under the window at each place; -1 beside the array."""
    wide = np.pad(x.places(), ((0, 0), *pads, (0, 0)), constant_values=-1)
    axes = tuple(range(1, len(x.shape) - 1))
    seen = np.lib.stride_tricks.sliding_window_view(wide, tuple(kernel), axes)
    seen = seen[(slice(None), *(slice(None, None, s) for s in strides))]
    return np.moveaxis(seen, len(axes) + 1, -1)


def _max_pooled(
    shape: tuple[int, ...], x: Members, size: Sequence[int], strides: Sequence[int], pads: Sequence[Operand]
) -> list[Number]:
    under = np.moveaxis(_windows(x, size, strides, pads), -1, len(size) + 1)  # channels before the offsets
    rows = under.reshape(-1, math.prod(size))
    return [_extreme(max, x.at(row[row >= 0])) for row in rows]


def _averaged(
    shape: tuple[int, ...], x: Members, size: Sequence[int], strides: Sequence[int], pads: Sequence[Operand]
) -> list[Number]:
    under = np.moveaxis(_windows(x, size, strides, pads), -1, len(size) + 1)  # channels before the offsets
    rows = [x.at(row[row >= 0]) for row in under.reshape(-1, math.prod(size))]
    return [sums.mean(row) if any(isinstance(u, Value) for u in row) else math.fsum(row) / len(row) for row in rows]


def _spread_out(
    shape: tuple[int, ...], x: Members, size: Sequence[int], strides: Any, pads: Any, space: Sequence[int]
) -> list[Number]:
    under = np.moveaxis(_windows(Members([0.0] * math.prod(shape), shape), size, strides, pads), -1, len(size) + 1)
    wide = x.places().reshape(*x.shape, *(1,) * len(size))
    repeated = Members(x.at(np.broadcast_to(wide, under.shape)), under.shape)
    return _added_at(shape, under, repeated)


def _extremes(of: Callable[..., Number]) -> Reader:
    return lambda shape, x, axis, keepdims: [_extreme(of, row) for row in _rows(x, axis)]


def _extreme(of: Callable[..., Number], us: Sequence[Number]) -> Number:
    """The largest, or the smallest, as a node of its own; equal ones share the gradient."""
    found = of(map(_number, us))
    taken = [u for u in us if _number(u) == found]
    return elementwise.identity(taken[0]) if len(taken) == 1 else sums.mean(taken)


def _number(u: Number) -> float:
    return u.data if isinstance(u, Value) else u


def _along_axis(of: Callable[..., Sequence[Number]]) -> Reader:
    def read(shape: tuple[int, ...], x: Members, axis: Operand, *rest: Operand) -> list[Number]:
        rows = [of(row, *rest) for row in _rows(x, axis)]
        axes = tuple(range(len(shape))) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, len(shape))
        others = tuple(a for a in range(len(shape)) if a not in axes)
        back = x.places().transpose((*others, *axes)).ravel().tolist()
        found: list[Number] = [0.0] * len(back)
        for i, u in zip(back, (u for row in rows for u in row), strict=True):
            found[i] = u
        return found

    return read


def _length(us: Sequence[Number]) -> Number:
    """The root of the sum of squares; 0 without a slope where all are 0."""
    return _dot(us, us) ** 0.5 if any(map(_number, us)) else 0.0


def _deviation(us: Sequence[Number], ddof: int) -> Number:
    mean = _added(us) / len(us)
    return _length([u - mean for u in us]) / math.sqrt(len(us) - ddof)


def _standardized(us: Sequence[Number], epsilon: float) -> list[Number]:
    mean = _added(us) / len(us)
    away = [u - mean for u in us]
    deviation = (_dot(away, away) / len(us) + epsilon) ** 0.5
    return [d / deviation for d in away]


def _running(us: Sequence[Number]) -> list[Number]:
    return [_added(us[: i + 1]) for i in range(len(us))]


def _sizes(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """How many numbers each letter runs over."""
    sizes: dict[str, int] = {}
    for term, shape in zip(subscripts.partition("->")[0].split(","), shapes, strict=True):
        for letter, n in zip(term, shape, strict=True):
            sizes[letter] = max(n, sizes.get(letter, 1))
    return sizes


def _einsum(shape: tuple[int, ...], subscripts: str, *xs: Members) -> list[Number]:
    inputs, _, output = subscripts.partition("->")
    sizes = _sizes(subscripts, [x.shape for x in xs])
    letters = output + "".join(c for c in sizes if c not in output)
    n = math.prod(sizes[c] for c in letters[len(output) :])
    rows = []
    for term, x in zip(inputs.split(","), xs, strict=True):
        own = [c for c in letters if c in term]
        places = x.places().transpose([term.index(c) for c in own])
        places = places.reshape([places.shape[own.index(c)] if c in term else 1 for c in letters])
        rows.append(np.broadcast_to(places, [sizes[c] for c in letters]).reshape(-1, n))
    found = []
    for several in zip(*rows, strict=True):
        factors = [x.at(row) for x, row in zip(xs, several, strict=True)]
        if len(factors) == 2:
            found.append(_dot(factors[0], factors[1]))
        else:
            found.append(_added([math.prod(us) for us in zip(*factors, strict=True)]))
    return found


# How the operations are read of which neither `moves` nor `formula` says it.
_READERS: dict[Operation, Reader] = {
    matrices.matmul.op: _matmul,
    matrices.affine.op: _affine,
    einsums.contraction.op: _einsum,
    convolutions.correlate.op: lambda shape, x, w, strides, pads: _correlated(shape, x, w, None, strides, pads),
    convolutions.correlate_and_add.op: _correlated,
    convolutions.max_pool.op: _max_pooled,
    convolutions.averaged.op: _averaged,
    convolutions.spread.op: _spread_out,
    convolutions.unfolded.op: lambda shape, x, size, strides, pads: x.at(_windows(x, size, strides, pads)),
    convolutions.folded.op: _folded,
    extremes.max.op: _extremes(max),
    extremes.min.op: _extremes(min),
    euclidean_norm.op: lambda shape, x, axis, keepdims: [_length(row) for row in _rows(x, axis)],
    sums.std.op: lambda shape, x, axis, keepdims, ddof: [_deviation(row, ddof) for row in _rows(x, axis)],
    sums.standardize.op: _along_axis(_standardized),
    softmaxes.array_softmax.op: _along_axis(softmaxes.softmax),
    softmaxes.array_log_softmax.op: _along_axis(softmaxes.log_softmax),
    running_sum.op: _along_axis(_running),
    shapes.bordered.op: _padded,
    shapes.scatter.op: _scattered,
    choosing.choose.op: lambda shape, condition, x, y: [
        choosing.where(bool(c), a, b)
        for c, a, b in zip(_spread(condition, shape), _spread(x, shape), _spread(y, shape), strict=True)
    ],
}
# The operation of one sample that a loss of batches is, where the table does not say.
_SEQUENCES = {losses.batch_softmax_cross_entropy.op: losses.cross_entropy_of_softmax.op}


def _of_windows(size: int, x: Operand, w: Operand, *rest: Operand) -> int:
    return size * math.prod(np.shape(w)[1:])


# How many products an operation stands for that has more of them than numbers: of the size of its result.
_PRODUCTS: dict[Operation, Callable[..., int]] = {
    matrices.matmul.op: lambda size, x, y: size * np.shape(x)[-1],
    matrices.affine.op: lambda size, x, weight, bias: size * np.shape(x)[-1],
    convolutions.correlate.op: _of_windows,
    convolutions.correlate_and_add.op: _of_windows,
    einsums.contraction.op: lambda size, subscripts, *xs: math.prod(
        _sizes(subscripts, [np.shape(x) for x in xs]).values()
    ),
}
