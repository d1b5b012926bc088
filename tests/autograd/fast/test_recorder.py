"""Computations written down as NumPy calls: the same bits on other numbers, or no answer."""

import gc
import threading
import weakref

import numpy as np
import pytest

from autograd import log, mean, relu, sigmoid, tanh
from autograd.fast.recorder import LARGEST, UNFIT, Recorder, called
from autograd.ieee import quietly
from autograd.op import table
from autograd.operands import made_array

RNG = np.random.default_rng(0)


def recorded(function, inputs, lasting=()):
    """The results of `function(*inputs, *lasting)`, and a program of them; None if it cannot be written down.

    lasting: arrays that stay where they are. The program takes the inputs, and gives None where it gives up.
    """
    recorder = Recorder()
    try:
        results = function(*map(recorder.input, inputs), *map(recorder.lasting, lasting))
        recorder.give(results)
        passes = recorder.program()
    except Exception:
        return None
    given = [u.value[()] if u.is_number else u.value.copy("K") if u.fixed else u.value for u in results]
    return given, lambda *arrays: None if (found := next(passes(*arrays), None)) is UNFIT else found


def arrays(*shapes, dtype=np.float32):
    return [RNG.standard_normal(shape).astype(dtype) for shape in shapes]


def views(x, y):
    t = x.T.copy().max(1)[:, None].T
    return ((x - t).dot(y.T[:, 1:]).reshape((-1, 2)).ravel() + y[0, 0:1],)


def in_place(x, y):
    z = x + 1
    z += y
    z *= 2.0
    z -= x
    z /= 3
    np.exp(z, z)
    z[...] = z - y
    return (z,)


def numbers(x, y):
    a, b = x.ravel(), y.ravel()
    total = a.dot(b) * 0.5 + 1
    return total, (3 - total) / b.dot(b), -total


def masks(x, y):
    positive = (x > 0) & (y <= 1) | (x != x)
    return np.where(positive, x, 2 * y), np.greater(x, 0).astype(x.dtype) * y


def plain_numbers(x, y):
    return (x > 0) * 0.5 + y, (y < 0) + 2, x * -y.item(0)  # of the dtype that NumPy gives them, not of another


def output(x, y):
    out = x * 0
    z = x.T.dot(y)
    return x.dot(z, out), -out


def spread_out(x, y):
    total = made_array(x[0].dot(y[0]))
    return np.broadcast_to(x[0].dot(y[0]), (2,)) + x[:2, 0], np.broadcast_to(total * total + total, (2, 3)) * 2, total


def copied_and_used(x, y):
    out = x * 0
    z = x * y
    out[...] = z
    return out, z + y


def copied_and_seen_from_its_side(x, y):
    out = x * 0
    z = x * y
    seen = z.T
    out[...] = z
    return out, seen + 1


COMPUTATIONS = [
    (spread_out, (3, 4), (3, 4)),
    (copied_and_used, (3, 4), (3, 4)),
    (copied_and_seen_from_its_side, (3, 4), (3, 4)),
    (views, (3, 4), (3, 4)),
    (in_place, (3, 4), (3, 4)),
    (in_place, (3, 4), (4,)),
    (numbers, (3, 4), (3, 4)),
    (masks, (3, 4), (3, 4)),
    (plain_numbers, (3, 4), (3, 4)),
    (output, (4, 4), (4, 4)),
    *(
        (lambda x, y, f=f: (f.op.forward(x) * y, f.op.pulls[0](y, f.op.forward(x), x)), (3, 4), (3, 4))
        for f in (relu, sigmoid, tanh)
    ),
]


def same(found, expected):
    assert len(found) == len(expected)
    for u, v in zip(found, expected, strict=True):
        assert type(u) is type(v)
        assert np.asarray(u).dtype == np.asarray(v).dtype
        assert np.asarray(u).tobytes() == np.asarray(v).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "first", "second"), COMPUTATIONS, ids=range(len(COMPUTATIONS)))
