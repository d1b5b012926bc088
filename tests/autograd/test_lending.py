"""Where the numbers of a node may become an array: for whoever asks for a leaf's, and never in silence."""

import contextlib
import json
import math
import statistics
import struct
import sys
import types
import warnings
from array import array
from unittest import mock

import numpy as np
import pytest

from autograd import Tensor, Value, grad, no_grad, sin, stack, value_and_grad

ROWS = np.array([[1.0, 2.0], [5.0, 7.0]])


def matrix(x):
    with warnings.catch_warnings(action="ignore"):
        return np.matrix(x)


def leaf():
    return Tensor([[0.5, -1.0], [2.0, 4.0]], "W")


def buffer():
    return np.zeros((2, 2))


# ---------------------------------------------------------------- what stays easy


def test_a_leaf_is_an_array_for_whoever_asks():
    w = leaf()
    for found in (np.asarray(w), np.array(w), np.asanyarray(w), np.ascontiguousarray(w), np.from_dlpack(w)):
        assert found.tolist() == w.tolist()
        assert type(found) is np.ndarray
    assert f"{w}".startswith("Tensor([[ 0.5")
    assert np.array2string(w) == np.array2string(w.data)


def test_numbers_of_any_node_can_be_compared():
    z = leaf() * 2
    assert np.allclose(z, [[1.0, -2.0], [4.0, 8.0]])
    assert np.isclose(z, 1.0).tolist() == [[True, False], [False, False]]
    assert np.array_equal(z, z.data)
    v = Value(0.5) * 4
    assert np.array_equal(v, v)
    assert np.array_equal([v, v], [2.0, 2.0])
    assert np.array_equal([z[0], z[1]], z)
    assert np.allclose([v], 2.0)
    assert np.isclose(v, 2.0)
    np.testing.assert_allclose(z, [[1.0, -2.0], [4.0, 8.0]])
    np.testing.assert_array_equal(z, z.data)
    assert z[0, 0] == pytest.approx(1.0)
    assert z.sum() == pytest.approx(11.0 + 1e-9)
    assert z == pytest.approx(np.array([[1.0, -2.0], [4.0, 8.0]]))
    assert sin(Value(2.0)) == pytest.approx(math.sin(2.0))
    assert pytest.approx(math.sin(2.0) + 1e-3) != sin(Value(2.0))
    assert math.sin(2.0) == pytest.approx(sin(Value(2.0)))
    assert z == mock.ANY
    assert z == mock.ANY
    assert Value(1.0) * 2 == mock.ANY


@pytest.mark.parametrize(
    "function", [np.argsort, np.nonzero, np.count_nonzero, np.zeros_like, np.isnan, np.argmax, np.result_type]
)
def test_what_gives_no_real_numbers_takes_results_too(function):
    z = leaf() * 3
    assert np.array_equal(function(z), function(z.data))


def test_results_are_saved(tmp_path):
    z = leaf() + 1
    np.savez(tmp_path / "z.npz", z=z)
    assert np.load(tmp_path / "z.npz")["z"].tolist() == z.tolist()


def test_under_no_grad_everything_is_a_number():
    z, v = leaf() * 2, Value(0.25) * 2
    with no_grad():
        assert np.asarray(z, np.float32).dtype == np.float32
        assert ROWS.dot(z).tolist() == (ROWS @ z.data).tolist()
        assert np.linalg.inv(z).tolist() == np.linalg.inv(z.data).tolist()
        into = buffer()
        into += z
        into[0] = z[1]
        assert into.tolist() == [[4.0, 8.0], [4.0, 8.0]]
        assert np.array([v, 3.0]).tolist() == [0.5, 3.0]
        assert math.exp(v) == math.exp(0.5)
        assert np.arctan2(v, 1.0) == math.atan(0.5)
        assert (np.ma.array(ROWS) * z).tolist() == (ROWS * z.data).tolist()


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes, t: axes.plot(t[0], t[1]),
        lambda axes, t: axes.plot(t),
        lambda axes, t: axes.imshow(t),
        lambda axes, t: axes.scatter(t, t * t),
        lambda axes, t: axes.bar(t[0], t[1]),
        lambda axes, t: axes.hist(t),
        lambda axes, t: axes.contourf(t),
        lambda axes, t: axes.quiver(t, t),
        lambda axes, t: axes.errorbar(t[0], t[1], t[0] * t[0]),
        lambda axes, t: axes.boxplot(t),
        lambda axes, t: axes.plot([Value(1.0), sin(Value(2.0))]),
        lambda axes, t: axes.scatter([Value(1.0), Value(2.0)], [3.0, 4.0]),
        lambda axes, t: axes.axhline(t[0, 0]),
    ],
)
def test_nodes_are_drawn(draw):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    w = leaf()
    figure = Figure()
    draw(figure.subplots(), w)
    figure.canvas.draw()
    assert w.grad is None


