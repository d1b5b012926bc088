"""draw_network: a net as layers of neurons, with its weights as colour and width of the lines, or as blocks.

The picture is written as SVG here: no renderer is needed, and it takes milliseconds where Graphviz
would lay out every line. What there is to draw is a list of Columns; how to read one off a model is
in `columns_of`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from autograd import Tensor, Value, no_grad
from autograd.arguments import lookup, positive_integer
from autograd.formulas.names import pieces, text
from autograd.graph import is_node
from autograd.operands import Operand, describe
from nn import MLP, Activation, Dense, Dropout, Flatten, Layer, Model
from nn.activations import activation_name
from nn.samples import plain_array
from nn.training.loop import training_mode

from .blocks import blocks_of, picture_of
from .explorer.stage import scene
from .explorer.views import net_of
from .graphs.captions import highlighted
from .options import Asked, drawing
from .picture import Picture
from .scenes.placing import SMALLEST
from .scenes.scene import Cell, Mark, Note, Scene, Stroke, stage
from .scenes.typeset import length
from .style import counted, number

__all__ = ["Column", "columns_of", "draw_network"]

MAX_UNITS = 16

_COLORS = dict.fromkeys(("weight", "grad"))
_LEVELS = dict.fromkeys(("auto", "units", "layers"))

SIGNS = (Note("positive", sample=1.0), Note("negative", sample=-1.0))

FEW = 60  # with more lines than that no weights are written on them, nor biases below units
BOUNDED = ("sigmoid", "softmax", "tanh", "hard_sigmoid")  # activations whose scale is fixed


class Column(NamedTuple):
    """A layer as it is drawn.

    caption      what stands below it: "input", "tanh"
    size         the number of units
    place        what names have in brackets: "[1]", or nothing
    weights      (size, size of the column before), biases (size,); None for the input
    gradients    the same shape as weights, None for the input
    activations  (size,), None if no input was given
    """

    caption: str
    size: int
    place: str = ""
    weights: np.ndarray | None = None
    biases: np.ndarray | None = None
    gradients: np.ndarray | None = None
    activations: np.ndarray | None = None


@drawing
def draw_network(
    model: Any,
    x: ArrayLike | None = None,
    *,
    level: str = "auto",
    color: str = "weight",
    max_units: int = MAX_UNITS,
    digits: int = 4,
    edges: str | None = "auto",
    highlight: Any = (),
    like: object = None,
    scale: float | None = None,
    title: str | None = None,
    legend: bool = True,
    width: Any = None,
    look: object = None,
) -> Picture:
    """A net as layers of neurons, or as blocks.

    model      an MLP or a Layer, or a built Sequential of Dense layers; Activation and Dropout belong to
               the layer before them, Flatten leaves the inputs as they are. Or any other built model, as blocks. Or
               the loss of a net of Values, or another result of it: then circles show activation and gradient, with
               the weighted sum above and the bias below, and lines carry the weights
    x          one sample; if it is given, the circles show the activations it causes, without dropout
    level      "units", circles and weights; "layers", a block for each layer with what it was made with, the shape of
               a sample behind it, and arrows that branch and join; "auto" units where all layers have them
    color      "weight" or "grad": what colour and width of the lines tell
    max_units  of a larger layer the first and the last units are drawn, and how many are between
    digits     significant digits of the numbers that are written
    edges      what is written on the lines: "number" (weight or gradient), "formula" (the weight's name), None
               nothing; "auto" the number where there are at most 60 lines
    highlight  names of weights and units ("w[1]_1,2", "a[1]_2", "x_1"), or Values of the model, to be marked
    like       a picture of the same recorded net, made before a step: everything stands where it stands there, for
               frames; colours, tints and widths have the same scale in all
    scale      the weight (or gradient) that the widest line of a model's net stands for, the same in several
               pictures; None the largest of each layer
    title      above the picture
    legend     whether it is said below what colours and widths tell
    width      of the picture in inches (3.4), or as "8.6cm"; text is scaled with it
    look       colours and font: "light", "dark", "print", "color-blind" or a Look, as for draw_graph

    Lines are blue and solid for positive numbers, orange and dashed for negative ones; the wider, the
    larger, up to the largest of the layer, which is written below it. Circles are tinted likewise; those of
    sigmoid, softmax and tanh on a scale that is fixed. The input of a model of images is drawn as an image.
    A pointer that rests on a line or a circle shows its numbers.

    Returns a Picture: a notebook shows it, `save` writes SVG or PNG. Nothing in the model is changed.
    TypeError for another model; ValueError for an unknown colour, an input that does not fit, a
    Sequential that is not built, and one with other layers that have parameters.
    """
    lookup("color", color, _COLORS)
    lookup("level", level, _LEVELS)
    max_units = positive_integer("draw_network", "max_units", max_units)
    asked = Asked(digits=digits, edges=edges, title=title, legend=legend, width=width, highlight=highlight)
    if isinstance(model, Value):
        return _recorded(model, x, color, max_units, asked, like)
    if like is not None:
        raise ValueError("draw_network: like= is for a recorded result, such as the loss")
    if level == "layers" or (level == "auto" and isinstance(model, Model) and not _has_units(model)):
        return _as_blocks(model, x, asked)
    columns = columns_of(model, x)
    marked = _marked(asked.highlight, model)
    picture = _picture(columns, color, max_units, asked, marked, _image_shape(model, x, max_units), scale)
    if marked.missing:
        raise ValueError(
            f"draw_network: highlight: {marked.missing[0]!r} is not in this picture; names are those of its "
            "titles, such as w[1]_1,2, a[1]_2 and x_1"
        )
    return picture


def _has_units(model: Model) -> bool:
    """True if every layer is drawn as units, or belongs to one that is; so if it is not built yet, which is said."""
    if not model.built or not model.goes_straight:
        return True
    return model.wiring.is_row and all(_is_of_units(layer) for layer in model.layers)


def _is_of_units(layer: Any) -> bool:
    if isinstance(layer, Dense):
        return len(layer.built_for or ()) == 1
    return not layer.parameters() and _keeps_size(layer)


def _as_blocks(model: object, x: object, asked: Asked) -> Picture:
    """A block for each layer."""
    if not isinstance(model, Model):
        raise TypeError(f'draw_network: level="layers" is for a model of layers, got {describe(model)}')
    _check_drawable(model)
    if x is not None:
        raise ValueError(
            "draw_network: x is for a net of units; plot_images(model.layers[0](x)) shows the maps of a layer"
        )
    blocks = blocks_of(model)
    names = [name if isinstance(name, str) else describe(name) for name in asked.highlight]
    for name in names:
        if name not in [block.name for block in blocks]:
            listed = ", ".join(block.name for block in blocks)
            raise ValueError(f"draw_network: highlight: no layer is called {name!r}; named: {listed}")
    return picture_of(blocks, asked, names)


def _image_shape(model: object, x: object, max_units: int) -> tuple[int, ...] | None:
    """The shape in which the input is drawn as an image: a model of images that is given one too large for units."""
    shape = getattr(model, "input_shape", None)
    if x is None or shape is None or len(shape) != 2 or min(shape) < 4 or math.prod(shape) <= max_units:
        return None
    return tuple(shape)


def _recorded(root: Value, x: Operand, color: str, max_units: int, look: Asked, like: object) -> Picture:
    """The net that was recorded below a result."""
    if root.is_leaf:
        raise ValueError("draw_network: expected the result of a computation, such as the loss; this Value is a leaf")
    if x is not None:
        raise ValueError("draw_network: a recorded result has its input already; x is for a model")
    drawn, nodes = net_of(root, most=max_units)
    look = highlighted(drawn.graph, look, "draw_network", drawn.nodes())
    net = scene(drawn, nodes, size=stage(look.width), look=look, color=color, like=like)
    below = [[*SIGNS, Note(f"lines: {color}s")]] if look.legend else []
    title = look.title or f"A net of {counted(len(net.marks), 'node')} and its loss"
    return Picture(net.svg(title, caption=look.title, width=look.width, below=below), net.placement)


# ---------------------------------------------------------------- what there is to draw


def columns_of(model: object, x: object = None) -> list[Column]:
    """The columns of a model, the input first; with activations if an input is given."""
    x = x.numpy() if isinstance(x, Tensor) else x
    if isinstance(model, Model):
        return _columns_of_model(model, None if x is None else _one_sample(model, x))
    if not isinstance(model, MLP | Layer):
        raise TypeError(f"draw_network: expected an MLP, a Layer, a model or a loss of Values, got {describe(model)}")
    layers = model.layers if isinstance(model, MLP) else [model]
    activations = [None] * (len(layers) + 1) if x is None else _activations(model, layers, x)
    columns = [Column("input", layers[0].nin, activations=activations[0])]
    for i, (layer, a) in enumerate(zip(layers, activations[1:], strict=True), 1):
        weights, biases = layer.get_weights()
        gradients = np.array([[w.grad for w in neuron.w] for neuron in layer.neurons], dtype=float)
        place = f"[{i}]" if isinstance(model, MLP) else ""
        columns.append(Column(activation_name(layer.activation), layer.nout, place, weights, biases, gradients, a))
    return columns


def _check_drawable(model: Model) -> None:
    """ValueError for a model that is not built, and for one with a way of its own through its layers."""
    if not model.built:
        raise ValueError(
            "draw_network: the model is not built, so that it has no weights yet; give its first layer "
            "input_shape=(features,), call model.build(features), or fit it"
        )
    if not model.goes_straight:
        raise ValueError(
            f"draw_network: expected layers in a row; {type(model).__name__} has a forward of its own: "
            "draw_graph(model(x)) shows it"
        )


def _columns_of_model(model: Model, x: np.ndarray | None) -> list[Column]:
    """A column for each Dense; what follows it without parameters adds to its caption and changes its activations."""
    _check_drawable(model)
    if not model.wiring.is_row:
        raise ValueError('draw_network: level="units" draws layers in a row; level="layers" draws branches too')
    assert model.input_shape is not None
    columns = [Column("input", math.prod(model.input_shape), activations=None if x is None else x.ravel())]
    with training_mode(model, False), no_grad():
        for layer in model.layers:
            x = x if x is None else layer.forward(x)
            a = None if x is None else np.asarray(x.data, dtype=float).ravel()
            if isinstance(layer, Dense) and len(layer.built_for or ()) == 1:
                weights = np.asarray(layer.weight.numpy(), dtype=float)
                gradients = np.zeros_like(weights) if layer.weight.grad is None else layer.weight.grad.astype(float)
                biases = None if layer.bias is None else np.asarray(layer.bias.numpy(), dtype=float)
                caption = activation_name(layer.activation)
                columns.append(Column(caption, layer.units, f"[{len(columns)}]", weights, biases, gradients, a))
            elif not _is_of_units(layer):
                raise ValueError(
                    f'draw_network: level="units" draws Dense layers and what works number by number; got {layer}: '
                    'level="layers" draws any'
                )
            else:
                columns[-1] = columns[-1]._replace(caption=_caption(columns[-1], layer), activations=a)
    return columns


def _keeps_size(layer: Any) -> bool:
    return bool(math.prod(layer.compute_output_shape(layer.built_for)) == math.prod(layer.built_for))


def _caption(column: Column, layer: Any) -> str:
    """The caption of a column with a layer behind it."""
    if isinstance(layer, Flatten):
        return column.caption
    added = activation_name(layer.activation) if isinstance(layer, Activation) else str(layer)
    if isinstance(layer, Dropout):
        added = f"dropout {layer.rate:g}"
    return added if column.caption == "linear" else f"{column.caption}, {added}"


def _one_sample(model: Model, x: Operand) -> np.ndarray:
    """One sample as a batch of one."""
    array = plain_array("draw_network", "x", x).astype(model.dtype)
    if array.shape == model.input_shape:
        return array[None]
    if model.input_shape is not None and array.shape != (1, *model.input_shape):
        raise ValueError(f"draw_network: expected one sample of shape {model.input_shape}, got {array.shape}")
    return array


def _activations(model: Layer | MLP, layers: Sequence[Layer], x: Operand) -> list[np.ndarray]:
    """The input and the output of every layer, as arrays; nothing is recorded and no random number drawn."""
    found = [x]
    with training_mode(model, False), no_grad():
        for layer in layers:
            found.append(layer(found[-1]))
    return [_numbers(a) for a in found]


def _numbers(values: Operand) -> np.ndarray:
    several = values if isinstance(values, list | tuple | np.ndarray) else [values]
    return np.array([u.data if is_node(u) else u for u in several], dtype=float)


# ---------------------------------------------------------------- what is marked


class _Marks:
    """Names to be highlighted. missing: those that nobody has asked for yet."""

    def __init__(self, asked: Sequence[str]) -> None:
        self._asked = {name: text(name) for name in asked}
        self._found: set[str] = set()

    def has(self, *names: str) -> bool:
        """Whether what is drawn under these names is to be marked."""
        drawn = set(map(text, names)) if self._asked else set()
        found = {asked for asked, name in self._asked.items() if name in drawn}
        self._found |= found
        return bool(found)

    @property
    def missing(self) -> list[str]:
        return [name for name in self._asked if name not in self._found]


def _marked(highlight: Sequence[Hashable], model: object) -> _Marks:
    names: dict[Hashable, str] = {}
    if highlight and isinstance(model, MLP | Layer):
        for i, layer in enumerate(model.layers if isinstance(model, MLP) else [model], 1):
            place = f"[{i}]" if isinstance(model, MLP) else ""
            for j, neuron in enumerate(layer.neurons, 1):
                names.update({w: f"w{place}_{j},{k}" for k, w in enumerate(neuron.w, 1)})
                names[neuron.b] = f"b{place}_{j}"
    return _Marks([asked if isinstance(asked, str) else names.get(asked, describe(asked)) for asked in highlight])


# ---------------------------------------------------------------- as a scene


def _picture(
    columns: Sequence[Column],
    color: str,
    max_units: int,
    asked: Asked,
    marks: _Marks,
    image: tuple[int, ...] | None,
    scale: float | None,
) -> Picture:
    shown = [_shown(column.size, max_units) for column in columns]
    if image is not None:
        shown[0] = [None]
    net = _Units(columns, color, asked, marks, scale, is_small=sum(len(a) * len(b) for a, b in pairwise(shown)) <= FEW)
    drawn: list[Mark] = []
    strokes: list[Stroke] = []
    pulls: list[tuple[int, int]] = []
    before: dict[int | None, int] = {}
    at = []
    for i, (column, units) in enumerate(zip(columns, shown, strict=True)):
        here = {u: len(drawn) + k for k, u in enumerate(units)}
        for u in units:
            if u is not None:
                drawn.append(net.unit(i, u))
            elif i == 0 and image is not None:
                drawn.append(_thumbnail(column, image, next(net.numbered)))
            else:
                what = "inputs" if i == 0 else "units"
                drawn.append(Mark(None, words=f"⋮ {column.size - len(units) + 1:,} more {what}"))
        pulls += [(start, end) for start in before.values() for end in here.values()]
        if before:
            strokes += net.strokes(i, before, here)
        if None in before and image is not None and i == 1:
            strokes += [Stroke(before[None], end, math.nan, share=0.6) for u, end in here.items() if u is not None]
        before = here
        at.append(next(iter(here.values())))
    strokes.sort(key=lambda stroke: stroke.share or 0.0)  # the strongest on top
    size = (240.0 * max(2, len(columns)), min(700.0, max(320.0, 160.0 * max(map(len, shown)))))
    if asked.width is not None:
        size = min(size, stage(asked.width))
    smallest = SMALLEST if columns[0].activations is not None else 0.75 * SMALLEST
    scene = Scene(drawn, strokes, size=size, even=True, pulls=pulls, highlight=net.pen, smallest=smallest)
    x = [scene.placement.centres[k][0] for k in at]
    feet: list[tuple[float, list[str]]] = [
        (x[i], [column.caption, counted(column.size, "unit")]) for i, column in enumerate(columns)
    ]
    if asked.legend:
        said = [_largest(column, color, asked) for column in columns[1:]]
        if 13 * (length("0,000 units") + max(map(length, said))) < min(b - a for a, b in pairwise(x)):
            feet += [((a + b) / 2, ["", line]) for (a, b), line in zip(pairwise(x), said, strict=True)]
    below = [[*SIGNS]] if asked.legend else []
    title = asked.title or _summary(columns)
    return Picture(scene.svg(title, caption=asked.title, width=asked.width, below=below, feet=feet))


def _shown(size: int, most: int) -> list[int | None]:
    """The units that are drawn, None where others are left out."""
    if size <= most:
        return list(range(size))
    return [*range(math.ceil(most / 2)), None, *range(size - most // 2, size)]


class _Units:
    """Units and their weights as marks and lines, with numbers as a page knows them. pen: of what is marked."""

    def __init__(
        self,
        columns: Sequence[Column],
        color: str,
        asked: Asked,
        marks: _Marks,
        scale: float | None,
        *,
        is_small: bool,
    ) -> None:
        self.columns, self.color, self.asked, self.marks, self.scale = columns, color, asked, marks, scale
        self.edges = asked.edges if asked.edges != "auto" else "number" if is_small else None
        self.has_biases = is_small and self.edges is not None
        self.numbered = itertools.count()
        self.pen: set[int] = set()

    def unit(self, i: int, u: int) -> Mark:
        """A unit with its name, the activation if there is one, and in a small net its bias below."""
        column, is_first, is_last = self.columns[i], i == 0, i == len(self.columns) - 1
        a = None if column.activations is None else float(column.activations[u])
        label = f"x_{u + 1}" if is_first else f"a{column.place}_{u + 1}"
        name, n = text(label), next(self.numbered)
        also = [] if is_first else [f"b{column.place}_{u + 1}", *([f"yhat_{u + 1}"] * is_last)]
        if self.marks.has(label, *also):
            self.pen.add(n)
        title = name if a is None else f"{name} = {number(a)}"
        bias = None
        if column.biases is not None:
            title += f", bias {number(float(column.biases[u]))}"
            if self.has_biases:
                bias = Cell(next(self.numbered), ("b", "", ""), self.asked.number(float(column.biases[u])))
        cell = Cell(n, pieces(label), "" if a is None else self.asked.number(a), value=a or 0.0, title=title)
        return Mark(cell, "leaf" if is_first else "result", below=bias, share=0.0 if a is None else _share(column, a))

    def strokes(self, i: int, start: dict[int | None, int], end: dict[int | None, int]) -> Iterator[Stroke]:
        """A line for every weight into a column between units that are drawn; what is no number is not faint."""
        here = self.columns[i]
        values, weights, gradients = (_told(here, color) for color in (self.color, "weight", "grad"))
        most = self.scale or _most(values)
        for j, k in ((j, k) for j in end if j is not None for k in start if k is not None):
            value = float(values[j, k])
            share = 1.0 if not math.isfinite(value) or not most else min(1.0, _size(value) / most)
            label = f"w{here.place}_{j + 1},{k + 1}"
            name, n = text(label), next(self.numbered)
            if self.marks.has(label):
                self.pen.add(n)
            title = f"{name} = {number(float(weights[j, k]))}, grad {number(float(gradients[j, k]))}"
            written = "" if self.edges is None else name if self.edges == "formula" else self.asked.number(value)
            yield Stroke(start[k], end[j], value, written, Cell(n), title, share)


def _share(column: Column, a: float) -> float:
    """How strongly an activation tints its circle: on a fixed scale where its function has one."""
    assert column.activations is not None
    if column.caption in BOUNDED or not (most := _most(column.activations)):
        return a if a == a else 0.0
    return a / most if math.isfinite(a) else math.copysign(1.0, a) if a == a else 0.0


def _thumbnail(column: Column, shape: tuple[int, ...], n: int) -> Mark:
    """An input that is an image, from its smallest to its largest number."""
    assert column.activations is not None
    image = column.activations.reshape(shape)
    low, high = float(image.min()), float(image.max())
    rows = (image - low) / (high - low) if high > low else np.zeros(shape)
    return Mark(Cell(n), "leaf", pixels=tuple(tuple(map(float, row)) for row in rows))


def _told(column: Column, color: str) -> np.ndarray:
    """The numbers that the lines into a column tell."""
    values = column.weights if color == "weight" else column.gradients
    assert values is not None
    return values


def _summary(columns: Sequence[Column]) -> str:
    return " → ".join(f"{counted(c.size, 'unit')} ({c.caption})" for c in columns)


def _largest(column: Column, color: str, look: Asked) -> str:
    """What stands below the lines into a column: their largest number, and how many are none."""
    values = _told(column, color)
    strange = int(np.count_nonzero(~np.isfinite(values)))
    words = [f"largest |{color}| {number(_most(values), max(4, look.digits))}"] * (strange < values.size)
    return ", ".join([*words, *[f"{strange:,} nan or inf"] * (strange > 0)])


def _size(x: Operand) -> float:
    return abs(float(x)) if x == x else 0.0


def _most(values: np.ndarray) -> float:
    """The largest finite size."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0
