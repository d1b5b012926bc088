"""What all plots share: matplotlib when it is needed, a style that ends with the plot, axes, names at lines.

Every plot takes `ax=None` and returns what it drew on: Axes, or an array of them where it has several
panels. Without `ax` it makes a figure by pyplot, so that notebooks show it and `plt.show()` finds it.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np

from autograd.arguments import positive_integer
from autograd.formulas import names
from autograd.operands import describe

from ..render import RendererMissing
from ..style import GREY, INK, LINE, NEGATIVE, PAPER, POSITIVE, cut, number

__all__ = [
    "CLASS_COLORS",
    "CLASS_TINTS",
    "GRID",
    "MARKERS",
    "End",
    "at_least_two",
    "beside",
    "count_axis",
    "diverging",
    "dress",
    "expect_axes",
    "finite",
    "log_axis",
    "math_name",
    "matplotlib",
    "name_lines",
    "panels",
    "readable_on",
    "styled",
    "tick_text",
    "title_with_line",
]

LONGEST_NAME = 24  # characters at an axis; more would leave no room for the plot
GRID = "#e5e7eb"
PLOT_FONTS = ("Arial", "Arimo", "Liberation Sans", "Helvetica", "DejaVu Sans")  # the first that is there

# Classes, and whatever else is told apart and has no sign: each has a colour, a tint and a marker of its own.
CLASS_COLORS = (
    NEGATIVE,
    POSITIVE,
    "#19734a",
    "#7b3fa0",
    "#8a6500",
    "#b3245f",
    "#0f7280",
    "#5b6472",
    "#6b4226",
    "#3b3f9e",
)
CLASS_TINTS = (
    "#f6d5bd",
    "#c3d8f3",
    "#c2e3d2",
    "#e2d1ee",
    "#efe3b5",
    "#f5cddc",
    "#c5e6ea",
    "#dde1e6",
    "#e6d6ca",
    "#d3d4f1",
)
MARKERS = ("s", "o", "^", "D", "v", "P", "X", "p", "<", "*")

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_Plot = TypeVar("_Plot", bound=Callable[..., Any])


def matplotlib(module: str = "") -> Any:
    """matplotlib, or a module of it; RendererMissing with the command to run if it is not installed."""
    try:
        return importlib.import_module(f"matplotlib.{module}" if module else "matplotlib")
    except ImportError as error:
        raise RendererMissing(f'plots need matplotlib ({error}). Run: pip install "gradpath[plot]"') from error


def styled(plot: _Plot) -> _Plot:
    """Make a plot draw in the style of this package, and leave matplotlib's settings as they were."""

    @functools.wraps(plot)
    def in_style(*args: Any, **kwargs: Any) -> Any:
        with matplotlib().rc_context(_settings()):
            return plot(*args, **kwargs)

    return in_style  # type: ignore[return-value]


def _settings() -> dict[str, Any]:
    installed = set(matplotlib("font_manager").get_font_names())
    return {
        "font.family": [font for font in PLOT_FONTS if font in installed] or ["sans-serif"],
        "font.size": 10,
        "mathtext.fontset": "stix",
        "text.color": INK,
        "text.usetex": False,
        "axes.edgecolor": LINE,
        "axes.facecolor": "white",
        "axes.labelcolor": INK,
        "axes.labelsize": 10,
        "axes.linewidth": 0.8,
        "axes.titlelocation": "left",
        "axes.titlesize": 11.5,
        "axes.titleweight": "bold",
        "axes.titlepad": 9,
        "axes.titlecolor": INK,
        "xtick.color": LINE,
        "ytick.color": LINE,
        "xtick.labelcolor": GREY,
        "ytick.labelcolor": GREY,
        "figure.facecolor": "white",
        "figure.dpi": 110,
        "legend.frameon": True,
        "legend.framealpha": 0.85,
        "legend.edgecolor": "none",
        "legend.fontsize": 9,
        "lines.linewidth": 2,
        "lines.solid_capstyle": "round",
        "hatch.linewidth": 0.8,
    }


# ---------------------------------------------------------------- axes


def expect_axes(where: str, ax: Any) -> None:
    """TypeError if `ax` is neither Axes, nor several of them, nor None."""
    kind = matplotlib("axes").Axes
    for each in ax if isinstance(ax, list | tuple | np.ndarray) else [ax]:
        if each is not None and not isinstance(each, kind):
            raise TypeError(
                f"{where}: expected ax to be matplotlib Axes, or None for a new figure; got {describe(each)}"
            )


def panels(where: str, ax: Any, count: int, *, columns: int = 4, size: tuple[float, float] = (4.6, 3.5)) -> list[Any]:
    """`count` Axes to draw on.

    ax: None makes a figure with panels of this size in inches; several Axes are taken as they are; a
    single one is divided if more are needed.
    """
    expect_axes(where, ax)
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    if ax is None:
        figsize = (columns * size[0], rows * size[1])
        figure, grid = matplotlib("pyplot").subplots(
            rows, columns, squeeze=False, figsize=figsize, layout="constrained"
        )
        found = list(grid.flat)
        for spare in found[count:]:
            figure.delaxes(spare)
        return found[:count]
    if isinstance(ax, list | tuple | np.ndarray):
        found = list(np.asarray(ax, dtype=object).flat)
        if len(found) != count:
            raise ValueError(f"{where}: expected {count} Axes, one for each panel; got {len(found)}")
        return found
    return [ax] if count == 1 else _divided(ax, rows, columns)[:count]


