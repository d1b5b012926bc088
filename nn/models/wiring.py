"""Which layer of a net is given what: layers in a row, or those between the places that a Model was given.

It knows no numbers: what runs through it are batches, or the shapes of samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from autograd.operands import Operand, describe

from ..layers.base import BatchLayer, Input, Place, Shape, Shapes, mode_of_call, one_or_all, output_of

__all__ = ["Call", "Wiring", "between", "in_a_row"]


class Call:
    """One use of a layer.

    sources: the numbers of the places that it is given; inputs come first, then a place for each call in its turn.
    named: the options that the last of them are given as, such as a mask. options: what else. training: the mode it is
    computed in, whatever the model does; None for that of the model. done: the sources that nobody needs after it.
    """

    __slots__ = ("done", "layer", "named", "options", "sources", "training")

    def __init__(
        self, layer: BatchLayer, sources: tuple[int, ...], options: Mapping[str, Operand], named: Sequence[str] = ()
    ) -> None:
        self.layer, self.sources, self.options, self.named = layer, sources, dict(options), tuple(named)
        self.training: Any = self.options.pop("training", None)
        self.done: tuple[int, ...] = ()

    @property
    def inputs(self) -> tuple[int, ...]:
        """The sources that are its inputs, and no options."""
        return self.sources[: len(self.sources) - len(self.named)]

    @property
    def told(self) -> dict[str, Operand]:
        """What the layer was called with besides places."""
        return self.options if self.training is None else {**self.options, "training": self.training}

    def divided(self, given: list[Operand]) -> tuple[list[Operand], dict[str, Operand]]:
        """What the sources hold as inputs and options."""
        if not self.named:
            return given, self.options
        n = len(given) - len(self.named)
        return given[:n], self.options | dict(zip(self.named, given[n:], strict=True))


class Wiring:
    """The calls of a net's layers, operands before results; the last gives the output.

    inputs: the places that it starts from; (None,) for one of which the shape is not known yet.
    """

    __slots__ = ("calls", "inputs", "row")

    def __init__(self, inputs: Iterable[Place | None], calls: Iterable[Call]) -> None:
        self.inputs, self.calls = tuple(inputs), tuple(calls)
        self.row = [call.layer for call in self.calls]  # a layer that is used twice stands in it twice
        needed: set[int] = set()
        for call in reversed(self.calls):
            call.done = tuple(set(call.sources) - needed)
            needed.update(call.sources)

    @property
    def layers(self) -> list[BatchLayer]:
        """All layers, each once, in the order of their first use."""
        return list({id(layer): layer for layer in self.row}.values())

    @property
    def is_row(self) -> bool:
        """True if each layer is used once, and given what the one before gives."""
        return (
            len(self.inputs) == 1
            and len(self.layers) == len(self.row)
            and all(call.sources == (i,) and not call.told for i, call in enumerate(self.calls))
        )

    def run(self, *xs: Operand, to_sums: bool = False) -> Operand:
        """The output for batches; before the activation of the last layer if `to_sums`."""
        places = dict(enumerate(xs))
        last = len(self.calls) - 1
        for i, call in enumerate(self.calls):
            given = [places[source] for source in call.sources]
            for source in call.done:
                del places[source]
            given, options = call.divided(given)
            with nullcontext() if call.training is None else mode_of_call(call.layer, call.training):
                if i == last and to_sums:
                    return call.layer.before_activation(*given, **options)
                places[len(xs) + i] = output_of(call.layer, *given, **options)
        return places[len(xs) + last]

    def shapes(self, given: Sequence[Shape]) -> list[Shape]:
        """The shapes of a sample at all places, from those of the inputs. ValueError where a layer cannot take one."""
        found = list(given)
        for call in self.calls:
            found.append(call.layer.compute_output_shape(self.shape_for(call, found)))
        return found

    def shape_for(self, call: Call, found: Sequence[Shape]) -> Shapes:
        """What a layer's `compute_output_shape` is asked: a shape, or those of all inputs."""
        return one_or_all(tuple(found[source] for source in call.inputs))


def in_a_row(layers: Iterable[BatchLayer], first: Place | None = None) -> Wiring:
    """Each layer fed by the one before; first: what the samples look like, if it is known."""
    return Wiring((first,), (Call(layer, (i,), {}) for i, layer in enumerate(layers)))


def between(where: str, inputs: Sequence[Place], output: Place) -> Wiring:
    """What lies between these places. ValueError for an output that needs another input, or does not need one."""
    numbers = {place: i for i, place in enumerate(inputs)}
    calls: list[Call] = []
    waiting = [(output, _sources(output))]
    while waiting:
        place, unread = waiting[-1]
        if place in numbers:
            waiting.pop()
            continue
        if place.layer is None:
            raise ValueError(
                f"{where}: the output depends on {named(place)}, which is not among the inputs: "
                f"give it too, Model([...], output)"
            )
        for source in unread:
            if source not in numbers:
                waiting.append((source, _sources(source)))
                break
        else:
            waiting.pop()
            numbers[place] = len(inputs) + len(calls)
            masks = place.named
            options = {name: x for name, x in place.options.items() if name not in masks}
            sources = tuple(numbers[source] for source in (*place.sources, *masks.values()))
            calls.append(Call(place.layer, sources, options, tuple(masks)))
    used = {source for call in calls for source in call.sources}
    for i, place in enumerate(inputs):
        if i not in used:
            raise ValueError(f"{where}: the output does not depend on the input {named(place)}: leave it out")
    return Wiring((Input(place.shape, name=place.name) for place in inputs), calls)


def _sources(place: Place) -> Iterator[Place]:
    return iter((*place.sources, *place.named.values()))


def named(place: Place) -> str:
    """A place as messages call it."""
    return repr(place) if place.name is None else f"{place!r} {place.name!r}"


def checked_places(where: str, what: str, places: object) -> tuple[Place, ...]:
    """One or several places as a tuple. TypeError for another thing."""
    found = tuple(places) if isinstance(places, list | tuple) else (places,)
    for place in found:
        if isinstance(place, BatchLayer):
            raise TypeError(f"{where}: expected {what} as places, got the layer {place}; call it: {place}(x)")
        if not isinstance(place, Place):
            raise TypeError(
                f"{where}: expected {what} as Input(...), or what layers of this library give for it; "
                f"got {describe(place)}"
            )
    if not found:
        raise ValueError(f"{where}: expected at least one of {what}, got none")
    return found
