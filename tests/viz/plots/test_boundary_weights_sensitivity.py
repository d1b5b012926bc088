"""Decision boundaries, weights and sensitivities show what the model says, and no other model."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from figures import matplotlib, no_figure_stays_open, plt, texts  # noqa: F401

from autograd import Tensor, Value, dot, no_grad, sigmoid, squared_error
from nn import MLP, Dense, Module, Perceptron, Sequential
from viz import plot_decision_boundary, plot_sensitivity, plot_weights
from viz.style import LIGHT

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.2, 0.7]])
Y = np.array([0, 1, 0, 1, 0])


def border(ax):
    """The points of the thick line, on which the classes part."""
    (line,) = [c for c in ax.collections if hasattr(c, "levels") and not c.filled and max(c.get_linewidths()) > 1.2]
    return np.concatenate([path.vertices for path in line.get_paths()])


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# ---------------------------------------------------------------- decision boundary


def test_the_border_is_where_a_probability_is_a_half():
    ax = plot_decision_boundary(lambda x: 1 / (1 + np.exp(-4 * (x[:, 0] - 0.3 * x[:, 1] - 0.4))), X, Y)
    points = border(ax)
    assert points[:, 0] - 0.3 * points[:, 1] == pytest.approx(0.4, abs=1e-3)
    assert {"0.5", "0.1", "0.9"} <= set(texts(ax))
    assert legend(ax) == ["class 0", "class 1"]


def test_the_border_of_scores_beyond_0_and_1_is_at_zero():
    points = border(plot_decision_boundary(lambda x: 10 * (x[:, :1] - 0.7), X, Y))
    assert points[:, 0] == pytest.approx(0.7, abs=1e-9)


def test_another_threshold_may_be_asked_for():
    points = border(plot_decision_boundary(lambda x: x[:, 0] / 4 + 0.3, X, Y, threshold=0.4))
    assert points[:, 0] == pytest.approx(0.4, abs=1e-9)


@pytest.mark.parametrize("elementary", [False, True])
def test_a_net_of_values_is_asked_for_every_point(elementary):
    net = MLP(2, [3, 1], "tanh", "sigmoid", rng=3, elementary=elementary)
    for layer in net.layers:
        layer.neurons[0].b.data = 0.1
    for point in border(plot_decision_boundary(net, X, Y, resolution=60)):
        with no_grad():
            assert net(point.tolist()).data == pytest.approx(0.5, abs=2e-3)


@pytest.mark.slow
def test_a_model_of_values_of_ones_own_is_called_row_by_row():
    class Circle(Module):
        def __init__(self):
            self.radius = Value(0.6)

        def __call__(self, x):
            return sigmoid(dot(x, x) - self.radius**2)

    points = border(plot_decision_boundary(Circle(), X, Y, resolution=60))
    assert np.hypot(*points.T) == pytest.approx(0.6, abs=2e-3)


def test_a_model_of_tensors_is_called_with_all_rows():
    class Line(Module):
        def __init__(self):
            self.weight = Tensor([[1.0], [-0.3]])

        def __call__(self, x):
            return x @ self.weight

    points = border(plot_decision_boundary(Line(), X, Y))
    assert points[:, 0] == pytest.approx(0.3 * points[:, 1], abs=1e-9)


@pytest.mark.slow
def test_anything_with_predict_will_do():
    perceptron = Perceptron(2, "classification", rng=0)
    perceptron.fit(X, Y, learning_rate=1.0, max_iterations=50)
    w, b = [w.data for w in perceptron.w], perceptron.b.data
    points = border(plot_decision_boundary(perceptron, X, Y))
    assert points @ w + b == pytest.approx(0.0, abs=0.02)


def nearest(x):
    """Scores for three classes, each at a centre of its own."""
    centres = np.array([[0.0, 0.0], [1.0, 0.2], [0.2, 1.0]])
    return -((x[:, None] - centres) ** 2).sum(axis=-1)


def test_several_scores_divide_the_plane_between_the_classes():
    ax = plot_decision_boundary(nearest, X, nearest(X).argmax(axis=1), resolution=80)
    lines = [c for c in ax.collections if hasattr(c, "levels") and not c.filled]
    assert len(lines) == 2  # the third class has no border of its own
    for line in lines:
        for point in np.concatenate([path.vertices for path in line.get_paths()]):
            *_, second, first = sorted(nearest(point[None])[0])
            assert first == pytest.approx(second, abs=1e-3)
    assert len(legend(ax)) == 3


def test_a_softmax_layer_gives_one_region_for_each_unit():
    net = MLP(2, [3], "relu", "softmax", rng=1)
    ax = plot_decision_boundary(net, X, [0, 1, 2, 1, 0], resolution=25, classes=["a", "b", "c"])
    assert legend(ax) == ["a", "b", "c"]


def test_labels_may_be_one_hot_or_of_any_kind():
    ax = plot_decision_boundary(nearest, X, np.eye(3)[[0, 1, 2, 1, 0]], resolution=20)
    assert legend(ax) == ["class 0", "class 1", "class 2"]
    ax = plot_decision_boundary(lambda x: np.where(x[:, 0] > 0.5, "yes", "no"), X, np.where(Y == 1, "yes", "no"))
    assert legend(ax) == ["class no", "class yes"]
    assert border(ax)[:, 0] == pytest.approx(0.5, abs=0.01)


def test_targets_as_floats_are_classes_too():
    ax = plot_decision_boundary(lambda x: x[:, 0], X, Y.astype(np.float32)[:, None])
    assert legend(ax) == legend(plot_decision_boundary(lambda x: x[:, 0], X, Y))


def test_a_grid_of_one_point_is_refused():
    with pytest.raises(ValueError, match="expected resolution to be at least 2, got 1"):
        plot_decision_boundary(lambda x: x[:, 0], X, Y, resolution=1)


def test_every_sample_is_drawn_with_the_marker_of_its_class():
    ax = plot_decision_boundary(lambda x: x[:, 0], X, Y)
    squares, circles = [c for c in ax.collections if hasattr(c, "get_sizes") and len(c.get_sizes())]
    assert np.asarray(squares.get_offsets()).tolist() == X[Y == 0].tolist()
    assert np.asarray(circles.get_offsets()).tolist() == X[Y == 1].tolist()
    assert len(squares.get_paths()[0].vertices) != len(circles.get_paths()[0].vertices)


def test_a_model_that_sees_one_class_only_is_drawn_without_a_border():
    ax = plot_decision_boundary(lambda x: np.full(len(x), 0.2), X, Y)
    assert texts(ax) == []


@pytest.mark.parametrize(
    ("model", "x", "y", "error", "message"),
    [
        (nearest, X[:, :1], Y, ValueError, r"x: expected shape \(any, 2\), got \(5, 1\)"),
        (MLP(3, [1]), X, Y, ValueError, r"expected a model of 2 inputs, as x has columns; got MLP\(3"),
        (Sequential([Dense(1)]), X, Y, ValueError, "the model is not built, so that it has no weights yet; fit it"),
        (nearest, X, Y[:3], ValueError, r"a label for each of 5 samples, got y of shape \(3,\)"),
        (nearest, np.zeros((0, 2)), [], ValueError, "a label for each of 0 samples"),
        (nearest, [[0.0, math.nan]], [0], ValueError, r"nan or infinity \(first at row 0\)"),
        ("net", X, Y, TypeError, "can be called or has .predict; got str"),
        (lambda x: x[:3, 0], X, Y, ValueError, "answer 25600 rows with as many; got shape"),
        (lambda x: x[:, 0] * math.nan, X, Y, ValueError, "answers contain nan"),
        (lambda x: x[:, 0], X, [0, 1, 2, 1, 0], ValueError, "expected 3 scores for each sample"),
        (nearest, X, [0, 1, 2, 3, 0], ValueError, "label 3 in y is none of the model's 3 classes"),
        (lambda x: np.full(len(x), "c"), X, ["a", "b", "a", "b", "a"], ValueError, "the model answers .*'c'.*no label"),
        (lambda x: np.zeros((len(x), 12)), X, Y, ValueError, "at most 10 classes"),
    ],
)
def test_what_does_not_fit_is_refused(model, x, y, error, message):
    with pytest.raises(error, match=message):
        plot_decision_boundary(model, x, y)
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- weights


VOLUMES = SimpleNamespace(weight=SimpleNamespace(data=np.ones((8, 3, 3, 3, 1))))


def images(found):
    return [np.asarray(ax.images[0].get_array()) for ax in found]


def test_every_unit_is_an_image_of_its_weights():
    net = MLP(9, [4, 1], rng=0)
    found = plot_weights(net)
    expected = [[w.data for w in neuron.w] for neuron in net.layers[0].neurons]
    assert np.array(images(found)).reshape(4, 9).tolist() == expected
    assert images(found)[0].shape == (3, 3)
    assert [ax.get_title() for ax in found] == ["1", "2", "3", "4"]


def test_all_images_share_one_scale_symmetric_about_zero():
    found = plot_weights([[0.1, 0.2, 0.0, 0.1], [-3.0, 0.5, 0.5, 1.0]])
    assert {ax.images[0].get_clim() for ax in found} == {(-3.0, 3.0)}


def test_negative_pixels_carry_a_minus():
    (ax,) = plot_weights([[1.0, -1.0, 0.5, -0.001]])
    (dashes,) = ax.collections
    assert [segment.mean(axis=0).tolist() for segment in dashes.get_segments()] == [[1.0, 0.0]]


def test_layers_with_an_array_as_weight_will_do():
    dense = SimpleNamespace(weight=SimpleNamespace(data=np.arange(8.0).reshape(2, 4)))
    found = plot_weights(SimpleNamespace(layers=[SimpleNamespace(), dense]))
    assert images(found)[1].tolist() == [[4.0, 5.0], [6.0, 7.0]]


def test_units_beyond_the_limit_are_counted_in_the_title():
    found = plot_weights(np.ones((7, 6)), shape=(2, 3), max_units=5, columns=3)
    assert len(found) == 5
    assert "5 of 7 units, 2×3" in found[0].figure.get_suptitle()


@pytest.mark.slow
def test_panels_in_single_axes_leave_no_empty_ones():
    figure, ax = plt.subplots()
    found = plot_weights(np.ones((6, 4)), ax=ax)
    assert len(figure.axes) == 1 + len(found) + 1  # the Axes divided, the panels, the scale


@pytest.mark.slow
@pytest.mark.parametrize("units", [1, 6, 64])
def test_the_scale_is_narrower_than_an_image(units):
    found = plot_weights(np.ones((units, 4)))
    found[0].figure.canvas.draw()
    bar = found[0].figure.axes[-1].get_window_extent()
    assert bar.width < 0.4 * found[0].get_window_extent().width


def test_a_unit_without_weights_is_said_to_have_none():
    found = plot_weights([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    assert [texts(ax) for ax in found] == [[], ["all near 0"]]
    plot_weights(np.zeros((1, 4)))


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (np.ones((2, 30)), {}, ValueError, r"30 inputs are no square image; say which, as in shape=\(5, 6\)"),
        (np.ones((2, 30)), {"shape": (4, 7)}, ValueError, "a shape for 30 inputs; got 4×7 = 28"),
        (np.ones((2, 30)), {"shape": (4.0, 7)}, TypeError, "shape to be a positive integer"),
        (np.ones(4), {}, ValueError, r"expected shape \(any, any\), got \(4,\)"),
        (np.ones((0, 4)), {}, ValueError, "at least one unit"),
        (np.ones((2, 4)), {"max_units": 0}, ValueError, "max_units to be a positive integer"),
        (SimpleNamespace(layers=[SimpleNamespace()]), {}, ValueError, "no layer with weights .* build it first"),
        (SimpleNamespace(layers=[VOLUMES]), {}, ValueError, r"got \(8, 3, 3, 3, 1\). Give an array of rows instead"),
        (Perceptron(4), {}, TypeError, "expected a model with layers"),
        ("net", {}, TypeError, "expected a model with layers"),
        (np.ones((2, 6)), {"shape": 6}, TypeError, r"expected shape to be \(height, width\), got 6"),
        (np.ones((2, 6)), {"shape": "a"}, TypeError, r"expected shape to be \(height, width\), got 'a'"),
    ],
)
def test_what_has_no_images_of_weights_is_refused(model, options, error, message):
    with pytest.raises(error, match=message):
        plot_weights(model, **options)
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- sensitivity


def bars(ax):
    return [patch.get_width() for patch in ax.patches]


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_the_largest_components_come_first_with_their_signs():
    ax = plot_sensitivity({"w_1": 0.1, "w_2": -3.2, "b": 0.5, "tiny": 1e-9}, top=3)
    assert bars(ax) == [-3.2, 0.5, 0.1]
    assert names(ax) == ["$w_{2}$", "$b$", "$w_{1}$"]
    assert {"−3.2", "0.5", "0.1"} <= set(texts(ax))
    assert "the largest 3 of 4" in ax.get_title("left")


@pytest.mark.slow
def test_the_numbers_on_neighbouring_lines_of_a_boundary_are_apart():
    x = np.array([[0.0, 0.0], [1.0, 1.0], [0.2, 0.9], [0.9, 0.1]])

    def steep(points):
        return 1 / (1 + np.exp(-12 * (points[:, 0] - points[:, 1])))

    ax = plot_decision_boundary(steep, x, [0, 1, 0, 1], resolution=60)
    ax.figure.canvas.draw()
    found = {t.get_text(): t.get_window_extent() for t in ax.texts if t.get_text() in ("0.1", "0.5", "0.9")}
    assert len(found) == 3
    middles = [((b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2) for b in found.values()]
    assert min(np.hypot(x - u, y - v) for i, (x, y) in enumerate(middles) for u, v in middles[:i]) > 40


@pytest.mark.slow
def test_long_names_leave_room_for_the_bars():
    ax = plot_sensitivity({"m" * 200: 2.0, "w": 1.0})
    ax.figure.canvas.draw()  # matplotlib warns where there is none
    assert names(ax) == ["m" * 16 + "…" + "m" * 7, "$w$"]
    assert ax.get_window_extent().width > 200


def test_the_ratio_is_that_of_the_lecture():
    assert "32 times more sensitive to $w_{1}$ than to $w_{2}$" in texts(plot_sensitivity({"w_1": 3.2, "w_2": 0.1}))


def test_signs_differ_in_colour_and_hatch():
    positive, negative = plot_sensitivity({"a": 2.0, "b": -1.0}).patches
    to_hex = matplotlib.colors.to_hex
    assert (to_hex(positive.get_edgecolor()), positive.get_hatch()) == (LIGHT.positive, "")
    assert to_hex(negative.get_edgecolor()) == LIGHT.negative
    assert negative.get_hatch()


def test_a_model_after_its_backward_pass_gives_its_components():
    net = MLP(2, [2, 1], "tanh", rng=0)
    squared_error(net([0.3, -0.8]), 1.0).backward()
    ax = plot_sensitivity(net, top=4)
    largest = sorted(net.parameters(), key=lambda p: -abs(p.grad))[:4]
    assert bars(ax) == [p.grad for p in largest]
    assert names(ax)[0] == {"b[2]_1": "$b^{[2]}_{1}$"}.get(largest[0].label, names(ax)[0])


def test_nodes_of_any_graph_will_do():
    x, y = Value(3.0, "x"), Value(2.0)
    (x * x * y).backward()
    ax = plot_sensitivity([x, y])
    assert bars(ax) == [12.0, 9.0]
    assert names(ax) == ["$x$", "2"]


def test_every_element_of_an_array_is_a_component():
    weight = SimpleNamespace(label="w[1]", grad=np.array([[1.0, -4.0]]))
    bias = SimpleNamespace(label=None, grad=np.array([2.0]))
    model = SimpleNamespace(named_parameters=lambda: [("0.weight", weight), ("0.bias", bias)])
    ax = plot_sensitivity(model)
    assert bars(ax) == [-4.0, 2.0, 1.0]
    assert names(ax) == ["$w^{[1]}_{12}$", "0.bias[0]", "$w^{[1]}_{11}$"]


def test_without_a_second_component_there_is_nothing_to_compare():
    ax = plot_sensitivity({"a": 1.0, "b": 0.0})
    assert not any("times" in text for text in texts(ax))


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        (MLP(2, [1]), ValueError, r"no gradient yet; call loss.backward\(\) first"),
        ({}, ValueError, "at least one component, got none"),
        ([], ValueError, "at least one component, got none"),
        ({"w": math.nan}, ValueError, "gradient of w is nan"),
        ({"v": 1.0, "w": -math.inf}, ValueError, "gradient of w is -inf"),
        (Value(1.0) * 2.0, TypeError, "expected a model, weights with gradients, .* got Value"),
        ("w", TypeError, "expected a model, weights with gradients, .* got str"),
        (3.0, TypeError, "expected a model, weights with gradients, or a mapping .* got float"),
        ([1.0, 2.0], TypeError, "expected a model, weights with gradients"),
    ],
)
def test_what_is_no_gradient_is_refused(gradient, error, message):
    with pytest.raises(error, match=message):
        plot_sensitivity(gradient)
    assert plt.get_fignums() == []
