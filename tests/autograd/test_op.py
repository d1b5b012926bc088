"""The table: every operation's rules, read on numbers, arrays, nodes and formulas."""

import copy
import inspect
import os
import pickle
import subprocess
import sys
import types

import numpy as np
import pytest
from oracles import ANALYTIC, PAIRS, POINTS, nth_derivative
from tables import restored

import autograd
import nn
from autograd import Tensor, Value, central_difference, exp, gradients, hessian, leaky_relu, ops, power, sin
from autograd.formulas.expression import symbol
from autograd.ieee import ieee
from autograd.op import Operation, elementwise, find, named, reduction, structural, table
from autograd.operands import Vector, real
from autograd.ops.losses import loss

ELEMENTWISE = [op for op in table.values() if op.is_flat]


NEAR_A_POLE = {("tan", -1.7)}


def samples(op):
    """The operands at which an elementwise operation is finite, out of a fixed choice."""
    points = [(x,) for x in POINTS] if len(op.rules) == 1 else PAIRS
    found = [xs for xs in points if np.isfinite(ieee(op.forward, *xs)) and (op.name, *xs) not in NEAR_A_POLE]
    assert len(found) >= 2, f"{op.name} is not finite at the points where operations are sampled"
    return found


def node(op, xs):
    values = [Value(x) for x in xs]
    return Value._record(op, *values), values


# ---------------------------------------------------------------- every rule is right


