"""What somebody filled in: lines with names, and numbers as people write them by hand or on a keyboard."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from autograd.formulas import names
from autograd.marking.sheet import parsed
from autograd.marking.written import plain

from .writing import Blank

__all__ = ["HandedIn", "Unread", "is_near", "number_of", "one_way", "word"]

_MINUS = str.maketrans(dict.fromkeys("−–—‒﹣－", "-") | dict.fromkeys("⁄∕", "/") | {"\u202f": " ", "\u2009": " "})
_MIXED = re.compile(r"([-+]?)\s*(\d+)\s+(\d+)\s*/\s*(\d+)")
_GROUPS = re.compile(r"[-+]?\d{1,3}( \d{3})+([.,]\d+)?")


class Unread(NamedTuple):
    """What was filled in and is no answer. said: why."""

    said: str


class HandedIn:
    """The answers to some blanks.

    answers   name of a blank -> what was filled in, numbers in one way to write them, or Unread
    ignored   the lines of a file that nobody asked for
    """

    def __init__(self, blanks: Iterable[Blank]) -> None:
        self._blanks = tuple(blanks)
        self._known = {_plain(form): b for b in self._blanks for form in (b.name, b.shown.text)}
        loose = [_loose(b.name) for b in self._blanks]
        self._loosely = {name: b for name, b in zip(loose, self._blanks, strict=True) if loose.count(name) == 1}
        self.answers: dict[str, Any] = {}
        self.ignored: list[str] = []

    def called(self, name: str) -> Blank | None:
        """The blank of this name, however it is written."""
        return self._known.get(_plain(name)) or self._loosely.get(_loose(name))

    def take(self, answers: Mapping[Any, object]) -> HandedIn:
        """Names and what stands beside them. ValueError for a name that is not asked for."""
        for name, x in answers.items():
            blank = self.called(str(name))
            if blank is None:
                listed = ", ".join(b.name for b in self._blanks)
                raise ValueError(f"check: {str(name)!r} is not asked for; this sheet asks for {listed}")
            self._take(blank, x)
        return self

    def take_lines(self, text: str) -> HandedIn:
        """The lines of a file, without those that were left as they are."""
        for line in text.splitlines():
            line = line.partition("#")[0].strip()
            name, equals, x = line.partition("=")
            blank = self.called(name) if equals else None
            if blank is None:
                self.ignored += [line] if line.strip(" _") else []
            elif x.strip(" _[],;()"):
                self._take(blank, _entries(x) if blank.shape else x.strip().strip("_ "))
        return self

    def _take(self, blank: Blank, x: object) -> None:
        found = x if isinstance(x, Unread) or isinstance(blank.right, str) else _read(blank, x)
        before = self.answers.get(blank.name, found)
        if isinstance(before, Unread) or isinstance(found, Unread) or _are_same(before, found):
            self.answers[blank.name] = found
        else:
            self.answers[blank.name] = Unread(f"two answers, {before} and {found}: one is asked for")


def _read(blank: Blank, x: object) -> Any:
    if isinstance(x, list | tuple | np.ndarray) and blank.shape:
        return [_read(blank, u) for u in x]
    if isinstance(x, list | tuple | np.ndarray):
        return Unread(f"one number is asked for, here are {len(x)}" if len(x) != 1 else f"not a number: {x!r}")
    if isinstance(x, str) and not blank.shape and math.isnan(number_of(x)):
        several = [u for u in re.split(r"[;,\s]\s+|;", x.strip()) if u]
        if len(several) > 1 and not any(math.isnan(number_of(u)) for u in several):
            return Unread(f"one number is asked for, here are {len(several)}")
        return Unread(f"not a number: {x!r}")
    return one_way(x)


def _are_same(x: object, y: object) -> bool:
    return x == y or (isinstance(x, str) and number_of(x) == number_of(y))


def _entries(x: str) -> Any:
    """The numbers of an array, as they were typed."""
    closed = re.sub(r"(?<![\d.,])([-−–])\s+(?=[\d.])", r"\1", x)
    try:
        return parsed(f"x = {closed}")[0][1]
    except ValueError as error:
        return Unread(f"not an array of numbers: {str(error).rpartition(': ')[2]}")


def one_way(x: object) -> Any:
    """A number in the one way that Python reads, or as a fraction p/q; what is none stays as it is.

    3,5 and 3.5; −3, - 3 and –3; 1/3, ½, 1½ and 1 1/2; 50 % is 0.5; 1 000; ≈ in front does not count.
    """
    if not isinstance(x, str):
        return x
    text = " ".join(x.translate(_MINUS).split()).lstrip("≈~= ").rstrip(" ")
    text = re.sub(r"(\d*)\s*([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])", lambda m: f"{m[1]} {unicodedata.normalize('NFKC', m[2])}", text)
    text = re.sub(r"^([-+]) +", r"\1", text.translate(_MINUS).strip())
    text = re.sub(r" */ *", "/", text)
    mixed = _MIXED.fullmatch(text)
    try:
        if mixed:
            whole = int(mixed[2]) + Fraction(int(mixed[3]), int(mixed[4]))
            return str(-whole if mixed[1] == "-" else whole)
        if text.endswith("%"):
            return f"{Decimal(plain(text[:-1].strip())).scaleb(-2):f}"
    except (ZeroDivisionError, InvalidOperation):
        return x
    if _GROUPS.fullmatch(text):
        text = text.replace(" ", "")
    return x if " " in text else plain(text)


def number_of(x: object) -> float:
    """A number as it was typed; nan for what is none."""
    text = one_way(str(x))
    try:
        return float(Fraction(text)) if "/" in text else float(text)
    except (ValueError, ZeroDivisionError):
        return math.nan


def is_near(x: object, right: float) -> bool:
    """True for the right number, rounded to the digits with which it was typed."""
    text = one_way(str(x))
    decimals = 0 if "/" in text else len(text.partition(".")[2])
    return abs(number_of(text) - right) <= max(0.51 * 10.0**-decimals if decimals else 1e-9, 1e-9 * abs(right))


def word(x: object) -> str:
    """(3, 2), 3x2, 3 × 2 and [3, 2] are one shape; names are compared as they are typed."""
    if isinstance(x, list | tuple | np.ndarray):
        return "x".join(str(u).strip() for u in np.ravel(np.asarray(x, dtype=object)))
    written_so = str(x).strip()
    if "/" in written_so:
        return "/".join("d" + names.text(part.strip().lstrip("d∂")) for part in written_so.split("/"))
    return re.sub(r"\s*[x×,]\s*", "x", written_so.strip("()[]")).rstrip("x").replace(" ", "")


def _plain(name: str) -> str:
    new, bare = _new(name)
    return re.sub(r"\s+", "", new + (names.text(bare) if "/" not in bare else bare)).replace("∂", "d")


def _loose(name: str) -> str:
    """dL/dw11 is dL/dw_1,1 where nothing else is called so."""
    return re.sub(r"[\s_,{}\[\]()*·]", "", "".join(_new(name))).replace("∂", "d").lower()


def _new(name: str) -> tuple[str, str]:
    """A name without its "new", which stands in front of it in files and behind it on sheets."""
    bare = re.sub(r"^\s*new\s+|\s+new\s*$", "", name)
    return "" if bare == name else "new ", bare
