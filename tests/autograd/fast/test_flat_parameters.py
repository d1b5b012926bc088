"""Flat parameters: one vector for many, while parameters, gradients and graphs stay what they are to everybody."""

import copy
import pickle

import numpy as np
import pytest

from autograd import Tensor, Value
from autograd.fast.flat_parameters import FlatParameters, FlatValues, blocks
from nn.optimizers import SGD, Adam


def parameters():
    return [Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([5.0]), Tensor(6.0)]


def loss(tensors):
    """The sum of squares: the gradient is twice the parameter."""
    total = 0.0
    for t in tensors:
        total = total + (t * t).sum()
    return total


def moved(flat, by):
    """Take a step of this length with all numbers."""
    flat.begin()[...] += by
    flat.end()


# ---------------------------------------------------------------- one vector


def test_the_numbers_lie_in_a_row():
    assert FlatParameters(parameters()).begin().tolist() == [1, 2, 3, 4, 5, 6]


def test_what_is_written_to_the_vector_is_in_the_parameters():
    tensors = parameters()
    moved(FlatParameters(tensors), 10)
    assert [t.tolist() for t in tensors] == [[[11, 12], [13, 14]], [15], 16]


def there(flat):
    """The places that have a gradient."""
    return np.flatnonzero(flat.gradient()[1]).tolist()


def test_the_gradients_lie_in_a_row():
    tensors = parameters()
    flat = FlatParameters(tensors)
    loss(tensors).backward()
    gradient, there = flat.gradient()
    assert gradient.tolist() == [2, 4, 6, 8, 10, 12]
    assert there is None


def test_backward_writes_into_the_vector_of_gradients_itself():
    tensors = parameters()
    flat = FlatParameters(tensors)
    loss(tensors).backward()
    gradient, _ = flat.gradient()
    assert all(np.shares_memory(t._grad, gradient) for t in tensors)


def test_there_is_a_vector_for_every_dtype_and_one_for_values():
    a, b, c = Tensor([1.0]), Tensor([2.0], dtype="float32"), Tensor([3.0])
    wide, narrow = blocks([a, b, c])
    assert (wide.begin().tolist(), wide.begin().dtype) == ([1, 3], np.float64)
    assert (narrow.begin().tolist(), narrow.begin().dtype) == ([2], np.float32)
    (values,) = blocks([Value(1.0), Value(2.0)])
    assert values.begin().tolist() == [1, 2]


def test_an_array_in_columns_and_an_empty_one_have_their_place():
    tensors = [Tensor(np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])), Tensor(np.zeros((0, 3))), Tensor([5.0])]
    flat = FlatParameters(tensors)
    assert flat.begin().tolist() == [1, 2, 3, 4, 5]
    loss(tensors).backward()
    assert flat.gradient()[0].tolist() == [2, 4, 6, 8, 10]
    moved(flat, 1)
    assert tensors[0].tolist() == [[2, 3], [4, 5]]


# ---------------------------------------------------------------- arrays that somebody holds


def test_an_array_that_somebody_holds_is_not_moved_and_sees_every_step():
    tensors = parameters()
    held = tensors[0].data
    flat = FlatParameters(tensors)
    moved(flat, 10)
    assert tensors[0].data is held
    assert held.tolist() == [[11, 12], [13, 14]]
    assert tensors[1].tolist() == [15]


def test_what_is_written_to_a_held_array_counts_in_the_next_step():
    tensors = parameters()
    before = tensors[0].data
    flat = FlatParameters(tensors)
    after = tensors[1].data
    before[0, 0], after[0] = 100.0, 200.0
    moved(flat, 1)
    assert [t.tolist() for t in tensors] == [[[101, 3], [4, 5]], [201], 7]


def test_what_is_assigned_counts_in_the_next_step():
    tensors = parameters()
    flat = FlatParameters(tensors)
    tensors[1].data = [50.0]
    moved(flat, 1)
    assert tensors[1].tolist() == [51]


def test_an_array_taken_before_is_trained_by_an_optimizer_all_the_same():
    tensors = parameters()
    held = [t.data for t in tensors]
    optimizer = SGD(tensors, 0.25)
    for _ in range(2):
        optimizer.zero_grad()
        loss(tensors).backward()
        optimizer.step()
    assert held[0].tolist() == [[0.25, 0.5], [0.75, 1.0]]
    assert tensors[1].tolist() == [1.25]


# ---------------------------------------------------------------- gradients that somebody holds or sets


