"""no_grad and detect_anomaly: for one thread, for one block, whatever happens inside."""

import asyncio
import inspect
import math
import re
import threading

import pytest
from oracles import run

from autograd import (
    Value,
    detect_anomaly,
    div,
    dot,
    exp,
    grad,
    gradients,
    hessian,
    log,
    no_grad,
    relu,
    sum,
    tanh,
    value_and_grad,
)
from autograd.modes import active

# ---------------------------------------------------------------- no_grad

COMPUTATIONS = [
    lambda x: x + x,
    lambda x: x * 2.0,
    lambda x: 2 - x,
    lambda x: x**2,
    lambda x: -x,
    lambda x: tanh(x),
    lambda x: x.relu(),
    lambda x: sum([x, x]),
    lambda x: dot([x], [3.0], x),
]


@pytest.mark.parametrize("f", COMPUTATIONS)
def test_results_inside_no_grad_are_leaves_with_the_same_data(f):
    x = Value(0.7)
    recorded = f(x)
    with no_grad():
        plain = f(x)
    assert type(plain) is Value
    assert plain.is_leaf
    assert plain.data == recorded.data
    assert not f(x).is_leaf


def test_no_grad_nests_and_ends_with_the_outer_block():
    x = Value(1.0)
    with no_grad():
        with no_grad():
            pass
        assert (x + x).is_leaf
    assert not (x + x).is_leaf
    assert active == []


def test_an_exception_ends_no_grad():
    with pytest.raises(LookupError), no_grad():
        raise LookupError
    assert not (Value(1.0) * 2).is_leaf
    assert active == []


def test_no_grad_can_decorate_a_function():
    @no_grad()
    def predict(x):
        return x * 2

    for _ in range(2):
        assert predict(Value(3.0)).is_leaf
    assert not (Value(3.0) * 2).is_leaf


def test_no_grad_in_one_thread_does_not_affect_another():
    inside, done = threading.Event(), threading.Event()
    leaves = []

    def evaluate():
        with no_grad():
            inside.set()
            done.wait(10)
            leaves.append((Value(1.0) * 2).is_leaf)

    thread = threading.Thread(target=evaluate)
    thread.start()
    assert inside.wait(10)
    x = Value(3.0)
    z = x * x + exp(x) + dot([x], [x])
    z.backward()
    done.set()
    thread.join()
    assert x.grad == pytest.approx(12 + math.exp(3))
    assert leaves == [True]
    assert active == []


def test_no_grad_in_one_task_does_not_affect_another():
    async def evaluate(started, done):
        with no_grad():
            started.set()
            await done.wait()
            return (Value(1.0) * 2).is_leaf

    async def train(started, done):
        await started.wait()
        z = Value(3.0) * 2
        done.set()
        return z.is_leaf

    async def both():
        started, done = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(evaluate(started, done), train(started, done))

    assert asyncio.run(both()) == [True, False]
    assert active == []


def test_a_task_that_is_started_inside_no_grad_is_inside_while_the_block_lasts():
    async def computes(go):
        before = (Value(1.0) * 2).is_leaf
        await go.wait()
        with detect_anomaly():  # somebody is inside some mode, so that the block is asked
            return before, (Value(1.0) * 2).is_leaf

    async def starts():
        go = asyncio.Event()
        with no_grad():
            task = asyncio.create_task(computes(go))
            await asyncio.sleep(0)
        go.set()
        return await task

    assert asyncio.run(starts()) == (True, False)


def test_tasks_that_run_one_decorated_function_do_not_end_each_others_blocks():
    @no_grad()
    async def predict(steps):
        for _ in range(steps):
            await asyncio.sleep(0)
        return (Value(3.0) * 2).is_leaf

    async def several():
        return await asyncio.gather(*map(predict, (1, 4, 2)))

    assert asyncio.run(several()) == [True] * 3
    assert not (Value(3.0) * 2).is_leaf
    assert active == []


def test_a_decorated_generator_computes_without_recording_and_its_reader_records():
    log = []

    @no_grad()
    def predictions(xs):
        """Doubles."""
        try:
            for x in xs:
                sent = yield x * 2
                log.append((sent, (x * 2).is_leaf))
        except KeyError:
            yield Value(0.0)
        finally:
            log.append("closed")
        return "done"

    steps = predictions([Value(1.0), Value(2.0)])
    first = next(steps)
    assert first.is_leaf
    assert not (first * 2).is_leaf
    assert steps.send("again").data == 4.0
    assert log == [("again", True)]
    with pytest.raises(StopIteration, match="done"):
        next(steps)
    assert log[1:] == [(None, True), "closed"]

    steps = predictions([Value(1.0)])
    next(steps)
    assert steps.throw(KeyError()).data == 0.0
    steps.close()
    assert log[-1] == "closed"
    assert predictions.__doc__ == "Doubles."
    assert active == []