@pytest.mark.parametrize("lasts", [False, True])
def test_a_program_gives_the_same_bits_for_other_numbers(function, first, second, dtype, lasts):
    x, y = arrays(first, second, dtype=dtype)
    results, program = quietly(recorded, function, *(([x], [y]) if lasts else ([x, y],)))
    same(results, quietly(function, x, y))
    for _ in range(3):
        other = arrays(first, dtype=dtype)[0]
        y[...] = RNG.standard_normal(second)
        before = other.copy(), y.copy()
        found = quietly(program, *([other] if lasts else [other, y]))
        same(found, quietly(function, other, y))
        same((other, y), before)  # what was given is not written to


def test_results_stay_what_they_are():
    x, y = arrays((2, 3), (2, 3))
    results, program = recorded(lambda x, y: (x * y, x + y), [x, y])
    first = program(y, y.copy())
    kept = [np.array(u) for u in (*results, *first)]
    program(x, x)
    same([*results, *first], kept)


def test_arrays_keep_the_order_of_their_numbers():
    def computed(x):
        return x + 1, np.greater(x, 0).astype(x.dtype), x.T.astype(np.float32), x.copy()

    x = np.asfortranarray(RNG.standard_normal((3, 4)))
    results, program = recorded(computed, [x])
    expected = [z.strides for z in computed(x)]
    assert [z.strides for z in results] == [z.strides for z in program(x)] == expected


def test_a_dropped_program_frees_its_arrays_at_once():
    x, y = arrays((2, 3), (2, 3))
    _, program = recorded(lambda x, y: (x * y,), [x], [y])
    lasting = weakref.ref(y)
    gc.disable()
    try:
        del y, program
        assert lasting() is None
    finally:
        gc.enable()


def test_numbers_that_ask_for_another_way_get_no_answer():
    def absolute(x):
        return (x if x.item(x.argmin()) >= 0 else x * -1,)

    positive = np.array([1.0, 2.0])
    _, program = recorded(absolute, [positive])
    same(program(positive * 3), absolute(positive * 3))
    assert program(-positive) is None
    _, program = recorded(absolute, [-positive])
    same(program(-positive), absolute(-positive))
    assert program(positive) is None
    # the slope of log goes another way below 0
    x = np.linspace(1, 2, 6, dtype=np.float32).reshape(2, 3)
    _, program = quietly(recorded, lambda x: (log.op.pulls[0](x, x, x),), [x])
    assert quietly(program, x * 1000) is not None
    assert quietly(program, -x) is None


def test_tails_and_nan_ask_for_no_other_way():
    x = np.linspace(-1, 1, 6).reshape(2, 3)
    _, program = quietly(recorded, lambda x: (sigmoid.op.forward(x), relu.op.pulls[0](x, x, x)), [x])
    for other in (x * 1000, np.where(x > 0, x, np.nan)):
        values, slopes = quietly(program, other)
        assert values.ravel().tolist() == pytest.approx([sigmoid(float(u)) for u in other.ravel()], nan_ok=True)
        np.testing.assert_array_equal(slopes, np.where(other > 0, other, other * 0))


def test_arrays_of_another_kind_get_no_answer():
    x = RNG.standard_normal((4, 6))
    _, program = recorded(lambda x: (x + 1,), [x])
    for other in (x[:3], x.ravel(), x.astype(np.float32), np.asfortranarray(x), x[:, ::-1], x.astype(">f8")):
        assert program(other) is None
    assert program(x[::-1][::-1]) is not None


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x.sum(), x.sum(0), x.sum(1, keepdims=True)),
        lambda x: (x**2, x**-0.5),
        lambda x: (x @ x.T, x.swapaxes(0, 1), (x + 1).transpose((1, 0))),
        lambda x: (called(np.cbrt.__call__, x * 2),),
        lambda x: (np.sum(x), np.mean(x, axis=0), np.concatenate([x, x + 1], axis=1), np.stack((x, x))),
        lambda x: (x.mean(1), x.prod(0), x.min(), x.argmax(1), x.any(0)),
        lambda x: (x[np.array([1, 0])], x[:, np.array([0, 0, 2])], (x > 2)[x.argmax(0)]),
        lambda x: (called(lambda a, b: np.concatenate([a, b]), x, x + 1) * 2,),
    ],
)
def test_sums_powers_products_and_foreign_functions_are_written_down(function):
    x = np.arange(1.0, 7.0).reshape(2, 3)
    _, program = quietly(recorded, function, [x])
    other = x[::-1].copy() * 1.5
    for found, expected in zip(quietly(program, other), function(other), strict=True):
        assert np.array_equal(found, expected)