def test_a_gradient_that_was_handed_out_is_never_written_to():
    tensors = parameters()
    optimizer = SGD(tensors, 0.25)
    loss(tensors).backward()
    held = tensors[0].grad
    optimizer.step()
    assert held.tolist() == [[2, 4], [6, 8]]
    loss(tensors).backward()
    assert held.tolist() == [[2, 4], [6, 8]]
    optimizer.zero_grad()
    loss(tensors).backward()
    assert held.tolist() == [[2, 4], [6, 8]]


def test_a_gradient_that_was_edited_is_what_counts():
    tensors = parameters()
    optimizer = SGD(tensors, 1.0)
    loss(tensors).backward()
    tensors[0].grad[...] = 0.0
    tensors[1].grad *= 0.1
    optimizer.step()
    assert [t.tolist() for t in tensors] == [[[1, 2], [3, 4]], [4], -6]


def test_a_gradient_set_by_hand_is_what_counts_and_stays_its_owners():
    tensors = parameters()
    mine = np.ones((2, 2))
    optimizer = SGD(tensors, 0.5)
    loss(tensors).backward()
    tensors[0].grad = mine
    optimizer.step()
    assert tensors[0].tolist() == [[0.5, 1.5], [2.5, 3.5]]
    loss(tensors).backward()
    optimizer.step()
    assert mine.tolist() == [[1, 1], [1, 1]]


def test_gradients_add_up_over_passes_and_over_a_step():
    tensors = parameters()
    flat = FlatParameters(tensors)
    for factor in (1, 2):
        loss(tensors).backward()
        assert flat.gradient()[0].tolist() == [2 * factor * x for x in (1, 2, 3, 4, 5, 6)]
    optimizer = SGD(tensors, 0.0)
    optimizer.step()
    loss(tensors).backward()
    assert tensors[1].grad.tolist() == [30]


def test_the_step_leaves_the_gradients_as_they_were():
    tensors = parameters()
    optimizer = Adam(tensors, 0.1, global_clipnorm=0.1)
    loss(tensors).backward()
    optimizer.step()
    assert tensors[1].grad.tolist() == [10]


def test_a_gradient_from_before_the_optimizer_counts():
    tensors = parameters()
    loss(tensors).backward()
    SGD(tensors, 0.5).step()
    assert [t.tolist() for t in tensors] == [[[0, 0], [0, 0]], [0], 0]


def test_what_has_no_gradient_is_left_out():
    tensors = parameters()
    flat = FlatParameters(tensors)
    assert there(flat) == []
    (tensors[1] * 3).sum().backward()
    assert there(flat) == [4]
    (tensors[2] * 3).backward()
    assert there(flat) == [4, 5]
    tensors[1].grad = None
    assert there(flat) == [5]
    flat.clear()
    assert there(flat) == []


def test_a_step_without_any_gradient_is_refused():
    tensors = parameters()
    optimizer = SGD(tensors)
    with pytest.raises(RuntimeError, match=r"SGD\.step\(\): no parameter has a gradient since the last zero_grad"):
        optimizer.step()
    loss(tensors).backward()
    optimizer.step()
    optimizer.zero_grad()
    with pytest.raises(RuntimeError, match=r"call loss\.backward\(\) first"):
        optimizer.step()


# ---------------------------------------------------------------- graphs from before a step


def test_backward_through_a_graph_from_before_a_step_is_refused():
    tensors = parameters()
    optimizer = SGD(tensors)
    old = loss(tensors)
    loss(tensors).backward()
    optimizer.step()
    with pytest.raises(RuntimeError, match="was changed after the forward pass"):
        old.backward()
    optimizer.zero_grad()
    loss(tensors).backward()


def test_it_is_refused_for_a_held_array_too():
    tensors = parameters()
    _ = [t.data for t in tensors]
    optimizer = SGD(tensors)
    old = loss(tensors)
    loss(tensors).backward()
    optimizer.step()
    with pytest.raises(RuntimeError, match="was changed after the forward pass"):
        old.backward()


def test_moving_into_the_block_changes_no_number_and_no_gradient_of_a_graph():
    tensors = parameters()
    old = loss(tensors)
    turned = tensors[0].T
    flat = FlatParameters(tensors)
    old.backward()
    assert flat.gradient()[0].tolist() == [2, 4, 6, 8, 10, 12]
    assert turned.tolist() == [[1, 3], [2, 4]]


# ---------------------------------------------------------------- several optimizers


def turns(tensors, *optimizers):
    for optimizer in optimizers:
        for t in tensors:
            t.grad = None
        loss(tensors).backward()
        optimizer.step()
    return [t.tolist() for t in tensors]


