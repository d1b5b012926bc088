"""What holds for all tests: none of them has luck."""

import zlib

import numpy as np
from hypothesis import settings

# The same examples in each run: a test fails because of what was changed, never by the luck of a draw.
# No deadline: how long an example takes says how busy the machine is.
settings.register_profile("the same for all", derandomize=True, deadline=None)
settings.load_profile("the same for all")

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
