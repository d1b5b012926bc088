"""replayed: a step written by hand gives the same bits by its program, or records its graph."""

import copy
import warnings

import numpy as np
import pytest
from random_programs import ROWS, WIDTH, random_function

import autograd as ag
import nn
import viz
from autograd import Tensor, gradients, linear, no_grad, replayed, squared_error, tanh

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 4)), RNG.normal(size=(40, 3))


def net(seed=0):
    rng = np.random.default_rng(seed)
    w, b, v = (Tensor(rng.normal(size=shape) * 0.5) for shape in ((6, 4), (6,), (3, 6)))

    def loss_of(x, y):
        return squared_error(tanh(linear(x, w, b)) @ v.T, y)

    return loss_of, [w, b, v]


def batches(count=12, size=5):
    for k in range(count):
        i = 3 * k % (len(X) - size)
        yield X[i : i + size], Y[i : i + size]


def trained(loss_of, parameters, optimizer=nn.Adam, count=12):
    opt = optimizer(parameters, 0.05)
    losses = []
    for x, y in batches(count):
        opt.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, [p.numpy().tobytes() for p in parameters]


def after_backward(loss, parameters):
    for p in parameters:
        p.grad = None
    loss.backward()
    return [np.zeros(p.shape) if p.grad is None else p.grad for p in parameters]


def close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def is_program(loss):
    return loss.op.name == "replay"


@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_a_loop_written_by_hand_comes_to_the_same_bits(optimizer):
    one, others = net(), net()
    fast = replayed(one[0])
    assert trained(fast, one[1], optimizer) == trained(*others, optimizer)
    assert is_program(fast(X[:5], Y[:5]))


def ready():
    """A function whose program is in use for batches of five."""
    loss_of, parameters = net()
    fast = replayed(loss_of)
    for x, y in batches(5):
        fast(x, y)
    return fast, parameters


def gradients_of(parameters):
    return [p.grad.copy() for p in parameters]


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_gradients_appear_with_backward_and_add_up():
    fast, parameters = ready()
    loss = fast(X[:5], Y[:5])
    assert all(p.grad is None for p in parameters)
    loss.backward()
    fast.function(X[:5], Y[:5])
    once = gradients_of(parameters)
    same(once, gradients(fast.function(X[:5], Y[:5]), parameters))
    fast(X[:5], Y[:5]).backward()
    same(gradients_of(parameters), [2 * g for g in once])
    held = parameters[0].grad
    fast(X[5:10], Y[5:10]).backward()
    same([held], [2 * once[0]])  # what somebody holds is not written to


def test_a_result_is_part_of_a_larger_computation():
    fast, parameters = ready()
    weight = parameters[0]
    loss = 3.0 * fast(X[:5], Y[:5]) ** 2 + 0.1 * (weight * weight).sum()
    loss.backward()
    other = 3.0 * fast.function(X[:5], Y[:5]) ** 2 + 0.1 * (weight * weight).sum()
    assert loss.item() == other.item()
    close(gradients_of(parameters), gradients(other, parameters))
    loss = fast(X[:5], Y[:5])
    for _ in range(2):  # the same result, asked twice
        same(gradients(loss, parameters), gradients(fast.function(X[:5], Y[:5]), parameters))


def test_second_derivatives_record_the_function_again():
    fast, (w, *_) = ready()
    first = gradients(fast(X[:5], Y[:5]), w, create_graph=True)
    expected = gradients(fast.function(X[:5], Y[:5]), w, create_graph=True)
    np.testing.assert_allclose(
        gradients((first * first).sum(), w), gradients((expected * expected).sum(), w), rtol=1e-12
    )


def test_a_result_that_waits_keeps_its_numbers():
    fast, parameters = ready()
    first = fast(X[:5], Y[:5])
    second = fast(X[5:10], Y[5:10])
    assert is_program(first)
    assert not is_program(second)
    (first + second).backward()
    expected = fast.function(X[:5], Y[:5]) + fast.function(X[5:10], Y[5:10])
    same(gradients_of(parameters), gradients(expected, parameters))


@pytest.mark.parametrize("waits", [True, False])
def test_a_result_is_asked_again_after_the_program_has_run_for_others(waits):
    fast, parameters = ready()
    first = fast(X[:5], Y[:5])
    first.backward()
    second = fast(X[5:10], Y[5:10])
    assert is_program(second)
    if not waits:
        second.backward()
    for p in parameters:
        p.grad = None
    first.backward()
    same(gradients_of(parameters), gradients(fast.function(X[:5], Y[:5]), parameters))


