"""draw_network: a net as layers of neurons, with its weights as colour and width of the lines.

The picture is written as SVG here: no renderer is needed, and it takes milliseconds where Graphviz
would lay out every line. What there is to draw is a list of Columns; how to read one off a model is
in `columns_of`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import Tensor, Value, no_grad
from autograd.arguments import lookup, positive_integer
from autograd.formulas.names import text
from autograd.graph import is_node
from autograd.operands import describe
from nn import MLP, Activation, Dense, Dropout, Flatten, Layer, Sequential
from nn.activations import activation_name
from nn.samples import plain_array
from nn.training.loop import training_mode

from .explorer.stage import scene
from .explorer.views import net_of
from .graphs.captions import highlighted
from .options import Asked, drawing
from .picture import Picture
from .scenes.scene import Note
from .style import counted, current, number, sign_style, tint

__all__ = ["Column", "columns_of", "draw_network"]

MAX_UNITS = 16

_COLORS = dict.fromkeys(("weight", "grad"))

SIGNS = (Note("positive", sample=1.0), Note("negative", sample=-1.0))
SIZE = (1000.0, 700.0)  # of a recorded net that fits

# Sizes in pixels.
RADIUS = 24.0
PITCH = 60.0  # from unit to unit
MARGIN = 56.0  # left and right, for names
TOP = 20.0
THIN, THICK = 0.5, 6.0


_Places = dict[int | None, tuple[float, float]]  # of the units that are drawn; None where some are left out


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
    x: Any = None,
    *,
    color: str = "weight",
    max_units: int = MAX_UNITS,
    digits: int = 4,
    edges: str | None = "auto",
    highlight: Any = (),
    like: Any = None,
    title: str | None = None,
    legend: bool = True,
    width: Any = None,
    look: Any = None,
) -> Picture:
    """A net as layers of neurons.

    model      an MLP or a Layer, or a built Sequential of Dense layers; Activation and Dropout belong to
               the layer before them, Flatten leaves the inputs as they are. Or the loss of a net of Values, or
               another result of it: then circles show activation and gradient, with the weighted sum above
               and the bias below, and lines carry the weights
    x          one sample; if it is given, the circles show the activations it causes, without dropout
    color      "weight" or "grad": what colour and width of the lines tell
    max_units  of a larger layer the first and the last units are drawn, and how many are between
    digits     significant digits of the numbers that are written
    edges      what is written on the lines of a small net: "number" (weight or gradient), "formula" (the
               weight's name), None nothing; "auto" the number if the net was recorded
    highlight  names of weights and units ("w[1]_1,2", "a[1]_2", "x_1"), or Values of the model, to be marked
    like       a picture of the same recorded net, made before a step: everything stands where it stands there, for
               frames; colours, tints and widths have the same scale in all
    title      above the picture
    legend     whether it is said below what colours and widths tell
    width      of the picture in inches (3.4), or as "8.6cm"; text is scaled with it
    look       colours and font: "light", "dark", "print", "color-blind" or a Look, as for draw_graph

    Lines are blue and solid for positive numbers, orange and dashed for negative ones; the wider, the
    larger, up to the largest of the layer, which is written below it. Circles are tinted likewise.
    A pointer that rests on a line or a circle shows its numbers.

    Returns a Picture: a notebook shows it, `save` writes SVG or PNG. Nothing in the model is changed.
    TypeError for another model; ValueError for an unknown colour, an input that does not fit, a
    Sequential that is not built, and one with other layers that have parameters.
    """
    lookup("color", color, _COLORS)
    max_units = positive_integer("draw_network", "max_units", max_units)
    asked = Asked(digits=digits, edges=edges, title=title, legend=legend, width=width, highlight=highlight)
    if isinstance(model, Value):
        return _recorded(model, x, color, max_units, asked, like)
    if like is not None:
        raise ValueError("draw_network: like= is for a recorded result, such as the loss")
    columns = columns_of(model, x)
    marked = _marked(asked.highlight, model)
    svg = _svg(columns, color, max_units, asked, marked)
    if marked.missing:
        raise ValueError(
            f"draw_network: highlight: {marked.missing[0]!r} is not in this picture; names are those of its "
            "titles, such as w[1]_1,2, a[1]_2 and x_1"
        )
    return Picture(svg)


def _recorded(root: Value, x: Any, color: str, max_units: int, look: Asked, like: Any) -> Picture:
    """The net that was recorded below a result."""
    if root.is_leaf:
        raise ValueError("draw_network: expected the result of a computation, such as the loss; this Value is a leaf")
    if x is not None:
        raise ValueError("draw_network: a recorded result has its input already; x is for a model")
    drawn, nodes = net_of(root, digits=look.digits, most=max_units)
    look = highlighted(drawn.graph, look, "draw_network", drawn.nodes())
    net = scene(drawn, nodes, size=SIZE, look=look, color=color, like=like)
    below = [[*SIGNS, Note(f"lines: {color}s")]] if look.legend else []
    title = look.title or f"A net of {counted(len(net.marks), 'node')} and its loss"
    return Picture(net.svg(title, caption=look.title, width=look.width, below=below), net.placement)


# ---------------------------------------------------------------- what there is to draw


def columns_of(model: Any, x: Any = None) -> list[Column]:
    """The columns of a model, the input first; with activations if an input is given."""
    x = x.numpy() if isinstance(x, Tensor) else x
    if isinstance(model, Sequential):
        return _columns_of_sequential(model, None if x is None else _one_sample(model, x))
    if not isinstance(model, MLP | Layer):
        raise TypeError(f"draw_network: expected an MLP, a Layer or a Sequential, got {describe(model)}")
    layers = model.layers if isinstance(model, MLP) else [model]
    activations = [None] * (len(layers) + 1) if x is None else _activations(model, layers, x)
    columns = [Column("input", layers[0].nin, activations=activations[0])]
    for i, (layer, a) in enumerate(zip(layers, activations[1:], strict=True), 1):
        weights, biases = layer.get_weights()
        gradients = np.array([[w.grad for w in neuron.w] for neuron in layer.neurons], dtype=float)
        place = f"[{i}]" if isinstance(model, MLP) else ""
        columns.append(Column(activation_name(layer.activation), layer.nout, place, weights, biases, gradients, a))
    return columns


def _columns_of_sequential(model: Sequential, x: np.ndarray | None) -> list[Column]:
    """A column for each Dense; what follows it without parameters adds to its caption and changes its activations."""
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
    assert model.input_shape is not None
    columns = [Column("input", math.prod(model.input_shape), activations=None if x is None else x.ravel())]
    with training_mode(model, False), no_grad():
        for layer in model.layers:
            x = x if x is None else layer.forward(x)
            a = None if x is None else np.asarray(x.data, dtype=float).ravel()
            if isinstance(layer, Dense):
                weights = np.asarray(layer.weight.numpy(), dtype=float)
                gradients = np.zeros_like(weights) if layer.weight.grad is None else layer.weight.grad.astype(float)
                biases = None if layer.bias is None else np.asarray(layer.bias.numpy(), dtype=float)
                caption = activation_name(layer.activation)
                columns.append(Column(caption, layer.units, f"[{len(columns)}]", weights, biases, gradients, a))
            elif layer.parameters() or not _keeps_size(layer):
                raise ValueError(f"draw_network: draws Dense layers and what works number by number; got {layer}")
            else:
                columns[-1] = columns[-1]._replace(caption=_caption(columns[-1], layer), activations=a)
    return columns


def _keeps_size(layer: Any) -> bool:
    return bool(math.prod(layer.output_shape(layer.built_for)) == math.prod(layer.built_for))


def _caption(column: Column, layer: Any) -> str:
    """The caption of a column with a layer behind it."""
    if isinstance(layer, Flatten):
        return column.caption
    added = activation_name(layer.activation) if isinstance(layer, Activation) else str(layer)
    if isinstance(layer, Dropout):
        added = f"dropout {layer.rate:g}"
    return added if column.caption == "linear" else f"{column.caption}, {added}"


def _one_sample(model: Sequential, x: Any) -> np.ndarray:
    """One sample as a batch of one."""
    array = plain_array("draw_network", "x", x).astype(model.dtype)
    if array.shape == model.input_shape:
        return array[None]
    if model.input_shape is not None and array.shape != (1, *model.input_shape):
        raise ValueError(f"draw_network: expected one sample of shape {model.input_shape}, got {array.shape}")
    return array


def _activations(model: Layer | MLP, layers: Sequence[Layer], x: Any) -> list[np.ndarray]:
    """The input and the output of every layer, as arrays; nothing is recorded and no random number drawn."""
    found = [x]
    with training_mode(model, False), no_grad():
        for layer in layers:
            found.append(layer(found[-1]))
    return [_numbers(a) for a in found]


def _numbers(values: Any) -> np.ndarray:
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


def _marked(highlight: Sequence[Any], model: Any) -> _Marks:
    names = {}
    if highlight and isinstance(model, MLP | Layer):
        for i, layer in enumerate(model.layers if isinstance(model, MLP) else [model], 1):
            place = f"[{i}]" if isinstance(model, MLP) else ""
            for j, neuron in enumerate(layer.neurons, 1):
                names.update({w: f"w{place}_{j},{k}" for k, w in enumerate(neuron.w, 1)})
                names[neuron.b] = f"b{place}_{j}"
    return _Marks([asked if isinstance(asked, str) else names.get(asked, describe(asked)) for asked in highlight])


# ---------------------------------------------------------------- as SVG


def _svg(columns: Sequence[Column], color: str, max_units: int, look: Asked, marks: _Marks) -> str:
    shown = [_shown(column.size, max_units) for column in columns]
    tallest = max(map(len, shown)) * PITCH
    gap = min(400.0, max(230.0, 0.4 * tallest))
    across = [MARGIN + RADIUS + i * gap for i in range(len(columns))]
    top = TOP if look.title is None else TOP + 30
    width, bottom = across[-1] + RADIUS + MARGIN, top + tallest
    height = bottom + (90 if look.legend else 60)
    scale = 0.75 if look.width is None else 72 * look.width / width
    at = [
        {u: (x, top + (tallest - len(units) * PITCH) / 2 + (row + 0.5) * PITCH) for row, u in enumerate(units)}
        for x, units in zip(across, shown, strict=True)
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'width="{scale * width:.1f}pt" height="{scale * height:.1f}pt" font-family="{current().font}" role="img">',
        f"<title>{html.escape(look.title or _summary(columns))}</title>",
        f'<rect width="{width:.1f}" height="{height:.1f}" fill="{current().paper}"/>',
    ]
    if look.title is not None:
        parts.append(_text(width / 2, 30, look.title, 19))
    for here, start, end in zip(columns[1:], at, at[1:], strict=False):
        parts += _lines(here, start, end, color, look, marks)
    for i, (column, x) in enumerate(zip(columns, across, strict=True)):
        parts += _circles(column, at[i], look, marks, is_first=i == 0, is_last=i == len(columns) - 1)
        parts += [
            _text(x, bottom + 26, column.caption, 15),
            _text(x, bottom + 46, counted(column.size, "unit"), 13, current().grey),
        ]
        if i and look.legend:
            parts.append(_text(x - gap / 2, bottom + 46, _largest(column, color, look), 12, current().grey))
    if look.legend:
        parts += _key(width / 2, bottom + 74)
    return "\n".join([*parts, "</svg>\n"])


def _shown(size: int, most: int) -> list[int | None]:
    """The units that are drawn, None where others are left out."""
    if size <= most:
        return list(range(size))
    return [*range(math.ceil(most / 2)), None, *range(size - most // 2, size)]


def _told(column: Column, color: str) -> np.ndarray:
    """The numbers that the lines into a column tell."""
    values = column.weights if color == "weight" else column.gradients
    assert values is not None
    return values


def _lines(here: Column, start: _Places, end: _Places, color: str, look: Asked, marks: _Marks) -> Iterator[str]:
    """A line for every weight between units that are drawn, the strongest on top; what is no number is not faint."""
    values, weights, gradients = _told(here, color), _told(here, "weight"), _told(here, "grad")
    most = _most(values)
    pairs = [(j, k) for j in end if j is not None for k in start if k is not None]
    thick = max(2.6, THICK - len(pairs) / 60)
    labels: list[tuple[tuple[float, float], str, str]] = []  # above all lines
    for j, k in sorted(pairs, key=lambda pair: _size(values[pair])):
        value = float(values[j, k])
        share = 1.0 if math.isinf(value) else _size(value) / most if most else 0.0
        opacity = 0.15 + 0.85 * (share if most and value == value else 1.0)
        stroke, line = sign_style(value)
        broad = THIN + (thick - THIN) * (share if value == value else 0.2)
        dash = {"solid": "", "dashed": f"{4 + 1.5 * broad:.1f} {3 + 0.5 * broad:.1f}", "dotted": "1 4"}[line]
        (x1, y1), (x2, y2) = start[k], end[j]
        label = f"w{here.place}_{j + 1},{k + 1}"
        name = text(label)
        title = f"{name} = {number(float(weights[j, k]))}, grad {number(float(gradients[j, k]))}"
        ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        if marks.has(label):
            pen = f'stroke="{current().highlight}" stroke-width="{broad + 10:.2f}" stroke-linecap="round"'
            yield f"<line {ends} {pen}/>"
            opacity = 1.0
        if look.edges is not None and look.edges != "auto":
            written = name if look.edges == "formula" else look.number(value)
            labels.append((_apart((x1, y1), (x2, y2), [place for place, *_ in labels]), written, stroke))
        yield (
            f'<line {ends} stroke="{stroke}" '
            f'stroke-width="{broad:.2f}" stroke-opacity="{opacity:.2f}"'
            + (f' stroke-dasharray="{dash}"' if dash else "")
            + f"><title>{html.escape(title)}</title></line>"
        )
    for (x, y), written, stroke in labels:
        yield _text(x, y + 4, written, 12, stroke, more=_halo())


def _apart(
    start: tuple[float, float], end: tuple[float, float], others: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """The place on a line, of a few, that is farthest from other texts; text is wider than it is high."""
    (x1, y1), (x2, y2) = start, end
    places = [(x1 + t * (x2 - x1), y1 + t * (y2 - y1)) for t in (0.3, 0.7, 0.5, 0.25, 0.75, 0.4, 0.6)]
    return max(places, key=lambda p: min((math.hypot((p[0] - x) / 2.5, p[1] - y) for x, y in others), default=0.0))


def _circles(
    column: Column, places: _Places, look: Asked, marks: _Marks, *, is_first: bool, is_last: bool
) -> Iterator[str]:
    most = 0.0 if column.activations is None else _most(column.activations)
    for u, (x, y) in places.items():
        if u is None:
            yield from _left_out(x, y, column.size - len(places) + 1, is_first)
            continue
        a = None if column.activations is None else float(column.activations[u])
        label = f"x_{u + 1}" if is_first else f"a{column.place}_{u + 1}"
        name = text(label)
        called = (label, *([] if is_first else [f"b{column.place}_{u + 1}"]), *([f"yhat_{u + 1}"] * is_last))
        if marks.has(*called):
            pen = f'fill="{current().highlight}" stroke="{current().ink}"'
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS + 7:g}" {pen}/>'
        title = name if a is None else f"{name} = {number(a)}"
        if column.biases is not None:
            title += f", bias {number(float(column.biases[u]))}"
        fill = current().paper if a is None else tint(a / most if most else a)
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:g}" '
            f'fill="{fill}" stroke="{current().grey}" stroke-width="1.5">'
            f"<title>{html.escape(title)}</title></circle>"
        )
        if a is not None:
            shown = _short(a, look.digits)
            yield _text(x, y + 4.5, shown, 13 if len(shown) < 6 else max(6, min(11, 80 / len(shown))))
        if is_first:
            yield _text(x - RADIUS - 9, y + 4.5, name, 13, anchor="end")
        elif is_last:
            yield _text(x + RADIUS + 9, y + 4.5, text(f"yhat_{u + 1}"), 13, anchor="start")


def _left_out(x: float, y: float, count: int, is_first: bool) -> Iterator[str]:
    """Three points and how many units they stand for, beside the lines or with a halo on them."""
    for d in (-10, 0, 10):
        yield f'<circle cx="{x:.1f}" cy="{y + d:.1f}" r="2.4" fill="{current().ink}"/>'
    side, anchor = (-12, "end") if is_first else (12, "start")
    yield _text(x + side, y + 4.5, f"{count:,} more", 12, anchor=anchor, more=_halo())


def _key(x: float, y: float) -> Iterator[str]:
    """What colour and dashes mean."""
    for start, value, word in ((x - 100, 1.0, "positive"), (x + 14, -1.0, "negative")):
        stroke, line = sign_style(value)
        dash = ' stroke-dasharray="7 4"' if line == "dashed" else ""
        ends = f'x1="{start:.1f}" y1="{y:.1f}" x2="{start + 28:.1f}" y2="{y:.1f}"'
        yield f'<line {ends} stroke="{stroke}" stroke-width="3"{dash}/>'
        yield _text(start + 36, y + 4, word, 12, current().grey, anchor="start")


def _halo() -> str:
    """Of text on lines."""
    return f' stroke="{current().paper}" stroke-width="6" stroke-linejoin="round" paint-order="stroke"'


def _text(
    x: float, y: float, shown: str, size: float, fill: str | None = None, anchor: str = "middle", more: str = ""
) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"'
    return f'<text {place} fill="{fill or current().ink}" text-anchor="{anchor}"{more}>{html.escape(shown)}</text>'


def _summary(columns: Sequence[Column]) -> str:
    return " → ".join(f"{counted(c.size, 'unit')} ({c.caption})" for c in columns)


def _largest(column: Column, color: str, look: Asked) -> str:
    """What stands below the lines into a column: their largest number, and how many are none."""
    values = _told(column, color)
    strange = int(np.count_nonzero(~np.isfinite(values)))
    words = [f"largest |{color}| {number(_most(values), max(4, look.digits))}"] * (strange < values.size)
    return ", ".join([*words, *[f"{strange:,} nan or inf"] * (strange > 0)])


def _size(x: Any) -> float:
    return abs(float(x)) if x == x else 0.0


def _most(values: np.ndarray) -> float:
    """The largest finite size."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


def _short(x: float, digits: int) -> str:
    """So many significant digits; three are as many as a circle holds in full size."""
    return f"{x:.{digits}g}".replace("e+0", "e").replace("e-0", "e-").replace("-", "−")
