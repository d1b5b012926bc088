"""What holds for every plot: Axes in and out, matplotlib's state as before, a clear word where it is missing."""

import sys

import numpy as np
import pytest
from figures import matplotlib, no_figure_stays_open, plt  # noqa: F401
from matplotlib.axes import Axes
from oracles import run
from sizes import mostly_slow, slow, slow_rows

import viz
from autograd import Value, squared_error
from nn import MLP
from viz.options import OPTIONS
from viz.plots import base
from viz.style import LIGHT


def trained():
    net = MLP(4, [3, 1], "tanh", "sigmoid", rng=0)
    squared_error(net([0.5, -1.0, 0.3, 2.0]), 1.0).backward()
    return net


def points():
    x = np.array([[0.0, 0.0], [1.0, 0.2], [0.3, 1.0], [1.0, 1.0]])
    return (lambda x: 1 / (1 + np.exp(-x[:, 0] + x[:, 1]))), x, [0, 1, 0, 1]


def valley():
    w = Value(0.3, "w")
    return (lambda: (w * w - 1) ** 2), w


def shares():
    w, x = Value(0.3, "w"), Value(2.0, "x")
    noted = viz.PathShares(lambda: (w * x - 1) ** 2 + w * 0.1, w)
    noted.record()
    w.data = 0.4
    noted.record()
    return noted


HISTORY = {"loss": [1.0, 0.5, 0.3], "val_loss": [1.1, 0.7, 0.8]}

CURVES = {**HISTORY, "accuracy": [0.5, 0.6, 0.7]}

# Every plot with one panel, and those with several.
SINGLE = {
    "plot_history": lambda ax=None, **options: viz.plot_history(HISTORY, ax=ax, **options),
    "plot_decision_boundary": lambda ax=None, **options: viz.plot_decision_boundary(
        *points(), ax=ax, **options, resolution=20
    ),
    "plot_activation": lambda ax=None, **options: viz.plot_activation("relu", ax=ax, **options),
    "plot_loss_surface": lambda ax=None, **options: viz.plot_loss_surface(*valley(), ax=ax, **options),
    "plot_confusion_matrix": lambda ax=None, **options: viz.plot_confusion_matrix([[3, 1], [0, 4]], ax=ax, **options),
    "plot_gradients": lambda ax=None, **options: viz.plot_gradients(trained(), ax=ax, **options),
    "plot_path_shares": lambda ax=None, **options: viz.plot_path_shares(shares(), ax=ax, **options),
    "plot_sensitivity": lambda ax=None, **options: viz.plot_sensitivity(trained(), ax=ax, **options),
    "plot_latent": lambda ax=None, **options: viz.plot_latent([[0, 1], [2, 3], [1, 0]], [0, 1, 1], ax=ax, **options),
}
SEVERAL = {
    "plot_history": (
        2,
        lambda ax=None, **options: viz.plot_history({**HISTORY, "accuracy": [0.5, 0.6, 0.7]}, ax=ax, **options),
    ),
    "plot_weights": (3, lambda ax=None, **options: viz.plot_weights(trained(), ax=ax, **options)),
    "plot_images": (3, lambda ax=None, **options: viz.plot_images(np.arange(18).reshape(3, 2, 3), ax=ax, **options)),
    "plot_attention": (2, lambda ax=None, **options: viz.plot_attention(np.full((2, 3, 3), 1 / 3), ax=ax, **options)),
    "plot_activation": (2, lambda ax=None, **options: viz.plot_activation(["relu", "tanh"], ax=ax, **options)),
}
# How a plot looks where all are alike: two of them are quick, one of lines and one with a scale of colours.
SOME = ["plot_history", "plot_decision_boundary"]
alike = pytest.mark.parametrize("name", [*SOME, *slow(*(name for name in SINGLE if name not in SOME))])
each_plot = pytest.mark.parametrize("draw", [*SINGLE.values(), *(draw for _, draw in SEVERAL.values())])


def test_every_plot_is_tested_here():
    assert {*SINGLE, *SEVERAL} == {name for name in viz.__all__ if name.startswith("plot_")}


