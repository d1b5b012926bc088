"""The numbers of a formula from a file: JSON, or CSV with names above numbers."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from autograd.operands import describe

from .formula_text import normal_name

__all__ = ["values_in"]

Values = dict[str, "float | tuple[float, ...]"]


def values_in(file: str | None) -> Values:
    """The numbers in a file, by name; none without a file.

    .json: an object whose members are numbers or lists of numbers. .csv: names in the first line and numbers
    below; several lines make lists. ValueError for what is neither; the system's error for a file that is not there.
    """
    if file is None:
        return {}
    ending = Path(file).suffix.lower()
    if ending == ".json":
        return _of_json(file, Path(file).read_text(encoding="utf-8-sig"))
    if ending == ".csv":
        return _of_csv(file, Path(file).read_text(encoding="utf-8-sig"))
    raise ValueError(f"--values: expected a file that ends in .json or .csv, got {file!r}")


def _of_json(file: str, written: str) -> Values:
    try:
        found = json.loads(written)
    except json.JSONDecodeError as error:
        raise ValueError(f"--values: {file} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(
            f'--values: {file}: expected an object such as {{"w": 0.4, "x": [1, 2]}}; got {describe(found)}'
        )
    return {normal_name(name): _numbers(f"{file}: {name}", value) for name, value in found.items()}


def _numbers(where: str, value: Any) -> float | tuple[float, ...]:
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in several):
        raise ValueError(f"--values: {where}: expected a number or a list of numbers, got {value!r}")
    return tuple(map(float, several)) if isinstance(value, list) and len(value) > 1 else float(several[0])


def _of_csv(file: str, written: str) -> Values:
    rows = [row for row in csv.reader(written.splitlines()) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise ValueError(f"--values: {file}: expected names in the first line and numbers below it")
    names, *lines = rows
    found: Values = {}
    for i, line in enumerate(lines, 2):
        if len(line) != len(names):
            raise ValueError(f"--values: {file}: line {i} has {len(line)} columns, expected {len(names)}")
    for k, name in enumerate(names):
        column = tuple(_cell(f"{file}: line {i}, {name}", line[k]) for i, line in enumerate(lines, 2))
        found[normal_name(name.strip())] = column if len(column) > 1 else column[0]
    return found


def _cell(where: str, written: str) -> float:
    try:
        return float(written)
    except ValueError:
        raise ValueError(f"--values: {where}: expected a number, got {written!r}") from None