class Model:
    """Something that holds a leaf."""

    def __init__(self, w):
        self.w = w


@pytest.mark.parametrize("times", range(20))
def test_a_leaf_is_asked_for_in_every_way_that_names_it(times):
    """As often as it takes until Python has specialized the calls."""
    w = leaf()
    model, leaves = Model(w), [w, w]
    found = [np.asarray(model.w), np.array(leaves[0]), np.asarray(w, order="C"), np.array(w, copy=True)]
    found += [np.asarray(u) for u in leaves]
    found += [*map(np.asarray, leaves)]
    found += [np.asarray((w * 1).detach()), (lambda u: np.asarray(u))(w), np.asarray(*(w,))]
    for u in leaves:
        found.append(np.asarray(u))
    assert [u.tolist() for u in found] == [w.tolist()] * 13
    assert (np.asarray(w) + np.asarray(w)).tolist() == (2 * w).tolist()


@pytest.mark.parametrize("times", range(20))
def test_leaves_in_a_list_are_not_asked_for(times):
    w, v = leaf(), Tensor([[1.0, 2.0], [3.0, 4.0]])
    leaves, pair = [w, v], (w, v)
    for operation in (
        lambda: np.array([w, v]),
        lambda: np.array((w, v)),
        lambda: np.asarray([w]),
        lambda: np.array(leaves),
        lambda: np.array(pair),
        lambda: np.array([*leaves, w]),
        lambda: np.exp([w, v]),
        lambda: np.exp(leaves),
        lambda: np.matmul(ROWS, [w, v]),
        lambda: np.add.reduce([w, v]),
        lambda: np.array([w, v], order="C"),
        lambda: np.array([[w, v]]),
        lambda: ROWS + leaves,
    ):
        with pytest.raises(TypeError):
            operation()


# ---------------------------------------------------------------- what is refused, for each kind of node

