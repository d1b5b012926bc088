"""The lessons of the course: they run, print what they promise, show a picture, and fit on a page."""

import ast
import importlib
import re

import pytest
from lessons import FOLDER, LESSONS, NUMBER, blocks, difference, number, rounds_to, run

GOLDEN = FOLDER.parent / "tests" / "golden" / "lessons"
# Those that take a second or more on a busy machine.
SLOW = {"06", "07", "12"}
each = pytest.mark.parametrize(
    "lesson", [pytest.param(p, id=p.stem, marks=[pytest.mark.slow] * (p.stem[:2] in SLOW)) for p in LESSONS]
)
each_text = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def printed(lesson):
    return "".join(shown.printed for shown in ran(lesson))


def ran(lesson):
    text = lesson.read_text(encoding="utf-8")
    if "load_digits" in text:
        pytest.importorskip("sklearn")
    if "plt." in text or "plot_" in text:
        pytest.importorskip("matplotlib").use("agg")
    return run(lesson)


def test_there_are_eighteen_lessons_numbered_in_their_order_each_with_its_text():
    assert [p.stem[:2] for p in LESSONS] == [f"{i:02}" for i in range(1, 19)]
    assert sorted(p.stem for p in GOLDEN.glob("*.txt")) == [p.stem[:2] for p in LESSONS]


@each
def test_a_lesson_prints_what_it_promises(lesson):
    expected = (GOLDEN / f"{lesson.stem[:2]}.txt").read_text(encoding="utf-8")
    assert difference(printed(lesson), expected) is None


@each
def test_a_block_prints_or_shows_and_a_lesson_has_a_picture(lesson):
    shown = ran(lesson)
    assert sum(block.pictures for block in shown) > 0
    # The gallery puts what is printed behind the picture, away from what it belongs to.
    assert [i for i, block in enumerate(shown) if block.printed and block.pictures] == []


@each
def test_every_number_in_the_prose_is_printed_or_stands_in_the_program(lesson):
    with_point_or_comma = r"(?<![\w\[])\d+(?:,\d{3})*\.\d+|(?<![\w\[])\d{1,3}(?:,\d{3})+"
    code = "\n".join(block.code for block in blocks(lesson))
    given = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    known = [abs(x) for x in given if isinstance(x, int | float)]
    known += [number(text) for text in re.findall(NUMBER, printed(lesson))]
    for block in blocks(lesson):
        own = re.sub(r'"[^"]*"', "", block.prose)  # what is quoted from a lecture is the lecture's
        for text in re.findall(with_point_or_comma, own):
            assert any(rounds_to(x, text.replace(",", "")) for x in known), text


@each_text
def test_a_lesson_fits_on_a_page(lesson):
    lines = lesson.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 80


@each_text
def test_a_lesson_opens_with_its_number_its_title_and_its_lecture(lesson):
    title, line, *text = blocks(lesson)[0].prose.splitlines()
    assert title.startswith(f"{int(lesson.stem[:2])}. ")
    assert line == "=" * len(title)
    names_no_lecture = lesson.stem[:2] in ("17", "18")
    assert names_no_lecture or re.search(r"[Ll]ectures? 00\d", " ".join(text))


@each_text
def test_a_lesson_imports_public_names_only(lesson):
    public = ("autograd", "autograd.op", "nn", "nn.data", "nn.datasets", "viz")
    for node in ast.walk(ast.parse(lesson.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.module in public
            assert {name.name for name in node.names} <= set(importlib.import_module(node.module).__all__)
        if isinstance(node, ast.Import):
            assert {name.name for name in node.names} <= {"numpy", "matplotlib.pyplot"}


def test_a_difference_is_found_in_words_numbers_and_bounds():
    assert difference("L = 0.29837 after 1,000\n", "L = 0.2984 after 1,000\n") is None
    assert difference("accuracy 0.969", "accuracy >0.95") is None
    assert difference("−0.1104 or -0.1104", "-0.1104 or −0.1104") is None
    assert "expected >0.97" in difference("accuracy 0.969", "accuracy >0.97")
    assert "expected <0.1" in difference("loss 0.2", "loss <0.1")
    assert "expected 0.2984" in difference("L = 0.2988", "L = 0.2984")
    assert "expected 'M = '" in difference("L = 1", "M = 1")
    assert "expected 1 behind" not in difference("a 1 b 2", "a 1 b 2 c 3")
    assert difference("a 1", "a 1 b 2") is not None
    assert difference("a 1 b 2", "a 1") is not None
