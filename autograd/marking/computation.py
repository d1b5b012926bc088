"""The recorded computation that work is compared with: its names, and what a slip can be made on.

An Edge is an operand of an operation, seen as a teacher sees it: the slope of an activation, the product with a weight,
the sum that a bias gets, the loss. What it is comes from its rule and its numbers, not from the operation's name.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..formulas import names
from ..graph import Node, is_node, topological_order
from ..matrices.backward import Backward
from ..matrices.forward import Forward
from ..matrices.naming import Naming
from ..matrices.roles import Roles
from ..op import Operation
from ..operands import Operand, Vector, is_array_node
from ..passes.replay import Place, Point, Replay, member_of, shaped
from ..paths.labels import unique_labels
from ..samples import is_data_name

__all__ = ["Computation", "Edge", "loose", "small"]


class Computation:
    """A target and the graph below it.

    order    its nodes, operands before results
    labels   the name of every node that has one
    named    the nodes with a name, operands before results
    samples  m, how many samples there are; None if the graph shows none
    edges    what a slip can be made on, from the target down
    """

    def __init__(self, target: Node) -> None:
        self.target = target
        self.is_array = is_array_node(target)
        self.order: list[Node] = topological_order(target)
        self.labels: dict[Node, str]
        self.samples: int | None = None
        self.constants: dict[str, np.ndarray] = {}
        if self.is_array:
            naming = Naming(self.order, target, target)
            self.labels = dict(naming.labels)
            self.roles = Roles(self.order, self.labels)
            self.samples = self.roles.samples
            self.constants = {label: x for label, x in naming.constants().items() if x.ndim}
        else:
            named = [u for u in self.order if u.label is not None or u is target]
            self.labels = unique_labels(named, target)
        self.named = [u for u in self.order if u in self.labels]
        self.names = names.Names(self.labels.values())
        self.point = Point(self.order)
        if not self.is_array:
            self.samples = self._uses_averaged()
        self.point.count = float(self.samples or 1)
        self.replay = Replay(target, self.order)
        self.right = self.replay(self.point)

    def _uses_averaged(self) -> int | None:
        """How many samples Values have: so often each parameter is used, and by so many the target divides."""
        uses = {sum(not e.is_penalty for e in into) for u, into in self.into.items() if self.is_parameter(u)}
        m = max(uses, default=1)
        if m < 2 or len(uses) > 1:
            return None
        numbers = [x for v in self.results if self.results[v] is self.target for x in v.operands if not is_node(x)]
        return m if any(abs(x) in (m, 2 * m, 1 / m, 0.5 / m) for x in numbers) else None

    def name(self, u: Node) -> str:
        """A node's name as it is written: W[1], w[1]₁₁."""
        return self.names.text(self.labels[u])

    def called(self, u: Operand) -> str:
        """What a node or a constant is called."""
        if is_node(u):
            return self.name(u) if u in self.labels else "?"
        known = (label for label, x in self.constants.items() if x is u or np.array_equal(x, u))
        return self.names.text(next(known, "?")) if isinstance(u, np.ndarray) else f"{u:g}"

    @functools.cached_property
    def is_mean(self) -> bool:
        """True if the target is a mean over samples, whose 1/m derivations keep for the parameters."""
        if not self.is_array:
            return self.samples is not None
        source = next((u for u in self.order if self.is_parameter(u) and u.label), None)
        if source is None:
            return False
        naming = Naming(self.order, self.target, source)
        backward = Backward(Forward(self.order, naming, Roles(self.order, naming.labels)), self.target, source)
        backward.steps()
        return backward.is_scaled

    def key(self, u: Node) -> str:
        """What the gradient by a node is called among verdicts: dW[1], or of Values dL/dw[1]_1,1."""
        return f"d{self.labels[u]}" if self.is_array else f"d{self.labels[self.target]}/d{self.labels[u]}"

    @functools.cached_property
    def shown(self) -> dict[str, str]:
        """How what is called so is written: ∂L/∂w[1]₁₁ for dL/dw[1]_1,1."""
        found = {self.labels[u]: self.name(u) for u in self.named}
        for u in self.named:
            found[self.key(u)] = f"d{self.name(u)}" if self.is_array else f"∂{self.name(self.target)}/∂{self.name(u)}"
        return found

    @functools.cached_property
    def latex(self) -> dict[str, str]:
        """The same in LaTeX."""
        write = self.names.latex
        found = {self.labels[u]: write(self.labels[u]) for u in self.named}
        target = write(self.labels[self.target])
        for u in self.named:
            by = write(self.labels[u])
            found[self.key(u)] = f"d{by}" if self.is_array else rf"\frac{{\partial {target}}}{{\partial {by}}}"
        return found

    @functools.cached_property
    def _families(self) -> list[tuple[set[str], str, str]]:
        """The keys of all Values of a layer, or with one letter, and how the layer is written, as text and in LaTeX."""
        layers: dict[str, list[Node]] = {}
        for u in self.named if not self.is_array else ():
            name = names.parse(self.labels[u])
            if name is not None and (name.index or name.sample):
                layers.setdefault(name.base if name.layer is None else f"{name.base}[{name.layer}]", []).append(u)
        found, target = [], self.labels[self.target]
        for layer, us in layers.items():
            text, latex = self.names.text(layer), self.names.latex(layer)
            by = rf"\frac{{\partial {self.names.latex(target)}}}{{\partial {latex}}}"
            found.append(({self.labels[u] for u in us}, text, latex))
            found.append(({self.key(u) for u in us}, f"∂{self.names.text(target)}/∂{text}", by))
        return [x for x in found if len(x[0]) > 1]

    def listed(self, keys: Iterable[str]) -> list[tuple[str, str]]:
        """Keys as they are written, as text and in LaTeX: a layer of Values whose keys are all there as the layer."""
        left = list(dict.fromkeys(keys))
        found: dict[tuple[str, str], None] = {}
        for key in left:
            whole = next(((text, latex) for all_, text, latex in self._families if key in all_ <= set(left)), None)
            found[whole or (self.shown.get(key, key), self.latex.get(key, rf"\text{{{key}}}"))] = None
        return list(found)

    @functools.cached_property
    def place(self) -> dict[Node, int]:
        """Where the nodes stand in the order."""
        return {u: i for i, u in enumerate(self.order)}

    @functools.cached_property
    def called_so(self) -> dict[object, list[Node]]:
        """The named nodes by how they may be called: their labels, how these are written, and read loosely."""
        found: dict[object, list[Node]] = {}
        for u in self.named:
            label = self.labels[u]
            for name in {label, names.text(label), loose(label), small(loose(label))}:
                found.setdefault(name, []).append(u)
        return found

    def places(self, edges: Sequence[Edge], toward: Collection[Node] = ()) -> list[Node]:
        """The named nodes on the way to which these edges are."""
        return list(dict.fromkeys(self.below(e.operand, toward) for e in edges))

    def below(self, u: Node, toward: Collection[Node] = ()) -> Node:
        """The node itself if it has a name, else the first below it that has, on the way to `toward` if any is."""
        first: Node | None = None
        waiting = [u]
        while waiting:
            v = waiting.pop(0)
            if v not in self.labels:
                waiting += [x for x in v.operands if is_node(x)]
            elif v is u or not toward or not {*topological_order(v)}.isdisjoint(toward):
                return v
            else:
                first = v if first is None else first
        return u if first is None else first

    def is_data(self, u: Node) -> bool:
        """True for a leaf that is called x or y."""
        return u.op is None and is_data_name(self.labels.get(u, ""))

    def is_target(self, u: Operand) -> bool:
        """True for what the predictions are compared with."""
        if is_node(u):
            name = names.parse(self.labels.get(u, ""))
            return u.op is None and name is not None and name.base in ("y", "Y")
        return any(u is x or (isinstance(u, np.ndarray) and np.array_equal(u, x)) for x in self._targets)

    @functools.cached_property
    def _targets(self) -> list[np.ndarray]:
        return [x for label, x in self.constants.items() if label.startswith("Y")]

    def is_parameter(self, u: Node) -> bool:
        """True for a leaf that is not the data."""
        return is_node(u) and u.op is None and not (self.is_data(u) and self.has_parameters)

    @functools.cached_property
    def has_parameters(self) -> bool:
        """False for a function of x alone."""
        return any(u.op is None and not self.is_data(u) for u in self.order)

    def per_sample(self, u: Node) -> bool:
        """True for a computed array with a row (or column) for each sample, and for a Value called so: z[1](2)."""
        if not self.is_array:
            name = names.parse(self.labels.get(u, ""))
            return self.samples is not None and u.op is not None and name is not None and name.sample is not None
        return u.op is not None and self.roles.samples_in(u.shape) is not None

    # ------------------------------------------------------------ edges

    @functools.cached_property
    def results(self) -> dict[Node, Node]:
        """For every node the named one that it helps to compute."""
        found: dict[Node, Node] = {}
        for v in reversed(self.order):
            if v in self.labels:
                found[v] = v
            for u in v.operands:
                if is_node(u) and u not in self.labels and v in found:
                    found.setdefault(u, found[v])
        return found

    @functools.cached_property
    def edges(self) -> list[Edge]:
        """From the target down; none into data, unless there is nothing else."""
        leaves = {u for u in self.order if u.op is None}
        wanted = {u for u in leaves if not self.is_data(u)} or leaves
        leading: set[Node] = set()
        for v in self.order:
            if v in wanted or any(is_node(u) and u in leading for u in v.operands):
                leading.add(v)
        found = []
        for v in reversed(self.order):
            for i, u in enumerate(v.operands):
                if is_node(u) and u in leading and not (self.is_array and v.op.pulls[i] is None):
                    found.append(Edge(self, v, i, u))
        return found

    @functools.cached_property
    def into(self) -> dict[Node, list[Edge]]:
        """The edges by what gets their share."""
        found: dict[Node, list[Edge]] = {}
        for e in self.edges:
            found.setdefault(e.operand, []).append(e)
        return found

    @functools.cached_property
    def leaves(self) -> dict[Node, list[Place]]:
        """Tensors that are not computed, and what is made of one alone without a name, such as its transpose.

        Each with the places in which others of these use it.
        """
        found: dict[Node, list[Place]] = {}
        for v in self.order if self.is_array else ():
            of = [(i, u) for i, u in enumerate(v.operands) if is_node(u)]
            if v.op is None or (v not in self.labels and len(of) == 1 and of[0][1] in found):
                found[v] = []
                for i, u in of:
                    found[u].append((v, i))
        return found

    @functools.cached_property
    def penalties(self) -> set[Node]:
        """What is made of parameters alone and added to the target: λ/2 Σ w² and its parts."""
        of_parameters: dict[Node, bool] = {}
        for v in self.order:
            below = [u for u in v.operands if is_node(u)]
            of_parameters[v] = all(of_parameters[u] for u in below) if below else self.is_parameter(v)
        added, found = {self.target}, set[Node]()
        for u in reversed(self.order):
            uses = self.into.get(u, [])
            if uses and all(e.node in added and e.is_additive for e in uses):
                added.add(u)
            is_part = u in added or all(e.node in found for e in uses)
            if u is not self.target and of_parameters[u] and uses and is_part:
                found.add(u)
        return found

    @functools.cached_property
    def layers(self) -> dict[Node, list[Edge]]:
        """The edges into parameters by the named node that they help to compute."""
        found: dict[Node, list[Edge]] = {}
        for e in self.edges:
            if e.is_parameter:
                found.setdefault(e.result, []).append(e)
        return found

    @functools.cached_property
    def loss(self) -> Node:
        """The operation that compares predictions with targets, without a penalty; the target where several do."""
        inside = (v for v in self.order if self.results.get(v) is self.target)
        found = [v for v in inside if v.op is not None and v.op.loss is not None]
        return found[0] if len(found) == 1 else self.target

    @functools.cached_property
    def activations(self) -> list[Edge]:
        """The slopes of activations."""
        return [e for e in self.edges if e.is_slope]

    @functools.cached_property
    def targets(self) -> list[Operand]:
        """What predictions are compared with: nodes, constant arrays, and numbers that the loss subtracts."""
        found: list[Operand] = [u for u in self.order if self.is_target(u)]
        found += self._targets
        if not self.is_array:
            inside = [v for v in self.order if self.results.get(v) is self.target]
            found += [x for v in inside for x in v.operands if not is_node(x)]
        return found

    def beside(self, edge: Edge) -> list[Edge]:
        """The other edges to the same operand: from the target if it is a penalty, else all others."""
        others = (e for e in self.into[edge.operand] if e is not edge)
        return [e for e in others if e.is_penalty == edge.is_penalty]

    def quantities(self, like: Operand) -> Iterator[Operand]:
        """The named nodes and constant arrays with the shape of this operand and of its kind, but not itself."""
        kind = self.kind(like)
        for u in [*self.named, *self.constants.values()]:
            is_other = u is not like and (is_node(u) or is_node(like) or not np.array_equal(u, like))
            if is_other and _shape(u) == _shape(like) and self.kind(u) == kind:
                yield u

    def kind(self, u: Operand) -> str:
        """What goes for what in a slip: parameters, targets, and what a layer passes on; the target is none."""
        if u is self.target or (is_node(u) and self.results.get(u) is self.target and u is not self.target):
            return "loss"
        if self.is_target(u):
            return "target"
        return "parameter" if is_node(u) and self.is_parameter(u) else "signal"


