"""Module: what has parameters. Nets, layers and neurons are Modules, and so is a model of your own.

A Module knows nothing of how its output is computed; it finds the parameters that it holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, ParamSpec, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from autograd import Tensor
from autograd.fast.neuron import Weights
from autograd.formulas.notation import format_number
from autograd.graph import is_constant, is_node, trainable
from autograd.op import Operation
from autograd.operands import Operand, describe
from autograd.paths.labels import node_called
from autograd.value import NO_GRADIENT

from .attributes import Attributes, changed
from .files.arrays import open_arrays, save_arrays

__all__ = ["Module", "Parameter"]

P = ParamSpec("P")
R = TypeVar("R")


class Parameter(Protocol):
    """What an optimizer moves: a leaf, be it a Value, which holds a float, or a Tensor, which holds an array."""

    label: str | None
    data: Operand
    grad: Operand

    @property
    def op(self) -> Operation | None: ...


class Module(Attributes):
    """The base of everything that has parameters.

    A parameter is a leaf node (a Value or a Tensor) kept as an attribute, or inside lists, tuples, dicts and
    Modules that are. Results of operations are not parameters; plain numbers are not::

        class Line(Module):
            def __init__(self):
                self.slope, self.intercept = Value(1.0), Value(0.0)

            def forward(self, x):
                return self.slope * x + self.intercept

    Called, it gives what `forward` does; one of your own may have a `__call__` instead.

    A buffer is what is kept in the same places and belongs to the state, but is not trained, such as the running
    means of a normalization: an array of numbers, or a constant, which is what `x.detach()` gives and what was
    computed under `no_grad()`. State, files and copies hold parameters and buffers; optimizers move parameters
    only. A plain number is a setting and not in the state: to keep one write Value(0.0).detach().
    """

    forward: Any

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """What `forward` gives."""
        return self.forward(*inputs, **options)

    @property
    def training(self) -> bool:
        """True until `eval()` is called; modules that behave differently in training look at it.

        While `fit` makes a step it is True, while `predict` and `evaluate` compute it is False, for the thread that
        does: what `train()` and `eval()` have set holds for all other calls, those of callbacks among them.
        """
        mode = mode_inside(self)
        return vars(self).get("training", True) if mode is None else mode

    @training.setter
    def training(self, mode: bool) -> None:
        if vars(self).get("training") is not bool(mode):
            vars(self)["training"] = bool(mode)
            changed[0] = object()

    def parameters(self) -> list[Any]:
        """All parameters in order of definition, each once."""
        nodes: dict[Parameter, None] = {}
        for _, _, x, kind in _walk(self):
            if kind == "nodes":
                nodes.update(dict.fromkeys(x))
            elif kind == "node":
                nodes[x] = None
        return trainable(nodes)

    def named_parameters(self) -> list[tuple[str, Any]]:
        """All parameters with their names, in order of definition, each once.

        A name is the path of attributes, indices and keys that leads to the parameter, as in
        PyTorch: `layers.0.neurons.1.w.0`. It is unique and does not depend on labels. A parameter
        held twice has the name of its first place.
        """
        return [(name, places[0][2]) for name, places in state_of(self).items() if is_parameter(places[0][2])]

    def buffers(self) -> list[np.ndarray]:
        """All that is kept and not trained, in order of definition, each once: arrays and constant nodes."""
        return [x for _, x in self.named_buffers()]

    def named_buffers(self) -> list[tuple[str, np.ndarray]]:
        """The same with their names, which are made as those of parameters."""
        return [(name, places[0][2]) for name, places in state_of(self).items() if not is_parameter(places[0][2])]

    def modules(self) -> list[Module]:
        """This module and all modules inside it, each once."""
        return [x for _, _, x, kind in _walk(self) if kind == "module"]

    def __getitem__(self, name: str) -> Any:
        """The parameter of this label: net["w[1]_2,3"], model["W[1]"]. ValueError if none is called so, or several."""
        if not isinstance(name, str):
            raise TypeError(
                f"{type(self).__name__}[...]: expected the label of a parameter, such as 'w[1]_1,1', got {name!r}; "
                "layers are in model.layers[0]"
            )
        return node_called(type(self).__name__, name, self.parameters())

    def count_params(self) -> int:
        """How many numbers are trained."""
        return sum(np.size(numbers_of(p)) for p in self.parameters())

    def gradient_table(self, *, digits: int = 4) -> str:
        """Every parameter by its label, with its number and its gradient, as text; of a Tensor the norms of both.

        digits: significant digits. A parameter that no backward pass has reached has no gradient, "-".
        """
        rows = [("", "number", "gradient"), *(_row(name, p, digits) for name, p in self.named_parameters())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"{name:<{widths[0]}}  {number:>{widths[1]}}  {gradient:>{widths[2]}}".rstrip()
            for name, number, gradient in rows
        )

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before a new backward pass."""
        clear_gradients(self.parameters())

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every module inside; returns the module itself."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """The opposite of `train()`: behave as in prediction; returns the module itself."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the numbers of all parameters and buffers, by their names."""
        return {name: np.array(numbers_of(places[0][2])) for name, places in state_of(self).items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Set all parameters and buffers to numbers that `state_dict` gave. An array is replaced by another one.

        ValueError that names the parameter and both shapes if one does not fit, and the names if
        some are missing or too many; then nothing has been changed.
        """
        if not isinstance(state, Mapping):
            got = describe(state)
            raise TypeError(f"load_state_dict: expected names with arrays, as state_dict() gives; got {got}")
        arrays = {name: np.asarray(numbers) for name, numbers in state.items()}
        self.check_state({name: array.shape for name, array in arrays.items()})
        for name, array in arrays.items():
            if array.dtype.kind not in "fiub":
                raise TypeError(f"load_state_dict: {name}: expected plain numbers, got {describe(array)}")
        write_numbers("load_state_dict", state_of(self), arrays)

    def check_state(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse names and shapes that are not those of parameters and buffers, as `load_state_dict` does."""
        state = state_of(self)
        _check_names(type(self).__name__, state, shapes)
        for name, places in state.items():
            expected = np.shape(numbers_of(places[0][2]))
            if shapes[name] != expected:
                raise ValueError(f"load_state_dict: {name}: expected shape {expected}, got {shapes[name]}")

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Save what `state_dict` gives, all parameters and buffers, to `path`: a .npz or .safetensors file.

        The file is made whole or stays as it was. To save more than the weights see `Sequential.save`.
        """
        save_arrays(path, self.state_dict(), {})

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Set all parameters and buffers to the numbers that `save_weights`, or `Sequential.save`, wrote to `path`.

        ValueError, and no change, for a file that is damaged or belongs to a net of other layers or
        shapes; it names the parameter and both shapes.
        """
        with open_arrays(path) as file:
            try:
                names = set(file.settings.get("weights", file.shapes))  # the file of a model holds other arrays too
                shapes = {name: shape for name, shape in file.shapes.items() if name in names}
                self.check_state(shapes)  # before anything is read
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}: {error}") from None
            self.load_state_dict(file.read(shapes))


