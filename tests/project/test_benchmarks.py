"""The benchmarks run, and their candidates compute the same. No time is asserted."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scripts import load_from

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training_step.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("training_step", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["training_step"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["training_step"]


@pytest.mark.slow
def test_the_benchmark_of_vectorised_numbers_prints_all_three_workloads():
    script = SCRIPT.with_name("vectorized.py")
    done = subprocess.run([sys.executable, script, "--rounds", "1"], capture_output=True, text=True, check=True)
    for title in ("moons: loss and gradients", "batch of 10000", "gpt: a whole step"):
        assert title in done.stdout


def small(net):
    """The same kind of net with fewer units and samples."""
    sizes = tuple(min(n, 12) for n in net.sizes)
    return net._replace(sizes=sizes, batch=min(net.batch, 8))


@pytest.mark.parametrize("i", range(6))
def test_all_ways_to_take_a_step_move_the_weights_alike(benchmark, i):
    net = small(benchmark.NETS[i])
    data = benchmark.made(net)
    makers = {name: getattr(benchmark, name) for name in ("textbook", "best", "tensors", "sequential")}
    benchmark.check(net, makers, data)  # exits where they differ


@pytest.mark.parametrize("i", [0, 4])
def test_the_engine_that_checks_nothing_moves_the_weights_as_one_that_does(benchmark, i):
    net = small(benchmark.NETS[i])
    makers = {"textbook": benchmark.textbook, "bare": load_from("benchmarks", "bare_engine").bare}
    benchmark.check(net, makers, benchmark.made(net))


def test_a_candidate_that_computes_something_else_is_found(benchmark):
    net = small(benchmark.NETS[0])
    data = benchmark.made(net)

    def wrong(net, data, rate):
        return benchmark.best(net, data, rate * 1.1)

    with pytest.raises(SystemExit, match="wrong does not compute"):
        benchmark.check(net, {"textbook": benchmark.textbook, "wrong": wrong}, data)


def test_fit_takes_the_steps_of_the_bare_step(benchmark):
    net = small(benchmark.NETS[4])
    data = benchmark.made(net)
    one, other = (make(net, data, 0.1) for make in (benchmark.fit, benchmark.sequential))
    for _ in range(3):
        one.step()
        other.step()
    for w, v in zip(one.weights(), other.weights(), strict=True):
        assert np.array_equal(w, v)


@pytest.mark.slow
def test_the_script_prints_its_table():
    smallest = ["--rounds", "1", "--slot", "0.0001", "--nets", "4", "--threads", "1", "--no-torch"]
    done = subprocess.run([sys.executable, str(SCRIPT), *smallest], capture_output=True, text=True, check=True)
    assert "10-32-32-1 relu, 32" in done.stdout
    assert "sequential / best" in done.stdout
    assert "fit / steps of fit" in done.stdout


@pytest.mark.slow
def test_what_each_mechanism_buys_is_measured_after_both_sides_came_to_the_same_numbers():
    script = SCRIPT.with_name("mechanisms.py")
    smallest = ["--small", "--rounds", "1", "--slot", "0.0001"]
    done = subprocess.run([sys.executable, str(script), *smallest], capture_output=True, text=True, check=True)
    names = set(re.findall(r'Row\("([^"]+)"', script.read_text(encoding="utf-8")))
    assert names
    for name in names:
        assert re.search(rf"^{re.escape(name)} +\d+\.\d\d \(", done.stdout, re.MULTILINE), name


@pytest.mark.slow
def test_the_nets_of_the_lectures_come_to_pytorchs_losses_and_are_measured():
    pytest.importorskip("torch")
    networks = load_from("benchmarks", "networks")
    for name in ("8x8 CNN 16-32, batch 32", "SimpleRNN 28 steps, H 64, batch 128", "transformer d 32, T 16, batch 32"):
        ours, theirs, quartiles = networks.measure(name, 2)  # ends the program if the losses differ
        assert min(ours, theirs, *quartiles) > 0
