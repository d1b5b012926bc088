"""Every plot with what a Sequential gives: its History, its answers, its weights and gradients."""

import numpy as np
import pytest
from figures import no_figure_stays_open  # noqa: F401

from autograd import squared_error
from nn import SGD, Dense, Flatten, Sequential
from nn.callbacks.base import Callback
from viz import (
    GradientNorms,
    draw_graph,
    draw_network,
    plot_confusion_matrix,
    plot_decision_boundary,
    plot_gradients,
    plot_history,
    plot_loss_surface,
    plot_sensitivity,
    plot_weights,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))
SIDE = (X[:, 0] > 0).astype(int)  # the class is the side of the line x₁ = 0
THIRD = X.argmax(axis=1) + (X.max(axis=1) < 0) * (2 - X.argmax(axis=1))


def trained(*layers, y=SIDE, loss="binary_crossentropy", epochs=30, **options):
    model = Sequential([*layers], rng=0)
    model.compile("adam", loss, metrics=["accuracy"])
    model.optimizer.learning_rate = 0.05
    model.fit(X, y, epochs=epochs, verbose=0, **options)
    return model


def one_side(**options):
    return trained(Dense(1, "sigmoid", input_shape=(2,)), **options)


def three_classes():
    return trained(
        Dense(8, "tanh", input_shape=(2,)), Dense(3, "softmax"), y=THIRD, loss="sparse_categorical_crossentropy"
    )


def test_a_history_is_drawn_with_validation_and_metrics():
    model = one_side(validation_split=0.2)
    for history in (model.history, model):
        loss, accuracy = plot_history(history)
        assert [list(line.get_ydata()) for line in loss.lines[:2]] == [
            model.history.history["loss"],
            model.history.history["val_loss"],
        ]
        assert list(accuracy.lines[0].get_ydata()) == model.history.history["accuracy"]


def test_validation_after_every_third_epoch_stands_at_these_epochs():
    model = one_side(epochs=8, validation_split=0.2, validation_freq=3)
    loss, _ = plot_history(model.history)
    assert list(loss.lines[1].get_xdata()) == [3, 6]
    assert list(loss.lines[1].get_ydata()) == model.history.history["val_loss"]


def test_the_border_is_where_the_classes_part():
    ax = plot_decision_boundary(one_side(), X, SIDE)
    (middle,) = [c for c in ax.collections if getattr(c, "levels", None) is not None and list(c.levels) == [0.5]]
    points = np.concatenate([path.vertices for path in middle.get_paths()])
    assert np.abs(points[:, 0]).max() < 0.35


def test_three_classes_divide_the_plane():
    ax = plot_decision_boundary(three_classes(), X, THIRD)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["class 0", "class 1", "class 2"]


def test_first_layer_weights_are_images():
    model = Sequential([Flatten(input_shape=(4, 3)), Dense(5, "relu"), Dense(1)], rng=0)
    panels = plot_weights(model, shape=(4, 3))
    for unit, panel in enumerate(panels):
        shown = np.asarray(panel.images[0].get_array())
        np.testing.assert_allclose(shown, model.layers[1].weight.numpy()[unit].reshape(4, 3))


def test_weights_of_a_model_that_is_not_built_are_refused():
    with pytest.raises(ValueError, match="build it first"):
        plot_weights(Sequential([Dense(3)]))


def test_what_a_model_confuses_is_counted():
    model = three_classes()
    ax = plot_confusion_matrix(THIRD, model.predict_classes(X))
    counts = [int(t.get_text().replace("·", "0")) for t in ax.texts[:9]]
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (THIRD, model.predict_classes(X)), 1)
    assert counts == expected.ravel().tolist()
    again = plot_confusion_matrix(THIRD, model.predict(X))
    assert [t.get_text() for t in again.texts] == [t.get_text() for t in ax.texts]


def deep(**options):
    model = Sequential([*[Dense(8, "sigmoid") for _ in range(5)], Dense(1, "sigmoid")], rng=0)
    model.compile("sgd", "binary_crossentropy")
    norms = GradientNorms(**options)
    model.fit(X, SIDE, batch_size=30, epochs=4, callbacks=[norms], verbose=0)
    return model, norms


def test_the_vanishing_gradient_of_a_deep_sigmoid_net_is_seen():
    _, norms = deep()
    assert len(norms) == 4 * 3
    assert list(norms.norms) == [f"layer {i}" for i in range(1, 7)]
    means = [np.mean(v) for v in norms.norms.values()]
    assert means == sorted(means)
    assert means[0] < 0.01 * means[-1]
    ax = plot_gradients(norms)
    assert ax.get_xlabel() == "step"
    assert any(t.get_text().startswith("layer 1 gets 1/") for t in ax.texts)