OPERATIONS = {
    "array.dot": lambda t: ROWS.dot(t),
    "array.T.dot": lambda t: ROWS.T.dot(t),
    "assignment": lambda t: buffer().__setitem__(slice(None), t),
    "assignment to places": lambda t: buffer().__setitem__(([0, 1],), t),
    "assignment to a mask": lambda t: buffer().__setitem__(ROWS > 0, t[0, 0]),
    "assignment of a row": lambda t: buffer().__setitem__(1, t[0]),
    "assignment to one place": lambda t: buffer().__setitem__((0, 0), t[0, 0]),
    "flat": lambda t: setattr(buffer(), "flat", t),
    "fill": lambda t: buffer().fill(t[0, 0]),
    "+=": lambda t: buffer().__iadd__(t),
    "*=": lambda t: buffer().__imul__(t),
    "out=": lambda t: np.add(ROWS, t, out=buffer()),
    "out= of a node": lambda t: np.add(ROWS, ROWS, out=t),
    "where=": lambda t: np.add(ROWS, t, where=ROWS > 1),
    "dtype=": lambda t: np.add(ROWS, t, dtype=float),
    "copyto": lambda t: np.copyto(buffer(), t),
    "put": lambda t: np.put(buffer(), [0, 1, 2, 3], t),
    "place": lambda t: np.place(buffer(), ROWS > 0, t),
    "putmask": lambda t: np.putmask(buffer(), ROWS > 0, t),
    "reduce": lambda t: np.add.reduce(t),
    "accumulate": lambda t: np.multiply.accumulate(t),
    "reduceat": lambda t: np.add.reduceat(t, [0, 1]),
    "ufunc.outer": lambda t: np.subtract.outer(ROWS, t),
    "ufunc.at": lambda t: np.add.at(buffer(), [0, 1], t),
    "searchsorted": lambda t: np.arange(3.0).searchsorted(t),
    "frompyfunc": lambda t: np.frompyfunc(lambda u: u, 1, 1)(t),
    "vectorize": lambda t: np.vectorize(lambda u: u * 2)(t),
    "fromiter": lambda t: np.fromiter(t.ravel(), float),
    "fromfunction": lambda t: np.fromfunction(lambda i, j: i * float(t[0, 0]), (2, 2)),
    "apply_along_axis": lambda t: np.apply_along_axis(sum, 0, t),
    "piecewise": lambda t: np.piecewise(t, [ROWS > 0], [1.0]),
    "select": lambda t: np.select([ROWS > 1], [t]),
    "choose": lambda t: np.choose([0, 1], t),
    "interp": lambda t: np.interp(1.0, [0.0, 2.0], t[0]),
    "full": lambda t: np.full((2, 2), t),
    "full of one": lambda t: np.full(3, t[0, 0]),
    "r_": lambda t: np.r_[t, t],
    "c_": lambda t: np.c_[t, t],
    "block": lambda t: np.block([[t, t]]),
    "append": lambda t: np.append(t, 1.0),
    "kron": lambda t: np.kron(ROWS, t),
    "inner": lambda t: np.inner(ROWS, t),
    "linalg": lambda t: np.linalg.solve(ROWS, t),
    "fft": lambda t: np.fft.fft(t),
    "median": lambda t: np.median(t),
    "sum of a list": lambda t: np.sum([t, t]),
    "mean of a list": lambda t: np.mean([t[0, 0], t[1, 1]]),
    "linspace": lambda t: np.linspace(0.0, t[0, 0], 3),
    "polynomial": lambda t: np.polynomial.Polynomial(t[0]),
    "poly1d": lambda t: np.poly1d(t[0])(2.0),
    "matrix *": lambda t: matrix(ROWS) * t,
    "matrix on the right": lambda t: t * matrix(ROWS),
    "matrix of it": lambda t: matrix(t),
    "record array": lambda t: np.rec.fromarrays([t[0], t[1]]),
    "masked *": lambda t: np.ma.array(ROWS) * t,
    "masked -": lambda t: np.ma.array(ROWS) - t,
    "masked on the left": lambda t: t * np.ma.array(ROWS, mask=[[0, 1], [0, 0]]),
    "masked **": lambda t: np.ma.array(ROWS) ** t,
    "ma.exp": lambda t: np.ma.exp(t),
    "ma.dot": lambda t: np.ma.dot(np.ma.array(ROWS), t),
    "ma.sum": lambda t: np.ma.sum(t),
    "ma.where": lambda t: np.ma.where(ROWS > 1, t, 0.0),
    "random": lambda t: np.random.default_rng(0).normal(t),
    "a wanted dtype": lambda t: np.asarray(t, np.float32),
    "objects": lambda t: np.asarray(t, dtype=object),
    "float": lambda t: float(t[0, 0]),
    "int": lambda t: int(t[0, 0]),
    "complex": lambda t: complex(t[0, 0]),
    "math": lambda t: math.exp(t[0, 0]),
    "math.fsum": lambda t: math.fsum(t[0]),
    "math.hypot": lambda t: math.hypot(t[0, 0], 1.0),
    "math.isclose": lambda t: math.isclose(t[0, 0], 1.0),
    "statistics": lambda t: statistics.fmean(t[0]),
    "array.array": lambda t: array("d", t[0]),
    "struct": lambda t: struct.pack("d", t[0, 0]),
    "json": lambda t: json.dumps(t),
    "memoryview": lambda t: memoryview(t),
    "tolist of an index": lambda t: ROWS[t],
    "mask of it": lambda t: ROWS[t > 0] + [t] * 4,
}

NODES = {
    "a leaf": leaf,
    "a result": lambda: leaf() * 2.0,
    "a view": lambda: leaf().T,
    "a small one": lambda: Tensor(np.float32([[1, 2], [3, 4]])) + 1,
}


REFUSALS = (TypeError, ValueError, IndexError, struct.error)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_operation_of_numpy_takes_a_tensor_for_a_constant(operation):
    for t in [node() for node in NODES.values()]:
        with pytest.raises(REFUSALS):
            OPERATIONS[operation](t)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nor_while_a_function_is_differentiated(operation):
    def f(x):
        OPERATIONS[operation](x)
        return (x * x).sum()

    with pytest.raises(REFUSALS):
        grad(f)(ROWS)


