"""The site: every public name stands in the reference, it builds without a warning, its links lead somewhere, nothing
is loaded from elsewhere; and Python answers formulas in the reader's browser.
"""

import functools
import html.parser
import http.server
import importlib
import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import types
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from oracles import ROOT

import autograd
import nn
import viz

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"


@pytest.fixture(scope="module")
def extension():
    """The site's extension of Sphinx."""
    pytest.importorskip("sphinx_gallery", reason="the site's builder is missing: pip install .[course] --group docs")
    found = importlib.util.spec_from_file_location("gradpath_docs", DOCS / "_ext" / "gradpath_docs.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


# ---------------------------------------------------------------- the reference


@pytest.mark.parametrize("package", [autograd, nn, viz], ids=lambda p: p.__name__)
def test_every_public_name_stands_in_the_reference_once(extension, package):
    text = (REFERENCE / f"{package.__name__}.rst").read_text(encoding="utf-8")
    listed = re.findall(r"^\.\. public:: (\S+) (\S+)$", text, re.MULTILINE)
    names = [(of, name) for of, where in listed for name in extension.public_names(of, where)]
    assert len(set(names)) == len(names)
    told = [getattr(importlib.import_module(of), name) for of, name in names]
    missing = [name for name in package.__all__ if not any(getattr(package, name) is thing for thing in told)]
    assert all(isinstance(getattr(package, name), types.ModuleType) for name in missing), missing


def test_a_docstring_is_read_as_it_is_written(extension):
    written = [
        "The size |x| of x * y, as in `a_b` and val_.",
        "",
        "name    what it is called",
        "        in pictures",
        "others  see *args",
        "",
        "Example::",
        "",
        "    y = a_ * |b|",
        "",
        ">>> f(x_)",
        "1",
        "",
        "x: any real. Returns |x|.",
        "Source: Nielsen, chapter 2.",
    ]
    assert extension.reread(written) == [
        r"The size \|x\| of x \* y, as in ``a_b`` and val\_.",
        "",
        ":name: what it is called",
        "    in pictures",
        r":others: see \*args",
        "",
        "Example::",
        "",
        "    y = a_ * |b|",
        "",
        ">>> f(x_)",
        "1",
        "",
        r"x: any real. Returns \|x\|.",
        "",
        "Source: Nielsen, chapter 2.",
        "",
    ]


def test_a_class_is_shown_with_what_it_is_called_with(extension):
    assert extension.called(nn.Flatten).startswith("(")
    assert extension.called(nn.Dense).startswith("(units, activation=None, use_bias=True, ")
    classes = [found for name in nn.__all__ if isinstance(found := getattr(nn, name), type)]
    assert [cls for cls in classes if extension.called(cls) == "(*args, **options)"] == []


def test_formulas_become_mathml_with_indices_beside_letters_that_have_a_hat(extension):
    found = ET.fromstring(extension.mathml(r"\hat{y}_{1} = \sigma(z)"))
    first = found[0]
    assert [part.tag.rpartition("}")[2] for part in (first, first[0])] == ["msub", "mover"]
    assert "".join(found.itertext()).replace("\n", "").replace(" ", "") == "yˆ1=σ(z)"
    aligned = extension.mathml(r"\begin{aligned} a &= b \\ &= c \end{aligned}", displayed=True)
    assert 'class="aligned"' in aligned
    with pytest.raises(extension.ExtensionError, match="cannot be written as MathML"):
        extension.mathml(r"\nosuchcommand{x}")


# ---------------------------------------------------------------- the pages


class Page(html.parser.HTMLParser):
    """What a page links to, what it loads and which places it has."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.places = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(found["href"])
        if found.get("src"):
            self.loaded.append(found["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx_gallery", reason="the site's builder is missing: pip install .[course] --group docs")
    pytest.importorskip("myst_nb", reason="the site's builder is missing: pip install .[course] --group docs")
    copy = tmp_path_factory.mktemp("project")  # the build writes beside its sources
    for name in ("docs", "examples"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("_extra", "course", "jupyter_execute"))
    for name in ("autograd", "nn", "viz", "pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        (copy / name).symlink_to(ROOT / name)
    out = copy / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", str(copy / "trees"), str(copy / "docs"), str(out)]
    built = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    return out


@pytest.mark.slow
def test_the_site_is_small_loads_nothing_from_elsewhere_and_its_links_lead_somewhere(site):
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 15
    wrong = []
    for path, page in pages.items():
        for source in map(urlsplit, page.loaded):
            if source.netloc or not (source.path == "" or (path.parent / unquote(source.path)).exists()):
                wrong.append(f"{path.relative_to(site)} loads {source.geturl()}")
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                wrong.append(f"{path.relative_to(site)}: no file {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                wrong.append(f"{path.relative_to(site)}: no place {link}")
    assert wrong == []
    python = site / "live"
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file() and python not in path.parents)
    assert size < 5_000_000


# ---------------------------------------------------------------- in the reader's browser


def assembler():
    found = importlib.util.spec_from_file_location("assemble", DOCS / "live" / "assemble.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=["names of NumPy", "NumPy"])
def python_for_browsers(request, tmp_path_factory):
    """The folder `live` of the site: with the Pyodide that npm has, and with a release, unpacked, that has NumPy."""
    if request.param == "NumPy":
        release = os.environ.get("GRADPATH_PYODIDE")
        if not release:
            pytest.skip("GRADPATH_PYODIDE names no folder with a release of Pyodide")
        live = tmp_path_factory.mktemp("release") / "live"
        assembler().assemble(Path(release), live)
        assert any(
            name.startswith("numpy-") for name in json.loads((live / "packages.json").read_text(encoding="utf-8"))
        )
        return live
    if shutil.which("npm") is None:
        pytest.skip("npm is missing, from which Python for browsers comes")
    module = assembler()
    folder = tmp_path_factory.mktemp("pyodide")
    try:
        package = module.fetched(folder)
    except (OSError, subprocess.SubprocessError) as refused:
        pytest.skip(f"Python for browsers is not to be had here: {refused}")
    module.assemble(package, folder / "live")
    return folder / "live"


def test_another_file_in_the_place_of_numpys_is_refused(tmp_path):
    entry = {"file_name": "numpy-1.whl", "sha256": "0" * 64}
    assert assembler().numpy_of(tmp_path, entry) is None
    (tmp_path / "numpy-1.whl").write_bytes(b"PK")
    with pytest.raises(ValueError, match="is not the file that"):
        assembler().numpy_of(tmp_path, entry)


NEURON = "z = w*x + b; yhat = sigmoid(z); L = squared_error(yhat, y)"
NUMBERS = "w=0.4 x=1.5 b=0.1 y=1"


def answers(request):
    """What the library answers in this Python."""
    found = importlib.util.spec_from_file_location("answer", DOCS / "live" / "answer.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return json.loads(module.answer(json.dumps(request)))


def test_a_formula_is_answered_with_everything_that_the_page_shows():
    found = answers({"formula": NEURON, "values": NUMBERS, "wrt": "b"})
    yhat = 1 / (1 + math.exp(-0.7))
    assert found["value"] == pytest.approx((yhat - 1) ** 2 / 2)
    assert found["leaves"] == ["w", "x", "b", "y"]
    assert found["wrt"] == "b"
    slope = (yhat - 1) * yhat * (1 - yhat)
    assert f"∂L/∂b = {slope:.4g}".replace("-", "−") in found["text"]
    assert ET.fromstring(found["formulas"]).tag.endswith("math")
    assert found["latex"].startswith(r"\begin{aligned}")
    assert found["program"].endswith("print(derive(L, b))\n")
    assert found["page"].startswith("<!DOCTYPE html>") or found["page"].startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("formula", "values", "says"),
    [
        ("L = w*", "w=1", "cannot read the formula"),
        ("L = w*x", "w=1", "no value for 'x'"),
        ("L = w", "w", "expected name=value"),
        ("2*3", "", "no names to derive by"),
        ("L = 1/w", "w=a", "expected a number"),
    ],
)
def test_a_formula_that_is_none_is_answered_with_what_to_do(formula, values, says):
    assert says in answers({"formula": formula, "values": values, "wrt": ""})["error"]


def test_python_in_a_browser_answers_as_python_here(site, python_for_browsers, chromium):
    shutil.rmtree(site / "live")
    shutil.copytree(python_for_browsers, site / "live")
    handler = functools.partial(QuietFiles, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    context = chromium.new_context()
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
    page.on("request", lambda r: r.url.startswith((home, "about:", "data:", "blob:")) or wrong.append(r.url))
    try:
        page.goto(f"{home}/live.html")
        page.click("#live-form button[type=submit]")
        page.wait_for_selector("#live-results:not([hidden])", timeout=120_000)
        here = answers({"formula": NEURON, "values": NUMBERS, "wrt": "w"})
        assert page.inner_text("#live-text").strip() == here["text"].strip()
        assert page.text_content("#live-program") == here["program"]
        if any(python_for_browsers.glob("numpy-*")):  # the page can be changed: ½(ŷ − 1)² with w = 0.75
            inside = page.frame_locator("#live-page")
            inside.locator(".control .entry").fill("0.75")
            inside.locator(".control .entry").press("Enter")
            yhat = 1 / (1 + math.exp(-0.75 * 1.5 - 0.1))
            inside.get_by_text(f"{(yhat - 1) ** 2 / 2:.4g}").first.wait_for()
        with context.expect_page() as alone:
            page.click("#live-alone")
        alone.value.wait_for_selector("#picture .cell")
        alone.value.close()
        page.select_option("#live-wrt", "b")
        page.wait_for_function("document.getElementById('live-program').textContent.includes('derive(L, b)')")
        assert "w=b" in page.url
        page.fill("#live-formula", "L = w*")
        page.press("#live-values", "Enter")
        page.wait_for_function("document.getElementById('live-status').textContent.includes('cannot read')")
        # a link carries the formula, its numbers and the quantity
        page.goto(f"{home}/live.html#f=L%20%3D%20x*x%20%2B%202*x&v=x%3D3&w=x")
        page.reload()
        page.wait_for_selector("#live-results:not([hidden])", timeout=120_000)
        assert "∂L/∂x = 8" in page.inner_text("#live-text")
        assert page.frame_locator("#live-page").locator("#picture .cell").count() > 1
        assert wrong == []
    finally:
        context.close()
        server.shutdown()
        server.server_close()


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass
