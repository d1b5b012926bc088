"""Where marks, lines and numbers stand: nothing overlaps, also when the picture is stretched."""

import itertools
import math

import numpy as np
import pytest

from viz.scenes.placing import SMALLEST, Line, placed


def layered(*sizes):
    """The operands of marks in full layers."""
    operands, before, first = [], [], 0
    for size in sizes:
        operands += [list(before) for _ in range(size)]
        before = list(range(first, first + size))
        first += size
    return operands


def lines_of(operands, label=3.5):
    return [Line(u, v, label) for v, us in enumerate(operands) for u in us]


def place(operands, *, size=(1000.0, 700.0), **options):
    return placed(operands, lines_of(operands), size=size, **options)


def random_operands(rng, marks):
    """A graph in which every mark but the last leads on."""
    operands = [[]]
    for v in range(1, marks):
        operands.append(sorted(rng.choice(v, size=min(v, int(rng.integers(0, 3))), replace=False).tolist()))
    used = {u for us in operands for u in us}
    operands[-1] = sorted({*operands[-1], *(set(range(marks - 1)) - used)})
    return operands


GRAPHS = [
    layered(2, 2, 1),
    layered(3, 4, 3, 1),
    layered(16, 16, 10, 1),
    layered(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    [[]],
    [[], [0], [0, 1], [0, 1, 2], [0, 3]],
    *[random_operands(np.random.default_rng(seed), 12) for seed in range(6)],
]


@pytest.mark.parametrize("operands", GRAPHS)
@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("size", [(1000.0, 700.0), (700.0, 1000.0), (3840.0, 2160.0)])
def test_marks_are_apart_within_the_picture_and_not_small(operands, even, size):
    found = place(operands, even=even, size=size)
    (width, height), r = found.size, found.radius
    assert r >= SMALLEST - 1e-9
    assert width >= size[0]
    assert height >= size[1]
    for x, y in found.centres:
        assert r <= x <= width - r
        assert r <= y <= height - r
    for (x, y), (u, v) in itertools.combinations(found.centres, 2):
        assert max(abs(x - u), abs(y - v)) > 2 * r


@pytest.mark.parametrize("operands", GRAPHS)
def test_results_stand_right_of_what_they_are_computed_from(operands):
    x = [x for x, _ in place(operands).centres]
    assert all(x[u] < x[v] for v, us in enumerate(operands) for u in us)


@pytest.mark.parametrize("operands", GRAPHS)
def test_a_line_goes_from_centre_to_centre(operands):
    found = place(operands)
    for line, way in zip(lines_of(operands), found.ways, strict=True):
        assert way[0] == found.centres[line.start]
        assert way[-1] == found.centres[line.end]
        assert len(way) == 2 or len(way) % 3 == 1
        assert all(b[0] >= a[0] for a, b in itertools.pairwise(way))


@pytest.mark.parametrize("operands", GRAPHS)
@pytest.mark.parametrize("stretched", [(1.0, 1.0), (2.0, 1.0), (0.7, 1.4), (0.5, 0.5)])
def test_numbers_overlap_neither_each_other_nor_marks_at_any_stretch(operands, stretched):
    found = place(operands)
    kx, ky = stretched
    k = min(stretched)
    font = 0.34 * found.radius * k
    numbers = [(kx * p[0], ky * p[1]) for p in found.labels if p is not None]
    for (x, y), (u, v) in itertools.combinations(numbers, 2):
        assert abs(x - u) >= 3.5 * font or abs(y - v) >= 1.1 * font
    for (x, y), (u, v) in itertools.product(numbers, found.centres):
        assert abs(x - kx * u) >= 1.75 * font + k * found.radius or abs(y - ky * v) >= 0.55 * font + k * found.radius


@pytest.mark.parametrize("sizes", [(2, 2, 1), (3, 4, 3, 1), (2, 4, 1), (4, 5, 2), (1, 3, 3, 1)])
def test_in_a_small_net_every_line_has_its_number(sizes):
    assert None not in place(layered(*sizes), even=True).labels


def test_units_of_a_net_share_the_height_of_their_column_evenly():
    found = place(layered(3, 4, 1), even=True)
    y = [y for _, y in found.centres]
    assert np.diff(y[:3]) == pytest.approx([found.size[1] / 3] * 2, rel=0.05)
    assert np.diff(y[3:7]) == pytest.approx([found.size[1] / 4] * 3, rel=0.05)
    assert y[7] == pytest.approx(found.size[1] / 2)


def test_the_same_graph_stands_where_it_stood():
    assert place(layered(3, 4, 3, 1)) == place(layered(3, 4, 3, 1))


def test_a_larger_stage_is_filled():
    small, large = (place(layered(3, 4, 3, 1), even=True, size=(k * 1000.0, k * 700.0)) for k in (1, 3))
    assert large.radius == pytest.approx(3 * small.radius, rel=0.05)
    assert math.isclose(max(x for x, _ in large.centres), large.size[0], rel_tol=0.1)