def numbers_of(x: Operand) -> Operand:
    """What a parameter or a buffer holds: an array, which may be that of a Tensor itself, or a float."""
    return x.numpy() if x.__class__ is Tensor else x.data if is_node(x) else x


def write_numbers(where: str, places: Mapping[str, list[Found]], arrays: Mapping[str, np.ndarray]) -> None:
    """Put arrays of the right shapes where what has these names is kept; all or none. TypeError for another kind."""
    written: list[tuple[Found, np.ndarray]] = []
    for name, found in places.items():
        x, array = found[0][2], arrays[name]
        if isinstance(x, np.ndarray):
            if not np.can_cast(array.dtype, x.dtype, "same_kind"):
                raise TypeError(f"{where}: {name}: expected {x.dtype}, got {array.dtype}; this would lose digits")
            array = array.astype(x.dtype)
            for place in found:
                if isinstance(place[0][2], tuple) and not x.flags.writeable:
                    raise TypeError(f"{where}: {name} is a read-only array in a tuple; keep it as an attribute")
                written.append((place, array))
        else:
            written.append((found[0], array))
    for (holder, key, x, _), array in written:
        if is_node(x):
            x.data = array
        elif isinstance(holder[2], tuple):
            x[...] = array
        elif holder[3] == "module":
            setattr(holder[2], str(key), array)
        else:
            holder[2][key] = array


def is_parameter(x: Operand) -> bool:
    """True for a node that training moves, False for a result, a constant and an array."""
    return x.__class__ is not np.ndarray and x._op is None and not is_constant(x)


def _check_names(where: str, parameters: Mapping[str, object], state: Mapping[str, object]) -> None:
    missing = [name for name in parameters if name not in state]
    unknown = [name for name in state if name not in parameters]
    if missing or unknown:
        parts = [f"{names[0]} is {what}" for names, what in ((missing, "missing"), (unknown, "unknown")) if names]
        raise ValueError(
            f"load_state_dict: {where} has {len(parameters)} parameters and buffers, the state has {len(state)}: "
            f"{' and '.join(parts)}; make a model of the same layers first"
        )


def _row(name: str, p: Parameter, digits: int) -> tuple[str, str, str]:
    """A parameter's name, its number and its gradient; of an array their norms."""
    grad = None if p.grad is None or p.grad is NO_GRADIENT else p.grad

    def written(x: Operand) -> str:
        if np.ndim(x):
            return f"|{format_number(float(np.linalg.norm(x)), digits)}| of {np.shape(x)}"
        return format_number(float(x), digits)

    return p.label or name, written(numbers_of(p)), "-" if grad is None else written(grad)


