"""A model in a file: its layers, how it is trained, all its numbers, and where its random numbers continue.

An object is written as the name of its class and the arguments that would make it again, and made
again by calling that class. Only classes and functions of this library are, so that a file holds
no code; what a user wrote is not saved but refused.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd
from autograd.arguments import lookup
from autograd.operands import describe

from .. import initializers, layers, losses, optimizers, regularizers, schedules
from ..activations import RandomizedLeakyReLU, activations
from ..files.arrays import Shape, open_arrays, save_arrays
from ..metrics import Metric, metrics

__all__ = ["read_model", "write_model"]

FORMAT = "gradpath model 1"
OPTIMIZER = "optimizer."  # what the names of an optimizer's vectors start with


def _classes(*modules: Any) -> dict[str, type]:
    """The public classes of these modules, by name."""
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {name: x for name, x in found.items() if isinstance(x, type)}


CLASSES = _classes(layers, losses, optimizers, regularizers, schedules) | {"RandomizedLeakyReLU": RandomizedLeakyReLU}
FUNCTIONS: dict[str, Any] = {
    **{name: f for name in autograd.__all__ if hasattr(f := getattr(autograd, name), "op")},
    **{name: f for name, f in activations.items() if not isinstance(f, type)},
    **initializers.initializers,
}
BIT_GENERATORS = {c.__name__: c for c in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937)} | {
    c.__name__: c for c in (np.random.Philox, np.random.SFC64)
}


# ---------------------------------------------------------------- models


def write_model(path: str | os.PathLike[str], model: Any) -> None:
    """Save a Sequential that is built. TypeError, and no file, if a part of it is code of the user's own."""
    settings = _described(model)
    weights, vectors = model.state_dict(), {}
    settings["weights"] = list(weights)
    if model.loss is not None and model.optimizer.parameters:
        for name, x in model.optimizer.state_dict().items():
            if isinstance(x, np.ndarray):
                vectors[OPTIMIZER + name] = x
            else:
                settings["training"]["state"][name] = x
    save_arrays(path, {**weights, **vectors}, settings)


def check_savable(model: Any) -> None:
    """TypeError if a part of the model is code of the user's own, which `write_model` would refuse."""
    _described(model)


def _described(model: Any) -> dict[str, Any]:
    """Everything but the weights and the state of the optimizer, as JSON holds it."""
    writer = _Writer([model.rng])
    training = None
    if model.loss is not None:
        training = {
            "optimizer": writer.plain("the optimizer", model.optimizer),
            "loss": writer.plain("the loss", model.loss),
            "metrics": [writer.metric(metric) for metric in model.metrics],
            "state": {},
        }
    return {
        "format": FORMAT,
        "name": model.name,
        "dtype": str(model.dtype),
        "weights": [],
        "input_shape": model.input_shape,
        "layers": [writer.plain(f"layer {layer.name!r}", layer) for layer in model.layers],
        "training": training,
        "generators": [_state_of(rng) for rng in writer.generators],
    }


def read_model(path: str | os.PathLike[str], cls: Any) -> Any:
    """The Sequential that `write_model` saved, as an object of the class `cls`."""
    with open_arrays(path) as file:
        settings = file.settings
        if settings.get("format") != FORMAT:
            raise ValueError(
                f"{path}: expected a model, found {len(file.shapes)} arrays without a description of one; "
                "if these are its weights, make the model and call load_weights(path)"
            )
        with _naming(path):
            generators = [np.random.Generator(BIT_GENERATORS[x["bit_generator"]]()) for x in settings["generators"]]
            model = _made(cls, file.shapes, settings, generators)
        arrays = file.read()
        with _naming(path):
            _fill(model, arrays, settings)
            for generator, state in zip(generators, settings["generators"], strict=True):
                generator.bit_generator.state = _state_in(state)  # last, for making the layers drew numbers
    return model


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever comes of a description from elsewhere, too: an int too large for a float, calls too deep, no memory."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{path}: the description of the model does not make one ({error})") from error