def test_parameters_changed_before_backward_are_noticed():
    fast, parameters = ready()
    loss = fast(X[:5], Y[:5])
    parameters[0].data = parameters[0].data * 2
    with pytest.raises(RuntimeError, match="changed after the forward pass"):
        loss.backward()


def test_arrays_written_to_after_the_call_do_not_matter():
    fast, parameters = ready()
    x = X[:5].copy()
    loss = fast(x, Y[:5])
    x[...] = 0.0
    loss.backward()
    same(gradients_of(parameters), gradients(fast.function(X[:5], Y[:5]), parameters))


def test_locked_views_of_arrays_written_to_after_the_call_do_not_matter():
    w, fast = Tensor(np.ones(4)), None
    fast = replayed(lambda x: ((x * w) ** 2).sum())
    for _ in range(6):
        owner = RNG.normal(size=4)
        view = owner.view()
        view.flags.writeable = False
        w.grad, expected = None, 2 * owner**2
        loss = fast(view)
        owner[...] = 100.0
        loss.backward()
        close([w.grad], [expected])
    assert is_program(loss)


@pytest.mark.parametrize(
    ("scale", "first", "second"),
    [
        (lambda p: 2.0 if p[0] is True else 1.0, (1,), (True,)),
        (lambda p: p[0], (2.0,), (np.full(4, 3.0),)),
        (lambda p: np.copysign(1.0, p), 0.0, -0.0),
        (lambda p: np.copysign(1.0, p[0]), (np.float64(0.0),), (np.float64(-0.0),)),
    ],
)
def test_a_plain_argument_is_told_from_its_equals(scale, first, second):
    w = Tensor(np.ones(4))
    fast = replayed(lambda x, p: (w * x).sum() * scale(p) if np.ndim(scale(p)) == 0 else (w * x * scale(p)).sum())
    for p in (first, second):
        for _ in range(6):
            assert fast(np.ones(4), p).item() == fast.function(np.ones(4), p).item()
        if p is first:
            assert is_program(fast(np.ones(4), p))


@pytest.mark.parametrize("give", [lambda t: t, lambda t: (t,)])
def test_a_leaf_as_an_argument_gets_its_own_gradient(give):
    a, b, w = Tensor(2.0), Tensor(2.0), Tensor(np.ones(4))
    fast = replayed(lambda x, p: (w * x * (p[0] if isinstance(p, tuple) else p)).sum())
    for _ in range(5):
        loss = fast(np.ones(4), give(a))
        loss.backward()
    assert is_program(loss)
    a.grad = None
    fast(np.ones(4), give(b)).backward()
    assert (a.grad, b.grad) == (None, 4.0)


def test_whether_two_arguments_are_one_array_is_asked_anew():
    w = Tensor(np.ones(4))
    fast = replayed(lambda x, y: (w * x).sum() * (2.0 if x is y else 1.0))
    for _ in range(12):
        x, y = np.ones(4), np.ones(4)
        assert [fast(x, y).item(), fast(x, x).item()] == [4.0, 8.0]
    assert is_program(fast(x, y))
    assert is_program(fast(x, x))


def test_numbers_that_decide_otherwise_are_recorded():
    w = Tensor(0.5)

    def loss_of(x):
        return ((w * x) ** 2).sum() if x.sum() > 0 else (w + x).sum()

    fast = replayed(loss_of)
    for k in range(8):
        x = np.ones(3) * (k + 1)
        assert fast(x).item() == loss_of(x).item()
    assert is_program(fast(np.ones(3)))
    loss = fast(-np.ones(3))
    assert loss.item() == loss_of(-np.ones(3)).item()
    assert not is_program(loss)


def test_a_way_back_that_gives_up_is_gone_by_the_graph():
    w = Tensor(1.0)
    fast = replayed(lambda x: ag.log(w * x).sum())
    for _ in range(6):
        fast(np.ones(3))
    loss = fast(np.array([1.0, -1.0, 2.0]))  # the slope of log asks for numbers below 0
    assert is_program(loss)
    loss.backward()
    assert np.isnan(w.grad)


