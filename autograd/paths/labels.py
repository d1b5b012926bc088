"""Names for the nodes of a derivation, each of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..formulas import names


def unique_labels(nodes: Sequence[Any], target: Any) -> dict[Any, str]:
    """A name for each node, no two alike: its own label, that label with a sample number, or v_1, v_2, ..."""
    users = Counter(u.label for u in nodes)
    fresh = (label for i in range(1, len(nodes) + len(users) + 1) if (label := f"v_{i}") not in users)
    samples: Counter[str] = Counter()
    labels: dict[Any, str] = {}
    for u in nodes:
        label = u.label
        if label is None:
            label = "L" if u is target and "L" not in users else next(fresh)
        elif users[label] > 1:
            plain = label
            while label in users:
                samples[plain] += 1
                label = names.with_sample(plain, samples[plain])
        labels[u] = label
    return labels
