"""What holds for all tests: none of them has luck."""

import collections
import gc
import sys
import zlib

import numpy as np
import pytest
import tables
from browser import chromium  # noqa: F401 (one browser for all tests: two do not run in one process)
from hypothesis import settings

# The same examples in each run: a test fails because of what was changed, never by the luck of a draw.
# No deadline: how long an example takes says how busy the machine is.
settings.register_profile("all", derandomize=True, deadline=None, max_examples=150)
settings.register_profile("quick", settings.get_profile("all"), max_examples=25)


# A test with many sets of parameters runs with a quarter of them in the quick run, at least so many, spread evenly.
FEW = 6


def pytest_configure(config):
    gc.disable()  # until all is imported and collected: nothing of that is garbage
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "all")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if {"chromium", "javascript"} & {*item.fixturenames}:  # what is run by a browser
            item.add_marker("slow")
    families = collections.defaultdict(list)
    for item in items:
        if item.get_closest_marker("slow") is None:
            families[item.nodeid.partition("[")[0]].append(item)
    for family in families.values():
        count = max(FEW, len(family) // 4)
        if len(family) > count:
            quick = {i * len(family) // count for i in range(count)}
            for i, item in enumerate(family):
                if i not in quick:
                    item.add_marker("slow")


def pytest_collection_finish(session):
    session.tables = tables.saved()
    # PyTorch's threads wait for each other by spinning: on a busy machine that takes longer than all of the tests.
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    gc.freeze()  # what is there by now stays, and need not be looked at again and again
    gc.enable()
    gc.set_threshold(700, 10, 500)  # a pass over all that the tests have left behind costs a tenth of a second


# What is drawn with no seed (`rng=None`), and from a generator that the tests of a file share, begins anew with each
# test from its own name. So a test draws the same numbers alone, in the quick run and among all.
_without_seed = np.random.default_rng(0)
_default_rng = np.random.default_rng


def _seeded_by_the_test(seed=None):
    return _default_rng(_without_seed.integers(2**63) if seed is None else seed)


np.random.default_rng = _seeded_by_the_test


def pytest_runtest_setup(item):
    seed = zlib.crc32(item.nodeid.encode())
    shared = (v for v in vars(item.module).values() if isinstance(v, np.random.Generator))
    for generator in (_without_seed, *shared):
        generator.bit_generator.state = type(generator.bit_generator)(seed).state


# What the tests of a file define is unknown to those of the next.
@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    yield
    if nextitem is None or nextitem.path != item.path:
        tables.restore(item.session.tables)