CONVERSIONS = {
    "asarray": lambda t: np.asarray(t),
    "array": lambda t: np.array(t),
    "ascontiguousarray": lambda t: np.ascontiguousarray(t),
    "a list": lambda t: np.array([t, t * 1.0]),
    "a mixed list": lambda t: np.array([t[0, 0], 1.0]),
    "a list of rows": lambda t: np.stack([list(t[0]), [1.0, 2.0]]),
    "dlpack": lambda t: np.from_dlpack(t),
    "nditer": lambda t: np.nditer([t, ROWS]),
    "broadcast": lambda t: np.broadcast(t, ROWS),
    "ravel of a list": lambda t: np.ravel([t, t]),
    "maximum of lists": lambda t: np.maximum([t], [ROWS]),
}


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_a_result_is_not_converted(conversion):
    with pytest.raises((TypeError, ValueError), match=r"Tensor|sequence|Iterator operand"):
        CONVERSIONS[conversion](leaf() * 2)


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_what_is_traced_is_not_converted_nor_what_the_function_closes_over(conversion):
    w = leaf()
    for f in (lambda x: (x * CONVERSIONS[conversion](x)).sum(), lambda x: (x * CONVERSIONS[conversion](w)).sum()):
        with pytest.raises((TypeError, ValueError), match=r"Tensor|sequence|Iterator operand"):
            grad(f)(ROWS)
    assert np.asarray(w).tolist() == w.tolist()


def test_the_message_says_what_would_be_lost_and_the_ways_out():
    w = leaf()
    with pytest.raises(TypeError, match=r"a Tensor 'W', which would be taken for a constant .* X @ t for X\.dot"):
        ROWS.dot(w)
    with pytest.raises(TypeError, match=r"a Tensor, the result of mul, which would be cut off .* take \.data or "):
        np.asarray(w * 2)
    with pytest.raises(TypeError, match=r"cut off from the function that is being differentiated"):
        value_and_grad(lambda x: np.asarray(x).sum())(ROWS)
    with pytest.raises(TypeError, match=r"here np\.asarray\(t\.data, 'float32'\)"):
        np.asarray(w, np.float32)
    with pytest.raises(TypeError, match=r"numpy asked for an array of a Value.* Keep Values in a list"):
        np.mean([Value(1.0), Value(2.0)])
    with pytest.raises(TypeError, match=r"np\.add with out= is not defined for Tensors; x \+= t .*: write x = x \+ t"):
        buffer().__iadd__(w)


def test_the_ways_out_give_the_gradient():
    w = leaf()
    (ROWS @ w).sum().backward()
    assert w.grad.tolist() == [[6.0, 6.0], [9.0, 9.0]]
    x = np.array([1.0, 3.0])
    assert grad(lambda u: stack([u, 2 * u]).sum())(x).tolist() == [3.0, 3.0]


def test_a_task_that_is_not_differentiating_converts_while_another_one_is():
    w, found = leaf(), []

    def f(x):
        import threading

        thread = threading.Thread(target=lambda: found.append(np.asarray(w).tolist()))
        thread.start()
        thread.join()
        return (x * x).sum()

    grad(f)(ROWS)
    assert found == [w.tolist()]


def test_an_error_inside_a_function_ends_its_differentiation():
    with contextlib.suppress(KeyError):
        grad(lambda x: {}[x])(ROWS)
    assert np.asarray(leaf()).shape == (2, 2)


# ---------------------------------------------------------------- Values


@pytest.mark.parametrize(
    "attempt",
    [
        lambda v: np.asarray(v),
        lambda v: np.array([v, 1.0]),
        lambda v: np.ma.array([1.0, 2.0]) * v,
        lambda v: matrix(ROWS) * v,
        lambda v: np.full(3, v),
        lambda v: np.r_[v, v],
        lambda v: np.sum([v, v]),
        lambda v: np.dot([v, v], [1.0, 2.0]),
        lambda v: np.vectorize(lambda u: u)([v]),
        lambda v: buffer().__setitem__(0, v),
        lambda v: buffer().fill(v),
        lambda v: np.fromiter([v], float),
        lambda v: np.arange(3.0).dot(v),
        lambda v: np.where([True], v, 0.0),
        lambda v: np.arctan2(v, 1.0),
        lambda v: np.add.reduce(v),
        lambda v: math.atan(v),
        lambda v: statistics.fmean([v, v]),
    ],
)
@pytest.mark.parametrize("node", [lambda: Value(0.5), lambda: Value(0.5) * 3])
def test_no_operation_of_numpy_takes_a_value_for_a_constant(attempt, node):
    with pytest.raises((TypeError, ValueError)):
        attempt(node())


# ---------------------------------------------------------------- other libraries


