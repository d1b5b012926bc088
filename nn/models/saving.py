"""A model in a file: its layers, how it is trained, all its numbers, and where its random numbers continue.

An object is written as the name of its class and the arguments that would make it again, a function as
its name. So a file holds no code, and reading it runs none but this library's; what a user wrote is
looked up by its name in what the reader is given as `custom_objects`, or among the operations.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

import autograd
from autograd.arguments import Rng, lookup
from autograd.op import named
from autograd.operands import Operand, describe
from autograd.signatures import Json

from .. import initializers, layers, losses, optimizers, regularizers, schedules
from ..activations import RandomizedLeakyReLU, activations
from ..files.arrays import Shape, open_arrays, save_arrays
from ..layers.base import BatchLayer
from ..metrics import Metric, SumsOf, find_metric, metrics
from ..module import Module, state_of

__all__ = ["check_savable", "read_model", "register", "write_model"]

T = TypeVar("T")

FORMAT = "gradpath model 1"
MOST_NUMBERS = 10_000  # of an array among the arguments of a part
TYPES = {name: np.dtype(name) for name in ("float32", "float64", "bool", "int64", "int32", "int16", "int8")} | {
    f"uint{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)
}
OPTIMIZER = "optimizer."  # what the names of an optimizer's vectors start with


def _classes(*modules: Any) -> dict[str, type]:
    """The public classes of these modules, by name."""
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {name: x for name, x in found.items() if isinstance(x, type)}


CLASSES = _classes(layers, losses, optimizers, regularizers, schedules) | {"RandomizedLeakyReLU": RandomizedLeakyReLU}
FUNCTIONS: dict[str, object] = {
    **{name: f for name in autograd.__all__ if hasattr(f := getattr(autograd, name), "op")},
    **{name: f for name, f in activations.items() if not isinstance(f, type)},
    **initializers.initializers,
}
BIT_GENERATORS = {c.__name__: c for c in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937)} | {
    c.__name__: c for c in (np.random.Philox, np.random.SFC64)
}


def net(cls: type[T]) -> type[T]:
    """A class of models of this library, which files name."""
    CLASSES[cls.__name__] = cls
    return cls


# What was registered, by name, so that files which name it are read without `custom_objects`.
registered: dict[str, object] = {}


def register(x: T) -> T:
    """Let `load_model` find a class or a function of one's own by its name: write `@nn.register` above it.

    Returns it. The newest of a name counts, and what is given as `custom_objects` before it. TypeError for what has
    no name, ValueError for a name that a part of this library has.
    """
    name = getattr(x, "__name__", "")
    if not callable(x) or not name.isidentifier():
        raise TypeError(f"register: expected a class or a function with a name, got {describe(x)}")
    if name in CLASSES or name in FUNCTIONS:
        raise ValueError(f"register: {name} is a part of this library; choose another name")
    registered[name] = x
    return x


# ---------------------------------------------------------------- models


def checked_metadata(metadata: Any) -> Json:
    """What a user wants to be in a file, as it will come out of it. TypeError for what JSON cannot hold."""
    if not isinstance(metadata, Mapping):
        raise TypeError(f"save: expected metadata by names, such as {{'classes': [...]}}; got {describe(metadata)}")
    try:
        found: Json = json.loads(json.dumps(dict(metadata), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise TypeError(f"save: metadata is to be text, finite numbers, lists and dicts of them ({error})") from None
    return found


def write_model(path: str | os.PathLike[str], model: Any) -> None:
    """Save a Sequential that is built. TypeError, and no file, if a part of it could not be made again by name."""
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
    """TypeError if a part of the model has no name by which it could be made again: `write_model` would refuse it."""
    _described(model)


def _described(model: Any) -> Json:
    """Everything but the weights and the state of the optimizer, as JSON holds it."""
    writer = _Writer([model.rng])
    training = None
    if model.loss is not None:
        training = {
            "optimizer": writer.plain("the optimizer", model.optimizer),
            "loss": writer.plain("the loss", model.loss),
            "metrics": [writer.metric(metric) for metric in model.metrics],
            "groups": _groups_of(model, writer),
            "frozen": [i for i, layer in enumerate(_layers_in(model)) if any(layer is x for x in model.frozen)],
            "state": {},
        }
    return {
        "format": FORMAT,
        **({"metadata": model.metadata} if model.metadata else {}),
        **writer.structure(model),
        "weights": [],
        "training": training,
        "generators": [_state_of(rng) for rng in writer.generators],
    }


def _groups_of(model: Any, writer: _Writer) -> list[Json]:
    """The groups of parameters that the optimizer has options for, with the names of the parameters."""
    names = {id(numbers): name for name, ((_, _, numbers, _), *_) in state_of(model).items()}
    return [
        {
            "parameters": [names[id(p)] for p in group.pop("parameters")],
            "options": {name: writer.plain(f"{name} of a group of the optimizer", x) for name, x in group.items()},
        }
        for group in model.optimizer.groups
    ]


def read_model(path: str | os.PathLike[str], cls: Any, custom_objects: Mapping[str, object] | None = None) -> Any:
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
            model = _made(cls, file.shapes, settings, _Reader(generators, custom_objects or {}))
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
    except _NotGiven as error:
        raise ValueError(f"{path}: {error}") from None
    except Exception as error:
        raise ValueError(f"{path}: the description of the model does not make one ({error})") from error


def _made(cls: Any, shapes: Mapping[str, Shape], settings: Mapping[str, Any], reader: _Reader) -> Any:
    """The model, with parameters of 0. ValueError if they have other shapes than the arrays; more are never made."""
    reader.start = _Zeros(shapes[name] for name in settings["weights"])
    model = reader.model(settings, cls, reader.generators[0])
    model.metadata = dict(settings.get("metadata", {}))
    weights = {name: shapes[name] for name in settings["weights"]}
    model.check_state(weights)
    training = settings["training"]
    state = {} if training is None else training["state"]
    if training is not None:
        optimizer, loss, measured = (reader.made(training[part]) for part in ("optimizer", "loss", "metrics"))
        groups = training.get("groups")  # files from before groups have none
        if groups:
            parameters = {name: places[0][2] for name, places in state_of(model).items()}
            optimizer.bind(
                [
                    {"parameters": [parameters[name] for name in group["parameters"]]}
                    | {name: reader.made(x) for name, x in group["options"].items()}
                    for group in groups
                ]
            )
        layers_in = _layers_in(model)
        now = [layer.trainable for layer in layers_in]
        for i, layer in enumerate(layers_in):  # as they were at compile, which looks at it, and after it
            vars(layer)["trainable"] = i not in training.get("frozen", ())
        model.compile(optimizer, loss, measured)
        for layer, trainable in zip(layers_in, now, strict=True):
            vars(layer)["trainable"] = trainable
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

    def __call__(self, shape: Shape, *, rng: Rng) -> np.ndarray:
        self.left -= math.prod(shape)
        if self.left < 0:
            raise ValueError(f"a parameter of shape {shape} is more than the file has numbers for")
        return np.zeros(shape)


def _layers_in(model: Any) -> list[BatchLayer]:
    """The model and all layers inside, in an order that is the same after it was made again."""
    return [m for m in model.modules() if isinstance(m, layers.BatchLayer)]


@contextmanager
def _starting_with(initializer: object, made: Iterable[Any]) -> Iterator[None]:
    """In place of the initializers of our layers, which come back. What one's own layers start with is theirs."""
    ours = [layer for layer in made if CLASSES.get(type(layer).__name__) is type(layer)]
    kept = [(layer, name, x) for layer in ours for name, x in vars(layer).items() if name.endswith("_initializer")]
    for layer, name, _ in kept:
        vars(layer)[name] = initializer
    yield
    for layer, name, x in kept:
        vars(layer)[name] = x