class Error(NamedTuple):
    """What a share scale (ŷ − y) is made of.

    prediction  the node ŷ, or the logits of which the activation is ŷ
    activation  an operation, or None; axis: its further operands
    target      y, a node or a constant
    scale       1, 2, 1/m ...
    """

    prediction: Node
    activation: Operation | None
    axis: tuple[int, ...]
    target: Operand
    scale: float


class Edge:
    """Operand i of a node, whose share of the gradient is read. See Computation.

    node, place  whose operand it is, and which
    operand      the node that gets the share
    result       the named node that `node` helps to compute
    """

    def __init__(self, computation: Computation, node: Node, place: int, operand: Node) -> None:
        self.of, self.node, self.place, self.operand = computation, node, place, operand
        self.result: Node = computation.results[node]

    def __repr__(self) -> str:
        return f"<{self.of.labels.get(self.operand, '?')} from {self.of.labels[self.result]}: {self.node.op.shown}>"

    @property
    def key(self) -> tuple[Node, int]:
        return self.node, self.place

    @functools.cached_property
    def arrived(self) -> Operand:
        """The gradient of the node."""
        return self.of.right.get(self.node)

    def read(self, g: Operand, z: Operand | None = None, operands: Sequence[Operand] | None = None) -> Operand:
        """The share on the recorded numbers, or on others."""
        point = self.of.point
        z = point.of(self.node) if z is None else z
        return point.share(self.node, self.place, g, z, point.operands(self.node) if operands is None else operands)

    # ------------------------------------------------------------ what it is

    @functools.cached_property
    def enters(self) -> Node | None:
        """The named node whose gradient the share is part of: the operand, or what it is the transpose of."""
        u = self.operand
        return u if u in self.of.labels else None

    @functools.cached_property
    def is_loss(self) -> bool:
        """True for what a prediction, named and computed, gets from the target."""
        return self.result is self.of.target and self.enters is not None and self.operand.op is not None

    @functools.cached_property
    def is_parameter(self) -> bool:
        """True if a parameter gets it."""
        return self.enters is not None and self.of.is_parameter(self.operand)

    @functools.cached_property
    def is_bias(self) -> bool:
        """True for a sum over what the parameter was added to."""
        if not self.is_parameter or self.is_penalty:
            return False
        if not self.of.is_array:
            return bool(self.read(1.0) == 1.0 and self.partner is None)
        if self.operand.size == self.node.size or not self.node.ndim:
            return False
        g = np.random.default_rng(0).normal(size=self.node.shape)
        try:
            return bool(np.allclose(shaped(self.read(g), self.operand), shaped(g, self.operand)))
        except ValueError:
            return False

    @functools.cached_property
    def is_weight(self) -> bool:
        """True for a parameter that something is multiplied by."""
        return self.is_parameter and not self.is_bias and not self.is_penalty

    @functools.cached_property
    def is_penalty(self) -> bool:
        """True for what a parameter gets from the target itself beside its part in the net: of a regularization."""
        if not self.is_parameter or self.result is not self.of.target or self.node not in self.of.penalties:
            return False
        return any(e.result is not self.result for e in self.of.into[self.operand])

    @functools.cached_property
    def is_additive(self) -> bool:
        """True if the share is the same whatever the numbers are: of a sum, a mean, a multiple."""
        v, groups = self.node, self.of.point.operands(self.node)
        moved = [
            x.map(lambda u: u + 1) if _is_vector(x) else x + 1 if is_node(given) else x
            for x, given in zip(groups, v.operands if self.of.is_array else v.operand_groups, strict=True)
        ]
        g, z = (np.ones(v.shape) if self.of.is_array else 1.0), self.of.point.of(v)
        try:
            return bool(np.allclose(self.read(g, z + 1, moved), self.read(g), rtol=1e-9, atol=0))
        except (ValueError, TypeError, ArithmeticError):
            return False

    @functools.cached_property
    def is_slope(self) -> bool:
        """True for a factor that is read number by number, as σ′(z) is, into or out of a named node."""
        op, v = self.node.op, self.node
        if not op.rules or op.reduces or not callable(op.rules[0]) or v not in self.of.labels:
            return False
        return v is not self.of.target and sum(map(is_node, v.operands)) == 1 and v.operands[0] is self.operand

    @functools.cached_property
    def is_along_axis(self) -> bool:
        """True for a softmax: of a whole layer, whose units all depend on each other."""
        return bool(self.node.op.along_axis) or self.node.op.picks is not None

    @functools.cached_property
    def partner(self) -> Any:
        """The place of the operand that a product reads for this share; None if it is no product.

        A product is linear in one other operand and reads nothing else. Of a weighted sum of Values the place is that
        of the group and the member.
        """
        v = self.node
        groups = self.of.point.operands(v)
        if self.of.is_array:
            others = [j for j, x in enumerate(v.operands) if j != self.place and _is_number(x) and _shape(x)]
            g = np.random.default_rng(0).normal(size=v.shape)
        else:
            group, member = member_of(v, self.place)
            others = [j for j, x in enumerate(groups) if j != group and (is_node(v.operand_groups[j]) or _is_vector(x))]
            g = 1.0
        right = self.read(g)
        for j in others:
            twice = list(groups)
            twice[j] = groups[j].map(lambda x: 2 * x) if _is_vector(groups[j]) else 2 * groups[j]
            try:
                is_linear = np.allclose(self.read(g, operands=twice), 2 * np.asarray(right), rtol=1e-9, atol=0)
            except (ValueError, TypeError):
                continue
            if is_linear and np.any(right) and not _reads_itself(self, g, right, groups):
                return j if self.of.is_array or not _is_vector(groups[j]) else (j, member)
        return None

    @functools.cached_property
    def error(self) -> Error | None:
        """Where the share is c (ŷ − y): what ŷ and y are."""
        if self.enters is None or self.operand.op is None:
            return None
        c, u, activation = self.of, self.operand, None
        axis: tuple[int, ...] = ()
        if self.is_slope or (self.is_along_axis and self.node in c.labels):
            u = self.node
            if not any(e.is_loss for e in c.into.get(u, ())):
                return None  # a hidden layer
        elif not self.is_loss:
            return None
        else:
            inside = [w for w in c.order if c.results.get(w) is c.target and w.op is not None]
            activation = next((w.op.activation for w in inside if w.op.activation is not None), None)
            if activation is not None and activation.along_axis:
                axis = (0 if c.roles.sample_axis == 1 else -1,)
        prediction = np.asarray(c.point.of(u))
        if activation is not None and activation.picks is not None:  # of the logits of one sample
            _, member = member_of(self.node, self.place)
            prediction = np.asarray(activation.picks(c.point.operands(self.node)[0])[member])
        elif activation is not None:
            prediction = np.asarray(activation.function(prediction if c.is_array else float(prediction), *axis))
        share = np.asarray(self.read(self.arrived))
        for y in c.targets:
            target = np.asarray(c.point.of(y))
            if target.shape == prediction.shape == share.shape and (scale := _ratio(share, prediction - target)):
                return Error(u, activation, axis, y, scale)
        return None

    @functools.cached_property
    def loss_error(self) -> Error | None:
        """Of an activation: what the loss gives to its result, where that is c (ŷ − y)."""
        found = (e.error for e in self.of.into.get(self.node, ()) if e.is_loss)
        return next((x for x in found if x is not None and x.activation is None), None)

    @property
    def read_by_product(self) -> Operand:
        """The operand that a product multiplies by: a node or a constant."""
        return at(self.node.operands if self.of.is_array else self.node.operand_groups, self.partner)

    @functools.cached_property
    def siblings(self) -> list[Edge]:
        """The other edges into parameters of the same layer."""
        return [e for e in self.of.layers.get(self.result, ()) if e is not self]


