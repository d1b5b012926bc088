"""The commands `exercise`, which makes sheets, and `check`, which marks what was filled in."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograd import check_work
from autograd.signatures import Json
from nn.exercises import Exercise, exercise, worksheets

from ..files import as_sentence, check_folder, write_whole
from .formula_text import compute

__all__ = ["add_sheet_commands"]

FORMS = {"text": ".txt", "markdown": ".md", "latex": ".tex", "html": ".html", "blank": ".txt"}


def add_sheet_commands(commands: object, show: Callable[[str], None], values_of: Callable[[list[str]], object]) -> None:
    """Put both behind the other commands. show: what prints. values_of: what reads name=value."""
    made = _command(commands, "exercise", "a sheet of exercises in backpropagation, with pleasant numbers")
    made.set_defaults(run=lambda options, rest: _exercise(options, rest, show))
    _what_to_make(made)
    made.add_argument("--key", action="store_true", help="the answers instead of the sheet")
    for form, ending in FORMS.items():
        what = "a text file to be filled in, for check" if form == "blank" else f"write it as {ending[1:]}"
        made.add_argument(f"--{form}", dest="output_form", action="store_const", const=form, help=what)
    made.add_argument("--count", type=int, metavar="N", help="so many different sheets, for a class; needs -o FOLDER")
    made.add_argument("-o", "--output", metavar="FILE", help="ends in .txt, .md, .tex or .html; of several a folder")

    marked = _command(commands, "check", "mark sheets that were filled in, and name the mistakes")
    marked.set_defaults(run=lambda options, rest: _check(options, rest, show, values_of))
    marked.add_argument("files", nargs="*", metavar="sheet.txt", help="made by exercise --blank; of several the points")
    marked.add_argument(
        "--of", metavar="FORMULA", help="the formula that the gradients in the file are of; with values"
    )
    marked.add_argument("--reveal", action="store_true", help="say what is right beside what is wrong")


def _command(commands: Any, name: str, summary: str) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    sub.set_defaults(parser=sub, known=sub._option_string_actions)
    return sub


def _what_to_make(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed makes the same sheet")
    sub.add_argument(
        "--kind",
        default="paths",
        help="neuron, chain, paths, shared, factor, find, update, convolution, recurrent, matrices or shapes",
    )
    sub.add_argument(
        "--level", type=int, default=1, metavar="{1,2,3}", help="how hard the numbers are, and how much is asked"
    )
    sub.add_argument("--layers", metavar="N,N,...", help="inputs, units, outputs, as 2,2,1")
    sub.add_argument("--digits", type=int, metavar="N", help="how many a number may have")
    sub.add_argument("--activation", default="relu", help="relu, sigmoid, tanh, ...")
    sub.add_argument("--form", default="rows", metavar="{rows,columns}", help="where samples stand in matrices")


def _made_by(options: argparse.Namespace) -> Json:
    layers = None
    if options.layers is not None:
        if not re.fullmatch(r"\d+(,\d+)*", options.layers):
            raise ValueError(f"--layers: expected whole numbers such as 2,2,1; got {options.layers!r}")
        layers = [int(n) for n in options.layers.split(",")]
    names = ("kind", "level", "digits", "activation", "form")
    return {"layers": layers, **{name: getattr(options, name) for name in names}}


# ---------------------------------------------------------------- exercise


def _exercise(options: argparse.Namespace, rest: list[str], show: Callable[[str], None]) -> None:
    _refuse(rest)
    if options.count is not None:
        return _class(options, show)
    sheet = exercise(options.seed, **_made_by(options))
    if options.output is None:
        return show(_written(sheet, options, options.output_form or "text"))
    path = Path(options.output)
    form = options.output_form or next((f for f, ending in FORMS.items() if ending == path.suffix), None)
    if form is None or FORMS[form] != path.suffix:
        expected = ", ".join(dict.fromkeys(FORMS.values())) if form is None else FORMS[form]
        raise ValueError(f"-o: expected a file that ends in {expected}; got {options.output!r}")
    _save([(path, _written(sheet, options, form))])


def _written(sheet: Exercise, options: argparse.Namespace, form: str, *, key: bool | None = None) -> str:
    if form == "blank":
        if options.key:
            raise ValueError("--blank: what is to be filled in has no key; leave one of them out")
        return sheet.blank
    written: str = getattr(sheet.key if (options.key if key is None else key) else sheet, form)()
    return written


def _class(options: argparse.Namespace, show: Callable[[str], None]) -> None:
    """A sheet, its key and a file to be filled in for each, in a folder."""
    if options.output is None:
        raise ValueError("--count: several sheets go into a folder; name it with -o FOLDER")
    folder, form = Path(options.output), options.output_form or "text"
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"-o: of several sheets expected a folder; {options.output!r} is a file")
    check_folder(folder)
    files: list[tuple[Path, str]] = []
    for sheet in worksheets(options.count, options.seed, **_made_by(options)):
        ending = FORMS[form]
        key = _written(sheet, options, "text" if form == "blank" else form, key=True)
        files += [
            (
                folder / f"{sheet.seed}{'-sheet' if ending == '.txt' else ''}{ending}",
                _written(sheet, options, form, key=False),
            ),
            (folder / f"{sheet.seed}-key{ending}", key),
            (folder / f"{sheet.seed}.txt", sheet.blank),
        ]
    folder.mkdir(exist_ok=True)
    _save(files)
    show(f"{options.count} sheets in {folder}, each with its key and a file to be filled in\n")


def _save(files: list[tuple[Path, str]]) -> None:
    """Write them all, or none if one would replace a text file with something in it that is not ours, as answers."""
    kept = [path for path, content in files if path.suffix == ".txt" and _is_other(path, content)]
    if kept:
        more = f" (and {len(kept) - 1} more)" if len(kept) > 1 else ""
        raise ValueError(
            f"{kept[0]}{more}: this file is there already, with other things in it, perhaps filled in; nothing was "
            "written. Name another place with -o, or move it away"
        )
    for path, content in files:
        write_whole(path, content.encode())


def _is_other(path: Path, content: str) -> bool:
    return path.exists() and path.read_bytes().replace(b"\r\n", b"\n") != content.encode()


# ---------------------------------------------------------------- check


def _check(
    options: argparse.Namespace, rest: list[str], show: Callable[[str], None], values_of: Callable[[list[str]], Any]
) -> None:
    values = [argument for argument in options.files if "=" in argument] + rest
    files = [argument for argument in options.files if "=" not in argument]
    if not files:
        raise ValueError("check: name a file that was filled in, as in gradpath check sheet.txt")
    target = None
    if options.of is None:
        _refuse(values)
    else:
        target = compute(options.of, values_of(values)).target
    marked: Json = {}
    refused: dict[str, str] = {}
    whose: dict[str, str] = {}
    for name in files:
        try:
            written = _read(name)
            signed = re.search(r"(?m)^#[ \t]*Name:[ \t]*(\S.*)$", written)
            whose[name] = f"   {signed[1].strip()}" if signed else ""
            if target is None:
                marked[name] = _exercise_of(written).check(written, reveal=options.reveal)
            else:
                marked[name] = check_work(target, written, reveal=options.reveal)
        except (ValueError, TypeError, RuntimeError, OSError) as error:
            refused[name] = as_sentence(error) if isinstance(error, OSError) else f"{name}: {error}"
    if len(files) == 1:
        for found in marked.values():
            show(found.text() + "\n")
    elif marked:
        for name, found in marked.items():
            show(f"{name}\n{'─' * len(name)}\n{found.text()}\n\n")
        width = max(map(len, files))
        for name in dict.fromkeys(files):
            said = f"{marked[name].points:>3} of {marked[name].possible}" if name in marked else "  not marked"
            show(f"{name.ljust(width)}   {said}{whose.get(name, '')}\n")
    if refused:
        raise ValueError("\n".join(refused.values()))


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("expected a text file in UTF-8") from None


def _exercise_of(written: str) -> Exercise:
    """The exercise that a file was made for: its first line says how to make it again."""
    first = written.partition("\n")[0]
    found = re.fullmatch(r"#\s*gradpath exercise (.*)", first.strip())
    if found is None:
        raise ValueError(
            "expected a file made by `gradpath exercise --blank`, whose first line says of what it "
            "is; or give the formula with --of"
        )
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    _what_to_make(parser)
    try:
        options = parser.parse_args(shlex.split(found[1]))
    except (argparse.ArgumentError, SystemExit):
        raise ValueError(f"its first line was changed, and does not make an exercise: {first}") from None
    return exercise(options.seed, **_made_by(options))


def _refuse(arguments: list[str]) -> None:
    if arguments:
        raise ValueError(f"unrecognized argument: {arguments[0]}; --help lists what there is")
