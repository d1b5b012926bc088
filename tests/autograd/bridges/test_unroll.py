"""A computation of Tensors read member by member: the same number, the same gradients, and every path."""

import sys

import numpy as np
import pytest
from tables import restored

import autograd as ag
from autograd import Tensor, Value, derive, softmax, unroll, vectorize
from autograd.graph import topological_order
from autograd.op import array_table, elementwise, reduction, structural, table
from nn import (
    GRU,
    LSTM,
    AveragePooling2D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling2D,
    LayerNormalization,
    MaxPooling2D,
    Sequential,
    SimpleRNN,
    UpSampling1D,
)

unrolling = sys.modules["autograd.bridges.unroll"]
RNG = np.random.default_rng(5)
X = RNG.normal(size=(4, 3)).round(2)
K = RNG.normal(size=(2, 3)).round(2)


def flat(nested):
    return [u for row in nested for u in flat(row)] if isinstance(nested, list) else [nested]


def is_alike(loss, *tensors):
    """The unrolled loss, which was compared with the Tensors in its number and its gradients."""
    for t in tensors:
        t.grad = None
    loss.backward()
    root, *members = unroll(loss, *tensors)
    assert root.data == pytest.approx(loss.item(), rel=1e-12, abs=1e-12)
    root.backward()
    for t, m in zip(tensors, members, strict=True):
        found = np.array([u.grad for u in flat(m)]).reshape(t.shape)
        np.testing.assert_allclose(found, t.grad, rtol=1e-12, atol=1e-12)
        assert [u.data for u in flat(m)] == t.data.ravel().tolist()
    return root


W3 = RNG.normal(size=(2, 3)).round(2)
IMAGE = RNG.normal(size=(2, 5, 5, 1)).round(2)