def at(operands: Sequence[Operand], place: Any) -> Operand:
    """The operand at a place; of a member of a group that of the group and its own."""
    return operands[place[0]][place[1]] if isinstance(place, tuple) else operands[place]


def with_at(operands: Sequence[Operand], place: Any, x: Operand) -> list[Operand]:
    """The operands with something else at a place."""
    if isinstance(place, tuple):
        group = operands[place[0]]
        place, x = place[0], type(group)([*group[: place[1]], x, *group[place[1] + 1 :]])
    return [*operands[:place], x, *operands[place + 1 :]]


def _reads_itself(edge: Edge, g: Operand, right: Operand, groups: Sequence[Operand]) -> bool:
    """True if the share depends on its own operand, as that of x in x² does."""
    own = edge.place if edge.of.is_array else member_of(edge.node, edge.place)[0]
    moved = list(groups)
    moved[own] = groups[own].map(lambda x: x + 1) if _is_vector(groups[own]) else groups[own] + 1
    try:
        return not np.allclose(edge.read(g, operands=moved), right, rtol=1e-9, atol=0)
    except (ValueError, TypeError):
        return True


Loose = tuple[str, str | None, str | None, tuple[str, ...]]


def loose(label: str) -> Loose | None:
    """The parts of a name, in which W1 and W_1 are W[1]; w11 and w_1,1 one index."""
    name = names.parse(label)
    if name is None:
        return None
    index = tuple("".join(name.index)) if all(len(i) == 1 or len(name.index) == 1 for i in name.index) else name.index
    if name.layer is None and len(name.index) == 1 and len(name.index[0]) == 1 and name.index[0].isdigit():
        return name.base, name.index[0], name.sample, ()
    return name.base, name.layer, name.sample, index


def small(parts: Loose | None) -> object:
    """The same with small letters for large ones."""
    return None if parts is None else ("small", parts[0].lower(), *parts[1:])


def _ratio(share: np.ndarray, error: np.ndarray) -> float:
    """c, where the share is c times the error everywhere, and c a simple number; else 0."""
    size = float(np.max(np.abs(error), initial=0.0))
    if not size:
        return 0.0
    c = float(share.flat[int(np.argmax(np.abs(error)))] / error.flat[int(np.argmax(np.abs(error)))])
    if not np.allclose(share, c * error, rtol=1e-9, atol=1e-12 * size) or not c > 0:
        return 0.0
    simple = round(1 / c) if c < 1 else round(c)
    is_simple = abs(c * simple - 1 if c < 1 else c - simple) < 1e-9 or abs(2 / c - round(2 / c)) < 1e-9
    return c if is_simple else 0.0


def _is_vector(x: Operand) -> bool:
    return isinstance(x, Vector)


def _is_number(x: Operand) -> bool:
    return is_node(x) or isinstance(x, np.ndarray)


def _shape(x: Operand) -> tuple[int, ...]:
    return getattr(x, "shape", ())
