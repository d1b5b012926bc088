"""The vocabulary of pictures: what can be asked of one, by the same words in every function that draws.

OPTIONS is the table: how each word is read, and which functions know it. `drawing` puts a function at
the public door, where words are checked and an unknown one is answered with those that there are.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, ParamSpec, TypeVar

from autograd.arguments import lookup, positive_integer
from autograd.graph import is_node
from autograd.operands import describe, real

from .style import DARK, PRINT, Look, as_look, current, look, number

__all__ = ["DIRECTIONS", "OPTIONS", "Asked", "Option", "Shown", "drawing"]

DIRECTIONS = dict.fromkeys(("LR", "TB", "RL", "BT"))

_CM = 2.54  # to an inch
_WIDTH = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*(cm|mm|in)\s*")
_MOST_DIGITS = 17  # all that a float has
_WIDTHS = dict.fromkeys(("derivative", "gradient"))
_EDGES = dict.fromkeys(("auto", "number", "formula"))

P = ParamSpec("P")
R = TypeVar("R")


class Shown(NamedTuple):
    """What stands on a node."""

    names: bool = True
    data: bool = True
    grad: bool = True


_SHOWN = {
    "both": Shown(),
    "data": Shown(grad=False),
    "grad": Shown(data=False),
    "names": Shown(data=False, grad=False),
    "none": Shown(False, False, False),
}


class Asked(NamedTuple):
    """What was asked of a picture, as OPTIONS has read it."""

    show: Shown = Shown()
    digits: int = 4
    edges: str | None = "auto"
    direction: str = "LR"
    title: str | None = None
    legend: bool = False
    width: float | None = None
    highlight: tuple[object, ...] = ()
    like: Any = None
    is_narrow: bool = False  # more than fits into the width stands side by side

    def number(self, x: float) -> str:
        """A number with the digits that were asked for."""
        return number(x, self.digits)

    def name(self, text: str) -> str:
        """A name, or nothing where none are shown."""
        return text if self.show.names else ""


# ---------------------------------------------------------------- how each word is read


def _show(where: str, asked: object) -> Shown:
    if isinstance(asked, Shown):
        return asked
    if asked is None or isinstance(asked, str):
        return lookup("show", "none" if asked is None else asked, _SHOWN)
    if not isinstance(asked, list | tuple | set | frozenset):
        raise TypeError(
            f"{where}: expected one of {', '.join(map(repr, _SHOWN))}, or several of "
            f"{', '.join(map(repr, Shown._fields))}; got {describe(asked)}"
        )
    for word in asked:
        lookup("show", word, dict.fromkeys(Shown._fields))
    return Shown(*(word in asked for word in Shown._fields))


def _digits(where: str, asked: object) -> int:
    function, name = where.split(": ")
    digits = positive_integer(function, name, asked)
    if digits > _MOST_DIGITS:
        raise ValueError(f"{where}: a number has at most {_MOST_DIGITS} significant digits, got {digits}")
    return digits


def _text(where: str, asked: object) -> str | None:
    if asked is not None and not isinstance(asked, str):
        function, name = where.split(": ")
        raise TypeError(f"{function}: expected the {name} to be a string, got {describe(asked)}")
    return asked


def _one_of(table: Mapping[str, object], *, or_none: bool = False) -> Callable[[str, Any], str | None]:
    def read(where: str, asked: Any) -> str | None:
        if not (asked is None and or_none):
            lookup(where.split(": ")[-1], asked, table)
        return asked

    return read


def _switch(where: str, asked: object) -> bool:
    if not isinstance(asked, bool):
        raise TypeError(f"{where}: expected True or False, got {describe(asked)}")
    return asked


def _width(where: str, asked: object) -> float | None:
    """In inches."""
    if asked is None:
        return None
    if isinstance(asked, str):
        if (found := _WIDTH.fullmatch(asked)) is None:
            raise ValueError(f"{where}: expected inches as 3.4, or a text with its unit such as '8.6cm'; got {asked!r}")
        inches = float(found[1]) / {"in": 1.0, "cm": _CM, "mm": 10 * _CM}[found[2]]
    else:
        inches = real(asked, where)
    if not 0 < inches <= 1000:
        raise ValueError(f"{where}: expected more than 0 and at most 1000 inches, got {asked!r}")
    return inches


def _around(where: str, asked: object) -> tuple[tuple[object, ...], int] | None:
    if asked is None:
        return None
    if not isinstance(asked, tuple) or len(asked) != 2:
        asked = asked, 1
    nodes, steps = asked
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise ValueError(f"{where}: expected (node, steps) with whole steps from 0, as in (w, 2); got {asked!r}")
    return _several(where, nodes), steps


def _scale(where: str, asked: object) -> float | None:
    if asked is None:
        return None
    found = real(asked, where)
    if not 0 < found < math.inf:
        raise ValueError(f"{where}: expected a positive number, or None; got {asked!r}")
    return found


def _like(where: str, asked: Any) -> Any:
    """Another drawing of the graph, or the places of a Picture."""
    is_graph = where.partition(":")[0] in _GRAPHS
    if asked is None or (is_graph and hasattr(asked, "like")):
        return asked
    if getattr(asked, "places", None) is not None:
        return asked.places
    expected = "a Picture of the same recorded net, as draw_network(L) gives it"
    raise TypeError(
        f"{where}: expected {'a Drawing of the same graph, or ' * is_graph}{expected}; got {describe(asked)}"
    )


def _look(where: str, asked: object) -> Look:
    return current() if asked is None else as_look(where, asked)


def _several(where: str, asked: object) -> tuple[object, ...]:
    found = tuple(asked) if isinstance(asked, list | tuple | set | frozenset) else (asked,)
    for thing in found:
        if not (is_node(thing) or isinstance(thing, str)):
            raise TypeError(f"{where}: expected nodes or their names, got {describe(thing)}")
    return found


class Option(NamedTuple):
    """A word of the vocabulary.

    read: `read("draw_graph: digits", what was given)` checks it. on: the functions that know it. shown: values
    to show it with, as documentation and tests use them. says: what it is, for the table in docs/pictures.md.
    """

    read: Callable[[str, object], Any]
    on: tuple[str, ...]
    shown: tuple[object, ...]
    says: str


_PLOTS = (
    *("plot_activation", "plot_attention", "plot_confusion_matrix", "plot_decision_boundary", "plot_gradients"),
    *("plot_history", "plot_images", "plot_latent", "plot_loss_surface", "plot_path_shares", "plot_sensitivity"),
    "plot_weights",
)
_WITH_NUMBERS = ("plot_activation", "plot_history", "plot_path_shares", "plot_sensitivity", "plot_loss_surface")
_GRAPHS = ("draw_graph", "draw_paths")
_PICTURES = (*_GRAPHS, "draw_network")

OPTIONS: dict[str, Option] = {
    "digits": Option(
        _digits,
        (*_PICTURES, "explore", "steps", "weights_table", *_WITH_NUMBERS),
        (2, 6),
        "significant digits of numbers",
    ),
    "title": Option(
        _text, (*_PICTURES, "explore", "steps", *_PLOTS), ("A neuron",), "above the picture; of a page its title"
    ),
    "show": Option(
        _show,
        _GRAPHS,
        ("both", "data", "grad", "names", "none", None, ("names", "grad"), ("data",)),
        'what nodes show: `"both"`, `"data"`, `"grad"`, `"names"`, `None`, or several of names, data and grad',
    ),
    "direction": Option(
        _one_of(DIRECTIONS),
        _GRAPHS,
        tuple(DIRECTIONS),
        '`"LR"` from left to right, `"TB"` from top to bottom, `"RL"`, `"BT"`',
    ),
    "edges": Option(
        _one_of(_EDGES, or_none=True),
        _PICTURES,
        ("number", "formula", None),
        'what stands on edges: `"number"`, `"formula"` or `None`',
    ),
    "legend": Option(_switch, _PICTURES, (True, False), "whether the picture says what its colours mean"),
    "width": Option(
        _width,
        (*_PICTURES, "beside", "steps", *_PLOTS),
        (3.4, "8.6cm", "86mm", "3.4in"),
        'in inches, or as `"8.6cm"`; text is scaled with it, but in plots',
    ),
    "highlight": Option(_several, _PICTURES, ("w",), "nodes, or their names, marked as with a pen"),
    "like": Option(
        _like, (*_PICTURES, "steps"), (), "another picture of the same graph, whose places this one takes: for frames"
    ),
    "until": Option(_several, _GRAPHS, ("z", ["z", "y"]), "nodes behind which nothing is drawn"),
    "around": Option(_around, _GRAPHS, (("z", 1), "w"), "`(w, 2)`: what is at most two edges away from w"),
    "widths": Option(
        _one_of(_WIDTHS),
        ("draw_graph",),
        ("derivative", "gradient"),
        'what the width of an edge tells: `"derivative"` or `"gradient"`, what flows back through it',
    ),
    "scale": Option(
        _scale, ("draw_network",), (2.0,), "the weight that is drawn widest, so that pictures can be compared"
    ),
    "look": Option(
        _look,
        (*_PICTURES, "explore", "beside", "steps", *_PLOTS),
        (DARK, "print", "color-blind", PRINT.but(font="Times New Roman")),
        '`"light"`, `"dark"`, `"print"` (black on white), `"color-blind"`, or a `Look` of your own',
    ),
}

# What other programs call it.
_ELSEWHERE = {
    **dict.fromkeys(("rankdir", "orientation", "layout"), 'direction="TB"'),
    "horizontal": 'direction="LR"',
    "expand_nested": 'cluster="layer"',
    "format": 'the ending of the name: .save("net.svg")',
    **dict.fromkeys(("filename", "to_file", "file", "path"), ".save(name) on what is returned"),
    "view": ".view() on what is returned",
    "dpi": '.save("net.png", dpi=200) on the picture',
    **dict.fromkeys(("size", "figsize", "scale"), 'width=3.4 (inches) or width="8.6cm"'),
    **dict.fromkeys(("theme", "style", "dark"), 'look="dark"'),
    "colors": 'look=viz.LIGHT.but(positive="#0000ff")',
    "fontname": 'look=viz.LIGHT.but(font="Times New Roman")',
    "bgcolor": 'look=viz.LIGHT.but(paper="#fffff0")',
    "penwidth": 'widths="gradient"',
    **dict.fromkeys(("precision", "decimals", "ndigits"), "digits=3"),
    "caption": 'title="..."',
    "show_grad": 'show="data" or show="grad"',
    "show_attrs": 'show="names", "data", "grad"',
    "show_shapes": 'show="names"',
    "edge_labels": 'edges="number", "formula" or None',
    "params": "the names of nodes: v.label = ...",
    "stop": "until=[a, b]",
    "neighbors": "around=(w, 1)",
    **dict.fromkeys(("subgraph", "root"), "until=[a, b] or around=(w, 2)"),
    "depth": 'level="op", "named", "neurons" or "layers"',
}


def drawing(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function get its options as the table reads them; TypeError, with the nearest, for an unknown one."""
    signature, where = inspect.signature(function), function.__name__
    known = signature.parameters
    words = [name for name in known if name in OPTIONS]

    @functools.wraps(function)
    def checked(*args: P.args, **named: P.kwargs) -> R:
        for name in named:
            if name not in known:
                raise TypeError(_unknown(where, name, known))
        for name in words:
            named[name] = OPTIONS[name].read(f"{where}: {name}", named.get(name, known[name].default))
        try:
            signature.bind(*args, **named)
        except TypeError as slip:
            by_name = ", ".join(name for name, p in known.items() if p.kind is p.KEYWORD_ONLY)
            raise TypeError(f"{where}: {slip}; by name it takes {by_name}") from None
        if "look" not in words:
            return function(*args, **named)
        with look(named["look"]):
            return function(*args, **named)

    return checked


def _unknown(where: str, name: str, known: Mapping[str, inspect.Parameter]) -> str:
    options = [option for option, p in known.items() if p.kind is p.KEYWORD_ONLY]
    hint = _ELSEWHERE.get(name, "")
    if hint and (hint.split("=")[0] in options or not hint.split("=")[0].isidentifier()):
        advice = f"here it is {hint}"
    elif name in OPTIONS:
        advice = f"it is one of {', '.join(OPTIONS[name].on)}"
    else:
        near = difflib.get_close_matches(name.lower(), options, n=1)
        advice = f"did you mean {near[0]!r}?" if near else "no other is like it"
    return (
        f"{where}: unknown option {name!r}; {advice}{' ' if advice.endswith('?') else '; '}known: {', '.join(options)}"
    )