def test_a_decorated_asynchronous_generator_is_refused():
    with pytest.raises(TypeError, match=r"predictions is an asynchronous generator; write `with no_grad\(\):` inside"):

        @no_grad()
        async def predictions():
            yield 1.0


def test_derivatives_asked_for_inside_no_grad_are_not_lost():
    x = Value(3.0)
    square = x * x
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert value_and_grad(lambda x: x * x)(3.0) == (9.0, 6.0)
        assert hessian(lambda x: x**3)(2.0) == 12.0
        assert gradients(square, x) == 6.0
        first = gradients(square, x, create_graph=True)
        assert (x * x).is_leaf
    assert gradients(first, x) == 2.0


def test_no_grad_inside_a_differentiated_function_makes_a_constant():
    def f(x):
        with no_grad():
            scale = x * 1
        return scale * x

    assert grad(f)(3.0) == 3.0


# ---------------------------------------------------------------- detect_anomaly


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if text in line)


def test_the_first_infinity_is_reported_with_operation_operands_and_line():
    def f(x):
        y = x - 2.0
        return log(y) * 3.0  # here

    with detect_anomaly(), pytest.raises(ArithmeticError) as caught:
        f(Value(2.0, label="x"))
    says = str(caught.value)
    assert says.startswith("log(0) = -inf with local derivatives (inf,), recorded at ")
    assert says.endswith(f"test_modes.py, line {line_of(f, '# here')}")


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x: x / 0.0, "div(x=2, 0) = inf"),
        (lambda x: 1 / (x - x), "div(1, 0) = inf"),
        (lambda x: div(x, x - x), "div(x=2, 0) = inf"),
        (lambda x: exp(x * 1000), "exp(2000) = inf"),
        (lambda x: (-x) ** 0.5, "power(-2, 0.5) = nan"),
        (lambda x: (x - x).sqrt(), "sqrt(0) = 0.0 with local derivatives (inf,)"),
        (lambda x: sum([x, math.inf]), "sum(x=2, inf) = inf"),
        (lambda x: x * math.nan, "mul(x=2, nan) = nan"),
        (lambda x: (x - x).log(), "log(0) = -inf"),
        (lambda x: x * 1e308, "mul(x=2, 1e+308) = inf"),
    ],
)
def test_every_way_of_computing_is_watched(f, says):
    x = Value(2.0, label="x")
    f(x)
    with detect_anomaly(), pytest.raises(ArithmeticError, match=re.escape(says)):
        f(x)


def test_the_line_is_the_one_outside_the_package():
    with detect_anomaly(), pytest.raises(ArithmeticError, match=r"recorded at .*test_modes\.py, line"):
        grad(lambda x: log(x - x))(1.0)


def test_finite_computations_go_through_unchanged():
    x = Value(0.5)
    with detect_anomaly():
        z = dot([x], [2.0]) + relu(x) ** 2 - log(x)
        z.backward()
    assert x.grad == 2 + 1 - 2


def test_without_the_mode_infinities_travel():
    x = Value(0.0)
    with detect_anomaly():
        pass
    z = log(x) * 2
    assert z.data == -math.inf
    assert active == []


def test_detect_anomaly_in_one_thread_does_not_affect_another():
    inside, done = threading.Event(), threading.Event()
    caught = []

    def train():
        with detect_anomaly():
            inside.set()
            done.wait(10)
            try:
                log(Value(0.0))
            except ArithmeticError as error:
                caught.append(str(error))

    thread = threading.Thread(target=train)
    thread.start()
    assert inside.wait(10)
    assert log(Value(0.0)).data == -math.inf
    assert (Value(1.0) / Value(0.0)).data == math.inf
    done.set()
    thread.join()
    assert len(caught) == 1


def test_both_modes_go_together():
    with detect_anomaly(), no_grad():
        assert log(Value(0.0)).is_leaf
    assert active == []


@pytest.mark.slow
def test_where_numpy_keeps_its_switch_elsewhere_nothing_warns_and_errors_are_as_before():
    program = """
import contextvars, warnings
contextvars.copy_context = dict   # as if there were no variable to be found
import numpy as np
from autograd import Tensor, Value, log
from autograd.ieee import quietly
warnings.simplefilter("error")
with np.errstate(all="raise"):
    print(log(Tensor([0.0, 1.0])).data, (Value(1.0) / 0.0).data, quietly(np.log, -1.0))
    try:
        np.log(0.0)
    except FloatingPointError:
        print("refused as asked")
"""
    assert run(program) == "[-inf   0.] inf nan\nrefused as asked"
