"""Names for the nodes of a derivation, each of its own."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..formulas import names

__all__ = ["unique_labels"]


def unique_labels(nodes: Sequence[Any], target: Any) -> dict[Any, str]:
    """A name for each node, no two written alike.

    Its own label if nothing else is written so; else that with a sample number, a[1](1)_2, or, if it says
    its sample already, with a prime. L for an unnamed target, v_1, v_2, ... for other unnamed nodes.
    """
    given = {u.label for u in nodes if u.label is not None}
    write = names.Names(given).text
    written = {label: write(label) for label in given}
    users = Counter(written[u.label] for u in nodes if u.label is not None)
    taken = set(users)

    def free(candidates: Iterable[str]) -> str:
        label = next(c for c in candidates if names.text(c) not in taken)
        taken.add(names.text(label))
        return label

    fresh = (f"v_{i}" for i in itertools.count(1))
    others: dict[str, Iterator[str]] = {}  # further labels for what is written like this
    labels: dict[Any, str] = {}
    for u in nodes:
        label = u.label
        if label is None:
            label = free(itertools.chain(["L"] if u is target else [], fresh))
        elif users[written[label]] > 1:
            is_first = written[label] not in others
            further = others.setdefault(written[label], _further_labels(label))
            if not (is_first and names.has_sample(label)):
                label = free(further)
        labels[u] = label
    return labels


def _further_labels(label: str) -> Iterator[str]:
    """The label for sample 1, 2, ...; if it says its sample, with one prime, two, ..."""
    for i in itertools.count(1):
        label = names.with_prime(label) if names.has_sample(label) else label
        yield label if names.has_sample(label) else names.with_sample(label, i)