def test_norms_of_an_epoch_are_the_means_of_its_steps():
    (_, steps), (_, epochs) = deep(), deep(each="epoch")
    assert len(epochs) == 4
    for name, norms in epochs.norms.items():
        np.testing.assert_allclose(norms, np.reshape(steps.norms[name], (4, 3)).mean(axis=1))
    assert plot_gradients(epochs).get_xlabel() == "epoch"
    assert repr(epochs) == "<GradientNorms of 6 layers over 4 epochs>"


def test_norms_are_those_of_the_gradients_of_the_step():
    seen = []

    class Look(Callback):
        def on_train_batch_end(self, batch, logs=None):
            layer = self.model.layers[0]
            seen.append(np.sqrt((layer.weight.grad**2).sum() + (layer.bias.grad**2).sum()))

    norms = GradientNorms()
    one_side(epochs=2, callbacks=[Look(), norms])
    np.testing.assert_allclose(norms.norms["layer 1"], seen, rtol=1e-6)


def test_another_training_goes_on_and_another_model_begins_anew():
    model, norms = deep()
    model.fit(X, SIDE, batch_size=30, epochs=1, callbacks=[norms], verbose=0)
    assert len(norms) == 4 * 3 + 3
    one_side(epochs=1, batch_size=90, callbacks=[norms])
    assert len(norms) == 1


def test_watching_changes_no_number_of_the_training():
    plain, watched = one_side(epochs=3), one_side(epochs=3, callbacks=[GradientNorms()])
    assert plain.history.history == watched.history.history


def test_norms_without_a_model_are_refused():
    with pytest.raises(RuntimeError, match=r"GradientNorms: there is no model; write GradientNorms\(model\)"):
        GradientNorms().record()
    with pytest.raises(ValueError, match="unknown each 'batch'"):
        GradientNorms(each="batch")


def test_the_loss_reacts_most_to_the_largest_component():
    model = one_side(epochs=1)
    ax = plot_sensitivity(model)
    gradients = np.append(model.layers[0].weight.grad, model.layers[0].bias.grad)
    assert [bar.get_width() for bar in ax.patches] == sorted(gradients, key=lambda g: -abs(g))
    assert {t.get_text() for t in ax.get_yticklabels()} == {"$W^{[1]}_{11}$", "$W^{[1]}_{12}$", "$b^{[1]}_{1}$"}


def test_two_weights_go_down_on_their_surface_and_come_back():
    model = Sequential([Dense(2, "tanh", input_shape=(2,)), Dense(1)], rng=0, dtype="float64")
    x, y = X[:10], SIDE[:10, None].astype(float)
    before = model.get_weights()

    def loss():
        return squared_error(model(x), y)

    ax = plot_loss_surface(loss, ["W[1]_1,2", "W[2]_1,1"], model=model, steps=5, learning_rate=0.5, resolution=9)
    path = next(line for line in ax.lines if len(line.get_xdata()) == 6)
    first, second = model.layers[0].weight, model.layers[1].weight
    loss().backward()
    step = [first.data[0, 1] - 0.5 * first.grad[0, 1], second.data[0, 0] - 0.5 * second.grad[0, 0]]
    np.testing.assert_allclose([path.get_xdata()[1], path.get_ydata()[1]], step, rtol=1e-9)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_descent_of_ones_own_training_is_drawn():
    model = Sequential([Dense(1, input_shape=(2,))], rng=0, dtype="float64")
    model.compile(SGD(0.1), "mse")
    weight, way = model.layers[0].weight, []

    class Trace(Callback):
        def on_train_batch_end(self, batch, logs=None):
            way.append(weight.numpy()[0].copy())

    model.fit(X, SIDE, epochs=3, callbacks=[Trace()], verbose=0)
    ax = plot_loss_surface(
        lambda: model.evaluate(X, SIDE), [(weight, (0, 0)), (weight, (0, 1))], path=way, resolution=9
    )
    assert any(np.array_equal(line.get_xydata(), way) for line in ax.lines)


def test_a_graph_taken_before_a_plot_can_still_be_differentiated():
    model = Sequential([Dense(1, input_shape=(2,))], rng=0)
    loss = squared_error(model(X), SIDE[:, None].astype("f4"))
    plot_weights(model, shape=(1, 2))
    plot_decision_boundary(model, X, SIDE, resolution=5)
    draw_graph(loss)
    draw_network(model, X[0])
    loss.backward()
    assert model.layers[0].weight.grad is not None
