"""The experiment of benchmarks/marking.py on few nets: mistakes planted in NumPy code that shares nothing with ours."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[3] / "benchmarks" / "marking.py"


@pytest.fixture(scope="module")
def experiment():
    spec = importlib.util.spec_from_file_location("marking_experiment", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shares(found):
    total = sum(found.values())
    return {k: found[k] / total for k in ("named", "among", "false", "none", "right", "both")}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [False, True], ids=["columns", "rows"])
def test_single_slips_in_three_layers_are_named(experiment, rows):
    found, _ = experiment.experiment("", 1, 4, seed=11, rows=rows)
    said = shares(found)
    assert said["named"] > 0.9
    assert said["false"] < 0.02
    assert said["none"] < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("output", ["squared", "sigmoid", "one"])
def test_slips_below_other_losses_are_named(experiment, output):
    found, _ = experiment.experiment("", 6, 4, seed=12, output=output)
    assert shares(found)["named"] > 0.93
    assert shares(found)["false"] <= 0.005


@pytest.mark.slow
def test_correct_work_of_four_digits_and_more_is_never_called_wrong(experiment):
    checked, wrong = experiment.right_work(1080, seed=14)
    assert sum(n for d, n in checked.items() if d >= 4) >= 810
    assert {d for d in checked if wrong[d] and d >= 4} == set()


@pytest.mark.slow
def test_mistakes_of_the_forward_pass_are_named(experiment):
    said = shares(experiment.forward_slips(2, seed=18))
    assert said["named"] > 0.9
    assert said["false"] == said["none"] == 0


@pytest.mark.slow
def test_two_slips_at_once_are_both_named(experiment):
    found = experiment.two_slips(60, seed=15)
    assert shares(found)["both"] > 0.9


@pytest.mark.slow
def test_of_one_number_nobody_is_sure_unless_it_is_the_mistake(experiment):
    found = experiment.one_number(2, 6, seed=16)
    assert found["sure, it"] > 20
    assert found["sure, other"] == 0
    assert found["random, sure"] <= 1
    few = experiment.one_number(1, 3, seed=17)
    assert not any(n for said, n in few.items() if said.startswith(("sure", "random, sure")))
