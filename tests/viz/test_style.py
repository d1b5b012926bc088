"""Text can be read on its ground, and numbers are written as in print."""

import math

import pytest
from contrast import contrast

from viz import style


@pytest.mark.parametrize("text", [style.INK, style.GREY, style.POSITIVE, style.NEGATIVE, *style.PATHS])
def test_text_on_paper_can_be_read(text):
    assert contrast(text, "#ffffff") >= 4.5


@pytest.mark.parametrize("ground", [style.LEAF, style.RESULT, style.TARGET])
def test_text_on_nodes_can_be_read(ground):
    assert contrast(style.INK, ground) >= 4.5


def test_numbers_have_four_digits_and_a_real_minus_sign():
    shown = [style.number(x) for x in (0.1234567, -2.0, -1e-9, 12345.0, math.inf, -math.inf, math.nan, -0.0)]
    assert shown == ["0.1235", "−2", "−1e−09", "12345", "inf", "−inf", "nan", "0"]


def test_signs_differ_in_colour_and_in_line():
    colors, lines = zip(*map(style.sign_style, (1.0, -1.0, 0.0)), strict=True)
    assert len(set(colors)) == len(set(lines)) == 3
    assert style.sign_style(math.nan) == style.sign_style(0.0)
    assert style.sign_style(math.inf) == style.sign_style(1.0)


def test_widths_stay_within_what_a_page_bears():
    assert style.width(0.0) == 0.7
    assert style.width(1.0) == style.width(-1.0) == 1.85
    assert style.width(1e300) == style.width(math.inf) == style.width(math.nan) == 3.0


def test_a_tint_tells_sign_and_size_and_leaves_text_readable():
    shares = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, math.nan)
    tints = [style.tint(share) for share in shares]
    assert tints[0] == tints[1]
    assert tints[5] == tints[6]
    assert tints[3] == tints[7] == style.PAPER
    assert len(set(tints)) == 5
    assert all(contrast(style.INK, ground) >= 4.5 for ground in tints)
    assert contrast(tints[1], style.PAPER) > contrast(tints[2], style.PAPER) > 1


def test_the_colours_of_paths_are_no_signs_and_differ():
    assert len({*style.PATHS, style.POSITIVE, style.NEGATIVE, style.INK, style.GREY}) == len(style.PATHS) + 4