@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
def test_local_derivatives_agree_with_cauchy_integrals_or_differences(op):
    for xs in samples(op):
        z, _ = node(op, xs)
        expected = [nth_derivative(ANALYTIC.get(op.name, op.forward), xs, i, 1) for i in range(len(xs))]
        assert z.local_derivatives == pytest.approx(expected, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
def test_local_derivatives_agree_with_central_differences(op):
    for xs in samples(op):
        z, _ = node(op, xs)
        for i, d in enumerate(z.local_derivatives):
            numeric = central_difference(lambda t, i=i: ieee(op.forward, *xs[:i], t, *xs[i + 1 :]), xs[i])
            assert d == pytest.approx(numeric, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
def test_higher_derivatives_agree_with_cauchy_integrals_or_differences(op, order):
    for xs in samples(op):
        for i in range(len(xs)):
            z, values = node(op, xs)
            for _ in range(order):
                z = gradients(z, values[i], create_graph=True)
            assert z.data == pytest.approx(
                nth_derivative(ANALYTIC.get(op.name, op.forward), xs, i, order), rel=1e-7, abs=1e-6
            )


@pytest.mark.parametrize("op", [op for op in ELEMENTWISE if len(op.rules) == 2], ids=repr)
def test_mixed_second_derivatives_agree_with_differences_and_with_each_other(op):
    for xs in samples(op):
        (_, xy), (yx, _) = hessian(lambda v: Value._record(op, *v))(list(xs))
        numeric = central_difference(lambda y: node(op, (xs[0], y))[0].local_derivatives[0], xs[1])
        assert xy == pytest.approx(numeric, rel=1e-8, abs=1e-8)
        assert yx == pytest.approx(xy, rel=1e-13, abs=1e-13)


# ---------------------------------------------------------------- one rule, four readings


@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
def test_a_rule_reads_the_same_on_numbers_arrays_nodes_and_formulas(op):
    for xs in samples(op):
        z = float(op.forward(*xs))
        recorded, values = node(op, xs)
        arrays = [np.array([x, x]) for x in xs]
        formulas = [symbol(name, x) for name, x in zip("xy", xs, strict=False)]
        for i, number in enumerate(recorded.local_derivatives):
            on_arrays = op.derivative(i, op.forward(*arrays), arrays)
            on_nodes = op.derivative(i, recorded, values)
            on_formulas = op.derivative(i, symbol("z", z), formulas)
            assert np.broadcast_to(on_arrays, 2) == pytest.approx([number, number], rel=1e-14)
            assert getattr(on_nodes, "data", on_nodes) == pytest.approx(number, rel=1e-14)
            assert getattr(on_formulas, "value", on_formulas) == pytest.approx(number, rel=1e-14)


@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
def test_numbers_arrays_and_values_give_the_same_result(op):
    public = getattr(sys.modules[op.forward.__module__], op.name)
    for xs in samples(op):
        on_numbers = public(*xs)
        assert type(on_numbers) is float
        assert public(*map(Value, xs)).data == on_numbers
        assert public(*(np.array([x, x]) for x in xs)) == pytest.approx(np.array([on_numbers] * 2), rel=1e-14)


@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
def test_arrays_keep_their_shape_and_single_precision(op):
    public = getattr(sys.modules[op.forward.__module__], op.name)
    for xs in samples(op):
        result = public(*(np.full((2, 3), x, np.float32) for x in xs))
        assert result.shape == (2, 3)
        assert result.dtype == np.float32


# ---------------------------------------------------------------- the table itself


@pytest.mark.parametrize("op", table.values(), ids=list(table))
def test_every_operation_has_a_docstring_that_states_its_derivative(op):
    first, *_ = op.forward.__doc__.splitlines()
    assert first.rstrip().endswith((".", "softmax_cross_entropy."))
    assert "Derivative" in op.forward.__doc__ or op.name == "cross_entropy_of_softmax"


@pytest.mark.parametrize("op", table.values(), ids=list(table))
def test_every_operation_has_one_rule_for_each_operand(op):
    assert len(op.rules) == len(inspect.signature(op.forward).parameters)


@pytest.mark.parametrize("op", table.values(), ids=list(table))
def test_an_operation_is_found_by_name_and_is_itself_after_a_copy_and_a_pickle(op):
    assert find(op.name) is op
    assert copy.deepcopy(op) is op
    assert pickle.loads(pickle.dumps(op)) is op
    assert repr(op) == f"<operation {op.shown}>"


CELL = """
@elementwise(lambda z, x: {rule})
def bend(x):
    return x * x
"""


@pytest.fixture
def notebook():
    """A module into which cells of a notebook are run; what it defines is gone afterwards."""
    module = types.ModuleType("a_notebook")
    module.elementwise, module.reduction = elementwise, reduction
    sys.modules["a_notebook"] = module
    with restored():
        yield vars(module)
    del sys.modules["a_notebook"]


def test_a_cell_that_is_run_again_mends_a_wrong_rule(notebook):
    exec(CELL.format(rule="3 * x"), notebook)
    wrong = notebook["bend"]
    x = Value(5.0)
    old = wrong(x)
    exec(CELL.format(rule="2 * x"), notebook)
    mended = notebook["bend"]
    assert gradients(mended(x), x) == 10.0
    assert gradients(old, x) == 15.0  # what was recorded before stays what it was
    assert copy.deepcopy(old).op is wrong.op
    assert nn.Neuron(1, "bend").activation is mended
    assert find("a_notebook.bend") is named("bend") is mended.op
    assert [op.shown for op in table.values()].count("bend") == 1


def test_a_reduction_can_be_defined_again_too_and_become_another_kind(notebook):
    cell = "@reduction(lambda z, x: {} * x)\ndef bend(x):\n    return sum(u * u for u in x)\n"
    for rule in (3, 2):
        exec(cell.format(rule), notebook)
    x = Tensor([1.0, 2.0])
    notebook["bend"](x).backward()
    assert x.grad.tolist() == [2.0, 4.0]
    notebook["bend"].on_arrays(lambda x, axis=None, keepdims=False: (x * x).sum(axis, keepdims=keepdims))
    exec(CELL.format(rule="2 * x"), notebook)
    assert not named("bend").reduces


def test_what_decorators_make_can_all_be_defined_again(notebook):
    notebook.update(structural=structural, loss=loss)
    for factor in (3, 2):
        exec(
            f"""
@loss(lambda p, y: {factor} * (p - y), lambda p, y: {factor} * (y - p))
def square(prediction, target):
    return (prediction - target) ** 2

@structural(lambda g, z, x: {factor} * g[::-1])
def turned(x):
    return 2.0 * x[::-1]
""",
            notebook,
        )
    p = Value(3.0)
    assert gradients(notebook["square"](p, 1.0), p) == 4.0
    x = Tensor([[1.0], [2.0]])
    assert gradients(notebook["square"](x, np.zeros((2, 1))), x).tolist() == [[1.0], [2.0]]
    assert gradients(notebook["turned"](x).sum(), x).tolist() == [[2.0], [2.0]]


def test_modules_have_names_of_their_own_and_the_library_keeps_its(notebook):
    exec(CELL.format(rule="2 * x").replace("bend", "tanh"), notebook)
    assert notebook["tanh"](Value(3.0)).data == 9.0
    assert named("tanh") is table["tanh"] is autograd.tanh.op
    assert nn.Neuron(1, "tanh").activation is autograd.tanh
    assert np.tanh(Value(0.0)).op is autograd.tanh.op

    @elementwise(lambda z, x: 2 * x)
    def bend(x):
        return x * x

    try:
        assert named("bend") is bend.op
        exec(CELL.format(rule="2 * x"), notebook)
        assert named("bend") is notebook["bend"].op  # the newest
        assert find(bend.op.name) is bend.op
    finally:
        table.pop(bend.op.name)


def test_a_graph_of_an_operation_that_is_not_defined_here_says_which(notebook):
    exec(CELL.format(rule="2 * x"), notebook)
    saved = pickle.dumps(notebook["bend"](Value(3.0)))
    assert pickle.loads(saved).local_derivatives == (6.0,)
    del table["a_notebook.bend"]
    with pytest.raises(LookupError, match="the operation 'bend' of the module 'a_notebook', which is not defined here"):
        pickle.loads(saved)


@pytest.mark.slow
def test_a_graph_brings_the_module_of_its_operations_with_it(tmp_path):
    """As pickle does for classes: another process has only to be able to import it."""
    (tmp_path / "a_plugin.py").write_text(
        "from autograd.op import elementwise\n" + CELL.format(rule="2 * x"), encoding="utf-8"
    )
    make = "import a_plugin, pickle, autograd; print(pickle.dumps(a_plugin.bend(autograd.Value(3.0))).hex())"
    read = "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1])).local_derivatives)"
    options = {"env": {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}, "text": True}
    saved = subprocess.run([sys.executable, "-c", make], stdout=subprocess.PIPE, check=True, **options).stdout.strip()
    found = subprocess.run([sys.executable, "-c", read, saved], stdout=subprocess.PIPE, check=True, **options).stdout
    assert found.strip() == "(6.0,)"


def test_the_library_has_each_of_its_names_once():
    def tanh(x):
        return x

    tanh.__module__ = autograd.tanh.__module__
    with pytest.raises(ValueError, match="there is an operation called 'tanh' already; choose another name"):
        elementwise(1)(tanh)
    assert table["tanh"] is autograd.tanh.op


def test_a_new_operation_is_one_decorated_function():
    try:

        @elementwise(lambda z, x: 3 * x * x)
        def cube(x):
            """Third power. Derivative: 3x²."""
            return x * x * x

        x = Value(2.0)
        z = cube(x)
        z.backward()
        assert (z.data, x.grad) == (8.0, 12.0)
        assert cube(2) == 8.0
        assert cube(np.array([1, 2])).tolist() == [1.0, 8.0]
        assert cube.op.derivative(0, None, [symbol("x", 2.0)]).ascii() == "3*x**2"
        assert cube.__doc__ == "Third power. Derivative: 3x²."
    finally:
        table.pop(cube.op.name)


def test_a_new_reduction_is_one_decorated_function():
    try:

        @reduction(lambda z, x: 2 * x)
        def sum_of_squares(x):
            """x₁² + ... + xₙ². Derivative: 2x."""
            return sum(u * u for u in x)

        xs = [Value(1.0), Value(3.0)]
        z = sum_of_squares(xs)
        z.backward()
        assert (z.data, [x.grad for x in xs]) == (10.0, [2.0, 6.0])
        assert sum_of_squares([1, 3]) == 10.0
    finally:
        table.pop(sum_of_squares.op.name)


def test_the_package_lists_every_public_name():
    listed = set(autograd.__all__)
    assert len(listed) == len(autograd.__all__)
    assert listed == {name for name in autograd.__all__ if hasattr(autograd, name)}
    assert set(ops.__all__) <= listed


# ---------------------------------------------------------------- what functions accept


def test_operands_can_be_given_by_keyword_and_defaults_are_filled_in():
    assert leaky_relu(-1.0) == -0.01
    assert leaky_relu(-1.0, alpha=0.5) == -0.5
    assert leaky_relu(Value(-1.0), alpha=0.5).local_derivatives == (0.5, None)
    assert power(x=2.0, y=3.0) == 8.0


@pytest.mark.parametrize("call", [lambda: power(2.0), lambda: power(1.0, 2.0, 3.0), lambda: leaky_relu(1.0, slope=2.0)])
def test_a_wrong_number_of_operands_is_a_type_error(call):
    with pytest.raises(TypeError, match="argument"):
        call()


@pytest.mark.parametrize(
    ("x", "came"),
    [("a", "str; convert it with float"), (None, "NoneType"), ([1.0], "list"), (1j, "complex"), (object(), "object")],
)
def test_functions_refuse_what_is_not_a_real_number(x, came):
    for call in (lambda: exp(x), lambda: power(x, 2.0), lambda: power(2.0, x), lambda: power(Value(2.0), x)):
        with pytest.raises(TypeError, match=f"(exp|power) needs a real number, got {came}"):
            call()


def test_functions_refuse_arrays_that_are_not_real():
    for array in (np.array([1j]), np.array(["a"]), np.array([None])):
        with pytest.raises(TypeError, match=r"sin needs real numbers, got an array of shape \(1,\) and dtype"):
            sin(array)


def test_integers_and_bools_in_arrays_become_float64():
    for array in (np.array([0, 1]), np.array([False, True]), np.array([0, 1], np.uint8)):
        assert exp(array).dtype == np.float64
        assert exp(array).tolist() == pytest.approx([1.0, np.e])


def test_real_says_where_it_was_asked():
    assert real(np.float32(0.5)) == 0.5
    assert type(real(np.bool_(True))) is float
    with pytest.raises(TypeError, match="bias needs a real number, got str"):
        real("a", "bias")
    with pytest.raises(OverflowError, match="bias: the integer is too large for a float"):
        real(10**400, "bias")


# ---------------------------------------------------------------- IEEE arithmetic


def test_what_python_refuses_follows_ieee():
    assert ieee(lambda x: 1 / x, 0.0) == np.inf
    assert ieee(lambda x: -1 / x, 0.0) == -np.inf
    assert np.isnan(ieee(lambda x: x / x, 0.0))
    assert ieee(lambda x: x * x * x, 1e308) == np.inf


def test_an_error_that_is_not_arithmetic_passes_through_ieee_unchanged():
    def refuse(x):
        raise ValueError(f"no {x}")

    with pytest.raises(ValueError, match=r"no 1\.0") as caught:
        ieee(refuse, 1.0)
    assert caught.value.__cause__ is None


# ---------------------------------------------------------------- vectors, on which reductions are written


def test_vectors_compute_member_by_member():
    x, y = Vector([1.0, 2.0]), Vector([4.0, 8.0])
    assert x + y == (5, 10)
    assert y - x == (3, 6)
    assert x * y == (4, 16)
    assert y / x == (4, 4)
    assert -x == (-1, -2)
    assert (1 + x, 1 - x, 2 * x, 2 / x) == ((2, 3), (0, -1), (2, 4), (2, 1))
    assert (x + 1, x - 1, x * 2, x / 2) == ((2, 3), (0, 1), (2, 4), (0.5, 1))
    assert x.map(lambda u: u * u) == (1, 4)


def test_vectors_go_with_nodes_on_either_side():
    v = Value(3.0)
    for result, expected in [(v * Vector([1.0, 2.0]), [3, 6]), (Vector([1.0, 2.0]) - v, [-2, -1])]:
        assert isinstance(result, Vector)
        assert [u.data for u in result] == expected


def test_vectors_of_different_length_do_not_go_together():
    with pytest.raises(ValueError, match="expected sequences of equal length, got 1 and 2"):
        Vector([1.0]) + Vector([1.0, 2.0])


def test_an_operation_is_drawn_by_its_symbol_and_named_by_its_function():
    def nameless(x):
        return x

    assert Operation(nameless, (1,)).symbol == "nameless"
    assert Operation(nameless, (1,), "★").symbol == "★"
    assert (autograd.mul.op.symbol, autograd.mul.op.name) == ("×", "mul")


@pytest.mark.parametrize("decorator", [elementwise, reduction, structural])
def test_an_option_that_there_is_not_is_refused_with_the_nearest(decorator):
    with pytest.raises(ValueError, match=r"unknown option of \w+ 'latx'; did you mean 'latex'"):

        @decorator(lambda g, z, x: g, latx="f")
        def mistyped(x):
            """x."""
            return x
