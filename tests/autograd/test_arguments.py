"""Arguments at the public door: names, sizes, rates, seeds, arrays."""

import re

import numpy as np
import pytest

from autograd import Value
from autograd.arguments import (
    call_of,
    checked_fraction,
    float_type,
    generator,
    lookup,
    not_negative,
    positive_integer,
    shaped_array,
    whole_number,
)

TABLE = {"relu": 1, "leaky_relu": 2, "tanh": 3}


def test_how_a_function_is_called_is_said_without_types():
    def weighted(x: float, y: list[float], bias: float = 0.0, *, scale: int = 1) -> float:
        return scale * (x * sum(y) + bias)

    assert call_of(weighted) == "(x, y, bias=0.0, *, scale=1)"


def test_a_name_finds_its_entry():
    assert lookup("activation", "tanh", TABLE) == 3


def test_an_unknown_name_suggests_the_nearest_and_lists_all():
    message = "unknown activation 'rleu'; did you mean 'relu'? known: relu, leaky_relu, tanh"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        lookup("activation", "rleu", TABLE)


@pytest.mark.parametrize(("name", "nearest"), [("ReLU", "relu"), ("LeakyReLU", "leaky_relu"), ("tahn", "tanh")])
def test_other_spellings_are_recognised(name, nearest):
    with pytest.raises(ValueError, match=f"did you mean {nearest!r}"):
        lookup("activation", name, TABLE)


def test_nothing_is_suggested_where_nothing_is_near():
    with pytest.raises(ValueError, match=r"^unknown activation 'swish'; known: relu, leaky_relu, tanh$"):
        lookup("activation", "swish", TABLE)


def test_a_name_must_be_a_string():
    with pytest.raises(TypeError, match="activation: expected a name or a function, got int"):
        lookup("activation", 3, {"abs": abs})
    with pytest.raises(TypeError, match="activation: expected one of relu, leaky_relu, tanh, got int"):
        lookup("activation", 3, TABLE)


def test_numpy_integers_are_integers():
    assert positive_integer("Layer", "nin", np.int64(3)) == 3


@pytest.mark.parametrize("n", [True, 3.0, "3", None, np.True_])
def test_a_size_of_another_type_is_refused(n):
    with pytest.raises(TypeError, match="Layer: expected nin to be a positive integer"):
        positive_integer("Layer", "nin", n)


@pytest.mark.parametrize("n", [0, -1])
def test_a_size_below_one_is_refused(n):
    with pytest.raises(ValueError, match=f"Layer: expected nin to be a positive integer, got {n}"):
        positive_integer("Layer", "nin", n)


@pytest.mark.parametrize("n", [True, 3.0, "3", None, np.True_, -1])
def test_a_count_is_an_integer_of_at_least_zero(n):
    assert [whole_number("fit", "initial_epoch", m) for m in (0, np.int64(3))] == [0, 3]
    with pytest.raises(ValueError, match=f"^fit: expected initial_epoch to be an integer of at least 0, got {n!r}"):
        whole_number("fit", "initial_epoch", n)


def test_a_rate_becomes_a_plain_float():
    rate = not_negative("SGD", "learning_rate", np.float32(0.5))
    assert rate == 0.5
    assert type(rate) is float


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf")])
def test_a_rate_must_be_finite_and_not_negative(rate):
    with pytest.raises(ValueError, match="SGD: expected learning_rate to be a finite number of at least 0"):
        not_negative("SGD", "learning_rate", rate)


def test_a_rate_must_be_a_number():
    with pytest.raises(TypeError, match="SGD: learning_rate needs a real number, got str"):
        not_negative("SGD", "learning_rate", "0.1")


def test_a_seed_gives_the_same_numbers_each_time():
    assert generator(7).random() == generator(7).random() == np.random.default_rng(7).random()


def test_a_generator_is_used_as_it_is():
    rng = np.random.default_rng(0)
    assert generator(rng) is rng


def test_no_seed_gives_different_numbers_each_time():
    assert generator(None).random() != generator(None).random()


@pytest.mark.parametrize("rng", [1.5, True, "seed", np.random.RandomState(0)])
def test_other_sources_of_randomness_are_refused(rng):
    with pytest.raises(TypeError, match=r"rng: expected an integer seed, a numpy\.random\.Generator or None"):
        generator(rng)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="rng: expected a seed of at least 0, got -1"):
        generator(-1)


def test_nested_lists_become_a_new_array():
    given = np.array([[1.0, 2.0]])
    array = shaped_array("W", given, (1, 2))
    given[0, 0] = 9.0
    assert array.tolist() == [[1.0, 2.0]]
    assert shaped_array("W", [[1, 2], [3, 4]], (None, 2)).dtype == np.float64


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([[1, 2, 3]], r"W: expected shape \(2, any\), got \(1, 3\)"),
        ([1, 2], r"W: expected shape \(2, any\), got \(2,\)"),
        ([[1, 2], [3]], r"W: expected shape \(2, any\), got rows of different lengths"),
    ],
)
def test_an_array_of_another_shape_is_refused_with_both_shapes(data, message):
    with pytest.raises(ValueError, match=message):
        shaped_array("W", data, (2, None))


@pytest.mark.parametrize("data", [["a", "b"], [1j, 2.0], [None, 1.0]])
def test_an_array_of_other_things_is_refused(data):
    with pytest.raises(TypeError, match="W: expected plain numbers"):
        shaped_array("W", data, (2,))


def test_values_are_refused_where_plain_numbers_are_meant():
    with pytest.raises(TypeError, match=r"W: expected plain numbers, got Values; take the \.data of each"):
        shaped_array("W", [Value(1.0), 2.0], (2,))


@pytest.mark.parametrize("x", [0, 0.5, np.float32(0.25), np.nextafter(1, 0)])
def test_a_fraction_is_at_least_zero_and_below_one(x):
    assert checked_fraction("fit", "validation_split", x) == x
    assert type(checked_fraction("fit", "validation_split", x)) is float


@pytest.mark.parametrize("x", [1, -1e-9, float("nan"), True])
def test_another_fraction_is_refused(x):
    with pytest.raises(ValueError, match="fit: expected validation_split to be at least 0 and below 1, got"):
        checked_fraction("fit", "validation_split", x)


@pytest.mark.parametrize("dtype", ["float32", np.float64, np.dtype("f4"), float])
def test_float32_and_float64_are_types_of_numbers(dtype):
    assert float_type("f", dtype) == np.dtype(dtype)


@pytest.mark.parametrize("dtype", [None, "float16", int, "no type", object])
def test_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match="f: expected dtype to be float32 or float64, got"):
        float_type("f", dtype)
