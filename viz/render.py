"""DOT text in, the bytes of a picture out: the one place that knows a renderer.

The system's `dot` draws when it is there. Otherwise graphviz-pure lays out, a program with dot's
flags that pip installs, and resvg turns its SVG into PNG. What a picture shows is decided elsewhere.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import math
import re
import shutil
import subprocess
import sys

from autograd.arguments import lookup
from autograd.operands import real

from .scenes.typeset import typeset

__all__ = ["FORMATS", "RENDERERS", "RendererMissing", "available_renderers", "render", "to_png"]

FORMATS = ("svg", "png", "pdf", "dot", "json", "plain", "xdot")
RENDERERS = ("auto", "dot", "pure")

_PURE = "graphviz-pure"
_INSTALL = "pip install graphviz-pure resvg_py fontpkg-arimo"
_FONT_PACKAGE, _FONT_FAMILY = "fontpkg_arimo", "Arimo"

# What matters for where DOT text ends: braces, and the strings, comments, lines of the C preprocessor and
# HTML-like labels whose braces do not count. Only brackets count in such a label.
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|/\*.*?(?:\*/|\Z)|//[^\n]*|^\#[^\n]*|[<{}]',
    re.DOTALL | re.MULTILINE,
)
_BRACKET = re.compile(r"[<>]")
_BLANK = re.compile(r"(?:\s|/\*.*?(?:\*/|\Z)|//[^\n]*|^\#[^\n]*)*+", re.DOTALL | re.MULTILINE)

_SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)pt" height="([\d.]+)pt"')
_DATE = re.compile(rb"(/(?:Creation|Mod)Date \(D:)\d{14}")  # of a PDF, which is to be the same at any time
_MOST_PIXELS = 1 << 28  # of a PNG, a gigabyte; where memory ends, resvg ends the process


class RendererMissing(RuntimeError):
    """The picture needs a program or package that is not installed; the message says which."""


def render(
    source: str,
    format: str = "svg",
    *,
    renderer: str = "auto",
    dpi: float = 96.0,
    timeout: float = 60.0,
    dot: str = "dot",
) -> bytes:
    """The picture that a DOT text describes, as the content of a file.

    source    one graph in the DOT language
    format    "svg", "png", "pdf"; or the layout as text: "dot", "json", "plain", "xdot"
    renderer  "dot" the system's Graphviz, "pure" the one that pip installs, "auto" the first there
    dpi       resolution of a PNG in pixels per inch (a point is 1/72 inch)
    timeout   seconds until a layout is given up
    dot       name or path of the system's program

    ValueError if Graphviz refuses the text, RendererMissing if something is not installed,
    RuntimeError if the graph is too much for the renderer. Never part of a picture.
    "pure" makes no PDF.
    """
    lookup("format", format, dict.fromkeys(FORMATS))
    lookup("renderer", renderer, dict.fromkeys(RENDERERS))
    dpi, timeout = real(dpi, "render: dpi"), real(timeout, "render: timeout")
    if not (0 < dpi < math.inf and 0 < timeout < math.inf):
        raise ValueError(f"render: dpi and timeout are positive, got {dpi=}, {timeout=}")
    data = _encode(source)
    _check_end(source)
    if sys.platform == "emscripten":
        raise RendererMissing(
            "Python in a browser starts no programs, so Graphviz cannot draw here: explore(L) and draw_network(L) "
            "draw themselves, drawing.mermaid() is text that others draw, drawing.source goes to Graphviz elsewhere"
        )
    program = shutil.which(dot)
    if renderer == "dot" or (renderer == "auto" and program):
        if program is None:
            raise RendererMissing(
                f"{dot!r} is not on PATH: install Graphviz (apt, brew or winget install graphviz), "
                f"or use renderer='pure' after {_INSTALL}"
            )
        made = _run(program, data, format, dpi, timeout)
        return _DATE.sub(rb"\g<1>19700101000000", made) if format == "pdf" else made
    if format == "pdf":
        raise RendererMissing(
            "a PDF needs Graphviz itself, whose 'dot' is to be on PATH: install it (apt, brew or "
            "winget install graphviz), or render 'svg' and print that to PDF"
        )
    program = _find_pure()
    if program is None:
        raise RendererMissing(
            f"no Graphviz here: {_PURE} is not installed. Run: {_INSTALL}; "
            "or install Graphviz itself (apt, brew or winget install graphviz), so that 'dot' is on PATH"
        )
    if format == "png":  # its own has a box for every character that its font lacks, such as ⊙
        return to_png(typeset(_run(program, data, "svg", dpi, timeout).decode()).encode(), dpi)
    return _run(program, data, format, dpi, timeout)


def available_renderers() -> tuple[str, ...]:
    """The renderers that "auto" can choose from here, best first: of "dot" and "pure"."""
    found = {"dot": shutil.which("dot"), "pure": _find_pure()}
    return tuple(name for name, program in found.items() if program)


def _find_pure() -> str | None:
    """The program of the package graphviz-pure, which need not be on PATH: where pip noted it."""
    try:
        files = importlib.metadata.files(_PURE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    noted = (str(file.locate()) for file in files if file.stem == _PURE)
    return next(filter(None, map(shutil.which, noted)), None) or shutil.which(_PURE)


def _encode(source: str) -> bytes:
    if not isinstance(source, str):
        raise TypeError(f"render needs DOT text, got {type(source).__name__}")
    if "\0" in source:
        raise ValueError(f"DOT text cannot hold a NUL character (at position {source.index(chr(0))})")
    try:
        return source.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"DOT text holds half a character (at position {error.start})") from None


def _refused(message: str) -> ValueError:
    return ValueError(f"Graphviz refused the DOT text: {message}")


def _check_end(source: str) -> None:
    """ValueError if something follows the graph, which a renderer may ignore or draw behind the picture."""
    depth = at = 0
    while token := _TOKEN.search(source, at):
        at = token.end()
        if token[0] == "<":
            inside = 1
            while inside and (bracket := _BRACKET.search(source, at)):
                at = bracket.end()
                inside += 1 if bracket[0] == "<" else -1
        elif token[0] in "{}":
            depth += 1 if token[0] == "{" else -1
            if depth <= 0:
                break
    else:
        return  # no complete graph: Graphviz says where it misses something
    blank = _BLANK.match(source, at)
    assert blank is not None
    if blank.end() < len(source):
        line = source.count("\n", 0, blank.end()) + 1
        raise _refused(f"in line {line} something follows the graph, {source[blank.end() :][:20]!r}; write one graph")


def _run(program: str, data: bytes, format: str, dpi: float, timeout: float) -> bytes:
    """What a program with dot's flags makes of the text."""
    command = [program, f"-T{format}"] + [f"-Gdpi={dpi:g}"] * (format == "png")
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=timeout,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"no layout within {timeout:g} s: draw fewer nodes (a coarser level), or raise timeout"
        ) from None
    except OSError as error:
        raise RuntimeError(f"{program} does not run: {error}") from error
    if not 0 <= done.returncode <= 100:  # a signal, a panic of Rust or an exception of Windows
        raise RuntimeError("the graph is too deep or too large for this renderer: draw fewer nodes (a coarser level)")
    if done.returncode or not done.stdout:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        told = [line for line in told if not line.startswith("Warning:")] or told
        raise _refused("\n".join(told) or "it holds no complete graph")
    return done.stdout


