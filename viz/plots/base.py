"""What all plots share: matplotlib when it is needed, a style that ends with the plot, axes, names at lines.

Every plot takes `ax=None` and returns what it drew on: Axes, or an array of them where it has several
panels. Without `ax` it makes a figure by pyplot, so that notebooks show it and `plt.show()` finds it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from autograd.arguments import positive_integer
from autograd.formulas import names
from autograd.operands import Operand, describe

from .. import style
from ..options import OPTIONS, drawing
from ..render import RendererMissing
from ..style import DARK, LIGHT, current, cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:
    Axes = Any  # so that annotations can say it before anybody needs matplotlib

__all__ = [
    "MARKERS",
    "MATH",
    "OUTSIDE",
    "Axes",
    "End",
    "Look",
    "at_least_two",
    "class_tint",
    "color_bar",
    "count_axis",
    "diverging",
    "finite",
    "log_axis",
    "math_name",
    "matplotlib",
    "minuses",
    "name_lines",
    "number",
    "panels",
    "readable_on",
    "styled",
    "tick_text",
    "title_with_line",
]

_DIGITS: ContextVar[int] = ContextVar("gradpath_digits_of_a_plot", default=4)
Look = dict[str, Any]  # keyword arguments for what matplotlib draws

LONGEST_NAME = 24  # characters at an axis; more would leave no room for the plot
MATH = 12.5  # the size of a formula at an axis, whose letters are smaller than those of words
OUTSIDE: Look = {"textcoords": "offset points", "annotation_clip": False}  # of text beside the axes

MARKERS = tuple("so^DvPXp<*")

_FONTS = ("Arial", "Arimo", "Liberation Sans", "Helvetica", "DejaVu Sans")  # the first that is there
_STYLE = {
    "font.size": 10,
    "mathtext.fontset": "stix",
    "text.usetex": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlepad": 9,
    "figure.dpi": 110,
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "legend.fontsize": 9,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "hatch.linewidth": 0.8,
}
_COLORS = {  # and the part of a look that each is
    "text.color": "ink",
    "axes.titlecolor": "ink",
    "figure.facecolor": "paper",
    "legend.facecolor": "paper",
}
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_Arguments = ParamSpec("_Arguments")
_Drawn = TypeVar("_Drawn")


def matplotlib(module: str = "") -> Any:
    """matplotlib, or a module of it; RendererMissing with the command to run if it is not installed."""
    try:
        return importlib.import_module(f"matplotlib.{module}" if module else "matplotlib")
    except ImportError as error:
        raise RendererMissing(f"plots need matplotlib ({error}). Run: pip install matplotlib") from error


def styled(plot: Callable[_Arguments, _Drawn]) -> Callable[..., _Drawn]:
    """Make a plot draw in the look there is, and leave matplotlib's settings as they were.

    Every plot takes `look=` ("dark", "print", or another, as for draw_graph), `title=` in place of its own, and
    `width=` of the figure that it makes, in inches or as "8.6cm"; those that write numbers take `digits=`.
    What somebody set in matplotlib's rcParams, by hand or by a style such as "dark_background", holds: a dark
    figure makes the look dark, and fonts, sizes and the like stay as they were set.
    """

    def in_style(
        *args: Any, look: Any, title: str | None, width: float | None, digits: int = 4, **kwargs: Any
    ) -> _Drawn:
        ours = {name: value for name, value in _settings().items() if not _is_set(name)}
        if width is not None and kwargs.get("ax") is not None:
            raise ValueError(f"{plot.__name__}: width is that of a new figure; the Axes given have one")
        with style.look(_look()), matplotlib("pyplot").rc_context(ours), _with_digits(digits):
            drawn = plot(*args, **kwargs)
            axes = list(np.ravel(np.array(drawn, dtype=object)))
            if width is not None:
                across, down = axes[0].figure.get_size_inches()
                axes[0].figure.set_size_inches(width, max(0.5, width / across) * down)
            if title is not None and len(axes) == 1:
                axes[0].set_title(title)
            elif title is not None:
                axes[0].figure.suptitle(title, weight="bold")
            for ax in axes:
                _pale_on_dark(ax)
            return drawn

    mine = inspect.signature(plot)
    words: dict[str, object] = {"look": None, "title": None, "width": None}
    if plot.__name__ in OPTIONS["digits"].on:
        words["digits"] = 4
    more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value) for name, value in words.items()]
    functools.update_wrapper(in_style, plot)
    in_style.__signature__ = mine.replace(parameters=[*mine.parameters.values(), *more])  # type: ignore[attr-defined]
    return drawing(in_style)


@contextmanager
def _with_digits(digits: int) -> Iterator[None]:
    token = _DIGITS.set(digits)
    try:
        yield
    finally:
        _DIGITS.reset(token)


def number(x: float) -> str:
    """A number with as many digits as the plot was asked for."""
    return style.number(x, _DIGITS.get())


def _settings() -> dict[str, Any]:
    installed = set(matplotlib("font_manager").get_font_names())
    wanted = (current().font, *_FONTS)
    fonts = [font for font in wanted if font in installed] or ["sans-serif"]
    return {**_STYLE, "font.family": fonts, **{name: getattr(_look(), part) for name, part in _COLORS.items()}}


def _is_set(name: str) -> bool:
    """Whether somebody gave matplotlib another value than it begins with."""
    begin, now = matplotlib().rcParamsDefault, matplotlib().rcParams
    return bool(now[name] != begin[name])


def _look() -> style.Look:
    """The look there is, made dark where matplotlib's own style is."""
    *ground, _ = matplotlib("colors").to_rgba(matplotlib().rcParams["figure.facecolor"])
    if current() is not LIGHT or _luminance(ground) > 0.18:
        return current()
    return DARK.but(paper=matplotlib("colors").to_hex(ground))


