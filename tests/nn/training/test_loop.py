"""Training a Sequential: what fit computes, what it keeps, and what it refuses."""

import gc
import tracemalloc

import numpy as np
import pytest

from autograd import Tensor, no_grad, squared_error
from nn import SGD, Adam, Dense, Dropout, Flatten, Input, Sequential
from nn.callbacks import EarlyStopping, TerminateOnNaN
from nn.callbacks.base import Callback
from nn.data import one_hot
from nn.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError
from nn.metrics import precision
from nn.regularizers import L2

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
LABELS = np.digitize(X[:, 0], [-0.5, 0.5])


def binary(rng=0, dtype="float64", **options):
    model = Sequential([Dense(6, "tanh", input_dim=4), Dense(1, "sigmoid")], dtype=dtype, rng=rng)
    model.compile(
        **{"optimizer": SGD(learning_rate=0.5), "loss": "binary_crossentropy", "metrics": ["accuracy"], **options}
    )
    return model


def classes(rng=0, last="softmax", **options):
    model = Sequential([Dense(6, "relu", input_dim=4), Dense(3, last)], dtype="float64", rng=rng)
    model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], **options})
    return model


def line(weight=1.0, bias=0.0, **options):
    """One unit, w x + b."""
    model = Sequential([Dense(1, input_dim=1)], dtype="float64", rng=0)
    model.compile(**{"optimizer": SGD(learning_rate=0.1), "loss": "mse", **options})
    model.set_weights([[[weight]], [bias]])
    return model


def weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


# ---------------------------------------------------------------- what it computes


def test_one_step_is_the_one_worked_by_hand():
    # ŷ = 1, 2; d = -1, -1; loss 1; dw = mean(2 d x) = -3, db = mean(2 d) = -2
    model = line()
    history = model.fit([[1.0], [2.0]], [[2.0], [3.0]], verbose=0)
    assert history.history == {"loss": [1.0]}
    assert weights(model) == pytest.approx([1.3, 0.2], abs=1e-14)


def test_the_cost_of_the_lectures_takes_half_the_step():
    model = line(loss=MeanSquaredError(half=True))
    assert model.fit([[1.0], [2.0]], [2.0, 3.0], verbose=0).history["loss"] == [0.5]
    assert weights(model) == pytest.approx([1.15, 0.1], abs=1e-14)


