"""Scalars as arrays: every class of nodes that are computed alike becomes one array, its operation one of arrays.

1,600 weighted sums become `X Wᵀ + b`. Where the members of a class are taken from others in a regular order
they are reshaped, transposed and broadcast, and indexed where there is none. The result is an ordinary graph
of Tensors, made by the operations that everybody calls, so that all that is known of Tensors holds for it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from ..formulas import names
from ..op import Operation
from ..ops import elementwise, matrices, shapes, softmaxes
from .fields import Field, as_tensor, broadcast, indexed, reshaped, squared, strided, total, transposed
from .leaves import Block, matrix_label
from .places import (
    Distinct,
    Terms,
    are_rows,
    components,
    distinct,
    factored,
    flat_shape,
    rows_taken,
    steps_along,
    taken,
    within,
)
from .reading import CONSTANT, Group, Part, Reading
from .rows import along_rows

__all__ = ["Regrouping"]

# The pairs of a causal attention fill half of a matrix: from this share on the whole product is computed.
FILLED = 0.4


class Regrouping:
    """A reading as Tensors.

    blocks: of every kind of leaf its Block. samples: how many there are, None if the reading is all of the
    computation and not that of one sample. given: constants and indices, by their number, that are not those
    of the reading but these: an array and whether it has an axis of samples. strict: take members apart
    by their places only where all of a class are taken, so that which are taken may change.

    root       the result, a Tensor without axes, or of one number for each sample
    constants  the plain numbers that were used, in the order of use, each a list and its shape
    indices    the indices that were used, likewise
    wishes     of every kind of leaf, which of them were wanted together in an array
    """

    def __init__(
        self,
        reading: Reading,
        blocks: dict[Hashable, Block],
        samples: int | None = None,
        given: dict[tuple[str, int], tuple[Any, bool]] | None = None,
        strict: bool = False,
    ) -> None:
        self.reading, self.blocks, self.samples, self.strict = reading, blocks, samples, strict
        self.given = given
        self.constants: list[tuple[list[Any], tuple[int, ...]]] = []
        self.indices: list[np.ndarray] = []
        self._final = np.zeros(len(reading.group_of), np.int64)  # of every place where in its array it is
        self._fields: list[Field] = []
        self._pieces: dict[int, tuple[np.ndarray, list[Field]]] = {}  # of leaves in several arrays
        self.wishes: dict[Hashable, list[np.ndarray]] = {}
        for group in reading.groups:
            self._fields.append(self._field(group))
        place = reading.place_of(reading.root)
        if place is None:
            raise ValueError("the result is a plain number")
        root = self._gather(reading.group_of[place], self._final[place : place + 1])
        self.root = reshaped(root, ()).t

    def found(self, place: int, tape: Any) -> tuple[int, int, bool] | None:
        """Where among what a tape of the root gives a node is: its array, its place in that, and whether each
        sample has its own; None if nowhere."""
        field = self._fields[self.reading.group_of[place]]
        number = tape.watch(field.t)
        return None if number is None else (number, int(self._final[place]), field.varies)

    # ------------------------------------------------------------ classes

    def _field(self, group: Group) -> Field:
        if group.is_leaf:
            block = self.blocks[group.key[1]]
            self._final[group.members] = [block.places[v] for v in group.nodes]
            found = [Field(t, t.shape, False) for t in block.tensors]
            if len(found) > 1:
                ends = np.cumsum([field.size for field in found])
                self._pieces[len(self._fields)] = ends, found
                whole = shapes.concatenate([shapes.reshape(field.t, (-1,)) for field in found])
                return Field(whole, whole.shape, False)
            return found[0]
        if group.is_sum:
            field, order = self._sums(group)
        elif group.op is not None and group.op.reduces:
            field, order = self._reductions(group)
        else:
            field, order = self._elementwise(group)
        self._final[np.asarray(group.members)[order]] = np.arange(len(group.members))
        self._name(group, field)
        return field

    def _name(self, group: Group, field: Field) -> None:
        """The name that the nodes have in common: Z[1] for z[1]_1, z[1]_2."""
        label = group_label(group, self.samples is not None)
        if label is not None and field.t._op is not None and field.t.label is None:
            field.t.label = label

    def _is_leaf(self, c: int) -> bool:
        return c == CONSTANT or self.reading.groups[c].is_leaf

    def _column(self, c: int, us: Sequence[Any]) -> Any:
        """The operands of one kind: where in their array they are; plain numbers as they are."""
        return list(us) if c == CONSTANT else self._final[np.asarray(us, np.int64)]

    def _sorted(self, columns: Sequence[tuple[int, Any]], n: int) -> np.ndarray:
        """An order of the members that follows from that of their operands; else as they were met."""
        keys = [column for c, column in columns if not self._is_leaf(c)]
        return np.lexsort(keys[::-1]) if keys else np.arange(n)

    def _elementwise(self, group: Group) -> tuple[Field, np.ndarray]:
        assert group.op is not None
        classes = group.key[1:]
        columns = [(c, self._column(c, us)) for c, us in zip(classes, group.operands, strict=True)]
        n = len(group.members)
        order = self._sorted(columns, n)
        columns = [(c, taken(column, order)) for c, column in columns]
        fields, dims = self._beside(columns, n)
        return self._applied(group.op, fields, dims), order

    def _applied(self, op: Operation, fields: Sequence[Field], dims: tuple[int, ...]) -> Field:
        """An operation, number by number, on fields that broadcast to these axes."""
        varies = any(f.varies for f in fields)
        ndim = max(len(f.shape) for f in fields)
        if varies:  # the axis of samples stands before all others
            fields = [reshaped(f, (1,) * (ndim - len(f.shape)) + f.shape) if f.varies else f for f in fields]
        t = as_tensor(op.function(*(f.t for f in fields)))  # which gives a number of numbers alone
        return broadcast(Field(t, t.shape[1:] if varies else t.shape, varies), dims)

    def _beside(self, columns: Sequence[tuple[int, Any]], n: int) -> tuple[list[Field], tuple[int, ...]]:
        """Columns of n members as fields that go together, and the axes of what is computed from them."""
        places = [column for c, column in columns if c != CONSTANT]
        found = self._as_one_of_them(columns, n) or factored(places)
        views: list[Field] = []
        dims = flat_shape(n)
        if found is not None:
            dims = found[0]
            each = zip(places, found[1], (c for c, _ in columns if c != CONSTANT), strict=True)
            for column, strides, c in each:
                view = self._strided(c, int(column[0]), dims, strides)
                if view is None:
                    dims = flat_shape(n)
                    break
                views.append(view)
        if len(views) != len(places):
            dims = self._in_rows(columns, n)
            views = [self._along(c, column, dims) for c, column in columns if c != CONSTANT]
        rest = iter(views)
        return [self._constant(us, dims) if c == CONSTANT else next(rest) for c, us in columns], dims

    def _as_one_of_them(self, columns: Sequence[tuple[int, Any]], n: int) -> Any:
        """The axes of one of the fields, if the others go along them, and the steps of all."""
        for c, column in columns:
            if c == CONSTANT or self._fields[c].size != n:
                continue
            dims = self._fields[c].shape
            if len(dims) > (n > 1) and np.array_equal(column, np.arange(n)):
                steps = [steps_along(u.reshape(dims)) for e, u in columns if e != CONSTANT]
                if None not in steps:
                    return dims, steps
        return None

    def _in_rows(self, columns: Sequence[tuple[int, Any]], n: int) -> tuple[int, ...]:
        """The axes of n members: rows, if some of their operands are whole rows of a matrix of leaves."""
        for c, column in columns:
            if not self._is_leaf(c) or c == CONSTANT:
                continue
            source, start = self._source(c, int(column.min()), int(column.max()))
            width = source.shape[-1] if len(source.shape) == 2 else 1
            if width > 1 and n > width and not n % width and are_rows(column.reshape(-1, width) - start):
                return n // width, width
        return flat_shape(n)

    # ------------------------------------------------------------ sums

    def _sums(self, group: Group) -> tuple[Field, np.ndarray]:
        n = len(group.members)
        parts = [self._part(part, n) for _, part in sorted(group.parts.items())]
        products = [(part, self._product(part)) for part in parts if part.y is not None]
        plain = [part for part in parts if part.y is None]
        ordered = [product for _, product in products if product.order is not None]
        if ordered:
            order, dims = ordered[0].order, ordered[0].dims
        else:
            firsts = [(p.c, p.first(n)) for p in plain if p.is_regular]
            order, dims = self._sorted(firsts, n), None
        single = [part for part in plain if part.length == 1]
        terms: list[Field] = []
        for _, product in products:
            bias = None
            if product is (ordered[0] if ordered else None) and product.can_have_bias:
                bias = self._bias(product, single, order)
                single = [part for part in single if part is not bias]
            field = product.field(None if bias is None else self._gather(bias.c, bias.bias))
            terms.append(self._in_order(field, product.order, order, dims))
        others = [part for part in plain if part.length != 1]
        if dims is None and terms:
            dims = flat_shape(n)
        if single:
            columns = [(part.c, part.x[order]) for part in single]
            if dims is None:
                fields, dims = self._beside(columns, n)
                terms += fields
            else:
                terms += [self._along(c, column, dims) for c, column in columns]
        dims = flat_shape(n) if dims is None else dims
        terms += [reshaped(self._summed(part, order, n), dims) for part in others]
        if group.constants is not None:
            terms.append(self._constant(taken(group.constants, order), dims))
        return broadcast(self._added(terms, dims), dims), order

    def _added(self, terms: Sequence[Field], dims: tuple[int, ...]) -> Field:
        found = terms[0]
        for term in terms[1:]:
            found = self._applied(elementwise.add.op, (found, term), dims)
        return found

    def _part(self, part: Part, n: int) -> Terms:
        c, d = part.classes if len(part.classes) == 2 else (part.classes[0], None)
        rows = np.asarray(part.rows, np.int64)
        return Terms(c, d, rows, self._column(c, part.x), None if d is None else self._column(d, part.y), n)

    def _in_order(self, field: Field, order: Any, wanted: np.ndarray, dims: Any) -> Field:
        """A field whose members come in one order, or as they were met, in another order, with these axes."""
        n = len(wanted)
        dims = flat_shape(n) if dims is None else dims
        places = wanted
        if order is not None:
            if np.array_equal(order, wanted):
                return reshaped(field, dims)
            inverse = np.empty(n, np.int64)
            inverse[order] = np.arange(n)
            places = inverse[wanted]
        return reshaped(self._taken_from(field, places, True), dims)

    def _along(self, c: int, column: np.ndarray, dims: tuple[int, ...]) -> Field:
        """One column with these axes; 1 where nothing changes along an axis."""
        places = column.reshape(dims)
        steps = None if self.strict and self._is_leaf(c) else steps_along(places)
        if steps is not None:
            view = self._strided(c, int(places.flat[0]), dims, steps)
            if view is not None:
                return view
        return self._gather(c, places)

    def _bias(self, product: _Product, single: Sequence[Terms], order: np.ndarray) -> Terms | None:
        """What is added once for each unit of a layer."""
        units = product.dims[-1]
        for part in single:
            places = part.x[order].reshape(-1, units)
            if self._is_leaf(part.c) and (places == places[0]).all():
                part.bias = places[0]
                return part
        return None

    def _summed(self, part: Terms, order: np.ndarray, n: int) -> Field:
        """The sums of plain terms, in this order."""
        if part.is_regular:
            places = part.x.reshape(n, part.length)[order]
            if n == 1 and (found := self._whole_pieces(part.c, places)) is not None:
                return self._added([total(field, None) for field in found], ())
            return reshaped(total(self._gather(part.c, places), 1), flat_shape(n))
        rank = np.empty(n, np.int64)
        rank[order] = np.arange(n)
        by_place = np.argsort(part.x, kind="stable")  # so that the whole of an array is taken as it is
        return self._collected(self._gather(part.c, part.x[by_place]), rank[part.rows[by_place]], n)

    def _source(self, c: int, first: int, last: int) -> tuple[Field, int]:
        """The array with these members of a class, and the place in its class with which it begins."""
        if c in self._pieces:
            ends, found = self._pieces[c]
            i = int(np.searchsorted(ends, first, "right"))
            if last < ends[i]:
                return found[i], int(ends[i]) - found[i].size
        return self._fields[c], 0

    def _whole_pieces(self, c: int, places: np.ndarray) -> list[Field] | None:
        """The arrays of a class, if these are all members of some of them, each once."""
        counts = np.bincount(places.ravel(), minlength=self._fields[c].size)
        ends, found = self._pieces.get(c, (np.array([self._fields[c].size]), [self._fields[c]]))
        there = [(field, counts[end - field.size : end]) for end, field in zip(ends, found, strict=True)]
        if not all((n == 0).all() or (n == 1).all() for _, n in there):
            return None
        return [field for field, n in there if n.size and n[0]]

    def _product(self, part: Terms) -> _Product:
        matched = None if part.d == CONSTANT and part.length == 1 else self._matched(part)
        if matched is not None:
            return matched
        c, d, n = part.c, part.d, part.n
        assert d is not None
        if part.is_regular:
            k = part.length
            x = part.x.reshape(n, k)
            is_square = c == d and np.array_equal(part.x, part.y)
            if n == 1 and is_square and (found := self._whole_pieces(c, x)) is not None:
                together = self._added([squared(field) for field in found], ())
                return _Product(lambda bias: together, np.zeros(1, int), ())
            keys = [(c, x[:, 0])] if d == CONSTANT else [(c, x[:, 0]), (d, part.y.reshape(n, k)[:, 0])]
            order = self._sorted(keys, n)
            y = rows_taken(part.y, order, k)
            if k == 1:
                fields, dims = self._beside([(c, x[order, 0]), (d, y if d == CONSTANT else y[:, 0])], n)
                return _Product(lambda bias: self._applied(elementwise.mul.op, fields, dims), order, dims)
            left = self._gather(c, x[order])
            right = left if is_square else self._gather_any(d, y, (n, k))
            return _Product(
                lambda bias: total(self._applied(elementwise.mul.op, (left, right), (n, k)), 1), order, flat_shape(n)
            )
        left = self._gather(c, part.x)
        right = self._gather_any(d, part.y, (len(part.rows),))
        each = self._applied(elementwise.mul.op, (left, right), (len(part.rows),))
        return _Product(lambda bias: self._collected(each, part.rows, n), None, (n,))

    def _gather_any(self, c: int, us: Any, shape: tuple[int, ...]) -> Field:
        return self._constant(us, shape) if c == CONSTANT else self._gather(c, us)

    # ------------------------------------------------------------ products of matrices

    def _matched(self, part: Terms) -> _Product | None:
        """The sums of products as a product of matrices, if they are one."""
        c, d, n = part.c, part.d, part.n
        assert d is not None
        if part.is_regular:
            k = part.length
            x = part.x.reshape(n, k)
            y = part.y if d == CONSTANT else part.y.reshape(n, k)
        else:
            if d == CONSTANT or not part.is_everywhere:
                return None
            padded = part.padded()
            if padded is None:
                return None
            x, y = padded
            k = x.shape[1]
        if k == 1 or (c == d and np.array_equal(x, y)):
            return None
        units = distinct(x)
        if d == CONSTANT or self._is_leaf(d) or self._is_leaf(c):
            # Rows of weights, and what each of them meets in turn.
            if d != CONSTANT and self._is_leaf(d) and not self._is_leaf(c):
                c, d, x, y = d, c, y, x
                units = distinct(x)
            elif d != CONSTANT and self._is_leaf(d) and n > 1 and units.which[0] == units.which[1]:
                c, d, x, y = d, c, y, x  # weights change faster than inputs
                units = distinct(x)
            layer = self._layer(c, d, x, y, units, n, k)
            if layer is not None or d == CONSTANT:
                return layer
        return self._stacked(c, d, x, y, n, k)

    def _layer(self, c: int, d: int, x: Any, y: Any, units: Distinct, n: int, k: int) -> _Product | None:
        """x Wᵀ, where each of the inputs y meets all rows of weights x before the next comes."""
        p = len(units.first)
        if n % p or (x < 0).any() or (d != CONSTANT and (y < 0).any()):
            return None
        rank = np.empty(p, np.int64)
        rank[np.argsort(x[units.first, 0], kind="stable")] = np.arange(p)
        met = rank[units.which].reshape(-1, p)
        q = n // p
        if not np.array_equal(np.sort(met, 1), np.broadcast_to(np.arange(p), met.shape)):
            return None
        if d == CONSTANT:
            numbers = [y[i * p * k : i * p * k + k] for i in range(q)]
            if any(y[(i * p + j) * k : (i * p + j + 1) * k] != numbers[i] for i in range(q) for j in range(1, p)):
                return None
            inputs = None
        else:
            blocks = y.reshape(q, p, k)
            if not (blocks == blocks[:, :1]).all():
                return None
            inputs = blocks[:, 0]
        outer = np.arange(q)
        if inputs is not None and not self._is_leaf(d):
            outer = np.argsort(inputs[:, 0], kind="stable")
        order = (outer[:, None] * p + np.argsort(met, 1)[outer]).ravel()
        weights = self._gather(c, x[units.first][np.argsort(rank)])
        if inputs is None:
            shape: tuple[int, ...] = (q, k) if q > 1 or weights.varies else (k,)
            data = self._constant([u for i in outer for u in numbers[i]], shape, whole=True)
        else:
            data = self._gather(d, inputs[outer])
        return self._multiplied(data, weights, order, q, p)

    def _multiplied(self, data: Field, weights: Field, order: np.ndarray, q: int, p: int) -> _Product:
        """(q, k) times (p, k)ᵀ. A single row drops its axis."""
        dims: tuple[int, ...] = (q, p)
        if q == 1 and not weights.varies:
            data = reshaped(data, data.shape[-1:])
            dims = (p,)
        varies = data.varies or weights.varies

        def field(bias: Field | None) -> Field:
            if bias is not None:
                return Field(matrices.affine(data.t, weights.t, bias.t), dims, varies)
            turned = transposed(weights, (1, 0))
            return Field(matrices.matmul(data.t, turned.t), dims, varies)

        return _Product(field, order, dims, not weights.varies)

    def _stacked(self, c: int, d: int, x: Any, y: Any, n: int, k: int) -> _Product | None:
        """Products of the rows x and y, all with all or in equal groups, such as the heads of an attention."""
        left, right = distinct(x), distinct(y)
        if n > 1 and left.which[0] != left.which[1] and right.which[0] == right.which[1]:
            c, d, x, y, left, right = d, c, y, x, right, left  # what changes slowly comes first
        places = [
            np.argsort(
                np.lexsort(
                    (np.arange(len(side.first)), xs[side.first].max(1) if self._is_leaf(e) else xs[side.first, 0])
                )
            )
            for side, xs, e in ((left, x, c), (right, y, d))
        ]
        i, j = places[0][left.which], places[1][right.which]
        group = components(i, j, len(left.first), len(right.first))
        groups = int(group.max()) + 1
        # Every row belongs to one group; the place of a row within its group.
        of_left, of_right = np.zeros(len(left.first), np.int64), np.zeros(len(right.first), np.int64)
        of_left[i], of_right[j] = group, group
        sizes = np.bincount(of_left), np.bincount(of_right)
        if any((size != size[0]).any() for size in sizes):
            return None
        q, p = int(sizes[0][0]), int(sizes[1][0])
        if (q == 1 and p == 1) or (q * p * groups) * FILLED > n:
            return None
        within_left, within_right = within(of_left), within(of_right)
        code = (group * q + within_left[i]) * p + within_right[j]
        order = np.argsort(code, kind="stable")
        if len(np.unique(code)) != n:
            return None
        rows = x[left.first][np.argsort(places[0])][np.argsort(of_left, kind="stable")]
        columns = y[right.first][np.argsort(places[1])][np.argsort(of_right, kind="stable")]
        is_full = n == q * p * groups
        a = self._boxed(c, rows.reshape(groups, q, k))
        b = self._boxed(d, columns.reshape(groups, p, k))
        if groups == 1:
            a, b = reshaped(a, (q, k)), reshaped(b, (p, k))
            if is_full:
                return self._multiplied(a, b, order, q, p)
        varies = a.varies or b.varies

        def field(bias: Field | None) -> Field:
            axes = (1, 0) if groups == 1 else (0, 2, 1)
            whole = Field(
                matrices.matmul(a.t, transposed(b, axes).t), (q, p) if groups == 1 else (groups, q, p), varies
            )
            return whole if is_full else self._taken_from(whole, code[order], True)

        return _Product(field, order, ((q, p) if groups == 1 else (groups, q, p)) if is_full else (n,))

    def _boxed(self, c: int, places: np.ndarray) -> Field:
        """Members of a class, and zeros where there is none (-1)."""
        there = places >= 0
        if there.all():
            return self._gather(c, places)
        filled = np.flatnonzero(there)
        return reshaped(self._collected(self._gather(c, places[there]), filled, places.size), places.shape)

    # ------------------------------------------------------------ reductions

    def _reductions(self, group: Group) -> tuple[Field, np.ndarray]:
        assert group.op is not None
        n = len(group.members)
        operands: list[tuple[Any, int | None, Any]] = []
        for key, us in zip(group.key[1:], group.operands, strict=True):
            c, k = key if isinstance(key, tuple) else (key, None)
            operands.append((c, k, us if isinstance(c, tuple) else self._column(c, us)))
        if group.op.picks:
            return self._components_of_softmax(operands, n)
        c, k, column = operands[0]
        first: list[tuple[int, Any]] = []
        if not isinstance(c, tuple) and k != 0:
            first = [(c, column if k is None or c == CONSTANT else column.reshape(n, k)[:, 0])]
        order = self._sorted(first, n)
        fields = [self._sequence(c, k, column, order) for c, k, column in operands]
        if any(f.varies for f in fields):
            fields = [f if f.varies else self._repeated(f) for f in fields]
        is_sequence = [k is not None for _, k, _ in operands]
        t = along_rows(group.op, [f.t for f in fields], is_sequence)
        return Field(t, (n,), any(f.varies for f in fields)), order

    def _sequence(self, c: Any, k: int | None, column: Any, order: np.ndarray) -> Field:
        """An operand of a reduction, a row for each member."""
        n = len(order)
        if k is None:
            return (
                self._constant(taken(column, order), (n,), whole=True)
                if c == CONSTANT
                else self._gather(c, column[order])
            )
        if not isinstance(c, tuple):
            rows = rows_taken(column, order, k)
            return self._constant(rows, (n, k), whole=True) if c == CONSTANT else self._gather(c, rows)
        pieces = []
        start = 0
        while start < k:
            stop = start + 1
            while stop < k and c[stop] == c[start]:
                stop += 1
            us = [column[i * k + j] for i in order for j in range(start, stop)]
            shape = n, stop - start
            pieces.append(
                self._constant(us, shape, whole=True)
                if c[start] == CONSTANT
                else self._gather(c[start], self._column(c[start], us).reshape(shape))
            )
            start = stop
        if any(f.varies for f in pieces):
            pieces = [f if f.varies else self._repeated(f) for f in pieces]
        return Field(shapes.concatenate([as_tensor(f.t) for f in pieces], -1), (n, k), pieces[0].varies)

    def _components_of_softmax(self, operands: Any, n: int) -> tuple[Field, np.ndarray]:
        """Members of softmaxes: the rows that several of them share are one softmax."""
        (c, k, column), (_, _, places) = operands
        if isinstance(c, tuple):
            place = [0 if e == CONSTANT else e for e in c]
            rows = np.asarray(
                [place.index(e) if isinstance(u, float) else u for u, e in zip(column, c * n, strict=True)]
            )
            rows = rows.reshape(n, k)
        else:
            rows = column.reshape(n, k)
        found = distinct(rows)
        rank = np.argsort(np.argsort(rows[found.first, 0], kind="stable"))
        row = rank[found.which]
        j = np.asarray(places, np.int64)
        is_full = n == len(found.first) * k and len(np.unique(row * k + j)) == n
        order = np.lexsort((j, row)) if is_full else np.argsort(row, kind="stable")
        kept = found.first[np.argsort(rank)]
        x = self._sequence(c, k, column, kept)
        z = Field(_softmax(x.t), x.shape, x.varies)
        return z if is_full else self._taken_from(z, (row * k + j)[order], True), order

    # ------------------------------------------------------------ numbers of arrays

    def _gather(self, c: int, places: np.ndarray) -> Field:
        """These members of a class, in the shape of the places."""
        flat = places.ravel()
        if not flat.size:
            return Field(np.zeros(places.shape), places.shape, False)
        if self._is_leaf(c):
            self.wishes.setdefault(self.reading.groups[c].key[1], []).append(places)
        source, start = self._source(c, int(flat.min()), int(flat.max()))
        places, flat = places - start, flat - start
        if self.strict and not self._covers(flat, source.size):
            return self._taken_from(source, places, False)
        found = factored([flat])
        if found is not None:
            dims, (strides,) = found
            view = strided(source, int(flat[0]), dims, strides, whole=self.strict)
            if view is not None:
                return reshaped(broadcast(view, dims), places.shape)
        return self._taken_from(source, places, False)

    @staticmethod
    def _covers(flat: np.ndarray, size: int) -> bool:
        return flat.size >= size and bool(np.bincount(flat, minlength=size).all())

    def _strided(self, c: int, start: int, dims: tuple[int, ...], strides: tuple[int, ...]) -> Field | None:
        """Members from a start on, along axes, each so many places on; axes with stride 0 have size 1. None if
        reshaping, slicing and transposing do not give them."""
        if self._is_leaf(c):
            places = np.full((), start)
            for n, step in zip(dims, strides, strict=True):
                places = places[..., None] + step * np.arange(n if step else 1)
            self.wishes.setdefault(self.reading.groups[c].key[1], []).append(places)
        ends = [step * (n - 1) for n, step in zip(dims, strides, strict=True)]
        source, begin = self._source(c, start + sum(min(e, 0) for e in ends), start + sum(max(e, 0) for e in ends))
        return strided(source, start - begin, dims, strides, whole=self.strict)

    def _taken_from(self, field: Field, places: np.ndarray, is_own: bool) -> Field:
        """Members of a field by their places."""
        if not self.strict and np.array_equal(places.ravel(), np.arange(field.size)):
            return reshaped(field, places.shape)
        width = field.shape[-1] if field.shape else 1
        by_rows = (
            not is_own and len(field.shape) == 2 and width > 1 and places.shape[-1:] == (width,) and are_rows(places)
        )
        if by_rows:
            places = places[..., 0] // width
        number = len(self.indices)
        self.indices.append(places)
        index, index_varies = (self.given or {}).get(("index", number), (np.array(places), False))
        index = index.reshape((*index.shape[:1], *places.shape) if index_varies else places.shape)
        index.flags.writeable = False
        shape = (*places.shape, width) if by_rows else places.shape
        if not by_rows:
            field = reshaped(field, (field.size,))
        if not index_varies:
            t = field.t
            return Field(indexed(t, (slice(None), index) if field.varies else (index,)), shape, field.varies)
        if not field.varies:
            return Field(indexed(field.t, (index,)), shape, True)
        samples = np.arange(len(index)).reshape(-1, *(1,) * (index.ndim - 1))
        samples.flags.writeable = False
        return Field(indexed(field.t, (samples, index)), shape, True)

    def _collected(self, field: Field, places: np.ndarray, size: int) -> Field:
        """The numbers of a row added up at places of a row of this size."""
        places = places.copy()
        places.flags.writeable = False
        if field.varies:
            t = shapes.scatter(as_tensor(field.t), (slice(None), places), (field.t.shape[0], size))
        else:
            t = shapes.scatter(as_tensor(field.t), (places,), (size,))
        return Field(t, (size,), field.varies)

    def _constant(self, us: Sequence[Any], shape: tuple[int, ...], *, whole: bool = False) -> Field:
        """Plain numbers. One that stands everywhere is a single number, unless they are to be whole."""
        number = len(self.constants)
        self.constants.append((list(us), shape))
        given = None if self.given is None else self.given.get(("constant", number))
        if given is not None:
            t, varies = given
            return reshaped(Field(t, t.shape[1:] if varies else t.shape, varies), shape)
        array = np.array(us, np.float64).reshape(shape)
        if not whole and self.given is not None and array.size and (array == array.flat[0]).all():
            array = np.array(array.flat[0])
        array.flags.writeable = False
        return Field(array, shape if array.ndim else (), False)

    def _repeated(self, field: Field) -> Field:
        """The same for each sample."""
        assert self.samples is not None
        return Field(shapes.broadcast_to(as_tensor(field.t), (self.samples, *field.shape)), field.shape, True)


class _Product:
    """Sums of products: how they are computed, given what is added for each unit, and in which order.

    order  which sum each number belongs to; None if they come as they were met
    dims   the axes of the result
    """

    def __init__(
        self, field: Callable[[Field | None], Field], order: Any, dims: tuple[int, ...], can_have_bias: bool = False
    ) -> None:
        self.field, self.order, self.dims, self.can_have_bias = field, order, dims, can_have_bias


def _softmax(t: Any) -> Any:
    return softmaxes.softmax(as_tensor(t), axis=-1)


def group_label(group: Group, of_samples: bool) -> str | None:
    """The name that all members of a class have in common: Z[1] for z[1]_1 and z[1]_2.

    of_samples: each sample has its own, so that there are several where one is recorded.
    """
    if group.nodes[0] is None:
        return group.key[-1] and matrix_label(group.key[-1])
    labels = [v.label for v in group.nodes if v is not None]
    parsed = [None if label is None else names.parse(label) for label in labels]
    first = parsed[0]
    if first is None:
        return labels[0] if len(labels) == 1 else None
    if len(labels) == 1 and not (of_samples and first.index):
        return labels[0]
    families = {None if name is None else (name.base, name.layer, bool(name.index)) for name in parsed}
    if len(families) > 1 or not first.index:
        return None
    return matrix_label(names.Name(first.base, first.layer).label())