# ---------------------------------------------------------------- axes


def panels(
    where: str, ax: Operand, count: int, *, columns: int = 4, size: tuple[float, float] = (4.6, 3.5)
) -> list[Axes]:
    """`count` Axes to draw on: white, with two spines and a light grid.

    ax: None makes a figure with panels of this size in inches; several Axes are taken as they are; a
    single one is divided if more are needed. TypeError for what is no Axes.
    """
    given = list(np.ravel(np.array(ax, dtype=object))) if isinstance(ax, list | tuple | np.ndarray) else [ax]
    for each in given:
        if each is not None and not isinstance(each, matplotlib("axes").Axes):
            expected = "matplotlib Axes, or None for a new figure"
            raise TypeError(f"{where}: expected ax to be {expected}; got {describe(each)}")
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    if ax is None:
        figure = matplotlib("pyplot").figure(figsize=(columns * size[0], rows * size[1]), layout="constrained")
        found = _cells(figure, figure.add_gridspec(rows, columns), count)
    elif given[0] is ax and count > 1:
        found = _divided(ax, rows, columns, count)
    elif len(given) == count:
        found = given
    else:
        raise ValueError(f"{where}: expected {count} Axes, one for each panel; got {len(given)}")
    for panel in found:
        _dress(panel)
    return found


def _divided(ax: Axes, rows: int, columns: int, count: int) -> list[Axes]:
    figure, place = ax.figure, ax.get_subplotspec()
    spaces = {} if figure.get_layout_engine() is not None else {"wspace": 0.5, "hspace": 0.45}
    current, box = figure.gca(), ax.get_position()
    ax.set_axis_off()
    ax.set_in_layout(False)
    if place is not None:
        found = _cells(figure, place.subgridspec(rows, columns, **spaces), count)
    else:
        edges = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
        found = _cells(figure, figure.add_gridspec(rows, columns, **edges, **spaces), count)
    figure.sca(current)
    return found


