"""What holds for all tests: none of them has luck."""

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


def pytest_configure(config):
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "all")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if {"chromium", "javascript"} & {*item.fixturenames}:  # what is run by a browser
            item.add_marker("slow")


def pytest_collection_finish(session):
    session.tables = tables.saved()
    # PyTorch's threads wait for each other by spinning: on a busy machine that takes longer than all of the tests.
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    # What is there by now stays, and the garbage collector need not look at it again and again.
    gc.collect()
    gc.freeze()


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