def changed_array(x):
    zeros = np.zeros(x.shape)
    return (np.add(x, zeros, out=zeros),)  # the second time these are no zeros


@pytest.mark.parametrize(
    "function",
    [
        changed_array,
        lambda x: (np.asarray(x) * 2,),
        lambda x: (np.array(list(x)),),
        lambda x: (x[x > 0],),
        lambda x: (np.compress(x > 0, x),),
        lambda x: (np.sum(x, out=np.zeros(())),),
        lambda x: (np.add.reduce(x),),
        lambda x: (np.add(x, x, casting="no"),),
        lambda x: (float(x[0:1].dot(x[0:1])) * x,),
        lambda x: (sorted(x),),
        lambda x: (np.modf(x)[0],),
        lambda x: (np.add(x, [1.0, 2.0]),),
    ],
)
def test_what_cannot_be_written_down_gives_no_program(function):
    x = np.array([2.0, 3.0])
    function(x)  # it is something that arrays can do
    assert quietly(recorded, function, [x]) is None


@pytest.mark.slow
def test_two_functions_of_one_name_give_no_program():
    special = pytest.importorskip("scipy.special")
    assert recorded(lambda x: (np.exp2(x), special.exp2(x)), [np.ones(2)]) is None


def test_an_array_of_the_caller_is_not_changed_by_a_symbol_for_an_input():
    x = np.ones(3)

    def grow(x):
        x += 1
        return (x,)

    assert recorded(grow, [x]) is None


def test_errors_of_the_computation_are_left_to_it():
    assert recorded(lambda x: (x.dot(x),), [np.ones((2, 3))]) is None
    assert recorded(lambda x: 1 / 0, [np.ones(2)]) is None