@alike
def test_a_plot_draws_on_the_axes_it_is_given_and_returns_them(name):
    figure, grid = plt.subplots(1, 2)
    assert SINGLE[name](grid[0]) is grid[0]
    assert grid[0].has_data()
    assert not grid[1].has_data()
    figure.canvas.draw()


@pytest.mark.parametrize("name", SINGLE)
def test_a_plot_without_axes_makes_one_figure(name):
    assert isinstance(SINGLE[name](None), Axes)
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("name", SEVERAL)
def test_a_plot_of_several_panels_returns_an_array_of_axes(name):
    count, draw = SEVERAL[name]
    found = draw(None)
    assert found.shape == (count,)
    assert all(isinstance(ax, Axes) and ax.has_data() for ax in found)
    assert len(plt.get_fignums()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("layout", [None, "constrained"])
def test_several_panels_fit_into_single_axes(name, layout):
    count, draw = SEVERAL[name]
    figure, grid = plt.subplots(1, 2, layout=layout)
    found = draw(grid[0])
    figure.canvas.draw()
    middle = grid[1].get_position().x0
    assert all(ax.figure is figure and ax.get_position().x1 < middle for ax in found)
    assert len(found) == count
    assert draw(figure.add_axes((0.1, 0.1, 0.3, 0.8))).shape == (count,)


@pytest.mark.parametrize("name", SEVERAL)
def test_several_panels_may_be_given(name):
    count, draw = SEVERAL[name]
    _, grid = plt.subplots(1, count)
    assert list(draw(grid)) == list(grid)
    with pytest.raises(ValueError, match=f"{name}: expected {count} Axes, one for each panel; got {count + 1}"):
        draw(list(plt.subplots(1, count + 1)[1]))


@each_plot
def test_matplotlib_is_left_as_it_was(draw, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a plot called plt.show()"))
    matplotlib.rcdefaults()
    matplotlib.use("Agg")
    _, grid = plt.subplots(1, 2)
    plt.sca(grid[1])
    settings, figures = dict(matplotlib.rcParams), plt.get_fignums()
    draw(grid[0])
    assert dict(matplotlib.rcParams) == settings
    assert settings["axes.titlelocation"] == "center"
    assert plt.get_fignums() == figures
    assert plt.gca() is grid[1]


@each_plot
def test_what_is_no_axes_is_refused_and_no_figure_is_left(draw):
    with pytest.raises(TypeError, match="expected ax to be matplotlib Axes, or None for a new figure; got Figure"):
        draw(matplotlib.figure.Figure())
    assert plt.get_fignums() == []


@pytest.mark.slow
@each_plot
@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_every_plot_can_be_saved(draw, format, tmp_path):
    draw(None)
    path = tmp_path / f"plot.{format}"
    plt.savefig(path)
    assert path.stat().st_size > 1000  # three images of six pixels are a small file


@each_plot
def test_without_matplotlib_the_error_names_the_command(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(viz.RendererMissing, match="pip install matplotlib"):
        draw(None)


@pytest.mark.slow
def test_importing_viz_does_not_import_matplotlib():
    assert run("import sys, viz; viz.plot_history; print('matplotlib' in sys.modules)") == "False"


# ---------------------------------------------------------------- shared parts


@pytest.mark.parametrize("heights", [[0.5, 0.5, 0.501, 0.99, 1.0, 2.0, np.nan], [0.0, 0.0, 0.01, -3.0, 0.02, 0.9]])
def test_names_at_the_ends_of_lines_do_not_overlap(heights):
    _, ax = plt.subplots()
    ax.set_ylim(0, 1)
    ends = [base.End(1, y, f"line {i}", LIGHT.ink) for i, y in enumerate(heights)]
    base.name_lines(ax, ends, gap=13)
    ax.figure.canvas.draw()
    heights = sorted(text.get_window_extent().y0 for text in ax.texts)
    assert len(heights) == 6
    assert min(np.diff(heights)) >= 12 * ax.figure.dpi / 72
    bottom, top = ax.get_window_extent().y0, ax.get_window_extent().y1
    assert all(bottom - 20 < h < top + 20 for h in heights)


@pytest.mark.parametrize(("low", "high"), [(0.09, 0.7), *slow_rows((1e-9, 10.0), (0.1, 0.13), (0.5, 0.5), (0.2, 3e4))])
def test_a_log_axis_always_has_numbers_at_it(low, high):
    _, ax = plt.subplots()
    base.log_axis(ax, low, high)
    ax.figure.canvas.draw()
    bottom, top = ax.get_ylim()
    shown = [
        label.get_text() for y, label in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True) if bottom <= y <= top
    ]
    assert len(shown) >= 2
    assert len(set(shown)) == len(shown)
    assert bottom < low <= high < top


def test_small_powers_of_ten_are_written_as_such():
    _, ax = plt.subplots()
    base.log_axis(ax, 1e-9, 10.0)
    ax.figure.canvas.draw()
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert {"10⁻⁵", "10⁻⁶"} & set(shown)
    assert {"0.1", "0.01"} & set(shown)


@pytest.mark.parametrize(
    ("y", "text"),
    [
        (1.0, "1"),
        (0.002, "0.002"),
        (1e-5, "10⁻⁵"),
        (2e-5, "2·10⁻⁵"),
        (2.5e-7, "2.5·10⁻⁷"),
        (1e6, "10⁶"),
        (5e12, "5·10¹²"),
    ],
)
def test_a_tick_says_its_number(y, text):
    assert base.tick_text(y) == text


@pytest.mark.parametrize(("low", "high"), [(2e-5, 4e-5), *slow_rows((1e-6, 2e-4), (3e6, 8e7))])
def test_ticks_on_a_log_axis_differ_where_numbers_are_small_or_large(low, high):
    _, ax = plt.subplots()
    base.log_axis(ax, low, high)
    ax.figure.canvas.draw()
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert len(set(shown)) == len(shown) > 2


@alike
def test_on_a_dark_figure_of_the_user_what_stands_beside_the_axes_is_pale(name):
    figure, ax = plt.subplots(facecolor="black")
    SINGLE[name](ax)
    figure.canvas.draw()
    assert ax.get_facecolor() == (1, 1, 1, 1)
    assert figure.get_facecolor() == (0, 0, 0, 1)  # it stays the user's
    assert_pale_beside(ax)


@alike
def test_in_a_dark_style_of_matplotlib_all_is_dark(name):
    with plt.style.context("dark_background"):
        figure, ax = plt.subplots()
        SINGLE[name](ax)
        figure.canvas.draw()
    assert ax.get_facecolor() == figure.get_facecolor() == (0, 0, 0, 1)
    assert_pale_beside(ax)


@alike
def test_every_plot_takes_a_look_and_a_title(name):
    for look in ("dark", viz.DARK):
        ax = np.ravel(SINGLE[name](look=look, title="So"))[0]
        assert matplotlib.colors.to_hex(ax.get_facecolor()) == viz.DARK.paper
        assert matplotlib.colors.to_hex(ax.figure.get_facecolor()) == viz.DARK.paper
        assert "So" in (ax.get_title("left"), ax.get_title())
    with viz.look("dark"):
        assert matplotlib.colors.to_hex(np.ravel(SINGLE[name]())[0].get_facecolor()) == viz.DARK.paper


@alike
def test_every_plot_is_as_wide_as_it_is_asked_to_be(name):
    plain = np.ravel(SINGLE[name]())[0].figure.get_size_inches()
    for width, inches in ((3.4, 3.4), ("8.6cm", 8.6 / 2.54)):
        size = np.ravel(SINGLE[name](width=width))[0].figure.get_size_inches()
        assert size[0] == pytest.approx(inches)
        assert 0.5 * plain[1] <= size[1] <= plain[1] * max(1, inches / plain[0]) + 1e-9
    with pytest.raises(ValueError, match=f"{name}: width is that of a new figure"):
        SINGLE[name](plt.figure().add_subplot(), width=3.4)


def rough_shares():
    w = Value(1 / 3, "w")
    noted = viz.PathShares(lambda: w * w * w, w)
    noted.record()
    w.data = 1 / 7
    noted.record()
    return noted


def rough_valley():
    w = Value(1 / 3, "w")
    return (lambda: (w * w - 1 / 7) ** 2 + 1 / 7), w


# What each writes with numbers of many digits.
ROUGH = {
    "plot_activation": lambda **options: viz.plot_activation("gelu", **options),
    "plot_history": lambda **options: viz.plot_history({"loss": [1.0, 2 / 3], "val_loss": [1.0, 1 / 3]}, **options),
    "plot_path_shares": lambda **options: viz.plot_path_shares(rough_shares(), **options),
    "plot_sensitivity": lambda **options: viz.plot_sensitivity(trained(), **options),
    "plot_loss_surface": lambda **options: viz.plot_loss_surface(*rough_valley(), **options),
}


@pytest.mark.parametrize("name", mostly_slow([name for name in OPTIONS["digits"].on if name.startswith("plot_")]))
def test_plots_that_write_numbers_write_so_many_digits(name):
    def texts(**options):
        figure = np.ravel(ROUGH[name](**options))[0].figure
        figure.canvas.draw()
        return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]

    assert texts(digits=4) == texts()
    assert texts(digits=2) != texts(digits=6)


def test_what_was_set_in_rcparams_holds():
    with plt.rc_context({"font.size": 17, "figure.facecolor": "#ffffee"}):
        ax = SINGLE["plot_activation"]()
    assert matplotlib.colors.to_hex(ax.figure.get_facecolor()) == "#ffffee"
    assert ax.get_xticklabels()[0].get_fontsize() > 12


def test_the_words_that_plots_promise_are_taken_by_all_of_them():
    plots = {*SINGLE, *SEVERAL}
    for word in ("look", "title", "width"):
        assert {function for function in OPTIONS[word].on if function.startswith("plot_")} == plots
    for name in plots:
        with pytest.raises(TypeError, match=f"{name}: unknown option 'lok'; did you mean 'look'?"):
            getattr(viz, name)(lok="dark")


def assert_pale_beside(ax):
    beside = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    beside += [text for text in ax.texts if text.get_window_extent().x0 > ax.get_window_extent().x1]
    shown = [text for text in beside if text.get_text()]
    assert shown
    assert all(luminance(text.get_color()) > 0.175 for text in shown)  # 4.5 to 1 on black


def test_the_legend_in_a_dark_style_is_light_on_dark():
    with plt.style.context("dark_background"):
        legend = SINGLE["plot_decision_boundary"](plt.subplots()[1]).get_legend()
    assert luminance(legend.get_frame().get_facecolor()[:3]) < 0.1
    assert all(luminance(text.get_color()) > 0.5 for text in legend.get_texts())


@pytest.mark.parametrize(
    "label",
    ["w[1]_1,2", "odd $name$ of $100", *slow("yhat", "a{b}_^", "<b>", "\\frac", "名", "w_1,10", "n" * 1000)],
)
def test_any_label_can_be_drawn(label):
    figure, ax = plt.subplots()
    ax.set_title(base.math_name(label), family=["DejaVu Sans"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # a font may lack a letter
        figure.canvas.draw()


def luminance(color):
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], channels))


@pytest.mark.parametrize("grey", np.linspace(0, 1, 11))
def test_text_is_readable_on_every_ground(grey):
    ground = (grey, grey, grey)
    darker, lighter = sorted([luminance(base.readable_on(ground)), luminance(ground)])
    assert (lighter + 0.05) / (darker + 0.05) >= 4.0


@pytest.mark.parametrize("color", LIGHT.classes)
def test_colours_of_classes_can_be_read_on_paper(color):
    assert 1.05 / (luminance(color) + 0.05) >= 4.5


def test_classes_differ_in_marker_and_in_colour():
    several = base.MARKERS, LIGHT.classes, [base.class_tint(c) for c in range(10)]
    assert len({len(set(each)) for each in several} | {len(each) for each in several}) == 1


def test_the_scale_of_signs_is_white_at_zero_and_dark_at_both_ends():
    scale = base.diverging()
    assert scale(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.02)
    blue, orange = scale(1.0), scale(0.0)
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]
    assert luminance(blue[:3]) < luminance(orange[:3]) < 0.1