@pytest.mark.parametrize(
    "operation",
    [
        lambda s, t: s.csr_array(ROWS) @ t,
        lambda s, t: s.csr_matrix(ROWS) * t,
        lambda s, t: s.coo_array(ROWS).dot(t),
        lambda s, t: s.csr_array(ROWS) + t,
        lambda s, t: s.csc_array(ROWS).multiply(t),
        lambda s, t: t @ s.csr_array(ROWS),
    ],
)
@pytest.mark.parametrize("node", NODES)
def test_sparse_matrices_take_no_tensor_for_a_constant(operation, node):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError):
        operation(sparse, NODES[node]())


@pytest.mark.parametrize("name", ["expit", "softmax", "logsumexp", "log_softmax", "erf", "gamma"])
@pytest.mark.parametrize("node", NODES)
def test_special_functions_take_no_tensor_for_a_constant(name, node):
    special = pytest.importorskip("scipy.special")
    with pytest.raises(TypeError):
        getattr(special, name)(NODES[node]())


@pytest.mark.slow
def test_a_table_on_the_left_computes_or_is_refused():
    pandas = pytest.importorskip("pandas")
    table, column, w = pandas.DataFrame(ROWS), pandas.Series([1.0, 2.0]), leaf()
    for z in (table * w, table + w, column * w, w / table, w - column):
        assert type(z) is Tensor
        assert not z.is_leaf
    (table * w).sum().backward()
    assert w.grad.tolist() == ROWS.tolist()
    for operation in (lambda: table @ w, lambda: table.dot(w * 2), lambda: column @ w, lambda: table.mul(w)):
        with pytest.raises((TypeError, ValueError)):
            operation()
    for operation in (lambda: column * Value(2.0), lambda: Value(2.0) * table):
        with pytest.raises(TypeError, match=r"a Value is one number and does not go with (Series|DataFrame); write "):
            operation()
    assert grad(lambda u: (column * u).sum())(5.0) == 3.0  # where arrays take part the number is a Tensor
    with pytest.raises(TypeError, match="== between nodes"):
        column == w  # noqa: B015


def test_a_library_that_computes_on_behalf_of_one_that_draws_is_given_the_numbers():
    """As seaborn and matplotlib call pandas and NumPy; what the caller is called is what counts."""
    w = leaf() * 2
    code = "import numpy as np\ndef heatmap(t):\n    return np.ma.masked_invalid(t).shape, np.atleast_1d(t).shape\n"
    for name, may in (("seaborn.matrix", True), ("my_science", False)):
        module = types.ModuleType(name)
        exec(code, module.__dict__)
        if may:
            assert module.heatmap(w) == ((2, 2), (2, 2))
        else:
            with pytest.raises(TypeError):
                module.heatmap(w)
    assert "seaborn.matrix" not in sys.modules


# ---------------------------------------------------------------- somebody's own numbers


class Interval:
    """A kind of number that knows how to go with nodes, from both sides."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __add__(self, other):
        return Interval(self.low + other, self.high + other)

    __radd__ = __add__

    def __rmul__(self, other):
        return Interval(other * self.low, other * self.high)

    def __rtruediv__(self, other):
        return Interval(other / self.high, other / self.low)

    def __rsub__(self, other):
        return Interval(other - self.high, other - self.low)

    def __rpow__(self, other):
        return "power"

    def __rmatmul__(self, other):
        return "product"

    def __rmod__(self, other):
        return "rest"

    def __rand__(self, other):
        return "both"

    def __gt__(self, other):
        return "above"

    def __le__(self, other):
        return "not above"

    def __eq__(self, other):
        return "equal?"

    __hash__ = None


@pytest.mark.parametrize("node", [Value(3.0), Value(1.0) * 3, Tensor([3.0]), Tensor(1.0) * 3])
def test_operators_leave_what_they_do_not_know_to_its_own_class(node):
    interval = Interval(1.0, 2.0)
    for found in (node + interval, interval + node, node * interval, node - interval, node / interval):
        assert type(found) is Interval
        assert type(found.low) is type(node)
    assert node**interval == "power"
    assert (node < interval) == "above"
    assert (node >= interval) == "not above"
    assert (node == interval) == "equal?"
    assert (interval == node) == "equal?"
    assert node @ interval == "product"
    assert node % interval == "rest"
    assert node & interval == "both"
    with pytest.raises(TypeError, match="// and % are not defined for"):
        node // interval


@pytest.mark.parametrize("node", [Value(3.0), Tensor([3.0])])
@pytest.mark.parametrize("stranger", [object(), None, "3", {}])
def test_what_has_no_operator_is_refused_by_name(node, stranger):
    for operation in (lambda: node + stranger, lambda: stranger * node, lambda: node < stranger):
        with pytest.raises(TypeError, match="got "):
            operation()
    assert node != stranger
