"""vectorize(f): a function of Values that runs as programs over arrays."""

import gc
import random
import warnings

import numpy as np
import pytest
from small_gpt import TOKENS, all_of, loss_of, new_weights

import autograd as ag
from autograd import Value, vectorize
from autograd.value import NO_GRADIENT
from nn import MLP, SGD, Adam


def gradients_of(loss, parameters):
    for p in parameters:
        p.grad = 0.0
    loss.backward()
    return np.array([p.grad for p in parameters])


def is_program(loss):
    return loss.op is not None and loss.op.name == "vectorized"


def agree(fast, plain, parameters, args):
    """Whether the vectorised function gave a program's result, after comparing it with the function's."""
    found, expected = fast(*args), plain(*args)
    assert found.data == pytest.approx(expected.data, rel=1e-11, abs=1e-11)
    a, b = gradients_of(found, parameters), gradients_of(expected, parameters)
    assert np.abs(a - b).max() <= 1e-11 * max(np.abs(b).max(), 1e-3)
    return is_program(found)


def warned(fast, calls):
    """The one warning that the calls give."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for args in calls:
            fast(*args)
    assert len(caught) == 1
    return str(caught[0].message)


def numbers(count, seed=0):
    return [(u,) for u in np.random.default_rng(seed).normal(size=count).tolist()]


# ---------------------------------------------------------------- inputs that change


def test_the_fourth_call_is_a_program_and_follows_its_inputs():
    w = [Value(0.5), Value(-1.0)]

    def f(x, y):
        return ((w[0] * x + w[1]).tanh() - 2 * y) ** 2 + x * 0.1 * w[0]

    fast = vectorize(f)
    rng = np.random.default_rng(0)
    ran = [agree(fast, f, w, rng.normal(size=2).tolist()) for _ in range(8)]
    assert ran == [False] * 3 + [True] * 5


def test_as_a_decorator_it_keeps_the_name_and_the_docstring():
    @vectorize
    def loss(x):
        """The loss."""
        return Value(x) * 2

    assert (loss.__name__, loss.__doc__) == ("loss", "The loss.")


@pytest.mark.slow
def test_a_gpt_trains_on_tokens_by_programs_with_the_same_losses():
    weights, others = new_weights(), new_weights()

    def f(tokens):
        return loss_of(weights, tokens)

    fast = vectorize(f)
    rng = random.Random(0)
    optimizers = [SGD(all_of(weights), 0.1), SGD(all_of(others), 0.1)]
    by_program = 0
    for _ in range(25):
        tokens = [10, *[rng.randrange(TOKENS - 1) for _ in range(rng.choice([3, 4]))], 10]
        losses = fast(tokens), loss_of(others, tokens)
        by_program += is_program(losses[0])
        for loss, optimizer in zip(losses, optimizers, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert losses[0].data == pytest.approx(losses[1].data, rel=1e-11)
    assert by_program >= 12
    assert np.allclose([p.data for p in all_of(weights)], [p.data for p in all_of(others)], rtol=1e-9, atol=1e-12)


def test_arrays_of_a_batch_are_followed_to_where_they_are_used():
    net = MLP(3, [4, 2], activation="tanh", rng=0)

    def f(x, y):
        return sum(ag.squared_error(net(row), target) for row, target in zip(x.tolist(), y.tolist(), strict=True))

    fast = vectorize(f)
    rng = np.random.default_rng(1)
    batches = [(rng.normal(size=(5, 3)), rng.normal(size=(5, 2))) for _ in range(6)]
    assert [agree(fast, f, net.parameters(), batch) for batch in batches] == [False] * 3 + [True] * 3


def test_values_that_are_given_get_gradients_too():
    w = Value(0.5)

    def f(x, y):
        return (w * x - y).tanh() * x

    fast = vectorize(f)
    for i in range(6):
        x, y = Value(0.1 * i), Value(0.2 * i) * 1.0
        found = fast(x, y)
        expected = [ag.gradients(f(x, y), v) for v in (w, x, y)]
        assert [ag.gradients(found, v) for v in (w, x, y)] == pytest.approx(expected, rel=1e-12)
    assert is_program(found)


def test_an_input_that_never_changed_is_looked_at_and_a_change_is_followed():
    w = Value(0.5)

    def f(x, k):
        return sum(w * x + i for i in range(k)).tanh()  # k is the number of terms

    fast = vectorize(f)
    for x in (0.1, 0.2, 0.3, 0.4):
        assert agree(fast, f, [w], (x, 3)) == (x == 0.4)
    assert not agree(fast, f, [w], (0.5, 4))


def test_two_tokens_that_were_always_equal_are_recorded_again():
    table = [[Value(0.1 * i + j) for j in range(2)] for i in range(5)]

    def f(a, b):
        return ag.dot(table[a], [2.0, 1.0]).tanh() * table[b][0]

    fast = vectorize(f)
    parameters = [v for row in table for v in row]
    for pair in [(1, 1), (2, 2), (3, 3), (4, 4), (1, 2), (3, 0), (2, 4), (0, 1), (4, 3)]:
        agree(fast, f, parameters, pair)
    assert agree(fast, f, parameters, (1, 0))


def test_the_gradient_goes_to_the_row_that_was_looked_up_this_time():
    table = [Value(0.1 * i) for i in range(5)]
    fast = vectorize(lambda i, x: table[i] + table[0] * x)
    for i, x in [(1, 0.1), (2, 0.2), (4, 0.3), (3, 0.4), (1, 0.5), (2, 0.6), (0, 0.7)]:
        agree(fast, fast.function, table, (i, x))
    assert agree(fast, fast.function, table, (3, 0.8))


def test_labels_inside_of_a_cross_entropy_are_followed():
    net = MLP(2, [3], rng=0)

    def f(x, label):
        return ag.softmax_cross_entropy(net(x), label)

    fast = vectorize(f)
    rng = np.random.default_rng(2)
    ran = [agree(fast, f, net.parameters(), (rng.normal(size=2).tolist(), i % 3)) for i in range(9)]
    assert ran[-1]


def test_parameters_that_nobody_finds_are_told_from_constants_of_the_call():
    hidden = {"w": Value(0.5)}
    get = hidden.get  # which cannot be looked into

    def f(x):
        return Value(2.0) * get("w") * Value(x) + sum([get("w"), Value(1.0)])

    fast = vectorize(f)
    ran = [agree(fast, f, [hidden["w"]], args) for args in numbers(6)]
    assert ran[-1]
    assert fast.parameters == [hidden["w"]]


def test_whoever_looks_for_anomalies_sees_the_graph():
    w = Value(0.5)
    fast = vectorize(lambda x: (w * x).log())
    for x in (1.0, 2.0, 3.0, 4.0):
        fast(x)
    with ag.detect_anomaly(), pytest.raises(ArithmeticError, match="log"):
        fast(-1.0)


def test_parameters_that_change_by_hand_are_seen():
    w = Value(0.5)

    def f(x):
        return (w * x).tanh()

    fast = vectorize(f)
    for i, x in enumerate([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]):
        w.data = 1.0 + i
        agree(fast, f, [w], (x,))
    assert agree(fast, f, [w], (0.7,))


def test_one_number_for_each_shape_of_arguments():
    w = Value(0.5)

    def f(xs):
        return sum(w * x for x in xs)

    fast = vectorize(f)
    for n in (2, 3, 2, 3, 2, 3):
        agree(fast, f, [w], ([0.1 * i + n for i in range(n)],))
    assert agree(fast, f, [w], ([1.0, 2.0],))
    assert agree(fast, f, [w], ([1.0, 2.0, 4.0],))


# ---------------------------------------------------------------- what cannot be recorded


def test_a_branch_that_changes_is_taken_as_it_comes():
    w = Value(0.7)

    def f(x):
        z = w * x
        return z * z if z.data > 0 else 3 * z

    fast = vectorize(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for (x,) in numbers(40):
            agree(fast, f, [w], (x,))


def test_a_branch_that_was_never_seen_is_not_run_over():
    w = Value(0.7)

    def f(x):
        z = w * x
        return z * z if z > 0 else 3 * z

    fast = vectorize(f)
    assert [agree(fast, f, [w], (x,)) for x in (0.1, 0.2, 0.3, 0.4)][-1]
    assert not agree(fast, f, [w], (-1.0,))
    assert agree(fast, f, [w], (0.5,))


def test_a_branch_on_an_input_is_not_run_over():
    w = Value(0.7)

    def f(x, kind):
        return w * x if kind == 0 else (w * x).exp()

    fast = vectorize(f)
    for x in (0.1, 0.2, 0.3, 0.4):
        agree(fast, f, [w], (x, 0))
    assert not agree(fast, f, [w], (0.5, 1))


def test_data_used_as_a_weight_is_refused_with_one_warning():
    w, v = Value(0.7), Value(0.2)

    def f(x):
        return (w * x).data * v * x

    message = warned(vectorize(f), numbers(20))
    assert "it goes on as it is" in message
    assert ".data of a Value" in message
    assert "test_vectorize.py, line" in message


def test_numbers_computed_from_data_are_refused_too():
    w, v = Value(0.7), Value(0.2)
    for scale in (lambda z: z.data**-0.5, lambda z: 1 / (z.data + 2), lambda z: abs(z.data) * 3):
        assert ".data of a Value" in warned(vectorize(lambda x: scale(w * w) * v * x), numbers(20))


def test_randomness_inside_is_refused():
    w = Value(0.7)
    rng = random.Random(0)

    def f(x):
        return w * x * rng.random()

    assert "change from call to call" in warned(vectorize(f), numbers(20))


def test_a_result_that_depends_on_the_count_of_calls_is_found():
    w = Value(0.7)
    count = [0]

    def f(x):
        count[0] += 1
        return w * x * (2.0 if count[0] > 3 else 1.0)

    assert "a later call differs" in warned(vectorize(f), numbers(40))


def test_a_variable_of_the_function_that_changes_is_seen_and_refused_if_it_goes_on():
    w = Value(0.7)
    scale = 1.0

    def f(x):
        return w * x * scale

    fast = vectorize(f)
    for x in (0.1, 0.2, 0.3, 0.4, 0.5):
        agree(fast, f, [w], (x,))
    scale = 3.0
    assert [agree(fast, f, [w], (x,)) for x in (0.1, 0.2, 0.3, 0.4)] == [False] * 3 + [True]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(20):
            scale = float(i)
            agree(fast, f, [w], (0.1,))
    assert ["variable scale changes from call to call; make it an argument" in str(w.message) for w in caught] == [True]


@pytest.mark.slow
def test_a_structure_that_is_another_each_time_is_refused():
    w = Value(0.7)
    count = [0]

    def f(x):
        count[0] += 1
        return sum(w**i * x for i in range(count[0]))

    assert "structure" in warned(vectorize(f), numbers(20))


def test_a_function_that_assigns_data_goes_on_as_it_is():
    w = Value(0.7)

    def f(x):
        w.data = w.data * 0.9
        return w * x

    assert "assigns .data" in warned(vectorize(f), numbers(3))


def test_a_function_that_gives_no_value_goes_on_as_it_is():
    assert "and not a Value" in warned(vectorize(lambda x: x + 1), numbers(3))


def test_errors_are_those_of_the_function():
    w = Value(0.5)
    table = [w, w * 2]
    fast = vectorize(lambda i: table[i] * w)
    with pytest.raises(IndexError):
        fast(7)


def test_the_largest_number_taken_out_of_a_softmax_does_not_go_stale():
    w = [Value(0.1), Value(0.2), Value(0.3)]

    def f(x):
        scores = [u * x for u in w]
        largest = max(s.data for s in scores)
        e = [(s - largest).exp() for s in scores]
        return e[0] / sum(e)

    fast = vectorize(f)
    for (x,) in numbers(10):
        agree(fast, f, w, (x,))
    found = fast(1e5)
    assert found.data == f(1e5).data == 0.0
    assert not is_program(found)


# ---------------------------------------------------------------- many samples


def by_hand(f, x, y):
    return sum(f(*sample) for sample in zip(x.tolist(), y.tolist(), strict=True)) / len(x)


@pytest.mark.parametrize("m", [3, 10, 64])
def test_the_mean_over_samples_is_that_of_the_function_called_for_each(m):
    net = MLP(2, [5, 4, 1], activation="tanh", rng=0)
    rng = np.random.default_rng(m)
    x, y = rng.normal(size=(m, 2)), rng.normal(size=m)

    def f(x, y):
        return 0.5 * (net(x) - y) ** 2 + 1e-3 * sum(p * p for p in net.parameters())

    each = vectorize(f)
    found, expected = each.mean(x, y), by_hand(f, x, y)
    assert is_program(found)
    assert found.data == pytest.approx(expected.data, rel=1e-12)
    assert gradients_of(found, net.parameters()) == pytest.approx(gradients_of(expected, net.parameters()), rel=1e-9)
    assert each.all(x, y) == pytest.approx([f(*s).data for s in zip(x.tolist(), y.tolist(), strict=True)], rel=1e-12)


def test_labels_are_followed_over_samples():
    net = MLP(4, [6, 3], rng=0)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 4)), rng.integers(0, 3, 40)

    def f(x, label):
        return ag.softmax_cross_entropy(net(x), label)

    each = vectorize(f)
    found, expected = each.mean(x, y), by_hand(f, x, y)
    assert is_program(found)
    assert gradients_of(found, net.parameters()) == pytest.approx(gradients_of(expected, net.parameters()), rel=1e-9)


@pytest.mark.slow
def test_a_whole_gpt_over_sequences_of_one_length():
    weights = new_weights()
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, TOKENS, (12, 5))

    def f(tokens):
        return loss_of(weights, tokens)

    each = vectorize(f)
    found = each.mean(tokens)
    expected = sum(f(row) for row in tokens.tolist()) / 12
    assert is_program(found)
    assert found.data == pytest.approx(expected.data, rel=1e-12)
    a, b = gradients_of(found, all_of(weights)), gradients_of(expected, all_of(weights))
    assert np.abs(a - b).max() < 1e-12


@pytest.mark.slow
def test_too_few_samples_and_branches_are_called_one_by_one():
    w = Value(0.5)

    def f(x):
        z = w * x
        return z * z if z.data > 0 else 3 * z

    each = vectorize(f)
    x = np.linspace(-1, 1, 30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for batch in (x[:2], x, x, x[20:]):
            found, expected = each.mean(batch), sum(f(u) for u in batch.tolist()) / len(batch)
            assert found.data == pytest.approx(expected.data, rel=1e-12)
            assert gradients_of(found, [w]) == pytest.approx(gradients_of(expected, [w]), rel=1e-12)


@pytest.mark.slow
def test_one_sample_prints_the_equations_of_all_in_columns():
    net = MLP(2, [3, 1], activation="tanh", rng=0)
    each = vectorize(lambda x, y: 0.5 * (net(x) - y) ** 2)
    rng = np.random.default_rng(0)
    each.mean(rng.normal(size=(8, 2)), rng.normal(size=8))
    lines = each.text(form="columns").splitlines()
    assert lines[:3] == [
        "Z[1] = W[1] X + b[1]    (3 × 8)",
        "A[1] = tanh(Z[1])    (3 × 8)",
        "Z[2] = W[2] A[1] + b[2]    (1 × 8)",
    ]
    assert "dW[2] = (1/m) dZ[2] A[1]ᵀ    (1 × 3)" in lines


@pytest.mark.parametrize("arrays", [(), (np.zeros((3, 2)), np.zeros(4)), (np.zeros((0, 2)),), (1.0,)])
def test_arrays_without_a_common_number_of_samples_are_refused(arrays):
    with pytest.raises(ValueError, match="one sample or more along the first axis"):
        vectorize(lambda *x: Value(1.0) * 2).mean(*arrays)


# ---------------------------------------------------------------- what stays as it was


def test_recording_leaves_values_as_they_were():
    plain = {name: vars(Value)[name] for name in ("data", "__lt__", "__le__", "__gt__", "__ge__")}
    w = Value(0.5)
    fast = vectorize(lambda x: w * x)
    for args in numbers(5):
        fast(*args)
    assert {name: vars(Value)[name] for name in plain} == plain
    assert type(w.data) is float


def test_graphs_of_calls_that_were_recorded_go_back_as_always():
    w = Value(0.5)
    fast = vectorize(lambda x, y: ag.squared_error([w * x, w], [y, 1.0]))
    loss = fast(2.0, 3.0)
    loss.backward()
    assert w.grad == (2 * 0.5 - 3) * 2 + (0.5 - 1)


def test_gradients_on_leaves_are_untouched_by_calls():
    w = Value(0.5)
    w.grad = 7.0
    fast = vectorize(lambda x: w * x)
    for args in numbers(6):
        fast(*args)
    assert w.grad == 7.0


@pytest.mark.slow
def test_nothing_grows_over_many_calls():
    w = [Value(0.1 * i) for i in range(4)]
    fast = vectorize(lambda x: sum(u * x for u in w).tanh())
    for args in numbers(20):
        fast(*args)
    gc.collect()
    before = len(gc.get_objects())
    for args in numbers(200, seed=1):
        fast(*args).backward()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


# ---------------------------------------------------------------- what a call does not depend on


def embedding(seed):
    rng = np.random.default_rng(seed)
    rows = [[Value(u) for u in row] for row in rng.normal(size=(6, 3)).tolist()]
    w = [Value(u) for u in rng.normal(size=3).tolist()]

    def f(tokens, y):
        total = [rows[a][k] + rows[b][k] for a, b in [tokens] for k in range(3)]
        return (sum(wk * u.tanh() for wk, u in zip(w, total, strict=True)) - y) ** 2

    return rows, w, f


@pytest.mark.parametrize("in_training", [False, True])
def test_rows_that_were_not_picked_get_no_gradient_and_adam_leaves_them_where_they_are(in_training):
    rng = np.random.default_rng(1)
    calls = [(rng.permutation(6)[:2].tolist(), float(rng.normal())) for _ in range(60)]
    found = []
    for is_fast in (False, True):
        rows, w, f = embedding(0)
        used = vectorize(f, parameters={"rows": rows, "w": w}) if is_fast else f
        optimizer = Adam(used.parameters if is_fast else [u for row in rows for u in row] + w, 0.05)

        def train(calls, used=used, optimizer=optimizer):
            for call in calls:
                optimizer.zero_grad()
                loss = used(*call)
                loss.backward()
                optimizer.step()
            return loss

        if is_fast and in_training:
            with used.training():
                assert is_program(train(calls))
        else:
            assert is_program(train(calls)) == is_fast
        found.append([[u.data for row in rows for u in row] + [u.data for u in w], rows])
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-11, atol=1e-12)
    for slow, fast in zip(*(rows for _, rows in found), strict=True):
        has = [[u.grad is not NO_GRADIENT for u in row] for row in (slow, fast)]
        assert has[0] == has[1]
    assert sum(row[0].grad is not NO_GRADIENT for row in found[1][1]) == 2


def test_parameters_that_a_call_does_not_reach_are_not_moved_on_by_their_velocity():
    a, b = Value(1.0), Value(1.0)
    both, one = vectorize(lambda x: (a * x + b * x).tanh()), vectorize(lambda x: (a * x).tanh() + 0 * x)
    optimizer = SGD([a, b], 0.1, momentum=0.9)
    for x in (0.1, 0.2, 0.3, 0.4, 0.5):
        optimizer.zero_grad()
        both(x).backward()
        optimizer.step()
    moved = b.data
    for x in (0.1, 0.2, 0.3, 0.4, 0.5):
        optimizer.zero_grad()
        one(x).backward()
        optimizer.step()
    assert b.data == moved
    assert is_program(one(0.6))


def test_a_sample_may_be_made_values_which_nothing_but_numbers_meet():
    net, xs, rng = MLP(2, [2, 1], rng=0), np.random.default_rng(1).normal(size=(40, 2)), np.random.default_rng(2)

    def error(a, b):
        return (net([a, b]) - Value(a) * b) ** 2  # a Value made of an argument is a leaf of this sample alone

    each = vectorize(error)
    for x in (xs, xs, rng.normal(size=(7, 2))):
        found = each.mean(x[:, 0], x[:, 1])
        expected = sum(error(a, b) for a, b in x.tolist()) / len(x)
        assert found.data == pytest.approx(expected.data, rel=1e-11)
        a, b = gradients_of(found, net.parameters()), gradients_of(expected, net.parameters())
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_what_is_made_of_several_arguments_says_how_it_is_followed():
    net, x = MLP(2, [2, 1], rng=0), np.random.default_rng(1).normal(size=(40, 2))
    each = vectorize(lambda a, b: (net([a, b]) - a * b) ** 2)
    with pytest.warns(
        RuntimeWarning, match=r"neither an argument nor one times and plus a number .*write Value\(a\) \* b"
    ):
        found = each.mean(x[:, 0], x[:, 1])
    assert found.data == pytest.approx(np.mean([(net(r).data - r[0] * r[1]) ** 2 for r in x.tolist()]), rel=1e-11)
