"""A recorded computation of Values read as classes of nodes that are computed alike.

The class of a node is what it is computed from: its operation and the classes of its operands. So all
operands of a class in one place come from one class each, which is to become one array, and the numbers
of classes are an order of computation. Sums are taken apart into their terms, and how many there are is
no part of the class: positions that look at three or at five others are computed alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..op import Operation
from ..ops import elementwise, matrices, sums
from ..value import Value

__all__ = ["CONSTANT", "Group", "Reading", "walked"]

# The class of plain numbers.
CONSTANT = -1

ADD, MUL, DOT, SUM = elementwise.add.op, elementwise.mul.op, matrices.dot.op, sums.sum.op

TERMS = frozenset([ADD, MUL, DOT, SUM])
PLAIN = frozenset([type(None), Value, tuple])  # what the first operand of a node is that is no neuron


class Part:
    """Terms of one kind in the sums of a class: products of members of two classes, or members of one.

    rows  which sum of the class a term belongs to, in rising order
    x, y  what is multiplied, or in x what is added; places of nodes, plain numbers where the class is CONSTANT
    """

    __slots__ = ("classes", "rows", "x", "y")

    def __init__(self, classes: tuple[int, ...]) -> None:
        self.classes = classes
        self.rows: list[int] = []
        self.x: list[Any] = []
        self.y: list[Any] = []


class Group:
    """The nodes of one class.

    op        the operation; None for leaves and for sums
    key       what makes the class
    members   the places of its nodes, in the order in which they were met
    operands  of every operand: its members' places and plain numbers, one list after the other
    parts     of sums: their terms
    constants of sums: the plain number in each, if there are any
    """

    __slots__ = ("constants", "key", "members", "nodes", "op", "operands", "parts")

    def __init__(self, key: Any, op: Operation | None) -> None:
        self.key, self.op = key, op
        self.members: list[int] = []
        self.nodes: list[Any] = []
        self.operands: list[list[Any]] = []
        self.parts: dict[tuple[int, ...], Part] = {}
        self.constants: list[Any] | None = None

    @property
    def is_sum(self) -> bool:
        """True for sums, which have parts and no operation."""
        return bool(self.key) and self.key[0] == "sum"

    @property
    def is_leaf(self) -> bool:
        """True for parameters and inputs."""
        return bool(self.key) and self.key[0] == "leaf"


class Reading:
    """The computation of `root` as groups, operands before results.

    kind_of: what kind of leaf a leaf is (leaves of one kind become one array). stops: nodes that count
    as leaves, whatever they were computed from. constants: leaves that count as plain numbers.
    walk: what `walked` gave, if that is known.

    groups    the classes
    group_of  of every place the number of its group; a place stands for a node, or for a sum inside a neuron
    size      how many nodes there are
    """

    def __init__(
        self,
        root: Value,
        kind_of: Callable[[Value], Any],
        stops: Iterable[Value] = (),
        constants: Iterable[Value] = (),
        walk: tuple[list[Value], set[Value]] | None = None,
    ) -> None:
        self.root = root
        self.groups: list[Group] = []
        self.group_of: list[int] = []
        self._number: dict[Any, int] = {}  # of every class, by its key
        self._place: dict[Value, int] = {}
        stops, self._constants = set(stops), set(constants)
        order, absorbed = walked(root, stops) if walk is None else walk
        self.size = len(order)
        self._absorbed = absorbed
        for v in order:
            if v in absorbed or v in self._constants:
                continue
            if v._op is None or v in stops:
                self._enter(v, ("leaf", kind_of(v)), None)
            else:
                self._read(v)

    def place_of(self, v: Value) -> int | None:
        """The place of a node; None if it has none of its own."""
        return self._place.get(v)

    def _enter(self, v: Value | None, key: object, op: Operation | None) -> Group:
        """A new member of the class with this key."""
        number = self._number.get(key)
        if number is None:
            number = self._number[key] = len(self.groups)
            self.groups.append(Group(key, op))
        group = self.groups[number]
        place = len(self.group_of)
        self.group_of.append(number)
        group.members.append(place)
        group.nodes.append(v)
        if v is not None:
            self._place[v] = place
        return group

    def _operand(self, u: object) -> tuple[int, Any]:
        """The class of an operand and its place, or the number that it is."""
        if u.__class__ is Value:
            if u in self._constants:
                return CONSTANT, u._data
            place = self._place[u]
            return self.group_of[place], place
        return CONSTANT, u

    def _read(self, v: Value) -> None:
        op, x = v._op, v._x
        assert op is not None
        if x is None or x.__class__ is Value:
            if op is ADD:
                self._sum(v, _terms(v, self._absorbed))
                return
            operands = [self._operand(v._dx if x is None else x)]
            if len(op.rules) > 1:
                operands.append(self._operand(v._dy if v._y is None else v._y))
            self._single(v, op, operands)
        elif x.__class__ is not tuple:  # a neuron
            weights = v._y
            inputs = x.nodes or x.values
            terms: list[tuple[Any, ...]] = [(u, w) for u, w in zip(inputs, weights, strict=False)]
            terms.append((weights[-1],))
            if op is DOT:
                self._sum(v, terms)
            else:
                self._sum(None, terms, weights.sum_label)
                place = len(self.group_of) - 1
                self._single(v, op, [(self.group_of[place], place)])
        elif op is DOT or op is SUM:
            self._sum(v, _terms(v, self._absorbed))
        elif op.reduces:
            self._reduction(v, op)
        else:
            self._single(v, op, [self._operand(u) for u in x])

    def _single(self, v: Value, op: Operation, operands: list[tuple[int, Any]]) -> None:
        """A node computed from single operands."""
        group = self._enter(v, (op, *[c for c, _ in operands]), op)
        if not group.operands:
            group.operands = [[] for _ in operands]
        for column, (_, u) in zip(group.operands, operands, strict=True):
            column.append(u)

    def _reduction(self, v: Value, op: Operation) -> None:
        """A node computed from sequences, the lengths of which are part of the class."""
        key: list[Any] = [op]
        operands: list[list[object]] = []
        for us, numbers in zip(v._x, v.operand_groups, strict=True):
            if us.__class__ is tuple:
                found = [self._operand(u) for u in us]
                classes = {c for c, _ in found}
                key.append((classes.pop() if len(classes) == 1 else tuple(c for c, _ in found), len(found)))
                operands.append([u for _, u in found])
            else:
                c, u = self._operand(us if us.__class__ is Value else numbers)
                key.append(c)
                operands.append([u])
        group = self._enter(v, tuple(key), op)
        if not group.operands:
            group.operands = [[] for _ in operands]
        for column, us in zip(group.operands, operands, strict=True):
            column.extend(us)

    def _sum(self, v: Value | None, terms: list[tuple[Any, ...]], label: str | None = None) -> None:
        """A sum of these terms: (x,) or (x, y) for a product, x and y nodes or plain numbers."""
        parts: dict[tuple[int, ...], list[tuple[object, ...]]] = {}
        constant: Any = None
        place, group_of, operand, constants = self._place, self.group_of, self._operand, self._constants
        for term in terms:
            x = term[0]
            if x.__class__ is Value and x not in constants:
                x = place[x]
                c = group_of[x]
            else:
                c, x = operand(x)
            if len(term) == 1:
                if c == CONSTANT:
                    constant = x if constant is None else constant + x
                else:
                    parts.setdefault((c,), []).append((x,))
                continue
            y = term[1]
            if y.__class__ is Value and y not in constants:
                y = place[y]
                d = group_of[y]
            else:
                d, y = operand(y)
            if c == d == CONSTANT:
                constant = x * y if constant is None else constant + x * y
                continue
            if c == CONSTANT or c > d != CONSTANT:  # a number comes last
                c, d, x, y = d, c, y, x
            parts.setdefault((c, d), []).append((x, y))
        if constant is not None and constant == 0 and constant.__class__ is float:
            constant = None  # which `sum` starts with
        key = ("sum", *sorted(parts), constant is not None)
        if v is None or getattr(v, "_label", None) is not None:
            key += ("of", _family(label if v is None else v.label))
        group = self._enter(v, key, None)
        row = len(group.members) - 1
        for classes, found in parts.items():
            part = group.parts.get(classes)
            if part is None:
                part = group.parts[classes] = Part(classes)
            part.rows.extend([row] * len(found))
            part.x.extend([t[0] for t in found])
            if len(classes) == 2:
                part.y.extend([t[1] for t in found])
        if constant is not None:
            if group.constants is None:
                group.constants = []
            group.constants.append(constant)


def _family(label: str | None) -> str | None:
    """What nodes of one matrix have in common: z[1] of z[1]_3."""
    return None if label is None else label.partition("_")[0]


def walked(root: Value, stops: set[Value]) -> tuple[list[Value], set[Value]]:
    """All nodes below the root, operands before results, and those that are terms of one of the others.

    These are sums and products that are part of one sum only and that nobody has named.
    """
    order: list[Value] = []
    terms: set[Value] = set()
    entered: set[Value] = set()
    used: set[Value] = set()
    shared: dict[int, Any] = {}  # inputs and weights of neurons, which many look at
    stack: list[Any] = [root]
    push, pop, enter, emit, use, take, leave = (
        *(stack.append, stack.pop, entered.add, order.append, used.add, terms.add, terms.discard),
    )
    while stack:
        v = pop()
        if v is None:  # all below the next are done
            emit(pop())
            continue
        while v not in entered:
            enter(v)
            op = v._op
            if op is None or v in stops:
                leave(v)
                emit(v)
                break
            push(v)
            push(None)
            x, y = v._x, v._y
            if op not in TERMS or x.__class__ not in PLAIN or getattr(v, "_label", None) is not None:
                leave(v)
            if x is None or x.__class__ is Value:
                for u in (y, x):
                    if u is not None:
                        if u in used:
                            leave(u)
                        else:
                            use(u)
                            if op is ADD:
                                take(u)
                if y is not None and y not in entered:
                    push(y)
                if x is None:
                    break
                v = x
                continue
            is_neuron = x.__class__ is not tuple
            groups = (x.nodes or x.values, y) if is_neuron else x
            summed = groups[:1] if op is SUM else groups[2:] if op is DOT and not is_neuron else ()
            for us in reversed(groups):
                if is_neuron:
                    if id(us) in shared:
                        continue
                    shared[id(us)] = us
                is_summed = any(us is s for s in summed)
                for u in reversed(us) if is_neuron or us.__class__ is tuple else (us,):
                    if u.__class__ is Value:
                        if u in used:
                            leave(u)
                        else:
                            use(u)
                            if is_summed:
                                take(u)
                        if u not in entered:
                            push(u)
            break
    return order, terms


def _terms(v: Value, absorbed: set[Value]) -> list[tuple[Any, ...]]:
    """The terms of a sum, left to right."""
    found: list[tuple[object, ...]] = []
    waiting: list[object] = [v]
    while waiting:
        u = waiting.pop()
        if u is not v and (u.__class__ is not Value or u not in absorbed):
            found.append((u,))
            continue
        op, x = u._op, u._x
        if op is MUL:
            found.append((u._dx if x is None else x, u._dy if u._y is None else u._y))
        elif op is ADD:
            waiting.append(u._dy if u._y is None else u._y)
            waiting.append(u._dx if x is None else x)
        elif op is SUM:
            waiting.extend(reversed(x[0]))
        else:
            groups = u._x
            found.extend(zip(groups[0], groups[1], strict=True))
            bias = groups[2]
            waiting.append(bias)
    return found
