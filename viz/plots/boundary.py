"""Where a model decides: how it divides the plane between the classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..style import current, number
from .answers import Answer, ask, labelled_points
from .base import MARKERS, MATH, Axes, Look, at_least_two, class_tint, matplotlib, panels, styled

__all__ = ["plot_decision_boundary"]


@styled
def plot_decision_boundary(
    model: object,
    x: object,
    y: object,
    *,
    threshold: float | None = None,
    classes: Sequence[object] | None = None,
    resolution: int = 160,
    ax: Axes | None = None,
) -> Axes:
    """How a model divides the plane, with the samples on it.

    model       anything with `.predict(x)` (or `.predict_proba(x)`), or a function, of x of shape (n, 2);
                an MLP or another Module of Values, called with one sample at a time; or a Module of
                Tensors, called with a Tensor of shape (n, 2)
    x, y        the samples: (n, 2), and their labels (n,), or one-hot (n, classes).
    threshold   where the two classes part if the model gives one number for each sample. By default
                0.5 if all its numbers lie between 0 and 1, as probabilities do, and else 0.
    classes     what the classes are called; by default the labels in order.
    resolution  how many points the model is asked for along each axis.

    One number for each sample, (n,) or (n, 1), is a score for the second class; the dashed lines
    are then the probabilities 0.1 and 0.9. Several are scores for the classes, of which the largest
    counts. A model that answers with labels is taken at its word. Returns the Axes.

    ValueError for x without two columns, for nan and infinity, and if labels and answers do not fit.
    """
    where = "plot_decision_boundary"
    points, labels = labelled_points(where, x, y)
    found, index = np.unique(labels, return_inverse=True)
    resolution = at_least_two(where, "resolution", resolution)
    axes = [_axis(column, resolution) for column in points.T]
    grid = np.stack(np.meshgrid(*axes), axis=-1)
    answer = Answer.of(where, ask(where, model, grid.reshape(-1, 2)), found, threshold)
    names = [f"class {c}" for c in answer.classes] if classes is None else [str(c) for c in classes]
    if len(names) != len(answer.classes):
        raise ValueError(f"{where}: expected {len(answer.classes)} classes; got {len(names)}")
    index = np.searchsorted(answer.classes, found)[index]

    (ax,) = panels(where, ax, 1, size=(5.4, 4.4))
    if answer.scores is not None and answer.scores.ndim == 1:
        _draw_scores(ax, axes, answer.scores.reshape(resolution, resolution), answer)
    else:
        _draw_regions(ax, axes, answer)
    for c, name in enumerate(names):
        look: Look = {"marker": MARKERS[c], "color": current().classes[c], "edgecolor": "white", "linewidth": 0.7}
        x1, x2 = points[index == c].T
        ax.scatter(x1, x2, s=30, zorder=3, label=name, **look)
    ax.grid(False)
    ax.set(title="Decision boundary", xlim=axes[0][[0, -1]], ylim=axes[1][[0, -1]])
    ax.set_xlabel("$x_1$", size=MATH)
    ax.set_ylabel("$x_2$", size=MATH)
    ax.legend(loc="best", handletextpad=0.2, borderpad=0.4)
    return ax


def _axis(values: np.ndarray, count: int) -> np.ndarray:
    margin = 0.12 * float(np.ptp(values)) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, count)


def _draw_regions(ax: Axes, axes: list[np.ndarray], answer: Answer) -> None:
    """Every class's part of the plane in its tint; the border is where its score equals the best other."""
    count, shape = len(answer.classes), [len(axes[1]), len(axes[0])]
    winners = answer.winners.reshape(shape)
    ax.contourf(*axes, winners, levels=np.arange(count + 1) - 0.5, colors=[class_tint(c) for c in range(count)])
    present = np.unique(winners)
    for c in present:
        lead = (winners == c) - 0.5
        if answer.scores is not None and count > 1:
            lead = (answer.scores[:, c] - np.delete(answer.scores, c, axis=1).max(axis=1)).reshape(shape)
        ax.contourf(*axes, lead, levels=[0, np.inf], colors=[class_tint(c)])
        if c != present[0]:  # its borders are those of the others
            ax.contour(*axes, lead, levels=[0], colors=current().ink, linewidths=1.3)


def _draw_scores(ax: Axes, axes: list[np.ndarray], scores: np.ndarray, answer: Answer) -> None:
    """Two classes told apart by one number: their tints, and the line where it is the threshold."""
    now = current()
    strengths = ((now.negative, 0.3), (now.negative, 0.15), (now.paper, 1.0), (now.positive, 0.15), (now.positive, 0.3))
    tints = [now.mixed(*each) for each in strengths]
    shades = matplotlib("colors").LinearSegmentedColormap.from_list("gradpath_tints", tints)
    at = answer.threshold
    reach = max(at, 1 - at) if answer.is_probability else float(np.abs(scores - at).max()) or 1.0
    ax.contourf(*axes, scores, levels=np.linspace(at - reach, at + reach, 41), cmap=shades, extend="both")

    def share(level: float) -> float:  # of neighbouring lines at different places
        return 0.5 if level == at else 0.25 if level < at else 0.75

    lines = [([0.1, 0.9], 0.8, "--")] * answer.is_probability + [([at], 2.2, "-")]
    for levels, width, style in lines:
        if inside := [level for level in levels if scores.min() < level < scores.max()]:
            drawn = ax.contour(*axes, scores, levels=inside, colors=current().ink, linewidths=width, linestyles=style)
            places = [_along(pieces, share(level)) for level, pieces in zip(drawn.levels, drawn.allsegs, strict=True)]
            ax.clabel(drawn, fmt=number, fontsize=8, inline=True, inline_spacing=3, manual=places)


def _along(pieces: list[np.ndarray], share: float) -> tuple[float, float]:
    """The point of a line's longest piece that has a share of it behind it."""
    lengths = [np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(piece, axis=0).T))]) for piece in pieces]
    longest = max(range(len(pieces)), key=lambda i: float(lengths[i][-1]))
    piece, length = pieces[longest], lengths[longest]
    x, y = (float(np.interp(share * length[-1], length, piece[:, k])) for k in (0, 1))
    return x, y
