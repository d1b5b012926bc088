"""What holds for all tests."""

from hypothesis import settings

# The same examples in each run: a test fails because of what was changed, never by the luck of a draw.
# No deadline: how long an example takes says how busy the machine is.
settings.register_profile("the same for all", derandomize=True, deadline=None)
settings.load_profile("the same for all")
