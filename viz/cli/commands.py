"""The commands of `gradpath` and `python -m viz`: a formula and its values in, a graph, a derivation or a page out.

What was asked for goes to standard output or the file named; errors go to standard error, with exit
code 2 and nothing on standard output.
"""

from __future__ import annotations

import argparse
import difflib
import errno
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from autograd import Derivation, Value, derive
from autograd.formulas.names import text
from autograd.formulas.notation import Text, as_printable
from autograd.signatures import Json

from ..dot.drawing import Drawing
from ..explorer.model import encoded
from ..explorer.page import PAGE_MARK, explore
from ..files import as_sentence, write_whole
from ..graphs.as_data import graph_data
from ..graphs.draw_graph import MAX_NODES, draw_graph
from ..graphs.draw_paths import draw_paths
from ..networks import draw_network
from ..stepwise import steps
from ..style import LOOKS
from ..tables import weights_table
from .formula_text import Computation, compute, normal_name, typed
from .program_text import as_program
from .sheets import add_sheet_commands
from .values_file import values_in

__all__ = ["DESCRIPTION", "main", "values_of"]

_GRAPH_ENDINGS = (".svg", ".png", ".pdf", ".gv", ".dot")

DESCRIPTION = """\
Draw a formula's graph, derive its gradients path by path, or make a page to explore them.

  %(prog)s graph   "L = (sigmoid(w*x + b) - y)**2" w=0.4 x=1.5 b=0.1 y=1 -o graph.svg
  %(prog)s paths   "z = w*x + b; yhat = sigmoid(z); L = squared_error(yhat, y)" w=0.4 x=1.5 b=0.1 y=1 --wrt w
  %(prog)s explore "z = dot(w, x, b); L = (relu(z) - y)**2" w=0.4,-0.2 x=1,2 b=0.1 y=1 -o page.html
"""

