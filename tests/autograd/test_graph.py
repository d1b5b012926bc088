"""Walking, copying and pickling a recorded computation, however deep it is."""

import copy
import gc
import io
import pickle
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import run

from autograd import Tensor, Value, dot, exp, softmax, sum
from autograd.formulas.expression import symbol
from autograd.graph import is_node, topological_order
from autograd.tensor import kept_gradient


def diamond():
    """x, and z = (x + y)² · (x + y) with its nodes named."""
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    s = x + y
    s.label = "s"
    return x, y, s, s * s * s


def chain(n):
    x = Value(1.0)
    z = x
    for i in range(n):
        z = z * 1.0001 if i % 50 else dot([z, x], [1.0, 0.0])
    return x, z


# ---------------------------------------------------------------- order


def test_nodes_are_told_from_numbers():
    assert is_node(Value(1.0))
    assert not any(is_node(u) for u in (1.0, "x", None, [Value(1.0)], Value))
    assert is_node(symbol("x"))


def test_operands_come_before_results_and_every_node_once():
    x, y, s, z = diamond()
    order = topological_order(z)
    assert order[:3] == [x, y, s]
    assert order[-1] is z
    assert len(order) == len(set(order)) == 5


def test_the_order_follows_the_operands_from_left_to_right():
    x, y = Value(1.0), Value(2.0)
    assert topological_order(x - y)[:2] == [x, y]
    assert topological_order(y - x)[:2] == [y, x]
    assert topological_order(dot([y, 1.0], [x, y], 0.5))[:2] == [y, x]


def test_the_order_of_a_leaf_is_the_leaf():
    x = Value(1.0)
    assert topological_order(x) == [x]


def test_the_walk_stops_where_it_is_told_but_not_at_the_root():
    x, _, s, z = diamond()
    order = topological_order(z, stop=lambda u: u is s or u is z)
    assert order[0] is s
    assert x not in order


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), max_size=40))
def test_every_node_comes_after_all_of_its_operands(steps):
    nodes = [Value(1.0), Value(2.0)]
    for i, j, sequence in steps:
        a, b = nodes[i % len(nodes)], nodes[-1 - j % len(nodes)]
        nodes.append(sum([a, 1.0, b, a]) if sequence else a + b)
    order = topological_order(nodes[-1])
    place = {u: k for k, u in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[u] < place[v] for v in order for u in v.operands if is_node(u))


# ---------------------------------------------------------------- copies

COPIES = [
    pytest.param(copy.deepcopy, id="deepcopy"),
    pytest.param(lambda x: pickle.loads(pickle.dumps(x)), id="pickle"),
    pytest.param(lambda x: pickle.loads(pickle._dumps(x)), id="pickle in Python"),
    *(pytest.param(lambda x, p=p: pickle.loads(pickle.dumps(x, protocol=p)), id=f"protocol {p}") for p in range(6)),
]


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_keeps_the_whole_graph_and_shares_nothing_with_it(copied):
    x, _, _, z = diamond()
    z.backward()
    new = copied(z)
    before, after = topological_order(z), topological_order(new)
    assert len(before) == len(after)
    assert not set(before) & set(after)
    for u, v in zip(before, after, strict=True):
        assert (u.data, u.grad, u.label, u.op) == (v.data, v.grad, v.label, v.op)
        assert u.local_derivatives == v.local_derivatives
    new.backward()
    assert x.grad == 75.0
    assert after[0].grad == 150.0


@pytest.mark.parametrize("copied", COPIES)
def test_shared_nodes_are_copied_once(copied):
    x, y, s, z = diamond()
    x2, z2, (s2, again), y2 = copied([x, z, (s, s), y])
    assert s2 is again
    assert topological_order(z2)[:3] == [x2, y2, s2]


@pytest.mark.parametrize("copied", COPIES)
def test_sequences_mixed_with_numbers_are_copied(copied):
    x, b = Value(2.0), Value(0.5)
    z = dot([x, 3.0, x], [1.0, x, 4.0], b) + exp(x) - 1.0
    z2 = copied(z)
    assert [u if type(u) is float else u.data for u in z2.operands] == [
        u if type(u) is float else u.data for u in z.operands
    ]
    z.backward()
    z2.backward()
    assert [u.grad for u in topological_order(z2)] == [u.grad for u in topological_order(z)]


@pytest.mark.parametrize("copied", COPIES)
def test_a_group_of_operands_that_several_nodes_share_stays_shared(copied):
    group = tuple(Value(float(i)) for i in range(3))
    a, b = (Value._record(dot.op, (w, w, w), group, 0.0) for w in (1.0, 2.0))
    assert a._x[1] is b._x[1]
    a2, b2 = topological_order(copied(a * b))[-3:-1]
    assert a2._x[1] is b2._x[1]
    assert a2._x[1] is not a._x[1]


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_remembers_whether_a_gradient_has_arrived(copied):
    p = copied(Value(2.0))
    p -= 1.0  # no backward pass has reached it: an ordinary subtraction
    assert p.data == 1.0
    p = Value(2.0)
    (p * 3).backward()
    p = copied(p)
    with pytest.raises(TypeError, match="leaves the parameter p unchanged"):
        p -= 0.1 * p.grad