def test_training_is_the_loop_that_one_would_write():
    model, other = binary(metrics=None), binary(metrics=None)
    model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    optimizer = SGD(other.parameters(), learning_rate=0.5)
    for _ in range(3):
        for start in range(0, 50, 16):
            loss = BinaryCrossentropy()(Y[start : start + 16, None], other(X[start : start + 16]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert weights(model) == pytest.approx(weights(other), rel=1e-10)


@pytest.mark.parametrize(
    ("last", "loss", "theirs"),
    [
        ("softmax", "sparse_categorical_crossentropy", "cross_entropy"),
        ("linear", CategoricalCrossentropy(from_logits=True), "cross_entropy"),
        ("linear", "mse", "mse_loss"),
        ("linear", "huber", "huber_loss"),
        ("linear", BinaryCrossentropy(from_logits=True), "binary_cross_entropy_with_logits"),
    ],
)
@pytest.mark.parametrize("hidden", ["relu", "tanh", "sigmoid", "softplus"])
def test_a_training_is_that_of_pytorch(hidden, last, loss, theirs):
    torch = pytest.importorskip("torch")
    y = LABELS if theirs == "cross_entropy" else one_hot(LABELS, 3)
    model = Sequential([Dense(6, hidden, input_dim=4), Dense(3, last)], dtype="float64", rng=1)
    model.compile(SGD(learning_rate=0.1, momentum=0.9), loss)
    kernels = [torch.tensor(w, requires_grad=True) for w in model.get_weights()]
    optimizer = torch.optim.SGD(kernels, lr=0.1, momentum=0.9)
    losses = []
    for _ in range(5):
        total = 0.0
        for start in range(0, 50, 16):
            x, target = torch.tensor(X[start : start + 16]), torch.tensor(y[start : start + 16])
            k1, b1, k2, b2 = kernels
            a = getattr(torch.nn.functional, hidden)(x @ k1 + b1)
            value = getattr(torch.nn.functional, theirs)(a @ k2 + b2, target)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            total += value.item() * len(x)
        losses.append(total / 50)
    history = model.fit(X, y, batch_size=16, epochs=5, shuffle=False, verbose=0)
    assert history.history["loss"] == pytest.approx(losses, rel=1e-12)
    for ours, other in zip(model.get_weights(), kernels, strict=True):
        assert ours == pytest.approx(other.detach().numpy(), rel=1e-10, abs=1e-12)


def test_a_loss_is_the_mean_over_samples_and_a_short_batch_counts_by_its_size():
    # rate 0: the weights stay, so that the loss of the epoch is that of all samples
    model = line(optimizer=SGD(learning_rate=0.0))
    x, y = np.arange(5.0)[:, None], np.array([1.0, 5.0, -3.0, 2.0, 0.0])
    found = model.fit(x, y, batch_size=2, verbose=0).history["loss"][0]
    assert found == pytest.approx(((x[:, 0] - y) ** 2).mean())
    assert model.evaluate(x, y, batch_size=3) == pytest.approx(found)
    assert model.evaluate(x, y) == pytest.approx(found)


def test_metrics_are_exact_over_batches_of_any_size():
    model = binary(optimizer=SGD(learning_rate=0.0), metrics=["accuracy", "precision", "mae"])
    p = model.predict(X)[:, 0]
    for size in (1, 7, 50):
        logs = model.fit(X, Y, batch_size=size, verbose=0).history
        assert logs["accuracy"] == [pytest.approx(((p > 0.5) == Y).mean())]
        assert logs["precision"] == [pytest.approx(Y[p > 0.5].mean())]
        assert logs["mae"] == [pytest.approx(np.abs(p - Y).mean())]


def test_the_keys_of_a_history_are_those_of_keras():
    history = binary().fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert [len(values) for values in history.history.values()] == [2] * 4
    assert history.epoch == [0, 1]
    assert all(type(x) is float for values in history.history.values() for x in values)
    assert list(classes(metrics=["acc"]).fit(X, LABELS, verbose=0).history) == ["loss", "acc"]


def test_a_model_learns():
    model = binary(optimizer=Adam(learning_rate=0.05), dtype="float32")
    model.fit(X, Y, epochs=50, verbose=0)
    loss, accuracy = model.evaluate(X, Y)
    assert accuracy >= 0.95
    assert loss < 0.3


def test_labels_and_one_hot_rows_train_alike():
    one, other = classes(), classes(loss="categorical_crossentropy")
    histories = [
        one.fit(X, LABELS, epochs=2, verbose=0).history,
        other.fit(X, one_hot(LABELS, 3), epochs=2, verbose=0).history,
    ]
    assert histories[0] == histories[1]
    assert np.array_equal(weights(one), weights(other))


def test_after_a_softmax_the_loss_is_computed_from_the_weighted_sums():
    one, other = classes(), classes(last="linear", loss=CategoricalCrossentropy(from_logits=True))
    assert one.fit(X, LABELS, epochs=3, verbose=0).history == other.fit(X, LABELS, epochs=3, verbose=0).history
    assert np.array_equal(weights(one), weights(other))
    assert one.predict(X).sum(axis=1) == pytest.approx(np.ones(50))
    assert one.evaluate(X, LABELS)[0] == pytest.approx(-np.log(one.predict(X)[np.arange(50), LABELS]).mean())


def test_a_saturated_output_still_learns():
    model = Sequential([Dense(1, "sigmoid", input_dim=1)], rng=0)
    model.compile(SGD(learning_rate=1.0), "binary_crossentropy")
    model.set_weights([[[0.0]], [200.0]])
    assert model.fit([[1.0]], [0], verbose=0).history["loss"] == [200.0]
    assert model.get_weights()[1].tolist() == [199.0]


def test_the_accuracy_of_logits_is_that_of_their_sign():
    one = binary()
    other = Sequential([Dense(6, "tanh", input_dim=4), Dense(1)], dtype="float64", rng=0)
    other.compile(SGD(learning_rate=0.5), BinaryCrossentropy(from_logits=True), ["accuracy"])
    assert one.fit(X, Y, verbose=0).history == other.fit(X, Y, verbose=0).history
    assert other.evaluate(X, Y) == one.evaluate(X, Y)
    assert np.array_equal(other.predict_classes(X), one.predict_classes(X))


def test_a_logit_of_a_third_counts_as_one():
    model = line(0.0, 1 / 3, loss=BinaryCrossentropy(from_logits=True), metrics=["accuracy", "recall"])
    assert model.evaluate([[1.0]], [1])[1:] == [1.0, 1.0]
    assert model.predict_classes([[1.0]]).tolist() == [1]


def test_regularizers_are_part_of_the_loss_and_of_its_gradient():
    model = Sequential([Dense(1, input_dim=1, kernel_regularizer=L2(0.5))], dtype="float64", rng=0)
    model.compile(SGD(learning_rate=0.1), "mse")
    model.set_weights([[[2.0]], [0.0]])
    assert model.evaluate([[1.0]], [2.0]) == 0.5 * 4
    assert model.fit([[1.0]], [2.0], verbose=0).history["loss"] == [2.0]
    assert weights(model) == pytest.approx([2.0 - 0.1 * 2.0, 0.0])


def test_dropout_works_in_training_and_not_in_validation():
    model = Sequential([Dropout(0.5, input_shape=(4,)), Dense(1, "sigmoid")], rng=0)
    model.compile(SGD(learning_rate=0.0), "binary_crossentropy")
    history = model.fit(X, Y, epochs=3, validation_data=(X, Y), verbose=0).history
    assert len(set(history["loss"])) == 3
    assert len(set(history["val_loss"])) == 1


def test_a_function_serves_as_loss_and_as_metric():
    def loss(y_true, y_pred):
        return squared_error(y_pred, y_true)

    def largest_error(y_true, y_pred):
        return np.abs(y_true - y_pred).max()

    model = line(loss=loss, metrics=[largest_error], optimizer=SGD(learning_rate=0.0))
    logs = model.fit([[1.0], [2.0]], [2.0, 4.0], verbose=0).history
    assert logs == {"loss": [(0.5 + 2.0) / 2], "largest_error": [2.0]}


def test_one_batch_is_a_step_and_gives_the_loss_before_it():
    model = line(metrics=["mae"])
    x, y = [[1.0], [2.0]], [2.0, 3.0]
    assert model.test_on_batch(x, y) == [1.0, 1.0]
    assert model.train_on_batch(x, y) == [1.0, 1.0]
    assert weights(model) == pytest.approx([1.3, 0.2], abs=1e-14)
    assert model.train_on_batch(x, y, return_dict=True)["loss"] < 1.0
    assert line().train_on_batch(x, y) == 1.0


def test_evaluate_gives_a_number_a_list_or_a_dict():
    assert isinstance(line().evaluate([[1.0]], [2.0]), float)
    loss, accuracy = binary().evaluate(X, Y)
    assert binary().evaluate(X, Y, return_dict=True) == {"loss": loss, "accuracy": accuracy}


# ---------------------------------------------------------------- data


def test_integers_are_converted_and_do_not_wrap():
    images = np.full((4, 2, 2), 255, np.uint8)
    model = Sequential([Input((2, 2)), Flatten(), Dense(1)], dtype="float64", rng=0)
    model.compile(SGD(learning_rate=0.0), "mse")
    model.set_weights([np.ones((4, 1)), [0.0]])
    assert model.predict(images).tolist() == [[1020.0]] * 4
    assert model.fit(images, np.zeros(4, np.uint8), verbose=0).history["loss"] == [1020.0**2]


def test_validation_is_the_last_part_and_is_not_trained_on():
    x, y = np.ones((10, 1)), np.r_[np.ones(7), np.full(3, 5.0)]
    model = line()
    history = model.fit(x, y, epochs=1, validation_split=0.3, verbose=0).history
    assert history["loss"] == [0.0]
    assert history["val_loss"] == [16.0]


def test_weights_of_samples_and_classes_multiply_the_loss():
    model = line(optimizer=SGD(learning_rate=0.0))
    x, y = np.ones((4, 1)), np.array([0.0, 2.0, 0.0, 3.0])  # losses 1, 1, 1, 4
    fit = lambda **options: model.fit(x, y, batch_size=3, verbose=0, **options).history["loss"][0]  # noqa: E731
    assert fit(sample_weight=[1.0, 2.0, 0.0, 0.5]) == pytest.approx((1 + 2 + 0 + 2) / 4)
    assert fit(class_weight={0: 3.0, 3: 0.5}) == pytest.approx((3 + 1 + 3 + 2) / 4)
    assert fit(class_weight={0: 3.0}, sample_weight=[1, 1, 2, 1]) == pytest.approx((3 + 1 + 6 + 4) / 4)
    assert model.evaluate(x, y, sample_weight=[1.0, 2.0, 0.0, 0.5]) == pytest.approx(5 / 4)


def test_weights_of_classes_go_by_the_labels():
    model = classes(optimizer=SGD(learning_rate=0.0))
    each = -np.log(model.predict(X)[np.arange(50), LABELS])
    weight = np.where(LABELS == 2, 5.0, 1.0)
    for y in (LABELS, one_hot(LABELS, 3)):
        found = model.fit(X, y, class_weight={2: 5.0}, verbose=0).history["loss"][0]
        assert found == pytest.approx((weight * each).mean())
    assert model.fit(X, LABELS, sample_weight=weight, verbose=0).history["loss"][0] == pytest.approx(found)


@pytest.mark.parametrize("y", [LABELS, one_hot(LABELS, 3)])
def test_a_weight_of_a_class_that_cannot_be_is_refused(y):
    with pytest.raises(ValueError, match=r"fit: class 3 of class_weight is out of range for 3 classes \(0\.\.2\)"):
        classes().fit(X, y, class_weight={1: 1.0, 2: 2.0, 3: 4.0})
    with pytest.raises(ValueError, match=r"class 0\.5 of class_weight is out of range"):
        classes().fit(X, y, class_weight={0.5: 1.0})
    history = classes().fit(X, y, class_weight={np.int64(1): 2.0, 2.0: 1.0}, verbose=0)  # whole numbers of any type
    assert np.isfinite(history.history["loss"]).all()


def test_a_weight_of_zero_is_as_if_the_sample_were_not_there():
    one, other = line(), line()
    one.fit([[1.0], [2.0], [9.0]], [2.0, 3.0, -50.0], sample_weight=[1.5, 1.5, 0.0], verbose=0)
    other.fit([[1.0], [2.0]], [2.0, 3.0], verbose=0)
    assert weights(one) == pytest.approx(weights(other))


def test_the_data_of_the_caller_are_neither_changed_nor_locked():
    x, y = X.copy(), LABELS.astype(np.float64)
    for shuffle in (True, False):
        line_ = classes()
        line_.fit(x, y, epochs=2, shuffle=shuffle, verbose=0)
        line_.evaluate(x, y)
        line_.train_on_batch(x, y)
    assert np.array_equal(x, X)
    assert x.flags.writeable
    assert y.flags.writeable


def test_a_weight_for_a_label_that_no_sample_can_have_is_refused():
    with pytest.raises(ValueError, match=r"class 2 of class_weight is no label of y; its labels are 0, 1"):
        binary().fit(X, Y, class_weight={0: 1.0, 2: 4.0})
    with pytest.raises(ValueError, match=r"class -1 of class_weight is no label of y"):
        line(loss="mse").fit([[1.0], [2.0]], [1.0, 5.0], class_weight={-1: 2.0})
    assert binary().fit(X, np.zeros(50), class_weight={1: 2.0}, verbose=0).epoch == [0]  # a class that has no samples


def test_a_weight_for_a_class_needs_one_class_for_each_sample():
    several = np.column_stack([Y, 1 - Y, Y])
    model = classes(last="sigmoid", loss="binary_crossentropy")
    with pytest.raises(ValueError, match="needs one class for each sample, and rows of y have several labels"):
        model.fit(X, several, class_weight={0: 2.0})
    one_of_three = np.eye(3)[LABELS]
    found = model.evaluate(X, one_of_three, sample_weight=np.where(LABELS == 1, 3.0, 1.0))[0]
    history = model.fit(X, one_of_three, batch_size=50, class_weight={1: 3.0}, verbose=0).history
    assert history["loss"][0] == pytest.approx(found, rel=1e-12)


# ---------------------------------------------------------------- chance


def test_the_same_seed_gives_the_same_history_bit_for_bit():
    def history(seed):
        model = Sequential([Dense(8, "relu"), Dropout(0.3), Dense(1, "sigmoid")], rng=seed)
        model.compile("adam", "binary_crossentropy", ["accuracy"])
        logs = model.fit(X, Y, epochs=3, validation_split=0.2, verbose=0).history
        return logs, weights(model).tolist()

    assert history(3) == history(3)
    assert history(3)[0]["loss"] != history(4)[0]["loss"]


def test_the_random_state_of_numpy_is_not_touched():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    model = Sequential([Dense(8, "relu"), Dropout(0.3), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.fit(X, Y, epochs=2, verbose=0)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_evaluating_in_between_changes_nothing():
    def run(evaluates):
        model = Sequential([Dense(8, "relu"), Dropout(0.3), Dense(1, "sigmoid")], rng=0)
        model.compile("sgd", "binary_crossentropy")
        for _ in range(3):
            model.fit(X, Y, verbose=0)
            if evaluates:
                model.evaluate(X, Y)
                model.predict(X)
                model.predict_classes(X)
        return weights(model).tolist()

    assert run(True) == run(False)


def test_epochs_one_by_one_are_the_same_training():
    whole, parts = binary(), binary()
    whole.fit(X, Y, epochs=4, verbose=0)
    for epoch in range(4):
        history = parts.fit(X, Y, epochs=epoch + 1, initial_epoch=epoch, verbose=0)
        assert history.epoch == [epoch]
    assert np.array_equal(weights(whole), weights(parts))


def test_samples_come_in_another_order_in_each_epoch_unless_told_not_to():
    def orders(shuffle):
        seen = []

        def loss(y_true, y_pred):
            seen.append(y_true[:, 0].tolist())
            return squared_error(y_pred, y_true)

        line(loss=loss, optimizer=SGD(learning_rate=0.0)).fit(
            np.ones((6, 1)), np.arange(6.0), batch_size=3, epochs=2, shuffle=shuffle, verbose=0
        )
        return [seen[0] + seen[1], seen[2] + seen[3]]

    first, second = orders(True)
    assert first != second
    assert sorted(first) == sorted(second) == [0, 1, 2, 3, 4, 5]
    assert orders(False) == [[0, 1, 2, 3, 4, 5]] * 2


# ---------------------------------------------------------------- callbacks


class Diary(Callback):
    def __init__(self):
        self.lines = []

    def on_train_begin(self, logs=None):
        self.lines.append("train")

    def on_epoch_begin(self, epoch, logs=None):
        self.lines.append(f"epoch {epoch}")

    def on_train_batch_begin(self, batch, logs=None):
        self.lines.append(f"batch {batch}")

    def on_train_batch_end(self, batch, logs=None):
        self.lines.append(f"batch {batch} done {sorted(logs)}")

    def on_epoch_end(self, epoch, logs=None):
        self.lines.append(f"epoch {epoch} done {sorted(logs)}")

    def on_train_end(self, logs=None):
        self.lines.append(f"end {sorted(logs)}")


def test_callbacks_are_called_as_by_keras():
    diary = Diary()
    model = binary()
    model.fit(X, Y, batch_size=25, epochs=1, validation_data=(X, Y), callbacks=[diary], verbose=0)
    every = ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert diary.lines == [
        "train",
        "epoch 0",
        "batch 0",
        "batch 0 done ['loss']",
        "batch 1",
        "batch 1 done ['loss']",
        f"epoch 0 done {every}",
        f"end {every}",
    ]
    assert diary.model is model
    assert diary.params["epochs"] == 1
    assert diary.params["steps"] == 2
    assert diary.params["metrics"] == ["loss", "accuracy", "val_loss", "val_accuracy"]


def test_the_loss_of_a_batch_is_the_mean_of_the_epoch_so_far():
    seen = []

    class Watch(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    model = line(optimizer=SGD(learning_rate=0.0))
    model.fit(np.ones((3, 1)), [0.0, 3.0, 3.0], batch_size=1, shuffle=False, callbacks=Watch(), verbose=0)
    assert seen == [1.0, 2.5, 3.0]


def test_training_stops_after_the_epoch_in_which_somebody_says_so():
    class Enough(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    model = binary()
    assert model.fit(X, Y, epochs=9, callbacks=[Enough()], verbose=0).epoch == [0, 1]
    assert model.fit(X, Y, epochs=2, verbose=0).epoch == [0, 1]
    stop = EarlyStopping(monitor="loss", patience=1)
    assert (
        len(line(optimizer=SGD(learning_rate=0.0)).fit([[1.0]], [2.0], epochs=9, callbacks=[stop], verbose=0).epoch)
        == 2
    )


def test_an_epoch_ends_with_the_batch_in_which_somebody_says_so():
    heard = []

    class Enough(Callback):
        def on_train_batch_end(self, batch, logs=None):
            heard.append((batch, logs["loss"]))
            self.model.stop_training = batch == 1

    model = binary()
    history = model.fit(X, Y, batch_size=1, epochs=9, validation_data=(X, Y), callbacks=[Enough()], verbose=0)
    assert [batch for batch, _ in heard] == [0, 1]
    assert history.history["loss"] == [heard[-1][1]]  # the mean of the two batches that were
    assert len(history.history["val_loss"]) == 1


def test_what_a_callback_adds_to_the_logs_is_kept():
    class Rate(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["learning_rate"] = 0.25

    assert binary().fit(X, Y, callbacks=[Rate()], verbose=0).history["learning_rate"] == [0.25]


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="expected callbacks, got int"):
        binary().fit(X, Y, callbacks=[3], verbose=0)
    with pytest.raises(TypeError, match=r"got the class Diary; write Diary\(\.\.\.\)"):
        binary().fit(X, Y, callbacks=[Diary], verbose=0)


def test_validation_every_other_epoch():
    history = binary().fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=2, verbose=0).history
    assert (len(history["loss"]), len(history["val_loss"])) == (4, 2)


def test_nothing_is_printed_unless_asked_for(capsys):
    binary().fit(X, Y, validation_data=(X, Y))
    assert capsys.readouterr().out == ""
    binary().fit(X, Y, epochs=2, validation_data=(X, Y), verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Epoch 2/2 - ")
    assert " - val_accuracy: 0." in lines[1]


def test_training_works_inside_no_grad_and_on_a_model_in_prediction():
    expected = binary()
    expected.fit(X, Y, verbose=0)
    expected.train_on_batch(X, Y)
    model = binary().eval()
    with no_grad():
        model.fit(X, Y, verbose=0)
        model.train_on_batch(X, Y)
    assert np.array_equal(weights(model), weights(expected))
    assert not model.training


def test_fit_leaves_the_mode_of_the_model_as_it_was():
    model = binary().eval()
    model.fit(X, Y, verbose=0)
    assert not any(module.training for module in model.modules())


# ---------------------------------------------------------------- memory and state


def test_gradients_weights_and_state_are_true_after_training():
    model = binary(optimizer=Adam(learning_rate=0.01))
    model.fit(X, Y, batch_size=50, epochs=3, verbose=0)
    assert model.optimizer.iterations == 3
    assert all(p.grad.shape == p.shape for p in model.parameters())


@pytest.mark.slow
def test_two_thousand_steps_leave_memory_as_it_was():
    model = binary()

    def kept():
        model.fit(X, Y, batch_size=10, epochs=400, verbose=0)
        model.history = None
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        kept()  # Python keeps some of the tuples it has made for later
        before = kept()
        grown = kept() - before
    finally:
        tracemalloc.stop()
    assert grown < 8000  # 4 bytes a step


def test_training_can_go_on_after_weights_were_set_and_after_compiling_again():
    model, other = binary(), binary()
    start = model.get_weights()
    model.fit(X, Y, verbose=0)
    model.set_weights(start)
    model.compile(SGD(learning_rate=0.5), "binary_crossentropy")
    model.rng = np.random.default_rng(9)
    other.rng = np.random.default_rng(9)
    model.fit(X, Y, verbose=0)
    other.fit(X, Y, verbose=0)
    assert np.array_equal(weights(model), weights(other))


def test_a_model_grown_after_compiling_trains_its_new_layer():
    model = Sequential([Dense(3, input_dim=4)], rng=0)
    model.compile("sgd", "mse")
    model.add(Dense(1))
    model.compile("sgd", "mse")
    before = model.layers[1].get_weights()[0]
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(model.layers[1].get_weights()[0], before)


# ---------------------------------------------------------------- bad input


def with_one(number):
    x = X.copy()
    x[3, 1] = number
    return x


def test_fit_before_compile_says_what_to_do():
    model = Sequential([Dense(1, input_dim=4)])
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(RuntimeError, match=r"the model is not compiled; call compile\(optimizer='adam', loss="):
            call(X, Y)
    model = Sequential()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="the model has no layers; add one first"):
        model.fit(X, Y)


def test_unknown_names_are_refused_with_a_suggestion():
    for options, message in (
        ({"optimizer": "addam"}, "unknown optimizer 'addam'; did you mean 'adam'"),
        ({"loss": "binary_crosentropy"}, "unknown loss 'binary_crosentropy'; did you mean 'binary_crossentropy'"),
        ({"metrics": ["acuracy"]}, "unknown metric 'acuracy'; did you mean 'accuracy'"),
        ({"loss": None}, "compile: expected a loss, such as loss='mse'"),
        ({"metrics": ["accuracy", "accuracy"]}, r"two metrics would be called 'accuracy'; rename one with .named"),
    ):
        with pytest.raises(ValueError, match=message):
            binary(**options)
    binary(metrics=[precision.using(threshold=0.9), precision.named("other")])


def test_a_negative_learning_rate_is_refused():
    with pytest.raises(ValueError, match=r"expected learning_rate to be a finite number of at least 0, got -0\.1"):
        binary(optimizer=SGD(learning_rate=-0.1))


def test_a_wrong_number_of_features_is_refused_with_both_and_the_layer():
    message = r"fit: Dense\(6, 'tanh'\) \('dense'\) expects inputs of shape \(batch, 4\), as built; got \(50, 3\)"
    with pytest.raises(ValueError, match=message):
        binary().fit(X[:, :3], Y)
    with pytest.raises(ValueError, match="validation_data: Dense"):
        binary().fit(X, Y, validation_data=(X[:, :3], Y))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:0], Y[:0], "fit: expected at least one sample"),
        (X[:, :0], Y, "fit: expected at least one feature"),
        (X, Y[:49], "fit: x has 50 samples, y has 49"),
        (with_one(np.nan), Y, r"fit: x contains nan or infinity \(first at row 3, column 1\)"),
        (with_one(np.inf), Y, r"fit: x contains nan or infinity \(first at row 3, column 1\)"),
        (X, np.where(np.arange(50) == 7, np.nan, Y), r"fit: y contains nan or infinity \(first at row 7"),
        (X, Y + 1, r"fit: label 2 is out of range for binary_crossentropy \(0..1\)"),
        (
            X,
            np.stack([Y, Y], axis=1),
            r"targets of shape \(samples, 1\).*got y of shape \(50, 2\). Give the last layer 2",
        ),
        (3.0, Y, "expected x of shape"),
    ],
)
def test_data_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        binary().fit(x, y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X.astype(object), Y, "fit: expected plain numbers in x, .*dtype object; convert it with np.asarray"),
        (X, Y.astype(str), "fit: expected plain numbers in y, .*number the classes: np.unique"),
        (X, None, "fit: expected targets y, got None"),
    ],
)
def test_data_that_are_no_numbers_are_refused(x, y, message):
    with pytest.raises(TypeError, match=message):
        binary().fit(x, y)