_FORMULAS = """\
formulas:
  Statements name = expression, separated by ; or newlines. The last one is the target; if it has no
  name it is called L. Write + - * / **, parentheses, numbers, lists [a, b] and the functions of the
  table of operations: sigmoid, tanh, relu, exp, log, dot, softmax, squared_error, ...
  What is printed is read too: ½(ŷ − y)², w·x; and x^2.
  Every name that is not assigned needs a value, but for pi and e. Several numbers make a list: x=1,2 are
  x_1 and x_2. A value may be arithmetic: w=1/3, x=sqrt(2). The formula - is read from standard input,
  @FILE from a file. Names with a layer are written w[1]_1, as they are printed; w1 and w_1 are shown as w
  with the index 1, w_1_2 with the indices 1 and 2, yhat as y with a hat.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, or 2 if the input was refused.

    argv: what stands behind the name of the program, by default in sys.argv. Nothing shows examples.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    parser, commands = _parser()
    if argv and not argv[0].startswith("-") and argv[0] not in commands:
        parser.error(_unknown_command(argv[0], commands))
    options, rest = parser.parse_known_args(argv)
    for argument in rest:  # values may stand after options too
        if argument.startswith("-") or "=" not in argument:
            (getattr(options, "parser", None) or parser).error(_unknown(argument, options))
    try:
        if options.run is None:
            _print(f"gradpath {_version()}\n" if options.version else DESCRIPTION % {"prog": parser.prog})
            return 0
        if not hasattr(options, "formula"):
            options.run(options, rest)
            return 0
        given = values_of([*options.values, *rest])
        options.text, options.numbers = _formula(options.formula), {**values_in(options.values_file), **given}
        result = _computed(options.text, options.numbers, [*options.values, *rest])
        result.target.backward()
        options.run(result, options)
    except (ValueError, TypeError, RuntimeError, OSError) as refused:
        if _has_no_reader(refused):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        said = as_sentence(refused) if isinstance(refused, OSError) else refused
        print(f"{parser.prog.split()[-1]}: {said}", file=sys.stderr)
        return 2
    return 0


def _has_no_reader(error: Exception) -> bool:
    """True if the reader of standard output, such as `head`, has seen enough."""
    if isinstance(error, OSError) and error.errno == errno.EINVAL and error.filename is None:  # Windows' word for it
        return True
    return isinstance(error, BrokenPipeError)


def _unknown_command(word: str, commands: Iterable[str]) -> str:
    near = difflib.get_close_matches(word.lower(), commands, n=1)
    suggestion = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown command {word!r}; {suggestion}known: {', '.join(commands)}"


_DECIMAL_COMMA = re.compile(r"([^=,]*=\s*[-−+]?\d+),(\d+)")


def _computed(formula: str, numbers: Json, arguments: Sequence[str]) -> Computation:
    """The computation. Of w=0,4, a list, where only one number makes sense, it says how 0.4 is written."""
    try:
        return compute(formula, numbers)
    except ValueError as refused:
        pointed = {a: _DECIMAL_COMMA.sub(r"\1.\2", a) for a in arguments if _DECIMAL_COMMA.fullmatch(a)}
        for some in (pointed, *({a: b} for a, b in pointed.items())):
            if some and _computes(formula, {**numbers, **values_of(some.values())}):
                each = ", ".join(
                    f"{a} is a list of two numbers; a decimal has a point, as {b}" for a, b in some.items()
                )
                raise ValueError(f"{refused}\n{each}") from None
        raise


def _computes(formula: str, numbers: Json) -> bool:
    try:
        compute(formula, numbers)
    except ValueError:
        return False
    return True


def _unknown(argument: str, options: argparse.Namespace) -> str:
    """What to say of an argument that no command knows."""
    name = argument.split("=")[0]
    if not argument.startswith("-"):
        return f"unrecognized argument: {argument}; values are given as name=value"
    if not argument.startswith("--"):
        return f'unknown option {argument} (a formula that begins with - needs its name: "L = {argument}")'
    if "=" in argument and re.search(rf"\b{re.escape(name.lstrip('-'))}\b", getattr(options, "formula", None) or ""):
        return f"unknown option {name}; a value is given without dashes: {argument.lstrip('-')}"
    near = difflib.get_close_matches(name, getattr(options, "known", ()), n=1, cutoff=0.75)
    if near:
        return f"unknown option {name}; did you mean {near[0]}?"
    return f"unknown option {name}; --help lists those that there are"


def _formula(written: str) -> str:
    """The text of a formula: itself, from standard input for -, from a file for @FILE."""
    if written == "-":
        return sys.stdin.read()
    return Path(written[1:]).read_text(encoding="utf-8-sig") if written.startswith("@") else written


def _version() -> str:
    try:
        return metadata.version("gradpath")
    except metadata.PackageNotFoundError:  # a checkout that was not installed says it itself
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])


def _parser() -> tuple[argparse.ArgumentParser, Iterable[str]]:
    """The parser, and the names of the commands."""
    called = "gradpath" if Path(sys.argv[0]).stem == "gradpath" else "python -m viz"
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=called, description=DESCRIPTION, epilog=_FORMULAS, formatter_class=raw, allow_abbrev=False
    )
    parser.add_argument("--version", action="store_true", help="the version of gradpath")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="command")

    def command(
        name: str, run: Callable[[Computation, argparse.Namespace], None], summary: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=summary, description=summary, epilog=_FORMULAS, formatter_class=raw, allow_abbrev=False
        )
        sub.add_argument(
            "formula",
            help='such as "L = (w*x - y)**2", or - for standard input, or @FILE; one that begins with - needs its '
            'name: "L = -x"',
        )
        sub.add_argument("values", nargs="*", metavar="name=value", help="a number for each name, or several: x=1,2")
        sub.add_argument(
            "--values",
            dest="values_file",
            metavar="FILE",
            help="more of them, from a .json (an object of numbers and lists) or a .csv (names above numbers)",
        )
        sub.set_defaults(run=run, parser=sub, known=sub._option_string_actions)
        return sub

    graph = command("graph", _graph, "the computation as a graph, in DOT text on standard output or as a picture")
    graph.add_argument("-o", "--output", metavar="FILE", help="ends in .svg, .png, .pdf, .gv or .dot; is replaced")
    graph.add_argument("--format", help="svg, png, pdf or gv: for standard output (-o -), or a name without an ending")
    graph.add_argument(
        "--wrt", action="append", metavar="NAME", help="draw the paths from the target to this quantity in colours"
    )
    graph.add_argument("--top", type=int, metavar="N", help="with --wrt: only the N strongest paths")
    _choice(graph, "--level", "auto", ("auto", "op", "named", "neurons", "layers"), "op: every operation")
    _choice(graph, "--show", "both", ("both", "data", "grad", "names", "none"), "on the nodes")
    _choice(graph, "--direction", "LR", ("LR", "TB", "RL", "BT"), "of the computation")
    _choice(graph, "--cluster", None, ("layer", "neuron"), "boxes around each")
    _choice(graph, "--edges", "auto", ("auto", "number", "formula", "none"), "on the edges")
    graph.add_argument("--until", metavar="NAMES", help="nothing is drawn behind these, as in a or a,b")
    graph.add_argument("--around", metavar="NAME[:N]", help="what is at most N edges away from it, or its neighbours")
    graph.add_argument("--json", action="store_true", help="nodes and edges as data instead of a picture")
    _picture(graph)
    graph.add_argument("--max-nodes", type=int, default=MAX_NODES, metavar="N", help="a larger graph is refused")

    paths = command("paths", _paths, "every path from the target to a quantity, multiplied out and added up")
    paths.add_argument(
        "--wrt",
        action="append",
        metavar="NAMES",
        help="by which, as w or w,b; a list is all its members; by default every leaf",
    )
    paths.add_argument("--top", type=int, metavar="N", help="only the N strongest paths")
    _choice(paths, "--level", "named", ("named", "op"), "paths of named quantities, or of every operation")
    paths.add_argument("--latex", action="store_true", help="write LaTeX, to be put in math mode")
    paths.add_argument("--json", action="store_true", help="write numbers and chains of names as JSON")

    network = command("network", _network, "the net that the formula is, its units in layers with weights on the lines")
    network.add_argument(
        "-o", "--output", metavar="FILE", help="ends in .svg or .png; by default SVG to standard output"
    )
    _choice(network, "--color", "weight", ("weight", "grad"), "what lines tell")
    _choice(network, "--edges", "auto", ("auto", "number", "formula", "none"), "on the lines")
    _picture(network)

    table = command("table", _table, "every leaf with its gradient and the strongest path that it takes")
    table.add_argument("-o", "--output", metavar="FILE", help="ends in .txt, .md, .csv, .json or .html")
    _choice(table, "--level", "named", ("named", "op"), "paths of named quantities, or of every operation")
    _choice(table, "--format", "txt", ("txt", "md", "csv", "json", "html"), "on standard output")
    table.add_argument("--digits", type=int, default=4, metavar="N", help="significant digits of the numbers")

    steps = command("steps", _steps, "the forward and the backward pass, one step at a time")
    _choice(steps, "--level", "auto", ("auto", "named", "op", "neurons"), "op: every operation")
    steps.add_argument("--digits", type=int, default=4, metavar="N", help="significant digits of the numbers")

    program = command("program", _program, "the same in Python: a program to run, to change and to go on from")
    program.add_argument(
        "--wrt", action="append", metavar="NAMES", help="what it derives by, as w or w,b; by default every leaf"
    )

    page = command("explore", _explore, "one page to explore the gradient paths in a browser")
    page.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the page; is replaced. By default L.html, after the target, or standard output if that is a pipe",
    )
    page.add_argument("--wrt", metavar="NAME", help="the quantity whose paths the page shows first")
    _choice(page, "--level", "auto", ("auto", "named", "op", "neurons"), "what it shows first")
    _common(page)
    page.add_argument(
        "--open", action="store_true", help="open the page in the browser; without -o it is a temporary file"
    )
    add_sheet_commands(commands, _print, values_of)
    return parser, commands.choices


def _choice(sub: argparse.ArgumentParser, name: str, default: str | None, words: Sequence[str], what: str) -> None:
    """An option with these words; what is none of them is answered by the function that draws, with the nearest."""
    sub.add_argument(name, default=default, metavar=f"{{{','.join(words)}}}", help=what)


def _picture(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--highlight", metavar="NAMES", help="quantities to be marked, as w or w,z")
    sub.add_argument("--width", metavar="W", help="of the picture, as 3.4in or 8.6cm")
    _choice(sub, "--look", None, tuple(LOOKS), "colours and paper")
    _common(sub)


def _common(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--title", help="above the picture, or of the page")
    sub.add_argument("--digits", type=int, default=4, metavar="N", help="significant digits of the numbers")


# ---------------------------------------------------------------- commands


def _graph(result: Computation, options: argparse.Namespace) -> None:
    path = None if options.output in (None, "-") else Path(options.output)
    if path is not None and options.format is not None and not path.suffix:
        path = path.with_name(f"{path.name}.{options.format}")
    if path is not None and path.suffix.lower() not in _GRAPH_ENDINGS:
        raise ValueError(f"-o: expected a file that ends in {', '.join(_GRAPH_ENDINGS)}; got {options.output!r}")
    if options.json:
        data = json.dumps(graph_data(result.target, level=options.level), indent=1, ensure_ascii=False, default=encoded)
        return _print(data + "\n") if path is None else write_whole(path, data.encode())
    drawing = _drawn(result, options)
    if path is not None:
        drawing.save(path, format=options.format)
    elif options.format in (None, "gv", "dot"):
        _print(drawing.source)
    else:
        _write(drawing.pipe(options.format))


def _drawn(result: Computation, options: argparse.Namespace) -> Drawing:
    look: Json = {
        "look": options.look,
        "show": options.show,
        "direction": options.direction,
        "max_nodes": options.max_nodes,
        "digits": options.digits,
        "title": options.title,
        "edges": None if options.edges == "none" else options.edges,
        "width": options.width,
        "highlight": [v for name in _names(options.highlight) for v in _quantities(result, name, "--highlight")],
    }
    if options.wrt is None and options.top is not None:
        raise ValueError("--top: lists the strongest paths to a quantity; say to which with --wrt NAME")
    if options.wrt is None:
        part: Json = {}
        if options.until is not None:
            part["until"] = [v for name in _names(options.until) for v in _quantities(result, name, "--until")]
        if options.around is not None:
            name, _, steps = options.around.partition(":")
            if not (steps or "1").isdecimal():
                raise ValueError(f"--around: expected NAME or NAME:N, as in w:2; got {options.around!r}")
            part["around"] = (_quantities(result, name, "--around"), int(steps or 1))
        return draw_graph(result.target, level=options.level, cluster=options.cluster, **part, **look)
    if options.until is not None or options.around is not None:
        raise ValueError("--until, --around: parts of a graph are drawn without --wrt")
    if options.cluster is not None:
        raise ValueError("--cluster: boxes are drawn around a whole graph; leave out --wrt or --cluster")
    level: Any = _level_of_paths(result) if options.level == "auto" else options.level
    sources = [_quantity(result, name) for names in options.wrt for name in _names(names)]
    derivations = [derive(result.target, w, level=level, top=options.top) for w in sources]
    drawn = draw_paths(derivations, level=level, **look)
    assert isinstance(drawn, Drawing)  # at a level of nodes
    return drawn


def _level_of_paths(result: Computation) -> str:
    """Through what has a name, if anything between the leaves and the target has; else through every operation."""
    between = any(not v.is_leaf and v is not result.target for v in result.names.values())
    return "named" if between else "op"


def _paths(result: Computation, options: argparse.Namespace) -> None:
    asked = [name for names in options.wrt or () for name in _names(names)]
    sources = [w for name in asked for w in _quantities(result, name)] or list(result.leaves.values())
    if not sources:
        raise ValueError("the formula has no names to derive by; write one and give its value, as in w=0.4")
    derivations = [derive(result.target, w, level=options.level, top=options.top) for w in sources]
    if options.json:
        return _print(json.dumps([_data(d) for d in derivations], indent=1, ensure_ascii=False) + "\n")
    texts = [d.latex() if options.latex else _without_blank_lines(as_printable(d.text)) for d in derivations]
    target = f"{text(derivations[0].graph.labels[result.target])} = {Text(text, digits=4).number(result.target.data)}"
    return _print(f"{target}\n" * (not options.latex) + "\n\n".join(texts) + "\n")


def _data(derivation: Derivation) -> Json:
    """A derivation as numbers and names."""
    labels = derivation.graph.labels
    paths = [
        {
            "nodes": [labels[v] for v in path.nodes],
            "factors": [encoded(x) for x in path.factors],
            "product": encoded(path.value),
            "share": encoded(share),
        }
        for path, share in zip(derivation.paths, derivation.shares(), strict=True)
    ]
    return {
        "of": labels[derivation.target],
        "value": encoded(derivation.target.data),
        "by": labels[derivation.source],
        "gradient": encoded(derivation.value),
        "count": derivation.count,
        "paths": paths,
    }


def _network(result: Computation, options: argparse.Namespace) -> None:
    marked = [v for name in _names(options.highlight) for v in _quantities(result, name, "--highlight")]
    edges = None if options.edges == "none" else options.edges
    asked = {"title": options.title, "digits": options.digits, "width": options.width, "look": options.look}
    picture = draw_network(result.target, color=options.color, edges=edges, highlight=marked, **asked)
    if options.output in (None, "-"):
        _print(picture.svg)
    else:
        picture.save(options.output)


def _table(result: Computation, options: argparse.Namespace) -> None:
    table = weights_table(result.target, level=options.level, digits=options.digits)
    if options.output not in (None, "-"):
        table.save(options.output)
    else:
        _print(table.written(options.format))


def _program(result: Computation, options: argparse.Namespace) -> None:
    asked = [v for names in options.wrt or () for name in _names(names) for v in _quantities(result, name)]
    called = {node: name for name, node in result.names.items()}
    _print(as_program(options.text, options.numbers, [called[v] for v in asked]))


def _steps(result: Computation, options: argparse.Namespace) -> None:
    _print(steps(result.target, level=options.level, digits=options.digits).text() + "\n")


def _without_blank_lines(text: str) -> str:
    return "\n".join(filter(None, text.splitlines()))


def _explore(result: Computation, options: argparse.Namespace) -> None:
    wrt = None if options.wrt is None else _quantity(result, options.wrt)
    page = explore(result.target, wrt=wrt, level=options.level, title=options.title, digits=options.digits)
    is_terminal = sys.stdout.isatty()
    if options.output == "-":
        _print(page.html)
    elif options.output is not None:
        page.save(options.output)
    if options.open:
        path = page.show()
        print(path, file=sys.stdout if is_terminal else sys.stderr)  # for whoever has no browser here
    elif options.output is None:
        _print(f"{page.save(_page_file(result))}: open it in a browser, or add --open\n" if is_terminal else page.html)


def _page_file(result: Computation) -> Path:
    """The file for a page that nobody named: L.html for the target L. Only a page of ours is replaced.

    ValueError if there is another file of that name.
    """
    path = Path(typed(next(name for name, node in result.names.items() if node is result.target)) + ".html")
    if path.exists() and PAGE_MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise ValueError(f"there is a file {str(path)!r} that is no page of gradpath; name one, as in -o page.html")
    return path


# ---------------------------------------------------------------- input and output


def values_of(arguments: Iterable[str]) -> dict[str, float | tuple[float, ...]]:
    """`w=0.4 x=1,2` as numbers and tuples of numbers; ValueError for what is none, or is given twice."""
    values: dict[str, float | tuple[float, ...]] = {}
    for argument in arguments:
        name, sign, written = argument.partition("=")
        if not sign:
            raise ValueError(f"{argument!r}: expected name=value, as in w=0.4")
        name = normal_name(name.strip())
        if name in values:
            raise ValueError(typed(f"{argument!r}: {name!r} is given twice"))
        numbers = tuple(_number(argument, part) for part in _ARGUMENTS.split(written))
        values[name] = numbers if len(numbers) > 1 else numbers[0]
    return values


_ARGUMENTS = re.compile(r",(?![^()]*\))")  # commas outside of parentheses


def _number(argument: str, written: str) -> float:
    """A number, or what arithmetic on numbers gives: 1/3, sqrt(2), 2*pi."""
    try:
        return float(written)
    except ValueError:
        try:
            found = compute(written, {})
        except ValueError:
            found = None
        if found is None or len(found.names) != 1:
            raise ValueError(
                f"{argument!r}: expected a number such as 0.4 or 1/3, or several as in x=1,2; got {written!r}"
            ) from None
        return found.target.data


def _names(written: str | None) -> list[str]:
    """`w,b` as names; the comma of an index, as in w[1]_1,2, separates none."""
    return [] if written is None else re.split(r",(?!\d)", written)


def _quantities(result: Computation, name: str, option: str = "--wrt") -> list[Value]:
    """The quantity of this name, as it is typed or printed, or the members of the list."""
    printed = [v for v in result.names.values() if v.label and text(v.label) == name.strip()]
    if printed:
        return printed
    name = normal_name(name.strip())
    if name not in result.names and name not in result.lists:
        known = ", ".join((*result.names, *result.lists))
        raise ValueError(typed(f"{option}: {name!r} is no quantity of the formula; there are {known}"))
    return result.lists[name] if name in result.lists else [result.names[name]]


def _quantity(result: Computation, name: str) -> Value:
    found = _quantities(result, name)
    if len(found) != 1:
        raise ValueError(f"--wrt: {name!r} is a list of {len(found)}; name one of them, such as {name}_1")
    return found[0]


def _write(picture: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(picture)
    sys.stdout.buffer.flush()


def _print(text: str) -> None:
    """To standard output as UTF-8, in which DOT and HTML are written, if it cannot take the text itself."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    else:
        sys.stdout.write(text)
    sys.stdout.flush()