def _made(cls: Any, shapes: Mapping[str, Shape], settings: Mapping[str, Any], generators: list[Any]) -> Any:
    """The model, with parameters of 0. ValueError if they have other shapes than the arrays; more are never made."""
    reader = _Reader(generators)
    made = reader.made(settings["layers"])
    with _starting_with(_Zeros(shapes[name] for name in settings["weights"]), made):
        first = layers.Input(settings["input_shape"])
        model = cls([first, *made], name=settings["name"], dtype=settings["dtype"], rng=generators[0])
    weights = {name: shapes[name] for name in settings["weights"]}
    model.check_state(weights)
    training = settings["training"]
    state = {} if training is None else training["state"]
    if training is not None:
        model.compile(*(reader.made(training[part]) for part in ("optimizer", "loss", "metrics")))
    vectors = model.optimizer.state_dict() if state else {}
    expected = weights | {OPTIMIZER + name: x.shape for name, x in vectors.items() if isinstance(x, np.ndarray)}
    if expected != shapes:
        name = next(name for name in [*expected, *shapes] if expected.get(name) != shapes.get(name))
        raise ValueError(f"{name}: expected {expected.get(name, 'no such array')}, got {shapes.get(name, 'none')}")
    return model


class _Zeros:
    """An initializer that makes no more numbers than a file has."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        self.left = sum(map(math.prod, shapes))

    def __call__(self, shape: Shape, *, rng: Any) -> np.ndarray:
        self.left -= math.prod(shape)
        if self.left < 0:
            raise ValueError(f"a parameter of shape {shape} is more than the file has numbers for")
        return np.zeros(shape)


@contextmanager
def _starting_with(initializer: Any, made: Iterable[Any]) -> Iterator[None]:
    """In place of the initializers of all layers, which come back."""
    own = [(layer, name, x) for layer in made for name, x in vars(layer).items() if name.endswith("_initializer")]
    for layer, name, _ in own:
        setattr(layer, name, initializer)
    yield
    for layer, name, x in own:
        setattr(layer, name, x)


def _fill(model: Any, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> None:
    """Give a model its weights, and its optimizer the state, that it had."""
    model.load_state_dict({name: arrays[name] for name in settings["weights"]})
    if settings["training"] is not None and settings["training"]["state"]:
        vectors = {name.removeprefix(OPTIMIZER): x for name, x in arrays.items() if name not in settings["weights"]}
        model.optimizer.load_state_dict({**settings["training"]["state"], **vectors})


# ---------------------------------------------------------------- objects as plain data


class _Writer:
    """Writes objects as plain data; each random generator once, so that those who share one still do."""

    def __init__(self, generators: Iterable[np.random.Generator]) -> None:
        self.generators = list(generators)

    def plain(self, where: str, x: Any) -> Any:
        """x as JSON holds it. TypeError that names `where` it is if it is not of this library."""
        if x is None or isinstance(x, bool | int | float | str):
            return x
        if isinstance(x, np.generic):
            return x.item()
        if isinstance(x, np.dtype):
            return str(x)
        if isinstance(x, list | tuple):
            return [self.plain(where, member) for member in x]
        if isinstance(x, np.random.Generator):
            return {"generator": self._number(x)}
        if CLASSES.get(type(x).__name__) is type(x):
            return {"class": type(x).__name__, **self._options(where, _arguments(x))}
        function = x.func if isinstance(x, functools.partial) and not x.args else x
        for name, known in FUNCTIONS.items():
            if function is known:
                return {"function": name, **self._options(where, x.keywords if function is not x else {})}
        raise _own(where, x)

    def metric(self, metric: Metric) -> dict[str, Any]:
        """A metric as its name in the table, its name in this model and its options."""
        sums: Any = metric.sums
        options: dict[str, Any] = {}
        while isinstance(sums, functools.partial):
            sums, options = sums.func, {**sums.keywords, **options}
        for name, known in metrics.items():
            if known.sums is sums and known.read is metric.read:
                return {"metric": name, "name": metric.name, **self._options("a metric", options)}
        raise _own("a metric", metric)

    def _options(self, where: str, options: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.plain(where, value) for name, value in options.items()}

    def _number(self, rng: np.random.Generator) -> int:
        for i, known in enumerate(self.generators):
            if known is rng:
                return i
        self.generators.append(rng)
        return len(self.generators) - 1


class _Reader:
    """Makes the objects that a _Writer wrote."""

    def __init__(self, generators: list[np.random.Generator]) -> None:
        self.generators = generators

    def made(self, x: Any) -> Any:
        """The object, list, number or name."""
        if isinstance(x, list):
            return [self.made(member) for member in x]
        if not isinstance(x, dict):
            return x
        if "generator" in x:
            return self.generators[x["generator"]]
        options = {name: self.made(value) for name, value in x.items()}
        if "class" in x:
            return CLASSES[options.pop("class")](**options)
        if "metric" in x:
            metric, name = metrics[options.pop("metric")], options.pop("name")
            return (metric.using(**options) if options else metric).named(name)
        function = FUNCTIONS[options.pop("function")]
        return functools.partial(function, **options) if options else function


def _arguments(x: Any) -> dict[str, Any]:
    """The arguments that would make x again: every class here keeps them under their own names."""
    names: dict[str, None] = {}
    for cls in type(x).__mro__:
        if "__init__" in vars(cls) and cls is not object:
            names.update(dict.fromkeys(inspect.signature(cls).parameters))
    found = {name: getattr(x, name) for name in names if name not in ELSEWHERE and hasattr(x, name)}
    if isinstance(x, optimizers.Optimizer):
        found["learning_rate"] = x.learning_rate if x.schedule is None else x.schedule
        found.update([x._clipping] if x._clipping is not None else [])
    return found


# Arguments that are no settings: parameters are the model's; input_dim is in input_shape; the rest is **.
ELSEWHERE = ("parameters", "input_dim", "clipping", "options")


def _own(where: str, x: Any) -> TypeError:
    what = x.name if isinstance(x, Metric) else getattr(x, "__name__", describe(x))
    return TypeError(
        f"save: {where} uses {what}, which is code of your own and is not put into a file; "
        "call save_weights(path), and to go on make the model again and call load_weights(path)"
    )


def _state_of(rng: np.random.Generator) -> dict[str, Any]:
    """The state of a generator as JSON holds it."""
    state = rng.bit_generator.state
    if state.get("bit_generator") not in BIT_GENERATORS:
        raise _own("the random generator", rng.bit_generator)
    return _without_arrays(state)


def _without_arrays(x: Any) -> Any:
    if isinstance(x, dict):
        return {name: _without_arrays(value) for name, value in x.items()}
    if isinstance(x, np.ndarray):
        return {"array": x.tolist(), "type": str(x.dtype)}
    return x.item() if isinstance(x, np.generic) else x


def _state_in(x: Mapping[str, Any]) -> Any:
    """The state of a generator. ValueError for a place in its buffer beyond which it would read."""
    for where, last in (("pos", 624), ("buffer_pos", 4)):
        places = [part.get(where, 0) for part in (x, x["state"])]
        if not all(isinstance(place, int) and 0 <= place <= last for place in places):
            raise ValueError(f"expected {where!r} of a random generator to be from 0 to {last}, got {places}")
    return _arrays_in(x)


def _arrays_in(x: Any) -> Any:
    if isinstance(x, dict) and set(x) == {"array", "type"}:
        return np.array(x["array"], lookup("type", x["type"], _STATE_TYPES))
    return {name: _arrays_in(value) for name, value in x.items()} if isinstance(x, dict) else x


_STATE_TYPES = {"uint32": np.uint32, "uint64": np.uint64}
