"""Names for the nodes of a derivation, each of its own."""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from ..formulas import names

__all__ = ["node_called", "unique_labels"]


class Labelled(Protocol):
    """A node of either kind: a name, or none."""

    @property
    def label(self) -> str | None: ...


N = TypeVar("N", bound=Labelled)


def unique_labels(nodes: Sequence[N], target: N, *, are_arrays: bool = False) -> dict[N, str]:
    """A name for each node, no two written alike.

    Its own label if nothing else is written so; else that with a sample number, a[1](1)_2, or, if it says
    its sample already or is an array of samples, with a prime. L for an unnamed target, v_1, v_2, ... for other
    unnamed nodes.
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
    labels: dict[N, str] = {}
    for u in nodes:
        label = u.label
        if label is None:
            label = free(itertools.chain(["L"] if u is target else [], fresh))
        elif users[written[label]] > 1:
            is_first = written[label] not in others
            further = others.setdefault(written[label], _further_labels(label, are_arrays))
            if not (is_first and (are_arrays or names.has_sample(label))):
                label = free(further)
        labels[u] = label
    return labels


def _further_labels(label: str, are_arrays: bool) -> Iterator[str]:
    """The label for sample 1, 2, ...; if it says its sample or is that of an array, with one prime, two, ..."""
    for i in itertools.count(1):
        if are_arrays or names.has_sample(label):
            label = names.with_prime(label)
            yield label
        else:
            yield names.with_sample(label, i)


def node_called(where: str, name: str, nodes: Iterable[N]) -> N:
    """The node of this name, however it is written: w[1]_1,2 is w_{12}^{[1]}. ValueError for none and several."""
    wanted = names.text(name)
    known = [(u, u.label) for u in nodes if u.label is not None]
    found = [u for u, label in known if label == name or names.text(label) == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{where}: {len(found)} nodes are called {name!r}; give the node itself")
    labels = list(dict.fromkeys(label for _, label in known))
    near = difflib.get_close_matches(name, labels, n=1)
    listed = ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")
    raise ValueError(
        f"{where}: no node is called {name!r}; "
        + (f"did you mean {near[0]!r}? " if near else "")
        + f"named: {listed or 'none'}"
    )
