"""The page on parts of one's own: its programs run, and what they define does what the page says."""

import ast
import contextlib
import io
import re

import numpy as np
import pytest
from oracles import ROOT

from autograd import Tensor, Value

PAGE = (ROOT / "docs" / "adding-a-layer.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the programs of the page define, run one after another, and what they print."""
    scope, printed = {"__name__": "page"}, io.StringIO()
    with contextlib.chdir(tmp_path_factory.mktemp("page")), contextlib.redirect_stdout(printed):
        for language, code in BLOCKS:
            if language == "python":
                exec(code, scope)
    return scope | {"printed": printed.getvalue()}


def test_the_programs_print_what_stands_below_them(page):
    assert [code for language, code in BLOCKS if language in ("", "text")] == [page["printed"]]


def test_the_loss_is_the_mean_of_log_cosh(page):
    y, z = np.array([[0.3, -1.0], [2.0, 0.0]]), np.array([[0.0, 1.0], [-20.0, 0.5]])
    assert page["LogCosh"]()(y, z) == pytest.approx(np.log(np.cosh(z - y)).mean(), rel=1e-14)
    z = Tensor(z)
    page["LogCosh"]()(y, z).backward()
    assert z.grad == pytest.approx(np.tanh(z.data - y) / 4, rel=1e-14)


@pytest.mark.parametrize("kind", [Value, Tensor])
def test_the_optimizer_takes_the_steps_of_its_formula(page, kind):
    w = kind(1.0)
    optimizer = page["Lion"]([w], 0.1)
    expected, m = 1.0, 0.0
    for _ in range(3):
        optimizer.zero_grad()
        loss = w * w * 0.5 - w * 0.85
        loss.backward()
        g = float(w.grad)
        optimizer.step()
        expected, m = expected - 0.1 * np.sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g
        assert float(w.data) == pytest.approx(expected, rel=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("UpSampling1D", ["images.py: __all__"]),
        ("Huber", ["losses.py: __all__", "losses.py: huber", "losses.py: losses"]),
        ("Adagrad", ["__init__.py: __all__", "optimizers.py: __all__", "optimizers.py: optimizers"]),
        ("top_k_accuracy", ["metrics.py: __all__", "metrics.py: metrics"]),
    ],
)
def test_a_part_of_the_library_is_mentioned_in_as_many_places_as_the_page_says(name, places):
    found = set()
    for path in (ROOT / "nn").rglob("*.py"):
        if path.name == "foreign.py" or path.parent.name == "code":  # what there is elsewhere, and how it is called
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            text = ast.unparse(node)
            if not isinstance(node, ast.Import | ast.ImportFrom) and re.search(rf"\b{name}\b", text):
                what = getattr(node, "targets", [getattr(node, "target", None)])[0]
                if getattr(node, "name", None) != name:
                    found.add(f"{path.name}: {ast.unparse(what) if what else node.name}")
    assert sorted(found) == places