def _fill(model: Any, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> None:
    """Give a model its weights, and its optimizer the state, that it had."""
    model.load_state_dict({name: arrays[name] for name in settings["weights"]})
    if settings["training"] is not None and settings["training"]["state"]:
        vectors = {name.removeprefix(OPTIMIZER): x for name, x in arrays.items() if name not in settings["weights"]}
        model.optimizer.load_state_dict({**settings["training"]["state"], **vectors})


# ---------------------------------------------------------------- objects as plain data


class _Writer:
    """Writes objects as plain data; each random generator and each layer once, so that those who share one still do."""

    def __init__(self, generators: Iterable[np.random.Generator]) -> None:
        self.generators = list(generators)
        self.layers: list[BatchLayer] = []

    def structure(self, model: Any) -> Json:
        """A model without its numbers: its layers, and which is given what unless they are in a row."""
        own = {}
        if not model.goes_straight:
            if "forward" in vars(model):
                raise _nameless("the model", model.forward)
            _check_class(type(model))
            own = {"own class": type(model).__name__}
        found = {
            **own,
            "name": model.name,
            "dtype": str(model.dtype),
            "trainable": model.trainable,
            "input_shape": model.input_shape,
            "layers": [self.layer(layer) for layer in model.layers],
        }
        if not hasattr(model, "add"):
            places = {id(layer): i for i, layer in enumerate(model.layers)}
            found["inputs"] = [[place.shape, place.name] for place in model.inputs]
            found["calls"] = [
                [places[id(call.layer)], call.inputs, self._options("a call of a layer", call.told)]
                + [dict(zip(call.named, call.sources[len(call.inputs) :], strict=True))] * bool(call.named)
                for call in model.wiring.calls
            ]
        return found

    def layer(self, layer: Any) -> Any:
        """A layer, or a model that is one."""
        for i, known in enumerate(self.layers):
            if known is layer:
                return {"layer": i}
        if hasattr(layer, "wiring"):
            found: Any = {"model": self.structure(layer), "generator": self._number(layer.rng)}
        else:
            found = self.plain(f"layer {layer.name!r}", layer)
        self.layers.append(layer)
        is_told = layer.trainable or "model" in found  # a structure says it itself
        return found if is_told else {"frozen": found}

    def plain(self, where: str, x: Operand) -> Operand:
        """x as JSON holds it. TypeError that names `where` it is if it could not be made again by name."""
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
        if isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
            if x.size > MOST_NUMBERS:
                raise TypeError(
                    f"save: {where} has an argument of {x.size} numbers, more than {MOST_NUMBERS} in a description: "
                    "keep them as a buffer, an array that make_parameters sets"
                )
            return {"array": x.tolist(), "type": str(x.dtype)}
        name = type(x).__name__
        if CLASSES.get(name) is type(x):
            return {"class": name, **self._options(where, _arguments(where, x))}
        if isinstance(x, functools.partial):
            if x.args:
                raise _nameless(where, x)
            return {**self._named(where, x.func), **self._options(where, x.keywords)}
        if isinstance(x, KINDS) or (callable(x) and not hasattr(x, "__name__")):
            return {"own class": name, **self._options(where, _arguments(where, x))}
        return self._named(where, x)

    def _named(self, where: str, function: object) -> Json:
        """A function as the name by which `_Reader` finds it."""
        for name, known in FUNCTIONS.items():
            if function is known:
                return {"function": name}
        name = getattr(function, "__name__", "")
        if (op := named(name)) is not None and op.function is function:
            return {"function": name}
        if not name.isidentifier():
            raise _nameless(where, function)
        return {"own": name}

    def metric(self, metric: Metric) -> Json:
        """A metric as its name in the table or its function, its name in this model and its options."""
        rest = {"name": metric.name, **self._options("a metric", metric.options)}
        if metric.known_as is not None:
            return {"metric": metric.known_as, **rest}
        if isinstance(metric.sums, SumsOf):
            return {"metric": self.plain("a metric", metric.sums.function), **rest}
        return {"metric": self._named("a metric", metric), **rest}

    def _options(self, where: str, options: Mapping[str, object]) -> Json:
        return {name: self.plain(where, value) for name, value in options.items()}

    def _number(self, rng: np.random.Generator) -> int:
        for i, known in enumerate(self.generators):
            if known is rng:
                return i
        self.generators.append(rng)
        return len(self.generators) - 1


class _Reader:
    """Makes the objects that a _Writer wrote."""

    def __init__(self, generators: list[np.random.Generator], own: Mapping[str, object]) -> None:
        self.generators, self.own = generators, own
        self.layers: list[BatchLayer] = []
        self.start: Any = None  # the initializer that our layers start with

    def model(self, structure: Mapping[str, Any], cls: Any, rng: np.random.Generator) -> Any:
        """The model of a structure; cls: its class, if its layers are in a row."""
        if structure.get("own class", cls.__name__) != cls.__name__:
            cls = self.given(structure["own class"])
        made = [self.layer(x) for x in structure["layers"]]
        options = {"name": structure["name"], "dtype": structure["dtype"], "rng": rng}
        with _starting_with(self.start, made):
            if "calls" not in structure:
                found = cls([layers.Input(structure["input_shape"]), *made], **options)
            else:
                inputs = [layers.Input(shape, name=name) for shape, name in structure["inputs"]]
                places: list[Any] = list(inputs)
                for layer, sources, told, *named in structure["calls"]:
                    told = {name: self.made(x) for name, x in told.items()}
                    told |= {name: places[source] for (known,) in [named or [{}]] for name, source in known.items()}
                    places.append(made[layer]([places[source] for source in sources], **told))
                found = CLASSES["Model"](inputs, places[-1], **options)
        vars(found)["trainable"] = structure.get("trainable", True)
        return found

    def layer(self, x: Any) -> Any:
        """A layer that `_Writer.layer` wrote."""
        if set(x) == {"frozen"}:
            found = self.layer(x["frozen"])
            vars(found)["trainable"] = False
            return found
        if set(x) == {"layer"}:
            return self.layers[x["layer"]]
        if "model" in x:
            found = self.model(x["model"], CLASSES["Sequential"], self.generators[x["generator"]])
        else:
            found = self.made(x)
        self.layers.append(found)
        return found

    def made(self, x: object) -> Any:
        """The object, list, number or name."""
        if isinstance(x, list):
            return [self.made(member) for member in x]
        if not isinstance(x, dict):
            return x
        if set(x) == {"array", "type"}:
            return np.array(x["array"], lookup("type", x["type"], TYPES))
        if "generator" in x:
            return self.generators[x["generator"]]
        options = {name: self.made(value) for name, value in x.items()}
        if "own class" in x:
            return self.given(options.pop("own class"))(**options)
        if "class" in x:
            return CLASSES[options.pop("class")](**options)
        if "metric" in x:
            metric, name = options.pop("metric"), options.pop("name")
            return find_metric(metrics[metric] if isinstance(metric, str) else metric).using(**options).named(name)
        if "own" in x:
            function = self.given(options.pop("own"))
        else:
            name = options.pop("function")
            function = FUNCTIONS[name] if name in FUNCTIONS else self._operation(name)
        return functools.partial(function, **options) if options else function

    def given(self, name: str) -> Any:
        if name in self.own or name in registered:
            return self.own.get(name, registered.get(name))
        raise _NotGiven(
            f"the model uses {name}, which is no part of this library: pass it by name, load_model(path, "
            f"custom_objects={{{name!r}: {name}}}), or write @nn.register above it"
        )

    def _operation(self, name: str) -> Any:
        if (op := named(name)) is None:
            raise _NotGiven(f"the model uses the operation {name!r}: define it, or import what does, before loading")
        return op.function


def _check_class(cls: type) -> None:
    """TypeError for a class of models that could not be made again from its layers."""
    try:
        inspect.signature(cls).bind([], name="", dtype="", rng=None)
    except TypeError as error:
        raise TypeError(
            f"save: a {cls.__name__} is made again from its layers, as {cls.__name__}(layers, name=..., dtype=..., "
            f"rng=...), and its __init__ takes other arguments ({error}): let it take these, or call "
            "save_weights(path), and load_weights(path) of a new one"
        ) from None


class _NotGiven(Exception):
    """What a model is made of cannot be found by its name."""


def _arguments(where: str, x: object) -> Json:
    """The arguments that would make x again: it keeps them under their own names."""
    found: Json = {}
    for cls in type(x).__mro__[:-1]:
        if "__init__" not in vars(cls):
            continue
        parameters = list(inspect.signature(cls).parameters.values())
        for p in parameters:
            if (
                p.kind is p.VAR_KEYWORD
                or p.name in ELSEWHERE
                or (isinstance(x, layers.Dense) and p.name == "input_dim")
            ):
                continue
            if not hasattr(x, p.name):
                raise TypeError(
                    f"save: {where} is a {type(x).__name__}, whose argument {p.name!r} is not kept: "
                    f"write self.{p.name} = {p.name} in its __init__, so that it can be made again"
                )
            found[p.name] = getattr(x, p.name)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    if isinstance(x, optimizers.Optimizer):
        found["learning_rate"] = x.learning_rate if x.schedule is None else x.schedule
        found.update([x._clipping] if x._clipping is not None else [])
    return found


# Arguments of optimizers that are written otherwise: parameters are the model's, and the clipping is a pair. The
# input_dim of a Dense is in its input_shape.
ELSEWHERE = ("parameters", "clipnorm", "clipvalue", "global_clipnorm")

# What a class of one's own may be derived from; another one is known by being callable.
KINDS = (layers.BatchLayer, losses.Loss, optimizers.Optimizer, Module)


def _nameless(where: str, x: object) -> TypeError:
    what = getattr(x, "__name__", describe(x))
    return TypeError(
        f"save: {where} uses {what}, which is code of your own without a name to find it by: define it with "
        "def or class; or call save_weights(path), and to go on make the model again and call load_weights(path)"
    )


def _state_of(rng: np.random.Generator) -> Json:
    """The state of a generator as JSON holds it."""
    state = rng.bit_generator.state
    if state.get("bit_generator") not in BIT_GENERATORS:
        raise _nameless("the random generator", rng.bit_generator)
    return _without_arrays(state)


def _without_arrays(x: Operand) -> Operand:
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


def _arrays_in(x: Operand) -> Operand:
    if isinstance(x, dict) and set(x) == {"array", "type"}:
        return np.array(x["array"], lookup("type", x["type"], _STATE_TYPES))
    return {name: _arrays_in(value) for name, value in x.items()} if isinstance(x, dict) else x


_STATE_TYPES = {"uint32": np.uint32, "uint64": np.uint64}
