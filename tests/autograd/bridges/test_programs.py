"""vectorize(loss): a recorded graph of Values as a program over arrays."""

import random
from contextlib import nullcontext

import numpy as np
import pytest
from random_graphs import random_loss
from sizes import slow
from small_gpt import all_of, loss_of, new_weights

import autograd as ag
from autograd import Tensor, Value, derive, gradients, vectorize
from autograd.graph import topological_order
from autograd.ops import matrices
from autograd.value import NO_GRADIENT
from nn import MLP, SGD, Adam


def leaves(loss):
    return [v for v in topological_order(loss) if v.is_leaf]


def gradients_of(loss, parameters):
    for p in parameters:
        p.grad = 0.0
    loss.backward()
    return np.array([p.grad for p in parameters])


def is_close(a, b, smallest=1e-3):
    """Equal to 1e-11 of the largest number."""
    return np.abs(np.subtract(a, b)).max() <= 1e-11 * max(np.abs(b).max(), smallest)


def check(loss):
    """The program's number and gradients are those of the graph."""
    parameters = leaves(loss)
    program = vectorize(loss)
    found = program()
    assert found.data == pytest.approx(loss.data, rel=1e-11, abs=1e-11, nan_ok=True)
    expected = gradients_of(loss, parameters)
    if np.isfinite(expected).all():
        assert is_close(gradients_of(found, parameters), expected)
    return program


@pytest.mark.parametrize("start", [0, *slow(*range(20, 400, 20))])
def test_random_graphs_over_all_operations_keep_their_number_and_gradients(start):
    for seed in range(start, start + 20):
        check(random_loss(seed))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 3000, 500))
def test_thousands_of_random_graphs_do(start):
    for seed in range(start, start + 500):
        check(random_loss(seed))


def moons_loss(net, samples=20):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 2))
    scores = [net(row) for row in x.tolist()]
    losses = [(1 + -y * score).relu() for y, score in zip(np.sign(x[:, 0]).tolist(), scores, strict=True)]
    loss = sum(losses) * (1 / samples) + 1e-4 * sum(p * p for p in net.parameters())
    loss.label = "L"
    return loss


@pytest.mark.parametrize("elementary", [False, *slow(True)])
def test_a_net_over_samples_becomes_one_product_of_matrices_for_each_layer(elementary):
    program = check(moons_loss(MLP(2, [5, 4, 1], rng=0, elementary=elementary)))
    products = [v for v in topological_order(program.tensors()) if v.op is matrices.affine.op]
    assert [v.shape for v in products] == [(20, 5), (20, 4), (20, 1)]


def test_leaves_without_names_become_the_matrices_in_which_they_are_used():
    rng = random.Random(0)
    w = [[Value(rng.random()) for _ in range(3)] for _ in range(4)]
    x = [[Value(rng.random()) for _ in range(3)] for _ in range(5)]
    loss = sum(sum(a * b for a, b in zip(row, xs, strict=True)).tanh() for xs in x for row in w)
    program = check(loss)
    assert sorted(v.shape for v in topological_order(program.tensors()) if v.is_leaf) == [(4, 3), (5, 3)]


@pytest.mark.slow
def test_a_small_gpt_with_causal_attention_keeps_its_gradients():
    program = check(loss_of(new_weights(), [10, 3, 1, 3, 7, 0, 2, 10]))
    assert len(topological_order(program.tensors())) < 120


def test_attention_without_a_mask_and_with_heads_is_a_stack_of_products():
    rng = random.Random(1)
    q, k, v = ([[Value(rng.gauss(0, 1)) * 1.0 for _ in range(6)] for _ in range(4)] for _ in range(3))
    total = 0.0
    for row in q:
        for h in (0, 2, 4):
            shares = ag.softmax([ag.dot(row[h : h + 2], key[h : h + 2]) for key in k])
            total = total + sum(ag.dot(shares, [value[h + j] for value in v]) ** 2 for j in range(2))
    program = check(total)
    assert (3, 4, 4) in {u.shape for u in topological_order(program.tensors())}