def test_variables_that_change_are_noticed():
    scale = 1.0
    w = Tensor(2.0)

    def loss_of(x):
        return (w * x).sum() * scale

    fast = replayed(loss_of)
    for k in range(20):
        scale = 1.0 if k < 6 else 3.0
        assert fast(np.ones(2)).item() == 4.0 * scale
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for k in range(100):
            scale = float(k // 5)
            assert fast(np.ones(2)).item() == 4.0 * scale
    assert ["changes from call to call" in str(w.message) for w in told] == [True]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: (Tensor(x) * np.random.rand()).sum(), "random"),  # noqa: NPY002
        (lambda x: (Tensor(x) * getattr(X, "ndim")).sum(), "getattr"),  # noqa: B009
        (lambda x: [Tensor(x).sum()], "got list"),
        (lambda x: Tensor(x), "got Tensor"),
        (lambda x: Tensor(float(x[0])) * 2, "cannot be written down"),
    ],
)
def test_what_cannot_be_replayed_goes_on_with_one_warning(function, reason, capfd):
    fast = replayed(function)
    fast(np.ones(3))
    fast(np.ones(3))
    with pytest.warns(RuntimeWarning, match=reason):
        fast(np.ones(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            fast(np.ones(3))
    assert fast.is_plain is not None
    assert capfd.readouterr() == ("", "")


def test_a_result_may_have_axes():
    w = Tensor(RNG.normal(size=(3, 4)))
    fast = replayed(lambda x: tanh(x @ w.T))
    for k in range(6):
        x, g = RNG.normal(size=(2, 5, 4))[k % 2], RNG.normal(size=(5, 3))
        z = fast(x)
        found = after_backward((z * g).sum(), [w])
        y = np.tanh(x @ w.numpy().T)
        close([z.numpy(), *found], [y, ((1 - y**2) * g).T @ x])
        assert is_program(z) == (k >= 4)


def test_a_loss_that_is_not_finite_once_does_not_end_it():
    w = Tensor(np.ones(2))
    fast = replayed(lambda x: (w * x).sum())
    for k in range(8):
        loss = fast(np.full(2, np.nan if k == 2 else 3.0))
        loss.backward()
    assert fast.is_plain is None
    assert is_program(loss)


def test_labels_and_embeddings_are_arguments():
    table, w = Tensor(RNG.normal(size=(7, 4))), Tensor(RNG.normal(size=(5, 4)))

    def loss_of(tokens, labels):
        return ag.softmax_cross_entropy(table[tokens] @ w.T, labels)

    fast = replayed(loss_of)
    for _ in range(10):
        tokens, labels = RNG.integers(0, 7, 6), RNG.integers(0, 5, 6)
        loss, other = fast(tokens, labels), loss_of(tokens, labels)
        assert loss.item() == other.item()
        same(gradients(loss, [table, w]), gradients(other, [table, w]))
    assert is_program(loss)
    with pytest.raises(IndexError):
        fast(np.array([0, 1, 2, 3, 4, 99]), labels)


def test_without_recording_it_is_the_function():
    fast, _ = ready()
    with no_grad():
        assert fast(X[:5], Y[:5]).is_leaf
    assert fast(X[:5], y=Y[:5]).op.name != "replay"


def test_a_net_of_layers_is_read_through():
    model = nn.Sequential([nn.Input((4,)), nn.Dense(6, "tanh"), nn.Dense(3)], dtype="float64", rng=0)
    twin = copy.deepcopy(model)
    fast = replayed(lambda x, y: squared_error(model(x), y))
    assert trained(fast, model.parameters()) == trained(lambda x, y: squared_error(twin(x), y), twin.parameters())
    assert is_program(fast(X[:5], Y[:5]))


@pytest.mark.slow
def test_random_functions_give_the_bits_of_their_graphs():
    for seed in range(25):
        function, parameters = random_function(seed, "float64")
        rng = np.random.default_rng(seed)
        fast = replayed(lambda x, y, function=function: function(x, y)[0])
        for _ in range(6):
            x, y = rng.normal(size=(2, ROWS, WIDTH))
            found, expected = fast(x, y), fast.function(x, y)
            assert found.data.tobytes() == expected.data.tobytes()
            same(after_backward(found, parameters), after_backward(expected, parameters))


@pytest.mark.parametrize(
    "show",
    [
        lambda z, w: ag.derive(z, w),
        lambda z, w: ag.derive(2 * z, "W"),
        lambda z, w: ag.unroll(z),
        lambda z, w: ag.check_work(z, "dW = [[1, 1]]"),
        lambda z, w: viz.draw_graph(z, level="op"),
        lambda z, w: viz.draw_graph(2 * z),
        lambda z, w: viz.explore(z),
    ],
)
def test_what_shows_formulas_asks_for_the_function_without_its_program(show):
    w = Tensor([[0.1, 0.2]], "W")
    loss = replayed(lambda x: ((x @ w.T) ** 2).mean())
    for _ in range(5):
        z = loss(np.ones((3, 2)))
        z.backward()
    assert is_program(z)
    with pytest.raises(ValueError, match=r"without @replayed, as by loss\.function"):
        show(z, w)
    assert "dW" in ag.derive(loss.function(np.ones((3, 2))), w).text()