def _cells(figure: Operand, grid: Operand, count: int) -> list[Axes]:
    return [figure.add_subplot(grid[divmod(i, grid.ncols)]) for i in range(count)]


def _dress(ax: Axes) -> None:
    """The look of Axes, also of those that somebody else made."""
    ax.set_facecolor(current().paper)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set(color=current().line, linewidth=0.8)
    ax.tick_params(which="both", color=current().line, labelcolor=current().grey)
    ax.set_axisbelow(True)
    ax.grid(True, color=current().mixed(current().pale, 0.6), linewidth=0.8)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set(color=current().ink, size=10)


def _pale_on_dark(ax: Axes) -> None:
    """What stands beside the Axes, made pale if somebody made the figure dark."""
    colors = matplotlib("colors")
    *ground, alpha = colors.to_rgba(ax.figure.get_facecolor())
    if alpha < 0.5 or current().is_dark or readable_on(ground) != "white":
        return

    def pale(color: object) -> tuple[float, ...]:
        return tuple(1 - 0.35 * (1 - c) for c in colors.to_rgb(color))

    bars = [drawn.colorbar.ax for drawn in (*ax.images, *ax.collections) if drawn.colorbar is not None]
    for each in (ax, *bars):
        for axis in (each.xaxis, each.yaxis):
            axis.set_tick_params(labelcolor=pale(axis.get_tick_params().get("labelcolor", current().grey)))
        titles = [t for t in each.get_children() if isinstance(t, matplotlib("text").Text) and t not in each.texts]
        beside = [t for t in each.texts if getattr(t, "get_annotation_clip", lambda: None)() is False]
        for text in (each.xaxis.label, each.yaxis.label, *titles, *beside):
            text.set_color(pale(text.get_color()))


def color_bar(drawn: Operand, axes: Operand, **look: object) -> Operand:
    """The scale of what was drawn in colours, beside the Axes that it was drawn on."""
    bar = drawn.figure.colorbar(drawn, ax=axes, **look)
    bar.outline.set_visible(False)
    bar.ax.tick_params(color=current().line, labelcolor=current().grey)
    return bar


def at_least_two(where: str, what: str, n: object) -> int:
    """`n` as an int of at least 2: a line and a surface have ends."""
    if (n := positive_integer(where, what, n)) < 2:
        raise ValueError(f"{where}: expected {what} to be at least 2, got {n}")
    return n


def log_axis(ax: Axes, low: float, high: float) -> None:
    """A logarithmic y axis from about low to about high, with numbers at its ticks as people read them."""
    ticker = matplotlib("ticker")
    ax.set_yscale("log")
    decades = math.log10(high / low)
    margin = (high / low) ** 0.06 if decades > 0.02 else 1.2
    ax.set_ylim(low / margin, high * margin)
    if decades < 0.8:
        ax.yaxis.set_major_locator(ticker.MaxNLocator(5))
    else:
        ax.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5) if decades < 2.5 else (1,), numticks=9))
    ax.yaxis.set_major_formatter(ticker.FuncFormatter(lambda y, _: tick_text(y)))
    ax.yaxis.set_minor_formatter(ticker.NullFormatter())


def tick_text(y: float) -> str:
    """The number at a tick, a very small or large one with a power of ten: 0.002, 10⁻⁵, 2·10⁻⁵."""
    if y <= 0 or 1e-4 <= y < 1e5:
        return number(y)
    digits, power = f"{y:.3e}".split("e")
    mantissa = "" if float(digits) == 1 else f"{float(digits):g}·"
    return f"{mantissa}10{str(int(power)).translate(_SUPERSCRIPT)}"


def count_axis(ax: Axes, first: int, last: int) -> None:
    """An x axis of whole numbers, such as epochs."""
    ticker = matplotlib("ticker")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(6, integer=True, min_n_ticks=1))
    margin = 0.02 * (last - first) or 0.5
    ax.set_xlim(first - margin, last + margin)


# ---------------------------------------------------------------- names and colours


