"""The tables of operations, left as they were."""

import contextlib

from autograd.op import array_table, table


@contextlib.contextmanager
def restored():
    """What is defined inside is forgotten afterwards."""
    before = dict(table), dict(array_table)
    try:
        yield
    finally:
        for now, then in zip((table, array_table), before, strict=True):
            now.clear()
            now.update(then)