def _divided(ax: Any, rows: int, columns: int) -> list[Any]:
    figure, place = ax.figure, ax.get_subplotspec()
    spaces = {} if figure.get_layout_engine() is not None else {"wspace": 0.5, "hspace": 0.45}
    if place is not None:
        grid = place.subgridspec(rows, columns, **spaces)
    else:
        box = ax.get_position()
        edges = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
        grid = figure.add_gridspec(rows, columns, **edges, **spaces)
    current = figure.gca()
    ax.set_axis_off()
    ax.set_in_layout(False)
    parts = [figure.add_subplot(cell) for cell in grid]
    figure.sca(current)
    return parts


def at_least_two(where: str, what: str, n: Any) -> int:
    """`n` as an int of at least 2: a line and a surface have ends."""
    if (n := positive_integer(where, what, n)) < 2:
        raise ValueError(f"{where}: expected {what} to be at least 2, got {n}")
    return n


def dress(ax: Any, title: str = "", *, xlabel: str = "", ylabel: str = "", grid: bool = True) -> None:
    """The look of Axes, also of those that somebody else made: white, two spines, a light grid, a title at the left."""
    ax.set_facecolor(PAPER)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(LINE)
    ax.tick_params(which="both", color=LINE, labelcolor=beside(ax, GREY))
    ax.set_axisbelow(True)
    if grid:
        ax.grid(True, color=GRID, linewidth=0.8)
    if title:
        ax.set_title(title, loc="left", color=beside(ax, INK))
    for write, text in ((ax.set_xlabel, xlabel), (ax.set_ylabel, ylabel)):
        if text:
            size = 12.5 if text.startswith("$") else 10  # letters of formulas are smaller
            write(text, fontsize=size, color=beside(ax, INK))


def beside(ax: Any, color: Any) -> Any:
    """The color for what stands beside the Axes: a pale one of its kind if somebody made the figure dark."""
    *ground, alpha = ax.figure.get_facecolor()
    if alpha < 0.5 or readable_on(ground) == INK:
        return color
    return tuple(1 - 0.35 * (1 - c) for c in matplotlib("colors").to_rgb(color))


def log_axis(ax: Any, low: float, high: float) -> None:
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


def count_axis(ax: Any, first: int, last: int) -> None:
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
    color: str


def name_lines(ax: Any, ends: Iterable[End], *, gap: float = 13) -> None:
    """Write the name of each line beside its end, as far apart as the text needs (gap in points).

    Call it when the limits of the axes are final. A line whose end is not finite is not named.
    """
    box = ax.get_window_extent()
    height = max(1.0, box.height * 72 / ax.figure.dpi)
    found = [end for end in ends if math.isfinite(end.x) and math.isfinite(end.y)]
    at = {end: (ax.transData.transform((end.x, end.y))[1] - box.y0) / box.height * height for end in found}
    found.sort(key=lambda end: at[end])
    heights: list[float] = []
    for end in found:
        y = min(max(at[end], 0.0), height)
        heights.append(max(y, heights[-1] + gap) if heights else y)
    surplus = max(0.0, heights[-1] - height) if heights else 0.0
    for i in reversed(range(len(heights))):  # what was pushed beyond the top goes down again
        heights[i] -= surplus
        surplus = max(0.0, gap - (heights[i] - heights[i - 1])) if i else 0.0
    for end, y in zip(found, heights, strict=True):
        ax.annotate(
            end.text,
            (end.x, end.y),
            (7, y - at[end]),
            textcoords="offset points",
            va="center",
            color=beside(ax, end.color),
            weight="bold",
            fontsize=9.5,
            annotation_clip=False,
        )


def title_with_line(ax: Any, title: str, line: str) -> None:
    """A title, and below it in smaller letters what the picture says."""
    ax.set_title(title, loc="left", pad=22 if line else None, color=beside(ax, INK))
    if line:
        look = {"color": beside(ax, GREY), "fontsize": 9.5}
        ax.annotate(line, (0, 1), (0, 7), xycoords="axes fraction", textcoords="offset points", **look)


def math_name(label: str, write: names.Names | None = None) -> str:
    """A label for a plot: as mathematics if it is in the grammar of names, else as it is, if it is not too long."""
    write = write or names.Names()
    if names.parse(label) is None or len(label) > LONGEST_NAME:
        return cut(write.text(label), LONGEST_NAME).replace("$", r"\$")
    return f"${write.latex(label)}$"


def diverging() -> Any:
    """Orange below zero, white at zero, blue above; the ends differ in lightness too."""
    colors = matplotlib("colors")
    steps = ("#7a2e00", NEGATIVE, "#e8a877", "#fbe9dc", "#ffffff", "#dce8f8", "#7fabe0", POSITIVE, "#082f63")
    return colors.LinearSegmentedColormap.from_list("gradpath_sign", steps).with_extremes(bad="#d1d5db")


def readable_on(color: Any) -> str:
    """Ink or white, whichever has the greater contrast on an (r, g, b) from 0 to 1."""
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color[:3]]
    luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    return "white" if luminance < 0.18 else INK


def finite(values: np.ndarray) -> np.ndarray:
    """Those of the numbers that can be drawn."""
    return values[np.isfinite(values)]