HALVED = [[[0.5, 1], [1.5, 2]], [2.5], 3]
QUARTERED = [[[0.25, 0.5], [0.75, 1]], [1.25], 1.5]


def test_a_second_optimizer_on_the_same_parameters_takes_the_same_block():
    tensors = parameters()
    first, second = FlatParameters(tensors), FlatParameters(tensors)
    assert np.shares_memory(first.begin(), second.begin())
    assert np.shares_memory(first.gradient()[0], second.gradient()[0])
    assert turns(tensors, SGD(tensors, 0.25), SGD(tensors, 0.25)) == QUARTERED


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [2, 1, 0]])
def test_two_optimizers_take_turns_whatever_the_order_of_the_parameters(order):
    tensors = parameters()
    first, second = SGD(tensors, 0.25), SGD([tensors[i] for i in order], 0.25)
    assert turns(tensors, first, second) == QUARTERED
    assert turns(tensors, second, first) == [[[0.0625, 0.125], [0.1875, 0.25]], [0.3125], 0.375]


@pytest.mark.parametrize("part", [[0], [1], [0, 1], [1, 2], [0, 2]])
def test_an_optimizer_for_a_part_moves_that_part_alone(part):
    tensors = parameters()
    both = SGD(tensors, 0.25)
    one = SGD([tensors[i] for i in part], 0.25)
    assert turns(tensors, one) == [HALVED[i] if i in part else parameters()[i].tolist() for i in range(3)]
    assert turns(tensors, both, one)[part[0]] == np.multiply(HALVED[part[0]], 0.25).tolist()


def test_a_part_that_lies_in_a_row_is_a_stretch_of_the_block():
    tensors = parameters()
    whole, part = FlatParameters(tensors), FlatParameters(tensors[1:])
    assert np.shares_memory(whole.begin(), part.begin())
    assert part.begin().tolist() == [5, 6]


def test_parameters_of_two_blocks_and_a_new_one_are_trained_together():
    a, b, c = parameters()
    SGD([a]), SGD([b])
    assert turns([a, b, c], SGD([a, b, c], 0.25)) == HALVED


def test_a_gradient_handed_out_between_two_optimizers_is_never_written_to():
    tensors = parameters()
    first = SGD(tensors, 0.25)
    loss(tensors).backward()
    second = SGD(tensors[::-1], 0.25)
    held = tensors[0].grad
    first.step()
    turns(tensors, second, first, second)
    assert held.tolist() == [[2, 4], [6, 8]]


def test_an_optimizer_that_has_gone_leaves_working_parameters():
    tensors = parameters()
    turns(tensors, SGD(tensors, 0.25))
    assert turns(tensors, SGD(tensors, 0.25)) == QUARTERED


# ---------------------------------------------------------------- copies


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_trains_its_own_parameters(duplicate):
    tensors = parameters()
    optimizer = SGD(tensors, 0.25, momentum=0.5)
    turns(tensors, optimizer)
    other, others_optimizer = duplicate((tensors, optimizer))
    halved = [t.tolist() for t in tensors]
    assert [t.tolist() for t in other] == halved
    end = turns(other, others_optimizer)
    assert [t.tolist() for t in tensors] == halved != end
    assert turns(tensors, optimizer) == end


# ---------------------------------------------------------------- Values


def test_values_are_gathered_and_handed_back():
    values = [Value(1.0), Value(2.0)]
    flat = FlatValues(values)
    assert there(flat) == []
    (values[1] * 3).backward()
    assert (flat.gradient()[0][1], there(flat)) == (3.0, [1])
    (values[0] * 5).backward()
    gradient, mask = flat.gradient()
    assert gradient.tolist() == [5, 3]
    assert mask is None
    moved(flat, 10)
    assert [v.data for v in values] == [11.0, 12.0]
    assert all(type(v.data) is float for v in values)


def test_what_is_assigned_to_a_value_between_steps_counts():
    values = [Value(1.0), Value(2.0)]
    flat = FlatValues(values)
    moved(flat, 1)
    values[0].data = 50.0
    moved(flat, 1)
    assert [v.data for v in values] == [51.0, 4.0]


def test_a_value_whose_gradient_was_set_to_none_has_none():
    values = [Value(1.0), Value(2.0)]
    values[0].grad, values[1].grad = None, 0.5
    assert there(FlatValues(values)) == [1]


def test_a_net_of_values_sees_the_new_numbers():
    from nn import Neuron

    neuron = Neuron(2, "linear", initializer="zeros")
    assert neuron([1.0, 2.0]).data == 0.0
    moved(FlatValues(neuron.parameters()), 1)
    assert neuron([1.0, 2.0]).data == 4.0