@pytest.mark.parametrize("copied", COPIES[:2])
def test_an_unnamed_copy_has_no_name(copied):
    assert copied(Value(1.0) + 2.0).label is None


def test_deepcopy_joins_what_was_copied_before():
    x, _, s, z = diamond()
    memo = {}
    s2 = copy.deepcopy(s, memo)
    z2 = copy.deepcopy(z, memo)
    assert s2 in topological_order(z2)
    assert copy.deepcopy(x, memo) is topological_order(s2)[0]


@pytest.mark.slow
def test_a_pickle_that_failed_halfway_does_not_spoil_the_next():
    class Full(io.RawIOBase):
        def write(self, data):
            raise OSError("disk full")

    _, z = chain(5000)
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            pickle.dump(z, Full())
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps([z, lambda: None])
        assert pickle.loads(pickle.dumps(z)).data == z.data


@pytest.mark.slow
def test_copies_of_a_deep_chain_need_no_recursion():
    out = run(
        """
import copy, pickle, sys
from autograd import Value, dot
sys.setrecursionlimit(150)
x = Value(1.0)
z = x
for i in range(30_000):
    z = z * 1.0001 if i % 50 else dot([z, x], [1.0, 0.0])
for new in (copy.deepcopy(z), pickle.loads(pickle.dumps(z)), pickle.loads(pickle.dumps([x, z]))[1], copy.copy(z)):
    new.backward()
    print(new.data == z.data, end=" ")
"""
    )
    assert out == "True True True True"


# ---------------------------------------------------------------- Tensors


def tensor_diamond():
    """x, and z = Σ softmax(x Wᵀ) · (x Wᵀ) with constants, an index and a shape among the operands."""
    x, w = Tensor([[1.0, 2.0]], label="x"), Tensor([[3.0, 4.0], [5.0, 6.0]], label="W")
    s = x @ w.T * 0.1
    s.label = "s"
    return x, w, s, (softmax(s) * s).reshape(2)[[0, 0, 1]].sum()


def test_tensors_are_walked_as_values_are():
    x, w, s, z = tensor_diamond()
    order = topological_order(z)
    assert is_node(z)
    assert order[0] is x
    assert order[1] is w
    assert order[-1] is z
    assert len(order) == len(set(order)) == 10
    assert order.index(s) < order.index(z)
    assert x not in topological_order(z, stop=lambda u: u is s)


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_of_tensors_keeps_order_names_and_gradients(copied):
    _, w, _, z = tensor_diamond()
    z.backward()
    new = copied(z)
    before, after = topological_order(z), topological_order(new)
    assert not set(before) & set(after)
    for u, v in zip(before, after, strict=True):
        assert (u.tolist(), u.label, u.op) == (v.tolist(), v.label, v.op)
        assert (kept_gradient(u) is None) == (kept_gradient(v) is None)
        assert len(u.operands) == len(v.operands)
    w2 = after[before.index(w)]
    assert w2.grad.tolist() == w.grad.tolist()
    w2.grad = None
    new.backward()
    assert w2.grad.tolist() == w.grad.tolist()


@pytest.mark.parametrize("copied", COPIES)
def test_shared_tensors_are_copied_once(copied):
    x, _, s, z = tensor_diamond()
    x2, z2, (s2, again) = copied([x, z, (s, s)])
    assert s2 is again
    assert x2 in topological_order(z2)
    assert s2 in topological_order(z2)


@pytest.mark.parametrize("copied", COPIES)
def test_what_is_computed_from_a_copy_comes_after_it(copied):
    x = copied(Tensor([1.0, 2.0]))
    y = copied((x * x, x))
    z = (y[0] * y[1]).sum()
    z.backward()
    assert y[1].grad.tolist() == [3.0, 12.0]


@pytest.mark.slow
@pytest.mark.parametrize("use", [copy.deepcopy, pickle.dumps, topological_order, repr], ids=lambda f: f.__name__)
def test_walking_tensors_leaves_no_cycles(use):
    z = Tensor([1.0])
    for _ in range(1000):
        z = z * 1.001
    use(z)
    gc.collect()
    gc.disable()
    try:
        use(z)
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---------------------------------------------------------------- memory


def test_a_graph_is_freed_by_reference_counting_alone():
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        x, z = chain(20_000)
        z.backward()
        assert len(gc.get_objects()) - before >= 20_000
        del x, z
        assert len(gc.get_objects()) - before < 50
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize("use", [copy.deepcopy, pickle.dumps, topological_order, repr], ids=lambda f: f.__name__)
def test_walking_a_graph_leaves_no_cycles(use):
    _, z = chain(1000)
    use(z)
    gc.collect()
    gc.disable()
    try:
        use(z)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_the_graph_lives_as_long_as_its_result():
    class Marked:
        """Something whose end can be observed."""

    x = Value(1.0)
    x.data, marked = 2.0, Marked()
    ended = weakref.ref(marked)
    holder = {x: marked}
    del marked
    z = x + 1.0
    del x
    assert ended() is not None
    assert z.operands[0] in holder
