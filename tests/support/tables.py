"""The tables of operations, left as they were."""

import contextlib

from autograd.op import array_table, table

TABLES = table, array_table


def saved():
    return [dict(t) for t in TABLES]


def restore(before):
    for now, then in zip(TABLES, before, strict=True):
        if now != then:
            now.clear()
            now.update(then)


@contextlib.contextmanager
def restored():
    """What is defined inside is forgotten afterwards."""
    before = saved()
    try:
        yield
    finally:
        restore(before)