def to_png(svg: bytes, dpi: float, background: str | None = None) -> bytes:
    """An SVG text as a PNG. background: the colour of what it leaves free; None for nothing.

    RendererMissing if a package is not installed, RuntimeError if it is too large or no SVG.
    """
    # resvg leaves out text, without a word, where the named font is missing, even if another is
    # there. Arimo has the widths of Arial, with which Graphviz measured; as the "serif" family it
    # stands in for every font that is missing. Fonts of the system supply rarer characters.
    try:
        import resvg_py

        fonts = importlib.resources.files(_FONT_PACKAGE)
    except ImportError as error:
        raise RendererMissing(
            f"a PNG that 'dot' does not make needs resvg_py and fontpkg-arimo ({error}). Run: {_INSTALL}"
        ) from error
    try:
        text = svg.decode()
        if size := _SIZE.search(text):
            width, height = (float(points) * dpi / 72 for points in size.groups())
            if not width * height <= _MOST_PIXELS:
                raise RuntimeError(
                    f"no PNG of {width:,.0f} × {height:,.0f} pixels: lower dpi, draw fewer nodes, or render 'svg'"
                )
        with importlib.resources.as_file(fonts) as folder:
            return resvg_py.svg_to_bytes(
                svg_string=_for_resvg(text),
                dpi=dpi,
                font_dirs=[str(folder)],
                serif_family=_FONT_FAMILY,
                background=background,
            )
    except ValueError as error:
        raise RuntimeError(f"no PNG of this picture: {error}. Render 'svg'") from error


# What formulas of matrices need and the font does not have, made of what it has; offsets for its widths.
_GLYPHS = {
    **dict(zip("⟨⟩⋆∗⋅⋯⋮", "‹›**·…⁝", strict=True)),
    "∘": '<tspan font-size="75%">○</tspan>',
    "⊙": '○<tspan dx="-0.469em" stroke="none">·</tspan><tspan dx="0.136em">\u200b</tspan>',
    **{c: f'<tspan font-weight="bold">{digit}</tspan>' for c, digit in zip("𝟎𝟏", "01", strict=True)},
}
# How HTML-like labels shift a text, in a form that resvg knows.
_SHIFTS = {' baseline-shift="sub"': ' dy="0.25em"', ' baseline-shift="super"': ' dy="-0.35em"'}


# A text whose pieces move sideways, which resvg does not count where it looks for the middle or the end.
_MOVED = re.compile(
    r'(<text\b[^>]*? x=")([-\d.]+)("[^>]*? text-anchor="(middle|end)"[^>]*>)((?:(?!</text>).)*? dx="(?:(?!</text>).)*)'
)
_MOVED_BEFORE = re.compile(r'(<text\b[^>]*?) (text-anchor="(?:middle|end)")([^>]*?) (x="[-\d.]+")')
_DX = re.compile(r' dx="([-\d.]+)"')


def _counted(text: re.Match[str]) -> str:
    start, x, more, anchor, inside = text.groups()
    moved = sum(map(float, _DX.findall(inside))) * (0.5 if anchor == "middle" else 1.0)
    return f"{start}{float(x) - moved:.2f}{more}{inside}"


def _for_resvg(svg: str) -> str:
    """The SVG with characters replaced which another font would have to supply, for all of their line."""

    def spelled(text: re.Match[str]) -> str:
        return re.sub("|".join(_GLYPHS), lambda c: _GLYPHS[c[0]], text[0])

    svg = _MOVED.sub(_counted, _MOVED_BEFORE.sub(r"\1 \4 \2\3", svg))
    for shift, offset in _SHIFTS.items():  # no text holds one: its quotes are entities
        svg = svg.replace(shift, offset)
    return re.sub(r"<text\b[^>]*>.*?</text>", spelled, svg, flags=re.DOTALL)
