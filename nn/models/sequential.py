"""Sequential: layers in a row, each fed by the one before."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import DTypeLike

from autograd.arguments import Rng
from autograd.operands import describe

from ..foreign import NAMES
from ..layers.base import BatchLayer, Input, Place, Shape
from .model import Model, name_layers, name_next
from .saving import CLASSES, net
from .wiring import in_a_row

__all__ = ["Sequential", "load_model"]


@net
class Sequential(Model):
    """A net of layers in a row. Rows of its input are samples::

        model = Sequential([Dense(32, activation="relu", input_shape=(10,)), Dense(1, activation="sigmoid")])
        model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=32, epochs=100, validation_split=0.2)

    layers: layers, an Input first if none of them says what a sample looks like; more by `add`.
    dtype: of parameters and data, float32 or float64. rng: an int seed, a numpy Generator or None;
    weights, shuffling and dropout draw from this generator of the model, `rng`, and from no other.

    Parameters are made as soon as the shape of a sample is known, at the latest in `fit`. Those of
    the l-th layer that has any are labelled W[l] and b[l], its results Z[l] and A[l].
    """

    def __init__(
        self,
        layers: Iterable[BatchLayer | Place] | None = None,
        *more: BatchLayer | Place,
        name: str = "sequential",
        dtype: DTypeLike = "float32",
        rng: Rng = None,
    ) -> None:
        self._begin(name, dtype, rng)
        self._wire(in_a_row([]), None, None)
        if more or isinstance(layers, BatchLayer | Input):
            written = ", ".join(map(repr, (layers, *more)))
            raise TypeError(f"Sequential: expected one list of layers; write Sequential([{written}])")
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self) -> list[BatchLayer]:
        """The layers in their order. The list may be changed: what is new in it is checked, named and built.

        After a change that brings or takes parameters, `compile` again: the optimizer has the others.
        """
        self._arrange()
        return vars(self)["layers"]

    @layers.setter
    def layers(self, layers: Iterable[BatchLayer]) -> None:
        found = list(layers)
        self._arrange(found)
        vars(self)["layers"] = found

    def add(self, layer: Any) -> None:
        """Put a layer behind the others. ValueError if it cannot take what they give."""
        if isinstance(layer, Input):
            if self.layers or self.input_shape is not None:
                raise ValueError(f"Sequential.add: {layer} must come first, before {len(self.layers)} layers")
            self._wire(in_a_row([], layer), (layer.shape,), layer.shape)
            return
        found = [*self.layers, layer]
        self._arrange(found)
        vars(self)["layers"] = found

    def _build(self, shape: Shape, dtype: DTypeLike | None, rng: Rng) -> None:
        if not self.layers:
            raise ValueError("Sequential: it has no layers; add one first, such as Dense(1)")
        if rng is not None and not self._brings_rng:  # it is a layer of a model, and has no generator of its own
            self.rng = rng  # type: ignore[assignment]
        self._arrange(self.layers, shape)

    def _arrange(self, layers: list[BatchLayer] | None = None, shape: Shape | None = None) -> None:
        """Name and build what is new in the list of layers, if it has changed. ValueError if they do not fit.

        layers: in the place of those that there are. shape: that of a sample, if it is only known now.
        """
        layers = vars(self)["layers"] if layers is None else layers
        before = self._wiring.row
        if layers == before and shape is None:
            return
        shape = first = shape or self.input_shape
        for i, layer in enumerate(layers):
            self._check_layer(layer, layers[:i])
        name_layers("Sequential.add", layers)
        number = 0
        for i, layer in enumerate(layers):
            given = layer.input_shape or layer.built_for
            if not i and shape is None:
                shape = first = given
            elif shape is not None and layer.input_shape not in (None, shape):
                raise ValueError(
                    f"Sequential.add: {layer} has input_shape={layer.input_shape}, what comes before gives {shape}; "
                    "leave input_shape out"
                )
            if shape is not None:
                layer.build(shape, dtype=self.dtype, rng=self.rng)
                # with the same ones before it as until now it has its labels, or those that a user gave it
                stays = self._shape is not None and layers[: i + 1] == before[: i + 1]
                number = number + layer.numbered if stays else name_next(layer, number)
                shape = layer.compute_output_shape(shape)
        if first is None:
            self._wire(in_a_row(layers), None, None)
        else:
            (known,) = self._wiring.inputs
            known = known if known is not None else Input(first)
            self._wire(in_a_row(layers, known), (first,), shape)

    def _check_layer(self, layer: object, before: list[BatchLayer]) -> None:
        """What becomes a layer has to be one, and no other one."""
        where = "Sequential.add"
        if not isinstance(layer, BatchLayer):
            raise TypeError(f"{where}: expected a layer such as Dense(32), got {_described(layer)}")
        if any(layer is other for other in before):
            raise ValueError(f"{where}: {layer} is in this model already; make a new one, each has its own weights")
        if layer is self or (isinstance(layer, Model) and any(m is self for m in layer.modules())):
            raise ValueError(f"{where}: a model cannot be a layer of itself")

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{', '.join(map(repr, self.layers))}])"


def _described(x: object) -> str:
    """What came in the place of a layer; that of another library with what it is called here."""
    if isinstance(x, type):
        return f"the class {x.__name__}; write {x.__name__}(...)"
    library, name = type(x).__module__.partition(".")[0], type(x).__name__
    if library in ("torch", "keras", "tensorflow", "sklearn", "flax", "equinox"):
        if name in CLASSES:
            return f"{name} of {library}; take that of nn, and set_weights"
        return f"{name} of {library}" + (f"; {NAMES[name]}" if name in NAMES else "")
    return describe(x)


def load_model(path: str | os.PathLike[str], custom_objects: Mapping[str, object] | None = None) -> Any:
    """The Sequential, or other Model, that its `save` wrote to `path`, as by `Sequential.load`."""
    return Sequential.load(path, custom_objects)


def find_sequential(where: str, model: object) -> Sequential:
    """`model` if it is a Sequential that is built, else TypeError or RuntimeError."""
    if not isinstance(model, Sequential):
        raise TypeError(f"{where}: expected a Sequential, got {describe(model)}")
    model._check_built(where)
    return model
