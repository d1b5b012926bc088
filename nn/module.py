"""Module: what has parameters. Nets, layers and neurons are Modules, and so is a model of your own.

A Module knows nothing of how its output is computed; it finds the parameters that it holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd import Tensor
from autograd.fast.neuron import Weights
from autograd.operands import describe
from autograd.value import NO_GRADIENT

from .attributes import Attributes
from .files.arrays import open_arrays, save_arrays

__all__ = ["Module"]


class Module(Attributes):
    """The base of everything that has parameters.

    A parameter is a leaf node (a Value or a Tensor) kept as an attribute, or inside lists, tuples, dicts and
    Modules that are. Results of operations are not parameters; plain numbers and arrays are not::

        class Line(Module):
            def __init__(self):
                self.slope, self.intercept = Value(1.0), Value(0.0)

            def __call__(self, x):
                return self.slope * x + self.intercept

    """

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
        vars(self)["training"] = bool(mode)

    def parameters(self) -> list[Any]:
        """All parameters in order of definition, each once."""
        nodes: dict[Any, None] = {}
        for _, _, x, kind in _walk(self):
            if kind == "nodes":
                nodes.update(dict.fromkeys(x))
            elif kind == "node":
                nodes[x] = None
        return [x for x in nodes if x.is_leaf]

    def named_parameters(self) -> list[tuple[str, Any]]:
        """All parameters with their names, in order of definition, each once.

        A name is the path of attributes, indices and keys that leads to the parameter, as in
        PyTorch: `layers.0.neurons.1.w.0`. It is unique and does not depend on labels. A parameter
        held twice has the name of its first place.
        """
        names: dict[Any, str] = {}
        for found in _walk(self):
            if found[3] == "nodes":
                for i, x in enumerate(found[2]):
                    names.setdefault(x, _path((found, i, x, "node")))
            elif found[3] == "node":
                names.setdefault(found[2], _path(found))
        return [(name, x) for x, name in names.items() if x.is_leaf]

    def modules(self) -> list[Module]:
        """This module and all modules inside it, each once."""
        return [x for _, _, x, kind in _walk(self) if kind == "module"]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before a new backward pass."""
        clear_gradients(self.parameters())

    def train(self, mode: bool = True) -> Any:
        """Set `training` here and in every module inside; returns the module itself."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Any:
        """The opposite of `train()`: behave as in prediction; returns the module itself."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the numbers of all parameters, by the names of `named_parameters`."""
        return {name: np.array(_numbers(p)) for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set all parameters to numbers that `state_dict` gave.

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
        for name, p in self.named_parameters():
            p.data = arrays[name]

    def check_state(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse names and shapes that are not those of the parameters, as `load_state_dict` does."""
        parameters = dict(self.named_parameters())
        _check_names(type(self).__name__, parameters, shapes)
        for name, p in parameters.items():
            expected = np.shape(_numbers(p))
            if shapes[name] != expected:
                raise ValueError(f"load_state_dict: {name}: expected shape {expected}, got {shapes[name]}")

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Save the numbers of all parameters, as `state_dict` gives them, to `path`: a .npz or .safetensors file.

        The file is made whole or stays as it was. To save more than the weights see `Sequential.save`.
        """
        save_arrays(path, self.state_dict(), {})

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Set all parameters to the numbers that `save_weights`, or `Sequential.save`, wrote to `path`.

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


def _numbers(p: Any) -> Any:
    return p.numpy() if p.__class__ is Tensor else p.data


def _check_names(where: str, parameters: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    missing = [name for name in parameters if name not in state]
    unknown = [name for name in state if name not in parameters]
    if missing or unknown:
        parts = [f"{names[0]} is {what}" for names, what in ((missing, "missing"), (unknown, "unknown")) if names]
        raise ValueError(
            f"load_state_dict: {where} has {len(parameters)} parameters, the state has {len(state)}: "
            f"{' and '.join(parts)}; make a model of the same layers first"
        )


def refuse_own_call(cls: type, instead: str) -> None:
    """TypeError for a class with a `__call__` of its own, which training, prediction and files would not use."""
    if "__call__" in vars(cls):
        raise TypeError(
            f"{cls.__name__}: expected what it computes in {instead}, which calls, predict, fit and evaluate all use; "
            "got a __call__, which only calls would use: rename it"
        )


class TrainingMode:
    """Modules behave as in training or as in prediction inside the `with`, for the current thread or task."""

    __slots__ = ("_mode",)

    def __init__(self, modules: Iterable[Module], mode: bool) -> None:
        self._mode = frozenset(map(id, modules)), mode

    def __enter__(self) -> None:
        _modes.set((self._mode, *_modes.get()))

    def __exit__(self, *raised: object) -> None:
        _modes.set(_modes.get()[1:])

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, called inside."""

        def inside(*args: Any) -> Any:
            with self:
                return function(*args)

        return inside


# The modes that the current thread or task is in, the innermost first: of which modules, by id, and which.
_modes: ContextVar[tuple[tuple[frozenset[int], bool], ...]] = ContextVar("training modes", default=())


def mode_inside(module: Module) -> bool | None:
    """The mode that the module is in inside a TrainingMode; None outside."""
    for modules, mode in _modes.get():
        if id(module) in modules:
            return mode
    return None


def clear_gradients(parameters: Iterable[Any]) -> None:
    """Give every parameter the gradient of a node that no backward pass has reached."""
    for p in parameters:
        p.grad = None if p.__class__ is Tensor else NO_GRADIENT


# What the search comes across: (where it was held, under which name or index, the object, its kind).
_Found = tuple[Any, Any, Any, str]


def _walk(root: Any) -> Iterator[_Found]:
    """What `root` holds and `root` itself, in order of definition, all but nodes once.

    A sequence of nodes alone is given as a whole: nets consist of these.
    """
    found: _Found = (None, "", root, _kinds[root.__class__])
    yield found
    seen = {id(root)}
    stack = [(found, _items(root, found[3]))]
    while stack:
        holder, unread = stack[-1]
        for name, x in unread:
            kind = _kinds[x.__class__]
            if not kind:
                continue
            if kind == "node":
                yield holder, name, x, kind
            elif id(x) not in seen:
                seen.add(id(x))
                if kind == "sequence" and len(classes := set(map(type, x))) == 1 and _kinds[classes.pop()] == "node":
                    yield holder, name, x, "nodes"
                    continue
                found = holder, name, x, kind
                yield found
                stack.append((found, _items(x, kind)))
                break
        else:
            stack.pop()


def _items(x: Any, kind: str) -> Iterator[tuple[Any, Any]]:
    """What x holds, with the names or indices under which it does."""
    # A copy of the items: a thread that trains may set an attribute meanwhile.
    return iter(enumerate(x) if kind == "sequence" else tuple((x if kind == "dict" else vars(x)).items()))


class _Kinds(dict[type, str]):
    """What each class is to the search for parameters, worked out once; empty if it cannot hold any."""

    def __missing__(self, cls: type) -> str:
        if hasattr(cls, "_record"):
            kind = "node"
        elif cls is Weights:  # a second view of parameters that a neuron holds as w and b
            kind = ""
        else:
            kinds = {Module: "module", dict: "dict", list: "sequence", tuple: "sequence"}
            kind = next((kind for known, kind in kinds.items() if issubclass(cls, known)), "")
        return self.setdefault(cls, kind)


_kinds = _Kinds()


def _path(found: _Found) -> str:
    names = []
    while found[0] is not None:
        names.append(str(found[1]))
        found = found[0]
    return ".".join(reversed(names))