def refuse_own_call(cls: type, instead: str) -> None:
    """TypeError for a class with a `__call__` of its own, which training, prediction and files would not use."""
    if "__call__" in vars(cls):
        raise TypeError(
            f"{cls.__name__}: expected what it computes in {instead}, which calls, predict, fit and evaluate all use; "
            "got a __call__, which only calls would use: rename it"
        )


class TrainingMode:
    """Modules behave as in training or as in prediction inside the `with`, for the current thread or task.

    others: those of them that do the opposite.
    """

    __slots__ = ("_mode",)

    def __init__(self, modules: Iterable[Module], mode: bool, others: Iterable[Module] = ()) -> None:
        self._mode = {id(module): mode for module in modules} | {id(module): not mode for module in others}

    def __enter__(self) -> None:
        _modes.set((self._mode, *_modes.get()))

    def __exit__(self, *raised: object) -> None:
        _modes.set(_modes.get()[1:])

    def around(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, called inside."""

        def inside(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return inside


# The modes that the current thread or task is in, the innermost first: of modules, by id.
_modes: ContextVar[tuple[dict[int, bool], ...]] = ContextVar("training modes", default=())


def mode_inside(module: Module) -> bool | None:
    """The mode that the module is in inside a TrainingMode; None outside."""
    for modes in _modes.get():
        if id(module) in modes:
            return modes[id(module)]
    return None


def clear_gradients(parameters: Iterable[Parameter]) -> None:
    """Give every parameter the gradient of a node that no backward pass has reached."""
    for p in parameters:
        p.grad = None if p.__class__ is Tensor else NO_GRADIENT


# What the search comes across: (where it was held, under which name or index, the object, its kind).
Found = tuple[Operand, str | int, Operand, str]


def state_of(root: object, seen: Iterable[object] = ()) -> dict[str, list[Found]]:
    """Parameters and buffers by their names, each once with all places where it is kept; without those `seen`."""
    kept: dict[int, list[Found]] = {}
    known = set(map(id, seen))
    for found in _walk(root):
        if found[3] == "nodes":
            for i, x in enumerate(found[2]):
                kept.setdefault(id(x), []).append((found, i, x, "node"))
        elif found[3] in ("node", "array"):
            kept.setdefault(id(found[2]), []).append(found)
    return {
        _path(places[0]): places
        for places in kept.values()
        if ((x := places[0][2]).__class__ is np.ndarray or x.op is None) and id(x) not in known
    }


def _walk(root: object) -> Iterator[Found]:
    """What `root` holds and `root` itself, in order of definition, all but nodes and arrays once.

    A sequence of nodes alone is given as a whole: nets consist of these.
    """
    found: Found = (None, "", root, _kinds[root.__class__])
    yield found
    seen = {id(root)}
    stack = [(found, _items(root, found[3]))]
    kinds_of = _kinds
    while stack:
        holder, unread = stack[-1]
        for name, x in unread:
            kind = kinds_of[x.__class__]
            if not kind:
                continue
            if kind == "node":
                yield holder, name, x, kind
            elif kind == "array":
                if x.dtype.kind in "fiub":
                    yield holder, name, x, kind
            elif id(x) not in seen:
                seen.add(id(x))
                if kind == "sequence" and len(classes := set(map(type, x))) < 2:
                    members = kinds_of[classes.pop()] if classes else ""
                    if members == "node":
                        yield holder, name, x, "nodes"
                        continue
                    if not members:  # such as a shape
                        continue
                found = holder, name, x, kind
                yield found
                stack.append((found, _items(x, kind)))
                break
        else:
            stack.pop()


def _items(x: Operand, kind: str) -> Iterator[tuple[str | int, Operand]]:
    """What x holds, with the names or indices under which it does."""
    if kind == "sequence":
        return enumerate(x)
    # Of a copy: a thread that trains may set an attribute meanwhile.
    return iter(tuple(x.items()) if kind == "dict" else x.__dict__.copy().items())


class _Kinds(dict[type, str]):
    """What each class is to the search for parameters, worked out once; empty if it cannot hold any."""

    def __missing__(self, cls: type) -> str:
        if hasattr(cls, "_record"):
            kind = "node"
        elif cls is np.ndarray:
            kind = "array"
        elif cls is Weights:  # a second view of parameters that a neuron holds as w and b
            kind = ""
        else:
            kinds = {Module: "module", dict: "dict", list: "sequence", tuple: "sequence"}
            kind = next((kind for known, kind in kinds.items() if issubclass(cls, known)), "")
        return self.setdefault(cls, kind)


_kinds = _Kinds()


def _path(found: Found) -> str:
    names = []
    while found[0] is not None:
        names.append(str(found[1]))
        found = found[0]
    return ".".join(reversed(names))
