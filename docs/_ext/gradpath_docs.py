"""What the site does with this project's things: formulas, results of lessons, docstrings, links.

Formulas become MathML while the site is built, so that no page needs a script or a font. A lesson's derivation, drawing
or page is shown where the lesson ends a block with it. Docstrings are read as they are written for `help`.
"""

from __future__ import annotations

import html
import importlib
import inspect
import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature
from sphinx_gallery.scrapers import figure_rst

import viz


def setup(app: Sphinx) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    app.add_directive("public", Public)
    app.connect("autodoc-process-docstring", as_rst)
    app.connect("source-read", inside_the_site)
    app.connect("autodoc-process-signature", as_called)
    app.connect("doctree-read", without_archives, priority=100)  # before Sphinx lists what can be downloaded
    app.connect("build-finished", slim)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def lay_out_extra() -> None:
    """The folder of what is copied as it is, with the scripts of "Try it in the browser"; see live/assemble.py."""
    for folder in (PAGES, EXTRA / "live"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in ("page.js", "worker.mjs"):
        shutil.copyfile(DOCS / "live" / name, EXTRA / "live" / name)


def without_archives(app: Sphinx, tree: nodes.document) -> None:
    """A lesson is to be had as a program and as a notebook; not once more as an archive of both."""
    for link in list(tree.findall(nodes.container)):
        if "sphx-glr-download-zip" in link["classes"]:
            link.parent.remove(link)


# What extensions bring for pages of other kinds.
UNUSED = "*.map", "broken_example.png", "*_badge_logo.svg"


def slim(app: Sphinx, failed: Exception | None) -> None:
    """No file that no page shows, no picture twice, plots with 256 colours."""
    out = Path(app.outdir)
    for pattern in UNUSED:
        for file in out.rglob(pattern):
            file.unlink()
    gallery = out / "course" / "index.html"
    for small in (out / "_images").glob("*_thumb.svg"):  # a drawing has no size: its thumbnail is the drawing itself
        whole = small.with_name(small.name.replace("_thumb", "_001"))
        gallery.write_text(gallery.read_text(encoding="utf-8").replace(small.name, whole.name), encoding="utf-8")
        small.unlink()
    for plot in (out / "_images").glob("*.png"):
        with Image.open(plot) as found:
            fewer = found.convert("RGB").quantize(256)
        fewer.save(plot, optimize=True)


def version_of(root: Path) -> str:
    """The version that pyproject.toml says."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


# ---------------------------------------------------------------- formulas

_MATHML = "http://www.w3.org/1998/Math/MathML"


def mathml(tex: str, *, displayed: bool = False) -> str:
    """LaTeX as MathML. ExtensionError, which ends the build, if it cannot be read."""
    try:
        written = tex2mathml(tex.replace(r"\dots", r"\ldots"), as_block=displayed)
    except MathError as refused:
        raise ExtensionError(f"a formula cannot be written as MathML ({refused}): {tex}") from refused
    return beside(written)


# Marks above a letter; an index goes beside such a letter and not below it.
_ACCENTS = frozenset("ˆ^˜~¯→˙")


def beside(written: str) -> str:
    """Letters with a hat keep their index beside them, where the reader of LaTeX puts it below."""
    ElementTree.register_namespace("", _MATHML)
    # signs that HTML has names for and XML has not, such as &nbsp;
    whole = ElementTree.fromstring(re.sub(r"&(?!lt;|gt;|amp;)\w+;", lambda found: html.unescape(found[0]), written))
    for stack in list(whole.iter(f"{{{_MATHML}}}munderover")):
        letter, index, accent = stack
        if (accent.text or "").strip() in _ACCENTS:
            hatted = ElementTree.Element(f"{{{_MATHML}}}mover", accent="true")
            hatted.extend((letter, accent))
            stack.tag = f"{{{_MATHML}}}msub"
            stack[:] = [hatted, index]
    for table in whole.iter(f"{{{_MATHML}}}mtable"):
        if table.get("class") == "ams-align":
            table.set("class", "aligned")
    for row in whole.iter(f"{{{_MATHML}}}mrow"):
        if len(row) == 3 and row[1].tag.endswith("mtable") and [row[0].text, row[2].text] == ["[", "]"]:
            row[1].set("class", "matrix")  # with lines at its sides: brackets grow only with a font for mathematics
            row[:] = [row[1]]
    return ElementTree.tostring(whole, encoding="unicode")


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def _displayed(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="formula">{mathml(node.astext(), displayed=True)}</div>\n')
    raise nodes.SkipNode


# ---------------------------------------------------------------- results of lessons

DOCS = Path(__file__).parents[1]
# What is copied into the site as it is: the pages of lessons, and "Try it in the browser".
EXTRA = DOCS / "_extra"
PAGES = EXTRA / "pages"


def results(block: Any, variables: dict[str, Any], gallery: dict[str, Any]) -> str:
    """The scraper of the gallery: what the last line of a block gave, as formula, picture or page."""
    scope = variables["example_globals"]
    result, scope["___"] = scope.get("___"), None  # or a block without a result would show it again
    if hasattr(result, "mathml"):
        return _raw(f'<div class="formula">{result.mathml()}</div>')
    if isinstance(result, viz.Exploration):
        return _page(result, variables)
    if hasattr(result, "_repr_mimebundle_") and (svg := _svg(result)):
        return figure_rst([_image(svg, variables)], gallery["src_dir"])
    return ""


def _svg(result: Any) -> str | None:
    bundle = result._repr_mimebundle_()
    found = (bundle[0] if isinstance(bundle, tuple) else bundle).get("image/svg+xml")
    return found.decode() if isinstance(found, bytes) else found


def _image(svg: str, variables: dict[str, Any]) -> str:
    image = Path(next(variables["image_path_iterator"])).with_suffix(".svg")
    image.write_text(svg, encoding="utf-8")
    return str(image)


def _page(page: viz.Exploration, variables: dict[str, Any]) -> str:
    """A page in a frame; its picture is the lesson's, for the gallery."""
    name = Path(_image(page.svg()._repr_svg_(), variables)).with_suffix(".html").name
    page.save(PAGES / name)
    where = f"../{PAGES.name}/{name}"
    return _raw(
        f'<div class="live-page"><iframe src="{where}" title="the page" loading="lazy"></iframe>'
        f'<p><a href="{where}">open it on a page of its own</a></p></div>'
    )


def _raw(html: str) -> str:
    return "\n\n.. raw:: html\n\n" + "\n".join(f"    {line}" for line in html.splitlines()) + "\n\n"


# ---------------------------------------------------------------- the reference

_CODE = re.compile(r"``[^`]+``|`[^`]+`")
_ROW = re.compile(r"^(\S(?:.*?\S)?)(?: {2,})(\S.*)$")
_MARKS = str.maketrans({"|": r"\|", "*": r"\*", "_": r"\_", "\\": r"\\"})


def as_rst(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Sphinx calls this with the lines of each docstring, which it takes for reST."""
    lines[:] = reread(lines)


def as_called(app: Sphinx, what: str, name: str, obj: Any, *_: Any) -> tuple[str, None] | None:
    """Sphinx calls this with each signature: a class is called as its __init__ says, where Sphinx reads __new__."""
    return (called(obj), None) if what == "class" and not issubclass(obj, BaseException) else None


def called(cls: type) -> str:
    """What a class is called with: `(units, activation=None)`."""
    takes_nothing = getattr(cls, "__init__", None) is object.__init__
    found = inspect.Signature() if takes_nothing else inspect.signature(cls)
    return stringify_signature(found, show_annotation=False, show_return_annotation=False)


def reread(lines: list[str]) -> list[str]:
    """A docstring of ours as reST: nothing outside backticks is a mark, rows `name   meaning` are a list."""
    out: list[str] = []
    paragraphs = "\n".join(lines).split("\n\n")
    literal = False
    for paragraph in paragraphs:
        block = paragraph.split("\n")
        indented = all(line.startswith(" ") or not line for line in block)
        if (literal and indented) or block[0].startswith(">>>"):
            out += [*block, ""]
            continue
        literal = paragraph.rstrip().endswith("::")
        out += [*_paragraph(block), ""]
    return out


def _paragraph(block: list[str]) -> list[str]:
    rows = [_ROW.match(line) for line in block]
    if rows[0] and any(len(found[0]) - len(found[0].lstrip()) == 0 for found in rows if found):
        return _field_list(block)
    out: list[str] = []
    for line in block:
        if line.startswith("Source:") and out:
            out.append("")
        out.append(_escaped(line.strip()))
    return [f"| {line.strip()}" for line in out] if all(line.startswith("  ") for line in block) else out


def _field_list(block: list[str]) -> list[str]:
    """Rows of names and meanings; what is indented further goes on with the row above."""
    out: list[str] = []
    for line in block:
        found = _ROW.match(line)
        if found and not line.startswith(" "):
            out += [f":{_escaped(found[1]).replace(':', chr(92) + ':')}: {_escaped(found[2])}"]
        elif line.strip():
            out += [f"    {_escaped(line.strip())}"]
    return out


def _escaped(text: str) -> str:
    """Text with its marks as they stand; what is in backticks is code."""
    out, end = "", 0
    for found in _CODE.finditer(text):
        out += text[end : found.start()].translate(_MARKS) + "``" + found[0].strip("`") + "``"
        end = found.end()
    return out + text[end:].translate(_MARKS)


class Public(SphinxDirective):
    """`.. public:: autograd autograd.ops.activations`: the public names of a package that are defined in
    this module, or in one below it.
    """

    required_arguments = 2
    final_argument_whitespace = False

    def run(self) -> list[nodes.Node]:
        package, where = self.arguments
        names = public_names(package, where)
        if not names:
            raise self.error(f"no public name of {package} is defined in {where}")
        lines = [f".. currentmodule:: {package}", ""]
        for name in names:
            found = getattr(importlib.import_module(package), name)
            kind = "class" if isinstance(found, type) else "function" if callable(found) else "data"
            lines += [f".. auto{kind}:: {package}.{name}", *(["   :members:"] if kind == "class" else []), ""]
        return self.parse_text_to_nodes("\n".join(lines))


def public_names(package: str, where: str) -> list[str]:
    """The public names of a package that are defined in the module `where` or below it, in the package's order."""
    found = importlib.import_module(package)
    homes = {name: getattr(getattr(found, name), "__module__", package) for name in found.__all__}
    return [name for name, home in homes.items() if home == where or home.startswith(where + ".")]


# ---------------------------------------------------------------- links

ROOT = DOCS.parent
# Pages of the site that stand at the top of the project, where its readers look for them.
ABOVE = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:)([^)#\s]+)(#[^)]*)?\)")


def inside_the_site(app: Sphinx, document: str, content: list[str]) -> None:
    """The pages from above, and links to files of the project: to their page here, or else the name of the file."""
    if document in ABOVE:
        content[0] = (ROOT / ABOVE[document]).read_text(encoding="utf-8")
    elif not (ROOT / "docs" / f"{document}.md").exists():
        return  # the course, whose sources are made from the lessons
    folder = ROOT if document in ABOVE else (ROOT / "docs" / document).parent
    pages = {ROOT / name: page for page, name in ABOVE.items()} | dict.fromkeys(
        (ROOT / "README.md", ROOT / "docs" / "README.md"), "index"
    )

    def here(link: re.Match[str]) -> str:
        text, target, place = link[1], Path(os.path.normpath(folder / link[2])), link[3] or ""
        if (target / "index.md").exists():
            target /= "index.md"
        if target in pages:
            return f"[{text}](/{pages[target]}.md{place})"
        if target.is_relative_to(ROOT / "docs"):
            return f"[{text}](/{target.relative_to(ROOT / 'docs')}{place})"
        name = str(target.relative_to(ROOT))
        if lesson := re.fullmatch(r"examples/(\d\d_\w+)\.py|examples", name):
            return f"{{doc}}`{text} </course/{lesson[1] or 'index'}>`"
        return f"`{name}`" if text.strip("`") in name else f"{text} (`{name}`)"

    content[0] = _LINK.sub(here, content[0])