class End(NamedTuple):
    """The right end of a line, and what is to be written beside it."""

    x: float
    y: float
    text: str
    color: str | tuple[float, ...]


def name_lines(ax: Axes, ends: Iterable[End], *, gap: float = 13) -> None:
    """Write the name of each line beside its end, as far apart as the text needs (gap in points).

    Call it when the limits of the axes are final. A line whose end is not finite is not named.
    """
    dpi, bottom = ax.figure.dpi, ax.get_window_extent().y0
    top = max(1.0, ax.get_window_extent().height * 72 / dpi)
    found = [end for end in ends if math.isfinite(end.x) and math.isfinite(end.y)]
    at = [float(ax.transData.transform((end.x, end.y))[1] - bottom) * 72 / dpi for end in found]  # in points
    order = sorted(range(len(found)), key=at.__getitem__)
    place: dict[int, float] = {}
    lowest = 0.0
    for i in order:
        place[i] = min(max(at[i], lowest), max(top, lowest))
        lowest = place[i] + gap
    highest = top
    for i in reversed(order):  # what was pushed beyond the top goes down again
        place[i] = min(place[i], highest)
        highest = place[i] - gap
    for i, end in enumerate(found):
        look: Look = {"va": "center", "color": end.color, "weight": "bold", "fontsize": 9.5, **OUTSIDE}
        ax.annotate(end.text, (end.x, end.y), (7, place[i] - at[i]), **look)


def title_with_line(ax: Axes, title: str, line: str) -> None:
    """A title, and below it in smaller letters what the picture says."""
    ax.set_title(title, pad=22 if line else None)
    if line:
        ax.annotate(line, (0, 1), (0, 7), xycoords="axes fraction", color=current().grey, fontsize=9.5, **OUTSIDE)


def math_name(label: str, write: names.Names | None = None) -> str:
    """A label for a plot: as mathematics if it is in the grammar of names, else as it is, if it is not too long."""
    write = write or names.Names()
    if names.parse(label) is None or len(label) > LONGEST_NAME:
        return cut(write.text(label), LONGEST_NAME).replace("$", r"\$")
    return f"${write.latex(label)}$"


def diverging() -> Any:
    """Orange below zero, white at zero, blue above; the ends differ in lightness too."""
    colors = matplotlib("colors")
    now = current()
    below, above = ([now.mixed(color, share) for share in (0.13, 0.5, 1.0)] for color in (now.negative, now.positive))
    if now is LIGHT:
        below, above = ["#fbe9dc", "#e8a877", now.negative, "#7a2e00"], ["#dce8f8", "#7fabe0", now.positive, "#082f63"]
    steps = [*reversed(below), now.paper, *above]
    return colors.LinearSegmentedColormap.from_list("gradpath_sign", steps).with_extremes(bad="#d1d5db")


def minuses(panel: Axes, image: np.ndarray, scale: float) -> None:
    """A minus on the negative pixels of an image of at most 16 a side: sign is not told by colour alone."""
    if max(image.shape) > 16:
        return
    y, x = np.nonzero(image < -0.08 * scale)
    colors = np.where(image[y, x] < -0.4 * scale, "white", current().negative)
    panel.hlines(y, x - 0.22, x + 0.22, colors=list(colors), linewidth=0.7)


def readable_on(color: object) -> str:
    """Dark ink or white, whichever has the greater contrast on an (r, g, b) from 0 to 1."""
    return "white" if _luminance(color) < 0.18 else LIGHT.ink


def _luminance(color: Operand) -> float:
    """How light an (r, g, b) is, from 0 to 1, as the WCAG measures it."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3])
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def class_tint(c: int) -> str:
    """The ground of a class: its colour, thin."""
    return current().mixed(current().classes[c], 0.25)


def finite(values: np.ndarray) -> np.ndarray:
    """Those of the numbers that can be drawn."""
    found: np.ndarray = values[np.isfinite(values)]
    return found