def test_a_model_is_not_built_for_data_that_are_refused():
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="x has 4 samples, y has 50"):
        model.fit(X.T, Y)
    assert not model.built
    model.fit(X, Y)
    assert model.input_shape == (4,)


def test_numbers_too_large_for_float32_are_refused():
    with pytest.raises(ValueError, match=r"fit: x has numbers up to 1e\+60, too large for float32: scale it, or make"):
        binary(dtype="float32").fit(X * 0 + 1e60, Y)
    with pytest.raises(ValueError, match=r"fit: y has numbers up to 1e\+60, too large for float32"):
        binary(dtype="float32", loss="mse").fit(X, Y + 1e60)
    binary(loss="mse", metrics=None, optimizer=SGD(learning_rate=0.0)).fit(X, Y + 1e60)


def test_labels_out_of_range_are_refused_with_both_remedies():
    with pytest.raises(ValueError, match=r"fit: label 3 is out of range for 3 classes \(0..2\).*one-hot rows"):
        classes().fit(X, LABELS + 1)
    with pytest.raises(ValueError, match=r"got y of shape \(50,\). If these are labels, write them one-hot .*sparse"):
        classes(loss="mse").fit(X, LABELS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "fit: expected batch_size to be a positive integer, got 0"),
        ({"epochs": 0}, "fit: expected epochs to be a positive integer, got 0"),
        ({"validation_split": 1.0}, "fit: expected validation_split to be at least 0 and below 1, got 1.0"),
        ({"validation_split": 0.99}, "validation_split=0.99 of 50 samples leaves 0 to train and 50 to validate"),
        ({"initial_epoch": 5}, "initial_epoch=5 leaves nothing to train; epochs=1 is the number of the last epoch"),
        ({"initial_epoch": -1}, "expected initial_epoch to be an integer of at least 0, got -1"),
        ({"sample_weight": [1.0]}, r"expected sample_weight of shape \(50,\)"),
        ({"sample_weight": -np.ones(50)}, "expected weights of at least 0"),
        ({"class_weight": {0: -1.0}}, "expected class weights of at least 0, got -1.0 for class 0"),
        ({"verbose": 7}, "verbose: expected 0, 1, 2 or None, got 7"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        binary().fit(X, Y, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 2.5}, "expected batch_size to be a positive integer, got float"),
        ({"validation_data": X}, r"expected validation_data as \(x, y\)"),
        ({"class_weight": [1, 2]}, "expected class_weight as a dict"),
        ({"class_weight": {"a": 2.0}}, "a label of class_weight needs a real number, got str"),
    ],
)
def test_arguments_of_another_kind_are_refused(options, message):
    with pytest.raises(TypeError, match=message):
        binary().fit(X, Y, **options)


