"""History, gradients and confusion: the numbers in the picture are those that were given."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from figures import matplotlib, no_figure_stays_open, plt, texts  # noqa: F401
from sizes import slow_rows

from autograd import Value, squared_error
from nn import MLP, Module, Perceptron
from viz import GradientNorms, plot_confusion_matrix, plot_gradients, plot_history
from viz.style import LIGHT

FULL = {
    "loss": [0.9, 0.5, 0.3, 0.2],
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "val_loss": [0.95, 0.6, 0.4, 0.5],
    "val_accuracy": [0.5, 0.65, 0.7, 0.72],
}


def curves(ax):
    """The lines with more than a point, without the vertical one."""
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


# ---------------------------------------------------------------- history


def test_a_history_drawn_again_takes_the_place_of_the_one_before():
    first = plot_history({"loss": [1.0, 0.5], "accuracy": [0.5, 0.6]})
    again = plot_history({"loss": [1.0, 0.5, 0.2], "accuracy": [0.5, 0.6, 0.9]}, ax=first)
    assert list(again) == list(first)
    for ax in again:
        assert [len(line.get_xdata()) for line in ax.get_lines() if len(line.get_xdata()) > 2] == [3]
        assert not [line for line in ax.get_lines() if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    _, ax = plt.subplots()
    ax.plot([1, 2], [3, 4])  # what somebody else has drawn stays
    before = len(ax.get_lines())
    plot_history({"loss": [1.0, 0.5, 0.2]}, ax=ax)
    assert len(ax.get_lines()) > before


def test_loss_and_metrics_stand_beside_each_other():
    loss, accuracy = plot_history(FULL)
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert [list(line.get_ydata()) for line in curves(loss)] == [FULL["loss"], FULL["val_loss"]]
    assert [list(line.get_ydata()) for line in curves(accuracy)] == [FULL["accuracy"], FULL["val_accuracy"]]
    assert list(curves(loss)[0].get_xdata()) == [1, 2, 3, 4]
    assert [loss.get_title("left"), accuracy.get_title("left")] == ["Loss (log scale)", "Accuracy"]


def test_train_and_validation_differ_in_colour_in_line_and_in_name():
    loss, _ = plot_history(FULL)
    train, validation = curves(loss)
    assert (train.get_color(), train.get_linestyle()) == (LIGHT.positive, "-")
    assert (validation.get_color(), validation.get_linestyle()) == (LIGHT.negative, "--")
    assert {"train", "validation"} <= set(texts(loss))


def test_the_epoch_of_the_least_validation_loss_is_marked_in_every_panel():
    loss, accuracy = plot_history(FULL)
    assert "best 0.4 @ epoch 3" in texts(loss)
    assert "0.7 @ epoch 3" in texts(accuracy)
    assert any(list(line.get_xdata()) == [3] and list(line.get_ydata()) == [0.4] for line in loss.lines)


def test_without_validation_the_training_loss_decides():
    assert "best 0.2 @ epoch 4" in texts(plot_history({"loss": FULL["loss"]}))


def test_a_history_may_be_an_object_that_has_one_or_the_fit_of_a_perceptron():
    history = SimpleNamespace(history={"loss": FULL["loss"]})
    assert "best 0.2 @ epoch 4" in texts(plot_history(history))
    assert "best 0.2 @ epoch 4" in texts(plot_history(SimpleNamespace(history=history)))
    fit = Perceptron(1, rng=0).fit([[0.0], [1.0]], [1.0, 3.0], max_iterations=5)
    assert list(curves(plot_history(fit))[0].get_ydata()) == fit.losses


def test_a_loss_that_is_not_positive_is_drawn_on_a_linear_axis():
    ax = plot_history({"loss": [1.0, 0.0, -1.0]})
    assert ax.get_yscale() == "linear"
    assert "best −1 @ epoch 3" in texts(ax)


def test_nan_leaves_a_gap_and_is_never_the_best():
    ax = plot_history({"loss": [1.0, math.nan, 0.5, math.inf]})
    assert "best 0.5 @ epoch 3" in texts(ax)
    assert not any("best" in text for text in texts(plot_history({"loss": [math.nan, math.nan]})))


def test_an_epoch_between_two_without_a_number_can_be_seen():
    ax = plot_history({"loss": [1.0, math.inf, 0.5, 0.4]})
    (dot,) = [line for line in ax.lines if line.get_linestyle() == "None" and line.get_marker() == "o"][:1]
    assert (list(dot.get_xdata()), list(dot.get_ydata())) == ([1], [1.0])


def test_a_training_that_diverged_has_its_names_where_its_numbers_end():
    ax = plot_history({"loss": [1.0, 0.5, math.nan], "val_loss": [1.1, 0.6, math.nan]})
    at = {text.get_text(): text.xy for text in ax.texts}
    assert (at["train"], at["validation"]) == ((2, 0.5), (2, 0.6))
    assert texts(plot_history({"loss": [math.nan] * 3})) == ["no finite number"]


@pytest.mark.slow
def test_a_single_epoch_can_be_seen():
    ax = plot_history({"loss": [0.5]})
    assert ax.lines[0].get_marker() == "o"
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("history", "error", "message"),
    [
        (None, TypeError, "expected a mapping such as .* got NoneType"),
        ([1.0, 2.0], TypeError, "got list"),
        ({}, ValueError, "expected a key 'loss'; got no keys"),
        ({"acuracy": [1.0]}, ValueError, "expected a key 'loss'; got acuracy"),
        ({"loss": []}, ValueError, "no epochs yet; train first"),
        ({"loss": [1.0, 2.0], "val_loss": [1.0]}, ValueError, "in every list; got loss 2, val_loss 1"),
        ({"loss": [[1.0]]}, ValueError, r"loss: expected shape \(any,\), got \(1, 1\)"),
        ({"loss": [Value(1.0)]}, TypeError, "take the .data of each"),
    ],
)
def test_what_is_no_history_is_refused_before_a_figure_is_made(history, error, message):
    with pytest.raises(error, match=message):
        plot_history(history)
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- gradients


def deep():
    net = MLP(2, [4] * 5 + [1], "sigmoid", "sigmoid", rng=1)
    squared_error(net([0.3, -0.8]), 1.0).backward()
    return net


def by_hand(layer):
    return math.sqrt(sum(p.grad**2 for p in layer.parameters()))


def test_norms_are_the_root_of_the_sum_of_squares_in_each_layer():
    net = deep()
    norms = GradientNorms(net)
    norms.record()
    net.zero_grad()
    squared_error(net([2.0, 0.1]), 0.0).backward()
    norms.record()
    assert list(norms.norms) == [f"layer {i}" for i in range(1, 7)]
    assert [v[1] for v in norms.norms.values()] == pytest.approx([by_hand(layer) for layer in net.layers], rel=1e-12)
    assert len(norms) == 2
    assert repr(norms) == "<GradientNorms of 6 layers over 2 steps>"


def test_the_vanishing_gradient_is_put_in_words():
    net = deep()
    ax = plot_gradients(net)
    ratio = by_hand(net.layers[-1]) / by_hand(net.layers[0])
    (line,) = [text for text in texts(ax) if "gets" in text]
    assert line.startswith("layer 1 gets 1/")
    assert float(line.split("1/")[1].split(" ")[0]) == pytest.approx(ratio, rel=0.06)
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize(
    ("gradients", "line"),
    [
        ({"layer 1": [8.0, 6.0], "layer 2": [2.0, 1.5]}, "layer 1 gets 4 times the gradient of layer 2"),
        *slow_rows(
            ({"layer 1": [1.0, 1.1], "layer 2": [1.2, 1.0]}, "about equal in layer 1 and layer 2"),
            ({"a": [0.0, 0.0], "b": [1.0, 1.0]}, "no gradient at all in a"),
            ([{"a": 1.0, "b": v} for v in (100.0, 300.0, 200.0)], "a gets 1/200 of the gradient of b"),
        ),
    ],
)
def test_the_first_layer_is_compared_with_the_last(gradients, line):
    ax = plot_gradients(gradients)
    assert line in texts(ax)
    ax.figure.canvas.draw()


def test_every_layer_has_a_line_with_its_name():
    ax = plot_gradients({"first": [1.0, 2.0, 3.0], "second": [4.0, 5.0, 6.0]})
    assert [list(line.get_ydata()) for line in ax.lines] == [[1, 2, 3], [4, 5, 6]]
    assert {"first", "second"} <= set(texts(ax))
    assert len({line.get_marker() for line in ax.lines}) == 2


def test_zeros_are_left_out_of_the_log_axis():
    ax = plot_gradients({"a": [1.0, 0.0, 2.0], "b": [1.0, 1.0, 1.0]})
    assert list(map(math.isnan, ax.lines[0].get_ydata())) == [False, True, False]


def test_attributes_stand_for_layers_in_a_model_without_layers():
    class Line(Module):
        def __init__(self):
            self.slope, self.intercept = Value(2.0), Value(1.0)

    line = Line()
    (line.slope * 3 + line.intercept * 4).backward()
    norms = GradientNorms(line)
    norms.record()
    assert norms.norms == {"slope": [3.0], "intercept": [4.0]}


def test_layers_with_arrays_as_parameters_count_too():
    def layer(*gradients):
        parameters = [SimpleNamespace(grad=None if g is None else np.array(g)) for g in gradients]
        return SimpleNamespace(parameters=lambda: parameters)

    norms = GradientNorms(SimpleNamespace(layers=[layer([[3.0, 0.0], [0.0, 4.0]], [12.0]), layer(), layer(None)]))
    norms.record()
    assert norms.norms == {"layer 1": [13.0], "layer 2": [0.0]}


def test_without_a_backward_pass_there_is_nothing_to_record():
    with pytest.raises(RuntimeError, match=r"no gradient; call record\(\) between loss.backward\(\) and step\(\)"):
        GradientNorms(MLP(2, [1])).record()


@pytest.mark.parametrize(
    ("gradients", "error", "message"),
    [
        (3.0, TypeError, "expected a model with layers or parameters, got float"),
        ({}, ValueError, "got no layers; record some steps first"),
        (GradientNorms(), ValueError, "got no layers; record some steps first"),
        ({"a": []}, ValueError, "got no steps"),
        ({"a": [1.0], "b": [1.0, 2.0]}, ValueError, r"got lists of \[1, 2\]"),
        ({"a": [-1.0, 2.0]}, ValueError, "at least 0; got a negative number"),
        ([], ValueError, "mappings with the same layers for every step"),
        ([{"a": 1.0}, {"b": 1.0}], ValueError, "mappings with the same layers for every step"),
    ],
)
def test_what_holds_no_norms_is_refused(gradients, error, message):
    with pytest.raises(error, match=message):
        plot_gradients(gradients)
    assert plt.get_fignums() == []


# ---------------------------------------------------------------- confusion


def cells(ax, n):
    return np.array(texts(ax)[1 : n * n + 1] if "right" in texts(ax)[0] else texts(ax)[: n * n]).reshape(n, n).tolist()


def test_every_pair_of_classes_is_counted():
    ax = plot_confusion_matrix(["cat", "cat", "cat", "dog", "dog", "owl"], ["cat", "dog", "cat", "dog", "owl", "owl"])
    assert cells(ax, 3) == [["2", "1", "·"], ["·", "1", "1"], ["·", "·", "1"]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog", "owl"]
    assert "66.7% right of 6" in texts(ax)
    assert {"67%", "50%", "100%"} <= set(texts(ax))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


def test_rows_of_scores_count_by_their_largest():
    ax = plot_confusion_matrix([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]])
    assert cells(ax, 2) == [["1", "·"], ["1", "1"]]


def test_a_single_output_counts_by_the_threshold():
    assert cells(plot_confusion_matrix([0, 1, 1], [0.2, 0.9, 0.4]), 2) == [["1", "·"], ["1", "1"]]
    assert cells(plot_confusion_matrix([[0], [1], [1]], [[-2.0], [3.0], [0.4]], threshold=0.0), 2)[1] == ["·", "2"]


def test_a_matrix_is_shown_as_it_is():
    ax = plot_confusion_matrix([[50, 0], [7, 40]], classes=["no", "yes"])
    assert cells(ax, 2) == [["50", "·"], ["7", "40"]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["no", "yes"]


def test_the_diagonal_is_blue_and_confusion_orange():
    (image,) = plot_confusion_matrix([[3, 1], [0, 4]]).images
    colors = np.asarray(image.get_array())
    assert colors[1, 1] == pytest.approx(matplotlib.colors.to_rgb(LIGHT.positive))
    assert colors[1, 0] == pytest.approx([1, 1, 1])
    assert colors[0, 1, 0] > colors[0, 1, 2]


def test_a_class_without_samples_has_no_share():
    ax = plot_confusion_matrix([[0, 0], [1, 1]])
    assert "–" in texts(ax)
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1, 2, 3], [4, 5, 6]],), r"square matrix .* got shape \(2, 3\)"),
        (([[1, -2], [3, 4]],), "counts of at least 0"),
        (([0, 1], [0, 1, 1]), "one prediction for each true label, and at least one; got 3 and 2"),
        ((np.array([], int), np.array([], int)), "at least one; got 0 and 0"),
        (([], []), "at least one sample"),
        (([0, 1], np.zeros((2, 2, 2))), r"expected y_pred of shape \(samples, classes\), got \(2, 2, 2\)"),
        (([0, 3], [[0.2, 0.8], [0.1, 0.9]]), "label 3 is out of range for 2 classes"),
    ],
)
def test_what_cannot_be_counted_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_confusion_matrix(*arguments)
    assert plt.get_fignums() == []


def test_classes_must_be_as_many_as_there_are():
    with pytest.raises(ValueError, match="expected 2 classes; got 3"):
        plot_confusion_matrix([[1, 0], [0, 1]], classes=["a", "b", "c"])