def test_a_recurrent_net_with_shared_weights_keeps_its_gradients():
    rng = random.Random(2)
    w, u = ([[Value(rng.gauss(0, 0.5)) for _ in range(n)] for _ in range(4)] for n in (4, 2))
    h = [Value(0.0) for _ in range(4)]
    for _ in range(6):
        x = [rng.random(), rng.random()]
        h = [
            (ag.dot(wr, h) + sum(a * b for a, b in zip(ur, x, strict=True))).tanh() for wr, ur in zip(w, u, strict=True)
        ]
    check(sum(v * v for v in h))


@pytest.mark.parametrize("lengths", [(1, 2, 3, 4, 5, 6), (3, 3, 3), (1, 337, 2), (2, 1, 1)])
def test_sums_of_different_lengths_are_one_class(lengths):
    rng = random.Random(3)
    a = [Value(rng.gauss(0, 1)) for _ in range(400)]
    b = [u.tanh() for u in a]
    check(sum(sum(x * y for x, y in zip(a[i : i + n], b[2 : 2 + n], strict=True)) ** 2 for i, n in enumerate(lengths)))
    check(sum(sum(b[i : i + n]) ** 2 for i, n in enumerate(lengths)))


def test_the_same_node_as_both_factors_and_several_times_in_a_sum():
    x = [Value(0.3 * i - 1) for i in range(5)]
    check(sum(u * u + u + u for u in x))
    check(ag.dot(x, x) + ag.dot(x, x[::-1]) + x[0])
    check(sum([x[0], x[0], x[1]]) * x[0])


def test_constants_on_either_side_stay_what_they_are():
    x = [Value(0.5 + i) for i in range(4)]
    check(sum((2 - u) * (u - 3) / (1 / u + 2**u) + i * u for i, u in enumerate(x)))


def test_an_operation_of_ones_own_is_followed():
    from autograd.op import elementwise, table

    @elementwise(lambda z, x: 3 * x * x, symbol="cube")
    def cube_of(x):
        return x * x * x

    try:
        check(sum(cube_of(Value(float(i)).tanh()) for i in range(5)))
    finally:
        del table[cube_of.op.name]


def test_it_runs_again_on_the_numbers_that_leaves_have_then():
    net = MLP(2, [4, 1], activation="tanh", rng=1)
    program = vectorize(moons_loss(net))
    for p in net.parameters():
        p.data = p.data * 1.5
    again = moons_loss(net)
    assert program().data == pytest.approx(again.data, rel=1e-12)
    assert is_close(gradients_of(program(), net.parameters()), gradients_of(again, net.parameters()))


