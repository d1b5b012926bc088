"""Text can be read on its ground, and numbers are written as in print."""

import math
import threading

import pytest
from contrast import contrast

from viz import style


@pytest.mark.parametrize(
    "text", [style.LIGHT.ink, style.LIGHT.grey, style.LIGHT.positive, style.LIGHT.negative, *style.LIGHT.paths]
)
def test_text_on_paper_can_be_read(text):
    assert contrast(text, "#ffffff") >= 4.5


def test_numbers_have_four_digits_and_a_real_minus_sign():
    shown = [style.number(x) for x in (0.1234567, -2.0, -1e-9, 12345.0, math.inf, -math.inf, math.nan, -0.0)]
    assert shown == ["0.1235", "−2", "−1e−09", "12345", "inf", "−inf", "nan", "0"]


@pytest.mark.parametrize("longest", [2, 3, 8, 40])
def test_a_long_text_is_cut_in_the_middle(longest):
    text = "beginning of a long name that ends in 17"
    assert style.cut(text[:longest], longest) == text[:longest]
    short = style.cut(text + text, longest)
    assert len(short) == longest
    before, after = short.split("…")
    assert text.startswith(before)
    assert text.endswith(after)


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
    assert tints[3] == tints[7] == style.LIGHT.paper
    assert len(set(tints)) == 5
    assert all(contrast(style.LIGHT.ink, ground) >= 4.5 for ground in tints)
    assert contrast(tints[1], style.LIGHT.paper) > contrast(tints[2], style.LIGHT.paper) > 1


@pytest.mark.parametrize("look", [style.LIGHT, style.DARK, style.COLOR_BLIND])
def test_the_colours_of_paths_are_no_signs_and_differ(look):
    assert len({*look.paths, look.positive, look.negative, look.grey}) == len(look.paths) + 3


def test_in_print_colours_are_greys():
    for color in (getattr(style.PRINT, part) for part in style.PRINT.__slots__ if part != "font"):
        for each in (color,) if isinstance(color, str) else color:
            assert each[1:3] == each[3:5] == each[5:7]


def test_a_look_holds_in_its_block_and_in_its_task_alone():
    with style.look("dark") as dark:
        assert style.current() is dark is style.DARK
        with style.look(style.PRINT):
            assert style.current() is style.PRINT
        assert style.current() is style.DARK
        seen = []
        thread = threading.Thread(target=lambda: seen.append(style.current()))
        thread.start()
        thread.join()
        assert seen == [style.LIGHT]
    assert style.current() is style.LIGHT


def test_a_look_of_ones_own_differs_in_what_was_asked():
    mine = style.PRINT.but(font="Times New Roman", paper="#fffff0")
    assert (mine.font, mine.paper, mine.ink) == ("Times New Roman", "#fffff0", style.PRINT.ink)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: style.LIGHT.but(inc="#000000"), ValueError, "did you mean 'ink'"),
        (lambda: style.LIGHT.but(ink="black"), ValueError, "expected ink as in '#0f172a', six digits; got 'black'"),
        (lambda: style.LIGHT.but(paths="#000000"), ValueError, "expected paths"),
        (lambda: style.LIGHT.but(font=3), TypeError, "expected the font to be the name of a family, got int"),
        (lambda: style.as_look("draw_graph: look", "drak"), ValueError, "did you mean 'dark'"),
        (lambda: style.as_look("draw_graph: look", 3), TypeError, "draw_graph: look: expected a Look such as viz.DARK"),
    ],
)
def test_what_is_no_look_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
