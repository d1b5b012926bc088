"""What holds for all tests."""

import sys

from hypothesis import settings

# The same examples in each run: a test fails because of what was changed, never by the luck of a draw.
# No deadline: how long an example takes says how busy the machine is.
settings.register_profile("all", derandomize=True, deadline=None, max_examples=150)
settings.register_profile("quick", settings.get_profile("all"), max_examples=25)


def pytest_configure(config):
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "all")


def pytest_collection_finish():
    # PyTorch's threads wait for each other by spinning: on a busy machine that takes longer than all of the tests.
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