def test_a_loss_that_is_not_finite_is_an_error_that_names_epoch_and_batch():
    model = line(optimizer=SGD(learning_rate=1e200))
    with pytest.raises(ArithmeticError, match=r"fit: epoch 1, batch 2: the loss is inf.*Lower the learning rate"):
        model.fit([[1.0], [2.0], [3.0]], [5.0, 3.0, 2.0], batch_size=1, verbose=0)
    with pytest.raises(ArithmeticError, match=r"train_on_batch: the loss is (inf|nan)"):
        model.train_on_batch([[1.0]], [1.0])
    assert np.isfinite(weights(model)).all()
    assert model.training


def test_a_callback_may_stop_a_training_that_is_not_finite():
    model = line(optimizer=SGD(learning_rate=1e200), metrics=["mae"])
    with pytest.warns(UserWarning, match="TerminateOnNaN: the loss is inf"):
        history = model.fit(
            [[1.0], [2.0]], [5.0, 3.0], batch_size=1, epochs=5, callbacks=[TerminateOnNaN()], shuffle=False, verbose=0
        )
    assert history.history["loss"] == [np.inf]
    assert history.epoch == [0]


def test_a_model_of_layers_without_parameters_cannot_be_trained():
    model = Sequential([Flatten(input_shape=(4,))])
    with pytest.raises(ValueError, match="expected at least one parameter, got none"):
        model.compile("sgd", "mse")


def test_a_row_against_a_column_is_an_error_outside_of_fit():
    with pytest.raises(ValueError, match=r"prediction has shape \(50, 1\), target has shape \(50,\)"):
        squared_error(binary()(X), Tensor(Y.astype(float)))


def test_of_two_classes_metrics_see_labels_and_weights_go_by_rows_too():
    seen = []

    def own(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return 0.0

    model = Sequential([Dense(2, "softmax", input_shape=(3,))], rng=0)
    model.compile(SGD(0.0), "categorical_crossentropy", [own])
    x, y = np.random.default_rng(0).normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 1])
    weighted = [model.fit(x, t, class_weight={1: 4.0}, verbose=0).history["loss"][0] for t in (y, one_hot(y, 2))]
    each = -np.log(model.predict(x, verbose=0)[np.arange(6), y])
    assert weighted == pytest.approx([(each * np.where(y, 4.0, 1.0)).mean()] * 2, rel=1e-6)
    assert seen == [((6,), (6, 2)), ((6, 2), (6, 2))]