def test_an_optimizer_trains_by_the_program_as_by_the_graph():
    nets = [MLP(2, [4, 1], rng=1), MLP(2, [4, 1], rng=1)]
    program = vectorize(moons_loss(nets[0]))
    optimizers = [SGD(net.parameters(), 0.1) for net in nets]
    for _ in range(5):
        for loss, optimizer in zip((program(), moons_loss(nets[1])), optimizers, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert is_close([p.data for p in nets[0].parameters()], [p.data for p in nets[1].parameters()])
    assert {*map(id, program.parameters)} == {*map(id, nets[0].parameters())}


def test_the_result_goes_on_into_graphs_and_backward_adds_up():
    a = Value(2.0, "a")
    program = vectorize(a * a * a)
    total = program() * 10 + a
    total.backward()
    assert (total.data, a.grad) == (82.0, 121.0)
    total.backward()
    assert a.grad == 242.0


@pytest.mark.parametrize("inside", [False, True], ids=["on the Values", "in training()"])
def test_a_result_has_its_own_gradients_also_when_the_program_has_run_again(inside):
    x, y = Value(3.0), Value(5.0)
    program = vectorize(x * y + x * x + y * y)
    with program.training() if inside else nullcontext():
        first = program()
        first.backward()
        x.data = -2.0
        second = program()
        first.backward()
        second.backward()
    assert [x.grad, y.grad] == [2 * 11.0 + 1.0, 2 * 13.0 + 8.0]


def test_without_recording_it_is_a_number_alone():
    a = Value(2.0)
    program = vectorize(a * a)
    with ag.no_grad():
        assert program().is_leaf
    assert program().op is not None


def test_its_tensors_are_the_program_to_the_last_bit():
    program = vectorize(moons_loss(MLP(2, [5, 4, 1], rng=0)))
    graph = program.tensors()
    assert graph.item() == program().data
    graph.backward()
    found = program()
    parameters = program.parameters
    by_program = gradients_of(found, parameters)
    tensors = [v for v in topological_order(graph) if v.is_leaf and v.label]
    by_label = {v.label: v.grad for v in tensors}
    for p, g in zip(parameters, by_program, strict=True):
        layer, _, place = p.label.partition("_")
        index = tuple(int(i) - 1 for i in place.split(","))
        array = by_label[layer.upper() if len(index) == 2 else layer]
        assert array[index] == g


def test_second_derivatives_go_through_its_tensors():
    x = [Value(0.3 * i - 0.5) for i in range(4)]
    loss = sum(u.tanh() * u for u in x)
    program = vectorize(loss)
    graph = program.tensors()
    (leaf,) = [v for v in topological_order(graph) if v.is_leaf]
    slope = gradients(graph, leaf, create_graph=True)
    found = gradients((slope * slope).sum(), leaf)
    slopes = gradients(loss, x, create_graph=True)
    assert found == pytest.approx(gradients(sum(s * s for s in slopes), x), rel=1e-12)


def test_it_prints_the_equations_of_the_lectures_with_shapes():
    program = vectorize(moons_loss(MLP(2, [5, 1], rng=0)))
    assert program.text().splitlines()[:3] == [
        "Z[1] = X W[1]ᵀ + b[1]    (20 × 5)",
        "A[1] = relu(Z[1])    (20 × 5)",
        "Z[2] = A[1] W[2]ᵀ + b[2]    (20 × 1)",
    ]
    assert "dW[1] = 0.0002 W[1] + (1/m) dZ[1]ᵀ X    (5 × 2)" in str(program).splitlines()
    assert "Z[1] = W[1] X + b[1]    (5 × 20)" in program.text(form="columns").splitlines()


@pytest.mark.slow
def test_derivations_and_labels_go_through_its_tensors():
    graph = vectorize(moons_loss(MLP(2, [5, 1], rng=0))).tensors()
    (w,) = [v for v in topological_order(graph) if v.label == "W[2]"]
    assert "dW[2] = 0.0002 W[2] + (1/m) dZ[2]ᵀ A[1]" in str(derive(graph, w))


def test_named_parameters_become_arrays_of_these_names():
    w = {"wte": [[Value(0.1 * i + j) for j in range(2)] for i in range(3)]}
    loss = sum(u.tanh() for row in w["wte"][:2] for u in row)
    graph = vectorize(loss, parameters=w).tensors()
    (leaf,) = [v for v in topological_order(graph) if v.is_leaf]
    assert (leaf.label, leaf.shape) == ("wte", (3, 2))
    with pytest.raises(ValueError, match=r"parameters\['u'\] to be a Value, a list of Values, or rows of equal length"):
        vectorize(loss, parameters={"u": [w["wte"][0], w["wte"][0][:1]]})


@pytest.mark.slow
def test_a_graph_in_which_nothing_repeats_is_refused():
    x = Value(0.1)
    for i in range(1100):
        x = (x + i).tanh()
    with pytest.raises(ValueError, match="found no repetition"):
        vectorize(x)


def test_what_is_neither_a_function_nor_a_value_is_refused():
    for thing in (3.0, [Value(1.0)], Tensor([1.0]), "loss"):
        with pytest.raises(TypeError, match="expected a function or a Value"):
            vectorize(thing)


def test_a_derivation_by_scalar_paths_says_where_the_computation_is():
    a = Value(2.0, "a")
    with pytest.raises(TypeError, match=r"program.tensors\(\)"):
        gradients(vectorize(a * a)(), a, create_graph=True)


def test_every_parameter_of_the_gpt_has_a_gradient():
    weights = new_weights()
    program = vectorize(loss_of(weights, [10, 3, 1, 10]), parameters=weights)
    assert {*map(id, program.parameters)} == {*map(id, all_of(weights))}


def small_training(flat, inside, steps=12):
    """A net of Values trained by a program of its loss, and what it has at the end."""
    net = MLP(2, [4, 1], activation="tanh", rng=0)
    program = vectorize(sum((net(x) - y) ** 2 for x, y in [((0.1, 0.2), 1.0), ((0.3, -0.4), 0.0)]))
    optimizer = Adam(program.parameters if flat else list(program.parameters), 0.05)
    losses = []

    def train(count):
        for _ in range(count):
            optimizer.zero_grad()
            loss = program()
            loss.backward()
            optimizer.step()
            losses.append(loss.data)

    train(2)
    with program.training() if inside else nullcontext():
        train(steps)
    train(2)
    return losses, [p.data for p in net.parameters()], [p.grad for p in net.parameters()], net, program, optimizer


@pytest.mark.parametrize("inside", [False, True])
def test_an_optimizer_of_a_programs_vector_comes_to_the_same_bits(inside):
    expected, found = small_training(False, False), small_training(True, inside)
    assert found[:3] == expected[:3]


def test_inside_training_values_keep_what_they_show_and_have_it_all_at_the_end():
    *_, net, program, optimizer = small_training(True, False)
    p = net.parameters()[0]
    before, stayed = p.data, p.grad
    with program.training():
        optimizer.zero_grad()
        program().backward()
        program().backward()
        optimizer.step()
        assert p.data == before
    assert p.data != before
    assert p.grad != stayed


def test_gradients_of_a_graph_beside_the_program_inside_training_are_told_of():
    *_, net, program, optimizer = small_training(True, False)

    def train():
        with program.training():
            for _ in range(2):
                optimizer.zero_grad()
                program().backward()
                sum(p * p for p in net.parameters()).backward()
                optimizer.step()

    with pytest.warns(RuntimeWarning, match="compute all of the loss in the vectorised function"):
        train()


def test_a_number_assigned_inside_training_counts():
    *_, net, program, optimizer = small_training(True, False)
    p, q = net.parameters()[:2]
    with program.training():
        optimizer.zero_grad()
        program().backward()
        optimizer.step()
        p.data = 0.125
        program().backward()
        expected = program().data
    assert p.data == 0.125
    assert program().data == expected
    assert q.grad is not NO_GRADIENT


def test_a_function_is_trained_from_array_to_array_while_it_is_recorded_anew():
    def trained(inside):
        w = {"W": [[Value(0.1 * i - 0.2 * j) for i in range(3)] for j in range(2)]}

        def loss_of(x, y):
            z = [sum(a * u for a, u in zip(row, x, strict=True)).tanh() for row in w["W"]]
            return (z[0] * z[1] - y) ** 2

        fast = vectorize(loss_of, parameters=w)
        rng = np.random.default_rng(0)
        losses = []
        with fast.training() if inside else nullcontext():
            optimizer = Adam(fast.parameters, 0.05)
            for _ in range(40):
                x, y = rng.normal(size=3).tolist(), float(rng.normal())
                optimizer.zero_grad()
                loss = fast(x, y)
                loss.backward()
                optimizer.step()
                losses.append(loss.data)
        return losses, [p.data for row in w["W"] for p in row], fast.is_plain

    assert trained(True) == trained(False)
    assert trained(True)[2] is None


@pytest.mark.slow
def test_results_on_the_way_have_the_names_of_the_equations():
    weights = new_weights()
    program = vectorize(loss_of(weights, [0, 3, 1, 4, 2]), parameters=weights)
    defined = {line.partition(" = ")[0] for line in program.text().partition("\n\n")[0].splitlines()}
    named = [v for v in topological_order(program.tensors()) if v.op is not None and v.label is not None]
    assert len(named) >= 8
    assert {f"V{'₀₁₂₃₄₅₆₇₈₉'[int(v.label[2:])]}" for v in named if v.label.startswith("V_")} <= defined


def test_a_result_that_is_not_finite_has_the_gradients_of_the_graph():
    w = [Value(1e308), Value(2.0), Value(-1.0)]
    loss = w[0] * 10.0 + w[1] * 3.0 + w[2] * w[1]
    program = vectorize(loss)
    for _ in range(6):  # recorded, written down, and run
        found = program()
        assert found.data == np.inf
        assert gradients_of(found, w).tolist() == [10.0, 2.0, 2.0]
        w[1].data = 2.0
    w[0].data = 1.0
    assert gradients_of(program(), w).tolist() == [10.0, 2.0, 2.0]
    assert program().data == 14.0