def test_a_program_with_large_arrays_is_not_kept():
    x = np.broadcast_to(1.0, LARGEST // 8 - 2)
    assert recorded(lambda x: (x + 1,), [x]) is not None
    assert recorded(lambda x: (x + 1 + 1,), [x]) is None


def test_a_long_program_keeps_what_it_needs_at_once_and_no_more():
    def waves(x):
        sums, part = x * 0, x[:, 1:]
        for _ in range(30):
            x = np.sin(x) + part.sum()
            sums += x
            part = x.T[1:]
        return sums, part

    recorder, (x, other) = Recorder(), arrays((40, 30), (40, 30), dtype=np.float64)
    results = waves(recorder.input(x))
    recorder.give(results)
    passes = recorder.program()
    assert 3 * x.nbytes < recorder.size < 5 * x.nbytes
    same(next(passes(other)), waves(other))


def test_what_was_given_stays_while_the_program_goes_on():
    recorder, (x, other) = Recorder(), arrays((8,), (8,))
    a = recorder.input(x) * 2
    recorder.give([recorder.as_a_call(lambda a: a[::2], [a])])  # a part of its array, which the program cannot see
    recorder.give([np.sin(np.sin(np.sin(recorder.input(x)) + 1) + 1)])
    steps = recorder.program()(other, other)
    first = next(steps)
    kept = [u.copy() for u in first]
    next(steps)
    same(first, kept)


UNARY = sorted(name for name, op in table.items() if len(op.rules) == 1 and not op.reduces)


@pytest.mark.parametrize("name", UNARY)
def test_every_operation_of_the_table_is_right_or_not_written_down(name):
    op = table[name]

    def both(x, g):
        z = op.forward(x)
        return z, op.pulls[0](g, z, x)

    for dtype in (np.float32, np.float64):
        x, g = arrays((3, 4), (3, 4), dtype=dtype)
        found = quietly(recorded, both, [x, g])
        if found is None:
            continue
        same(found[0], quietly(both, x, g))
        for other in (*arrays((3, 4), (3, 4), dtype=dtype), x * 1000, -x, np.zeros_like(x), x * np.nan, x * np.inf):
            answer = quietly(found[1], other, g)
            if answer is not None:
                same(answer, quietly(both, other, g))


def test_what_is_computed_only_to_be_copied_is_computed_where_it_goes():
    kept = np.zeros((2, 3))

    def function(x, target):
        y = x * 2.0
        target[...] = y
        z = x + 1.0  # looked at again after it was copied
        target[0] = z[0]
        return (target * 1.0, z)

    x = np.arange(6.0).reshape(2, 3)
    (_, _), program = quietly(recorded, function, [x], [kept])
    for a in (x + 5.0, -x):
        found = quietly(program, a)
        expected = a * 2.0
        expected[0] = (a + 1.0)[0]
        assert np.array_equal(found[0], expected)
        assert np.array_equal(found[1], a + 1.0)
        assert np.array_equal(kept, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mean_is_that_of_numpy(dtype):
    x = np.random.default_rng(0).normal(size=(33, 7, 5)).astype(dtype)
    for axis in (None, 0, -1, (0, 2), ()):
        for keepdims in (False, True):
            found, expected = mean(x, axis=axis, keepdims=keepdims), x.mean(axis, keepdims=keepdims)
            assert np.shape(found) == np.shape(expected)
            np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(dtype).eps, atol=0)


def test_what_was_computed_already_is_not_computed_again():
    def both_slopes(x, y):
        d = x * y
        e = x * y  # as the two slopes of x * x are
        return (d + e, e.sum())

    recorder = Recorder()
    x, y = arrays((4, 6), (4, 6), dtype=np.float64)
    results = both_slopes(recorder.input(x), recorder.input(y))
    recorder.give(results)
    (total, part) = next(recorder.program()(x, y))
    assert (total == x * y + x * y).all()
    assert part == (x * y).sum()
    assert sum(line.startswith("multiply") for line in recorder.written_lines()) == 1


def test_what_was_overwritten_meanwhile_is_computed_again():
    def overwritten(x, y):
        d = x * y
        np.exp(d, d)
        return (d, x * y)

    given = arrays((4, 6), (4, 6), dtype=np.float64)
    results, program = recorded(overwritten, given)
    again = program(*given)
    assert all((a == b).all() for a, b in zip(again, results, strict=True))
    assert (again[1] == given[0] * given[1]).all()


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: 2 * x + 1,
        lambda x: -x,
        lambda x: x @ x.T,
        lambda x: x > 0.5,
        lambda x: np.exp(x),
        lambda x: np.add(x, x, dtype=np.float32),
        lambda x: np.concatenate([x, x]),
        lambda x: np.sum(x, axis=1),
        lambda x: x.sum(0),
        lambda x: x.mean(axis=1, keepdims=True),
        lambda x: x.T,
        lambda x: x[0],
        lambda x: x.reshape(-1),
        lambda x: x.tolist(),
        lambda x: np.asarray(x),
    ],
)
def test_what_another_thread_computes_in_between_is_plain_and_not_written_down(compute):
    (x,) = arrays((3, 4))
    recorder, found = Recorder(), []
    stand_in, before = recorder.lasting(x), len(recorder.lines)
    thread = threading.Thread(target=lambda: found.append(compute(stand_in)))
    thread.start()
    thread.join()
    assert type(found[0]) is type(compute(x))
    assert np.array_equal(found[0], compute(x))
    assert len(recorder.lines) == before