# What is computed from a Tensor w of shape (2, 3): all results are made one number by weights of their own.
PROGRAMS = {
    "elementwise": lambda w: ag.tanh(w * 2 + 1) / (w * w + 1.5) - 3.0**w,
    "broadcast": lambda w: (w[:, None] + w[None]) * np.array([1.0, 2.0, 3.0]),
    "matmul": lambda w: X @ w.T,
    "matmul of vectors": lambda w: (w[0] @ w[1]) + (w @ w[0]) + (w[:, 0] @ w)[:2],
    "stacks": lambda w: np.stack([w, w * 2]) @ X[:3, :2],
    "affine": lambda w: ag.linear(Tensor(X), w, w[:, 0]),
    "sums": lambda w: w.sum(0) + w.mean(1, keepdims=True) * w.prod(0) + w.sum(),
    "extremes": lambda w: w.max(0) - w.min(1, keepdims=True) + ag.max(w),
    "ties": lambda w: ag.max(w * 0 + 1.0, 1) * w[:, 0] + (w * 0 + w[0, 0]).max(0)[:2],
    "norms": lambda w: ag.norm(w, 1) + ag.std(w, 1) + ag.var(w, 1, ddof=1) + ag.norm(w, ord=1),
    "softmaxes": lambda w: ag.softmax(w) * ag.log_softmax(w, 0) + ag.logsumexp(w, 1, keepdims=True),
    "moves": lambda w: w.T.reshape(2, 3)[::-1] + ag.flip(w, 1) + ag.roll(w, 1, 0) + ag.pad(w, 1, 2.0)[1:-1, :3],
    "indices": lambda w: w[[0, 1, 1], [2, 0, 0]] + ag.take(w, [1, 1, 0], 1)[0] + ag.repeat(w, 2, 1)[1, :3],
    "joined": lambda w: ag.concatenate([w, X[:2], w * w], 1),
    "diagonals": lambda w: ag.diag(w[0]) * ag.trace(w) + ag.diagonal(w, 1)[0],
    "standardized": lambda w: ag.standardize(w, 1, 1e-3) + ag.standardize(w, (0, 1)) + ag.standardize(w, 0, 0.1),
    "running": lambda w: ag.cumsum(w, 1) + ag.cumprod(w, 1),
    "sorted": lambda w: ag.sort(w, 1) * np.array([1.0, 2.0, 4.0]),
    "where": lambda w: ag.where(w > 0, w * w, -w) + ag.clip(w, -0.5, 0.5) + ag.leaky_relu(w, 0.2),
    "einsum": lambda w: ag.einsum("ij,kj->ik", w, w) * ag.einsum("ij,ij,i->", w, w, w[:, 0]) + ag.einsum("ij->i", w),
    "tensordot": lambda w: ag.tensordot(w, X.T, 1),
    "squared error": lambda w: ag.squared_error(w, X[:2]),
    "weighed": lambda w: ag.squared_error(w, X[:2], [1.0, 3.0]),
    "binary": lambda w: ag.binary_cross_entropy(ag.sigmoid(w), np.abs(X[:2]) / 3),
    "binary from logits": lambda w: ag.binary_cross_entropy_with_logits(w, np.abs(X[:2]) / 3, [1.0, 2.0]),
    "classes": lambda w: ag.softmax_cross_entropy(w, [2, 0]),
    "classes in columns": lambda w: ag.softmax_cross_entropy(w, [1, 0, 1], samples="columns"),
    "probabilities": lambda w: ag.cross_entropy(softmax(w), [2, 0]),
    "convolution": lambda w: ag.conv(Tensor(IMAGE), w.reshape(1, 2, 3, 1), w[0, :1], 2, "same"),
    "correlation": lambda w: ag.conv(IMAGE, w.reshape(2, 1, 3, 1)),
    "pooling": lambda w: ag.max_pool(ag.conv(IMAGE, w.reshape(2, 3, 1, 1)), 2) + 0.0,
    "windows": lambda w: ag.windows(w.reshape(1, 2, 3, 1), (2, 2)) ** 2,
    "windows put back": lambda w: ag.fold(ag.windows(w.reshape(1, 2, 3, 1), (2, 2), 1, "same") * 2, (2, 3), 1, "same"),
    "average pooling": lambda w: ag.average_pool(w.reshape(1, 2, 3, 1), (2, 2), 1),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_has_the_number_and_the_gradients_of_the_tensors(name):
    w = Tensor(W3, "W")
    z = PROGRAMS[name](w)
    is_alike((z * RNG.normal(size=z.shape)).sum() if z.ndim else z * 1.5, w)


def test_second_derivatives_of_tensors_unroll_too():
    w = Tensor(W3, "W")
    g = ag.gradients((ag.tanh(X @ w.T) ** 2).sum(), w, create_graph=True)
    is_alike((g * g).sum(), w)


def net(m=3, last=softmax, samples="rows"):
    w, v = Tensor(W3, "W[1]"), Tensor([[0.3, -0.8], [0.5, 0.2]], "W[2]")
    x = Tensor(X[:m], "X")
    z = x @ w.T
    z.label = "Z[1]"
    a = ag.sigmoid(z)
    a.label = "A[1]"
    p = last(a @ v.T)
    p.label = "A[2]"
    loss = ag.cross_entropy(p, [0, 1, 0][:m])
    loss.label = "J"
    return loss, w, x


def test_members_are_called_as_the_library_writes_them():
    loss, w, x = net()
    root, members, data = unroll(loss, w, x)
    assert [u.label for u in flat(members)] == [f"w[1]_{i},{j}" for i in (1, 2) for j in (1, 2, 3)]
    assert [u.label for u in data[1]] == ["x(2)_1", "x(2)_2", "x(2)_3"]
    assert {"a[1](3)_2", "z[1](1)_1", "a[2](2)_1"} <= {u.label for u in topological_order(root)}
    assert root.label == "J"


def test_one_sample_needs_no_number():
    root = unroll(net(m=1)[0])
    assert {"x_3", "a[1]_2", "w[1]_2,3"} <= {u.label for u in topological_order(root)}


def test_members_of_sequences_and_images_say_their_step_and_their_place():
    rng = np.random.default_rng(0)
    x, w = Tensor(rng.normal(size=(2, 3, 2)), "X"), Tensor(rng.normal(size=(1, 2)), "W")
    z = x @ w.T
    z.label = "Z"
    labels = {u.label for u in topological_order(unroll((z * z).sum()))}
    assert {"x<3>(2)_1", "x<1>(1)_2", "w_1,2", "z<2>(1)"} <= labels

    kernel, image = Tensor(rng.normal(size=(2, 2, 2, 3)), "W[1]"), Tensor(rng.normal(size=(1, 3, 3, 3)), "X")
    z = ag.conv(image, kernel)
    z.label = "Z[1]"
    labels = {u.label for u in topological_order(unroll((z * z).sum()))}
    assert {"w[1]_2,1,2,3", "x_3,1,2", "z[1]_2,1,2"} <= labels


def test_columns_are_samples_where_the_computation_has_them_so():
    w = Tensor(W3, "W1")
    a = ag.tanh(w @ Tensor(X.T, "X"))
    a.label = "A1"
    root = unroll(ag.squared_error(a, np.zeros((2, 4)), samples="columns"))
    assert {"w[1]_2,3", "x(4)_1", "a[1](4)_2"} <= {u.label for u in topological_order(root)}


def test_a_weight_has_a_path_through_every_sample_and_they_add_up():
    loss, w, _ = net()
    root, members = unroll(loss, w)
    loss.backward()
    root.backward()
    d = derive(root, members[0][1])
    assert d.count == 3 * 2  # three samples, two probabilities of each
    assert {p.nodes[-2].label for p in d.paths} == {"z[1](1)_1", "z[1](2)_1", "z[1](3)_1"}
    assert sum(p.value for p in d.paths) == pytest.approx(w.grad[0, 1], rel=1e-12)


def test_a_weight_of_a_kernel_has_a_path_for_every_place_of_its_window():
    k = Tensor([[[[0.5], [-1.0]], [[2.0], [0.25]]]], "K")  # one unit, 2 by 2
    image = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
    z = ag.conv(image, k)
    z.label = "Z"
    loss = (z * z).sum()
    loss.label = "L"
    loss.backward()
    root, kernel = unroll(loss, k)
    d = derive(root, kernel[0][0][1][0])
    assert d.count == 4
    # the window's upper right weight sees 2, 3, 5 and 6
    assert sorted(p.value / (2 * u.data) for p, u in zip(d.paths, [p.nodes[1] for p in d.paths], strict=True)) == [
        2.0,
        3.0,
        5.0,
        6.0,
    ]
    assert sum(p.value for p in d.paths) == pytest.approx(k.grad[0, 0, 1, 0])


def test_a_convolutional_net_unrolls():
    model = Sequential(
        [Conv2D(2, 2, activation="tanh", input_shape=(4, 4, 1)), MaxPooling2D(), Flatten(), Dense(2, "softmax")],
        rng=0,
        dtype="float64",
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = RNG.normal(size=(2, 4, 4, 1))
    loss = model.loss(np.array([0, 1]), model(x))
    is_alike(loss, *model.parameters())


NETS = {
    "recurrent": [SimpleRNN(2, input_shape=(3, 2))],
    "with gates": [LSTM(2, input_shape=(3, 2))],
    "with two gates": [GRU(2, input_shape=(3, 2))],
    "normalized": [Dense(3, input_shape=(3,)), LayerNormalization(), BatchNormalization()],
    "pooled": [Conv1D(2, 2, activation="gelu", input_shape=(4, 2)), UpSampling1D(2), GlobalAveragePooling1D()],
    "over an image": [
        Conv2D(2, 2, 2, padding="same", input_shape=(4, 4, 1)),
        AveragePooling2D(2, strides=1),
        GlobalMaxPooling2D(),
    ],
}


@pytest.mark.parametrize("name", NETS)
def test_all_layers_unroll(name):
    model = Sequential([*NETS[name], Dense(2, "softmax")], rng=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.random.default_rng(1).normal(size=(2, *model.layers[0].input_shape))
    is_alike(model.loss(np.array([0, 1]), model(x)), *model.parameters())


def test_a_recurrent_weight_has_a_path_for_every_step_back():
    w, x = Tensor([[0.5]], "W"), [0.3, -0.2, 0.8, 0.4]
    h = Tensor([[0.1]], "h")
    for t, u in enumerate(x, 1):
        h = ag.tanh(h @ w.T + u)
        h.label = f"h<{t}>"
    root, ((weight,),) = unroll(h, w)
    root.backward()
    d = derive(root, weight)
    assert d.count == len(x)
    assert sum(p.value for p in d.paths) == pytest.approx(weight.grad, rel=1e-14)


def test_a_leaf_that_is_used_again_is_one_value():
    w = Tensor([2.0, 3.0], "w")
    root, (first, _) = unroll((w * w * w[0]).sum(), w)
    root.backward()
    assert first.grad == 3 * 4.0 + 9.0


def test_a_result_that_was_only_moved_keeps_a_node_of_its_own():
    w = Tensor([[1.0, 2.0]], "W")
    a = ag.tanh(w)
    a.label = "A"
    flat_a = a.reshape(-1)
    flat_a.label = "F"
    root = unroll((flat_a * flat_a).sum())
    assert {"a_1,2", "f_2"} <= {u.label for u in topological_order(root)}


def test_results_can_be_asked_for():
    loss, _, _ = net()
    a = next(v for v in topological_order(loss) if v.label == "A[1]")
    root, members = unroll(loss, a)
    loss.backward()
    root.backward()
    assert np.array([[u.grad for u in row] for row in members]) == pytest.approx(a.grad, rel=1e-12)


def test_what_vectorize_makes_of_it_is_the_same_again():
    for loss, *leaves in (net(), net(m=1)):
        loss.backward()
        root, *members = unroll(loss, *leaves)
        program = vectorize(root)
        found = program()
        assert found.data == pytest.approx(loss.item(), rel=1e-12)
        found.backward()
        for t, m in zip(leaves, members, strict=True):
            assert np.array([u.grad for u in flat(m)]).reshape(t.shape) == pytest.approx(t.grad, rel=1e-11)


@restored()
def test_operations_of_ones_own_are_read_too():
    @elementwise(lambda z, x: 2 * x)
    def squared(x):
        """x². Derivative: 2x."""
        return x * x

    @reduction(lambda z, x: 2 * x)
    def energy(x):
        """Σ x². Derivative: 2x."""
        return sum(u * u for u in x)

    w = Tensor(W3, "W")
    is_alike((squared(w) * energy(w, axis=1, keepdims=True)).sum(), w)


@restored()
def test_an_operation_on_whole_arrays_is_read_by_the_formula_it_says():
    @structural(lambda g, z, x, y: g * y, lambda g, z, x, y: g * x, formula=lambda x, y: (x * y).sum())
    def inner(x, y):
        """Σ xy of two arrays. Gradients: gy and gx."""
        return x.ravel().dot(y.ravel())

    w = Tensor(W3, "W")
    is_alike(inner(w * w, np.exp(W3)) * inner(w, w), w)


def test_all_operations_on_arrays_are_read_but_those_that_only_gradients_use():
    read = {
        *(op.name for op in array_table.values() if op.moves),
        *(op.name for op in (*unrolling._READERS, *unrolling._SEQUENCES)),
        *(r.array.name for r in table.values() if r.array),
    }
    unread = [name for name, op in array_table.items() if not op.rules and op.formula is None and "." not in name]
    left = {name for name in unread if array_table[name].name not in read}
    assert left == {"conv_to_input", "conv_to_kernel", "unpool", "picked", "shared", "deviation"}


# ---------------------------------------------------------------- limits


def test_an_operation_on_whole_arrays_that_is_not_known_is_named():
    @structural(lambda g, z, x: np.rot90(g, -1))
    def turned(x):
        """x turned by a quarter. Gradient: turned back."""
        return np.rot90(x)

    with pytest.raises(ValueError, match="the operation turned on whole arrays is not known member by member"):
        unroll(turned(Tensor(W3)).sum())


def test_what_would_be_too_large_is_refused_before_it_is_made():
    x, w = Tensor(np.ones((100, 784))), Tensor(np.ones((16, 784)))
    with pytest.raises(ValueError, match=r"this would make 1,\d+,\d+ products.*derive\(target, W\)"):
        unroll((x @ w.T).sum())
    with pytest.raises(ValueError, match="more than most=10"):
        unroll((Tensor(W3) * 2).sum(), most=10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: unroll(Value(1.0)), TypeError, "expected a Tensor, got Value"),
        (lambda: unroll(Tensor(W3) * 2), ValueError, r"expected one number, got shape \(2, 3\)"),
        (lambda: unroll(Tensor(W3).sum(), Tensor(W3, "V")), ValueError, "'V' is not a Tensor below the target"),
        (lambda: unroll(Tensor(W3).sum(), 3.0), ValueError, "float is not a Tensor below the target"),
    ],
)
def test_what_cannot_be_unrolled_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_leaf_that_was_changed_since_is_refused():
    w = Tensor(W3, "W")
    loss = (w * w).sum()
    w.data -= 0.1
    with pytest.raises(RuntimeError, match="the data of 'W' was changed"):
        unroll(loss)


def test_a_single_number_and_a_leaf_are_values():
    assert unroll(Tensor(2.5, "c")).data == 2.5
    t = Tensor(2.5, "c")
    root, c = unroll(t * 2, t)
    assert (root.data, c.data, c.label) == (5.0, 2.5, "c")
