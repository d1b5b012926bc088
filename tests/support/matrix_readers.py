"""Readers of matrix formulas as they stand on paper: what a line means by the rules of its notation, in numbers.

They share no code with the writers but the way in which single names are written. A vector has one axis;
beside a matrix it counts as a row, its transpose is a column. Written side by side, two quantities are
multiplied as matrices, or as numbers if one has no axis.
"""

import re
from dataclasses import replace

import numpy as np
import windows

from autograd.formulas import names
from autograd.op import array_table, find, table


class Unreadable(ValueError):
    """A line that its notation does not allow."""


FUNCTIONS = {"σ": "sigmoid", "Π": "array_prod"}
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
RELATIONS = {">": np.greater, "≥": np.greater_equal, "<": np.less, "≤": np.less_equal, "=": np.equal, "≠": np.not_equal}
FIRST = 0xE100  # characters that stand for names


def _function(name):
    known = {"where": np.where, "clip": np.clip, "reshape": np.reshape, "transpose": np.transpose}
    known |= {"diag": np.diag, "tr": np.trace}
    if name in known:
        return known[name]
    for candidate in (f"array_{name}", FUNCTIONS.get(name, name)):
        if candidate in array_table or candidate in table:
            return find(candidate).forward
    raise Unreadable(f"no function {name!r}")


def derivative(d, written, label):
    """How the derivative by a name is written: dW, but d(e+c)."""
    return f"{d}({written})" if d and not names.is_word(label) else d + written


class Reader:
    """Evaluates the formulas of a derivation in one notation.

    quantities: label -> array. derivatives: label -> array, as they come to be known. columns: samples
    are columns. count: how many samples there are, and what that number is called.
    """

    def __init__(self, write, quantities, derivatives, *, columns, samples, count="m"):
        self.things, self.patterns = [], []
        self.columns, self.samples = columns, samples
        self.derivatives = set()  # the marks that stand for derivatives
        self.t = None  # the step that a sum over time has come to
        self.shape = None  # of what is read
        for d, arrays in (("", quantities), ("d", derivatives)):
            before = len(self.things)
            self._add_times(d, write, arrays)
            for label, array in arrays.items():
                self._add(derivative(d, write(label), label), lambda i, j, x=array: x)
                parsed = names.parse(label)
                if parsed is None or not array.ndim:
                    continue
                if array.ndim > 2:
                    self._add(d + write(names.with_sample(label, "i")), lambda k, j, x=array: self.member(x, "i", k))
                    continue
                if parsed.sample is None:
                    self._add(d + write(names.with_sample(label, "i")), lambda k, j, x=array: self.member(x, "i", k))
                    if not parsed.index:
                        self._add(d + write(f"{label}_j"), lambda k, j, x=array: self.member(x, "j", j))
            if d:
                self.derivatives = set(range(before, len(self.things)))
        if samples is not None:
            self._add(write(count), lambda k, j: np.float64(samples))
        self.patterns.sort(key=lambda found: -len(found[0]))

    def _add_times(self, d, write, arrays):
        """Steps: H⟨t⟩ of those that are named one by one, X⟨3⟩ and X⟨t⟩ of an array that has them along an axis."""
        steps = {}
        for label, array in arrays.items():
            name = names.parse(label)
            if name is not None and name.time is not None:
                steps.setdefault(replace(name, time=None), {})[int(name.time)] = array
            elif name is not None and array.ndim == 3 and self.samples is not None:
                axis = 1 if array.shape[0] == self.samples else 0
                every = {k + 1: array.take(k, axis) for k in range(array.shape[axis])}
                every = {k: x.T if self.columns else x for k, x in every.items()}
                steps.setdefault(replace(name, time=None), every)
                for k, x in every.items():
                    self._add(d + write(replace(name, time=str(k)).label()), lambda i, j, x=x: x)
        for name, every in steps.items():
            for late in range(3):
                label = replace(name, time=f"t-{late}" if late else "t").label()
                self._add(d + write(label), lambda i, j, x=every, n=late: x[self.t - n])
                self._add(
                    d + write(names.with_sample(label, "i")),
                    lambda i, j, x=every, n=late: self.member(x[self.t - n], "i", i),
                )

    def _add(self, text, value):
        self.patterns.append((text, chr(FIRST + len(self.things))))
        self.things.append(value)

    def member(self, x, letter, k):
        """The k-th sample (or feature) of an array."""
        if k is None:
            raise Unreadable(f"an index {letter} that no sum counts")
        if x.ndim == 0:
            raise Unreadable("an index on a single number")
        if x.ndim == 1 or x.ndim > 2:
            return x[k]
        axis = int(self.columns) if letter == "i" else 1 - int(self.columns)
        if letter == "i" and x.shape[axis] != self.samples:
            axis = 1 - axis
        return x[k : k + 1] if axis == 0 else x[:, k : k + 1]

    def read(self, text, shape=None):
        """The numbers of a formula. shape: of the result, where a window moves by more than 1."""
        self.text, self.at, self.shape = self.prepared(text), 0, shape
        parsed = self.sum()
        if self.at != len(self.text):
            raise Unreadable(f"left over: {self.text[self.at :]!r} of {text!r}")
        with np.errstate(all="ignore"):
            return np.asarray(parsed(None, None))

    def prepared(self, text):
        for written, mark in self.patterns:
            start = r"(?<![\w\ue100-\uf000])" if written[0].isalpha() else ""
            end = r"(?![A-Za-z₀-₉(]|\ue000)" if not written.endswith(")") else ""
            text = re.sub(start + re.escape(written) + (r"(?![A-Za-z0-9])" if end else ""), mark, text)
        return text

    # ------------------------------------------------------------ the grammar

    def take(self, *texts):
        for text in texts:
            if self.text.startswith(text, self.at):
                self.at += len(text)
                return text
        return None

    def need(self, text):
        if not self.take(text):
            raise Unreadable(f"expected {text!r} at {self.text[self.at :]!r} in {self.text!r}")

    def sum(self):
        negative = self.take("−", "-")
        first = self.term()
        terms = [(-1 if negative else 1, first)]
        while sign := self.take(" + ", " − ", " - "):
            terms.append((1 if sign == " + " else -1, self.term()))
        if len(terms) == 1 and not negative:
            return first
        return lambda i, j: sum(s * t(i, j) for s, t in terms)

    def term(self):
        x = self.convolved(self.product())
        while sign := self.take(" ⊙ ", "/"):
            x = _times(x, self.product()) if sign != "/" else _over(x, self.product())
        return x

    def convolved(self, x):
        """What stands on both sides of ⋆ or ∗."""
        sign = re.compile(r" ([⋆∗])(?:\(([^()]*)\))? ").match(self.text, self.at)
        if not sign:
            return x
        self.at = sign.end()
        is_kernel = self.text[self.at : self.at + 1] and ord(self.text[self.at]) - FIRST in self.derivatives
        y, shape = self.factor(), self.shape
        how = dict(word.split("=") for word in (sign[2] or "").split(", ") if word)
        if sign[1] == "∗":
            return lambda i, j: windows.to_input(x(i, j), y(i, j), how, shape)
        if is_kernel:
            return lambda i, j: windows.to_kernel(x(i, j), y(i, j), how, shape)
        return lambda i, j: windows.correlated(x(i, j), y(i, j), how)

    def product(self):
        x = self.factor()
        while self.at < len(self.text):
            if self.take(" · "):
                x = _inner(x, self.factor())
            elif self._another():
                x = _beside(x, self.factor())
            else:
                break
        return x

    def _another(self):
        rest = self.text[self.at :]
        if re.match(r" (?![·⊙+−≥>≤<=≠⋆∗-] ?|[|;] |at |over |for )(?=\S)", rest) and not re.match(
            r" [·⊙+\-−≥>≤<=≠|;] | at | over | for ", rest
        ):
            self.at += 1
            return True
        return False

    def factor(self):
        if time := re.compile(r"Σ[ₜₛₖ]₌([₀-₉]+)([⁰¹²³⁴⁵⁶⁷⁸⁹]+) ").match(self.text, self.at):
            self.at = time.end()
            lo, hi = int(time[1].translate(SUBSCRIPTS)), int(time[2].translate(SUPERSCRIPTS))
            x = self.product()
            return lambda i, j: sum(self.at_time(t, x, i, j) for t in range(lo, hi + 1))
        sign = self.take("Σᵢ", "Σⱼ", "Σ")
        if sign:
            self.take(" ")
            return self.total(sign)
        if self.take("√"):
            x = self.factor()
            return lambda i, j: np.sqrt(x(i, j))
        return self.postfix()

    def at_time(self, t, x, i, j):
        before, self.t = self.t, t
        found = x(i, j)
        self.t = before
        return found

    def total(self, sign):
        if sign == "Σ":
            axes = self.axes_before()
            if axes is None:
                self.need("(")
                x = self.sum()
                axes = self.axes()
                self.need(")")
            else:
                x = self.factor()
            return self.raised(lambda i, j: _summed(x(i, j), axes))
        x = self.factor() if self.text.startswith("Σ", self.at) else self.product()
        if sign == "Σᵢ":
            return lambda i, j: sum(x(k, j) for k in range(self.samples))

        def over_features(i, j):
            total, k = 0.0, 0
            while True:
                try:
                    total = total + x(i, k)
                except IndexError:
                    return total
                if k > 999:
                    raise Unreadable("a sum without end")
                k += 1

        return over_features

    def axes_before(self):
        return None

    def axes(self):
        if words := self.take(" over samples and places", " over samples and steps", " over places", " over steps"):
            return [words.removeprefix(" over ")]
        if not self.take(" over axis "):
            return None
        found = re.compile(r"\d+(, \d+)*(, kept)?").match(self.text, self.at)
        self.at = found.end()
        return found[0].split(", ")

    def postfix(self):
        return self.raised(self.atom())

    def raised(self, x):
        while True:
            if self.take("ᵀ"):
                x = _transposed(x)
            elif self.take("^∘", "^"):
                x = _power(x, self.exponent())
            elif found := re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+").match(self.text, self.at):
                self.at = found.end()
                x = _power(x, _constantly(int(found[0].translate(SUPERSCRIPTS))))
            elif self.take("(i)"):
                x = self._member_of(x, "i")
            elif self.take("ⱼ"):
                x = self._member_of(x, "j")
            elif self.take("["):
                start = self.at
                depth = 1
                while depth:
                    depth += {"[": 1, "]": -1}.get(self.text[self.at], 0)
                    self.at += 1
                index = self.text[start : self.at - 1]
                x = self._indexed(x, index)
            else:
                return x

    def _member_of(self, x, letter):
        return lambda i, j: self._checked(self.member(x(i, j), letter, i if letter == "i" else j))

    def _checked(self, x):
        if not x.size:
            raise IndexError
        return x

    def _indexed(self, x, index):
        return lambda i, j: x(i, j)[self.index(index)]

    def index(self, text):
        space = {"s_": np.s_}
        for mark in set(re.findall("[\ue100-\uf000]", text)):
            text = text.replace(mark, f" q{ord(mark)} ")
            space[f"q{ord(mark)}"] = self.things[ord(mark) - FIRST](None, None).astype(int)
        return eval(f"s_[{text}]", space)

    def exponent(self):
        found = re.compile(r"[0-9]+(\.[0-9]+)?").match(self.text, self.at)
        if found:
            self.at = found.end()
            return lambda i, j: float(found[0])
        return self.atom()

    def atom(self):
        rest = self.text[self.at :]
        if rest and FIRST <= ord(rest[0]) < FIRST + len(self.things):
            self.at += 1
            thing = self.things[ord(rest[0]) - FIRST]
            return lambda i, j: self._nonempty(thing(i, j))
        if found := re.match(r"[0-9]+(\.[0-9]+)?(e[−-]?[0-9]+)?", rest):
            self.at += found.end()
            return lambda i, j: np.float64(found[0].replace("−", "-"))
        if self.take("∞"):
            return lambda i, j: np.inf
        if self.take("½"):
            return lambda i, j: np.float64(0.5)
        if self.take("π"):
            return lambda i, j: np.pi
        if found := re.match(r"ln (\d+)(?![\d/])", rest):
            self.at += found.end()
            return lambda i, j: np.log(float(found[1]))
        if self.take("‖"):
            x = self.sum()
            self.need("‖")
            return lambda i, j: np.linalg.norm(x(i, j))
        if found := re.match(r"([𝟎𝟏])([₀-₉]+(?:ₓ[₀-₉]+)*)", rest):
            self.at += found.end()
            return lambda i, j: np.full(_shape(found[2]), float("𝟎𝟏".index(found[1])))
        if self.take("("):
            x = self.sum()
            self.need(")")
            return x
        if self.take("|"):
            x = self.sum()
            self.need("|")
            return lambda i, j: np.abs(x(i, j))
        if self.take("["):
            return self.bracket()
        if found := re.match(r"([A-Za-z_]\w*|σ|Π)\(", rest):
            self.at += found.end()
            return self.call(found[1])
        raise Unreadable(f"cannot read {rest!r} of {self.text!r}")

    def _nonempty(self, x):
        if np.ndim(x) == 2 and 0 in x.shape:
            raise IndexError
        return x

    def in_form(self, x):
        return x

    def steps(self):
        """Steps put together along the axis behind the samples."""
        parts = [self.sum()]
        if time := re.compile(r" for [tsk] = ([0-9]+)…([0-9]+)\)").match(self.text, self.at):
            self.at, (x,) = time.end(), parts
            lo, hi = int(time[1]), int(time[2])
            return lambda i, j: np.stack([self.at_time(t, x, i, j) for t in range(lo, hi + 1)], 1)
        while self.take(", "):
            parts.append(self.sum())
        self.need(")")
        return lambda i, j: np.stack([x(i, j) for x in parts], 1)

    def pooled(self, name):
        x = self.sum()
        at = []
        if self.take(" at "):
            at.append(self.sum())
            self.need(" = ")
            at.append(self.sum())
        how = re.compile(r", ([0-9]+(?:×[0-9]+)*)(?:, ([^()]*))?\)").match(self.text, self.at)
        self.at = how.end()
        size = tuple(map(int, how[1].split("×")))
        words, shape = dict(word.split("=") for word in (how[2] or "").split(", ") if word), self.shape
        read = getattr(windows, name)
        return lambda i, j: read(*(u(i, j) for u in (x, *at)), size, words, shape)

    def bracket(self):
        if words := re.compile(r"row ([≥≤<>]) column\]").match(self.text, self.at):
            self.at, shape = words.end(), self.shape
            n, k = shape[-2:]
            return lambda i, j: RELATIONS[words[1]](np.arange(n)[:, None], np.arange(k)).astype(float)
        x = self.sum()
        if self.text.startswith((" | ", " ; "), self.at):
            together = np.hstack if self.text[self.at + 1] == "|" else np.vstack
            parts = [x]
            while self.take(" | ", " ; "):
                parts.append(self.sum())
            self.need("]")
            return lambda i, j: together([p(i, j) for p in parts])
        if self.text.startswith(", ", self.at) or self.take("]"):
            return self.listed(x)
        if self.take(" at ["):
            found = re.compile(r"(.*?)\] in 𝟎([₀-₉ₓ]+)\]").match(self.text, self.at)
            self.at = found.end()
            return self.scattered(x, found[1], _shape(found[2]))
        self.need(" ")
        relation = self.take(*RELATIONS)
        self.need(" ")
        y = self.sum()
        self.need("]")
        return lambda i, j: RELATIONS[relation](x(i, j), y(i, j)).astype(float)

    def listed(self, first):
        """The numbers that a vector is put together from."""
        numbers = [first]
        while self.take(", "):
            numbers.append(self.sum())
        if len(numbers) > 1:
            self.need("]")
        return lambda i, j: np.array([x(i, j) for x in numbers])

    def scattered(self, x, index, shape):
        def value(i, j):
            z = np.zeros(shape)
            np.add.at(z, self.index(index), x(i, j))
            return z

        return value

    def call(self, name):
        args, named = [], {}
        if name == "steps":
            return self.steps()
        if name == "flatten":
            x = self.sum()
            self.need(")")
            return self.in_form(lambda i, j: x(i, j).reshape(len(x(i, j)), -1))
        if name == "concat":
            x = self.sum()
            self.need(")")
            return lambda i, j: _concatenated(x(i, j))
        if name == "heads":
            x = self.sum()
            count = re.compile(r", (\d+)\)").match(self.text, self.at)
            self.at = count.end()
            return lambda i, j: np.stack(np.split(x(i, j), int(count[1]), -1), 1)
        if name == "repeat":
            x = self.sum()
            axes = tuple(int(a) for a in self.axes())
            self.need(")")
            return lambda i, j: np.expand_dims(x(i, j), axes)
        if name == "reshape" and (found := re.compile(r"(.*?), ([0-9]+(?:×[0-9]+)*)\)").match(self.text, self.at)):
            x = self.sum()
            self.at = found.end()
            shape = tuple(map(int, found[2].split("×")))
            return lambda i, j: x(i, j).reshape(shape)
        if name in ("maxpool", "avgpool", "upsample", "unpool"):
            return self.pooled(name)
        if name == "concatenate":
            self.need("[")
            args.append(self.sum())
            while self.take(", "):
                args.append(self.sum())
            self.need("], ")
            axis = int(self.text[self.at])
            self.at += 1
            self.need(")")
            return lambda i, j: np.concatenate([x(i, j) for x in args], axis)
        while not self.take(")"):
            self.take(", ")
            if axes := self.axes():
                named["axis"] = int(axes[0]) if axes[0].isdigit() else tuple(range(1, args[0](0, 0).ndim - 1))
            elif found := re.compile(r"(\w+)=((?:\([^()]*\)|\[[^\[\]]*\]|[^,()])+)").match(self.text, self.at):
                self.at = found.end()
                named[found[1]] = self.index(found[2])
            else:
                args.append(self.sum())
        if "softmax" in name and "axis" not in named:
            named["axis"] = -2 if self.columns else -1  # of every sample
            return lambda i, j: _function(name)(*(x(i, j) for x in args), **named if args[0](i, j).ndim > 1 else {})
        f = _function(name)
        return lambda i, j: f(*(x(i, j) for x in args), **named)


def _concatenated(x):
    """The heads of every step side by side."""
    return np.concatenate([x[:, k] for k in range(x.shape[1])], -1)


def _summed(x, axes):
    """Over all numbers or some axes, which are left out; in a matrix one axis keeps its place."""
    if axes and not axes[0].isdigit():
        return x.sum(tuple(range(0 if "samples" in axes[0] else 1, x.ndim - 1)))
    axis = tuple(int(a) for a in axes or () if a != "kept")
    is_kept = "kept" in (axes or ()) or (x.ndim == 2 and len(axis) == 1)
    return np.sum(x, axis=axis or None, keepdims=bool(axis) and is_kept)


def _shape(subscript):
    return tuple(int(n.translate(SUBSCRIPTS)) for n in subscript.split("ₓ"))


def _constantly(n):
    return lambda i, j: n


def _times(x, y):
    return lambda i, j: x(i, j) * y(i, j)


def _over(x, y):
    return lambda i, j: np.divide(x(i, j), y(i, j))


def _power(x, n):
    return lambda i, j: np.power(np.asarray(x(i, j), float), n(i, j))


def _transposed(x):
    def value(i, j):
        a = np.asarray(x(i, j))
        return a[:, None] if a.ndim == 1 else a.swapaxes(-1, -2) if a.ndim else a

    return value


def _inner(x, y):
    def value(i, j):
        a, b = np.asarray(x(i, j)), np.asarray(y(i, j))
        if a.ndim != 1 or b.ndim != 1:
            raise Unreadable("a dot between what are no vectors")
        return a @ b

    return value


def _beside(x, y):
    def value(i, j):
        a, b = np.asarray(x(i, j)), np.asarray(y(i, j))
        if a.ndim == b.ndim == 1:
            raise Unreadable("two vectors side by side")
        if a.ndim == 2 and a.shape[1] == 1 and b.ndim == 1 and len(b) > 1:  # a column by a row
            return a * b
        return a * b if not a.ndim or not b.ndim else a @ b

    return value


class LatexReader(Reader):
    """LaTeX: turned into the lines that the other reader reads."""

    def prepared(self, text):
        for written, mark in self.patterns:
            start = r"(?<![\\\w])" if written[0].isalpha() else ""
            text = re.sub(
                start + re.escape(written) + r"(?![\w])" if written[-1].isalnum() else start + re.escape(written),
                mark,
                text,
            )
            if re.search(r"\^\{(\[|\\langle)[^{}]*\}", written):
                turned = re.sub(r"\^\{([^{}]*)\}", r"^{\1T}", written, count=1).replace(r"\rangleT}", r"\rangle T}")
                text = re.sub(start + re.escape(turned), mark + "ᵀ", text)
        text = text.replace(r"\left(", "(").replace(r"\right)", ")").replace(r"\left|", "|").replace(r"\right|", "|")
        text = text.replace(r"\lVert ", "‖").replace(r" \rVert", "‖").replace(r" \cdot ", " · ").replace(r"\pi", "π")
        text = (
            text.replace(r"\ln ", "ln ")
            .replace(r"\infty", "∞")
            .replace(r" \odot ", " ⊙ ")
            .replace(r"\, ", " ")
            .replace(r"\sigma", "σ")
        )
        text = re.sub(r"\\sum_\{([ij])=1\}\^\{[^{}]*\} ", lambda f: {"i": "Σᵢ ", "j": "Σⱼ "}[f[1]], text)
        text = re.sub(r"\\sum_\{\\text\{(?:axis )?([^{}]*)\}\} ", r"Σ_\1_", text).replace(r"\sum ", "Σ ")
        text = re.sub(r"\\mathbf\{([01])\}_\{([^{}]*)\}", lambda f: "𝟎𝟏"[int(f[1])] + self._ones(f[2]), text)
        text = re.sub(
            r"\\operatorname\{(?!repeat)([^{}]*)\}_\{\\text\{axis (\d)\}\}\(",
            lambda f: f"{f[1]}(axis={f[2]}, ".replace("\\_", "_"),
            text,
        )
        text = re.sub(r"\\sum_\{([tsk])=(\d+)\}\^\{(\d+)\} ", _time_sign, text)
        text = re.sub(r"\\operatorname\{steps\}_\{([tsk])=(\d+)\}\^\{(\d+)\}\(", r"steps< for \1 = \2…\3>(", text)
        text = re.sub(r" (\\star|\*)_\{([^{}]*)\} ", lambda f: f" {SIGNS[f[1]]}({_plainly(f[2])}) ", text)
        text = re.sub(r" (\\star|\*) ", lambda f: f" {SIGNS[f[1]]} ", text)
        text = re.sub(
            r"\\operatorname\{(maxpool|avgpool|upsample|unpool|reshape|heads)\}_\{([^{}]*)\}\(",
            lambda f: f"{f[1]}<, {_plainly(f[2])}>(",
            text,
        )
        text = re.sub(r"\\(?:operatorname\{)?(repeat|max|min)\}?_\{\\text\{([^{}]*)\}\}\(", r"\1< over \2>(", text)
        text = _with_options_behind(text)
        text = text.replace(r"\begin{bmatrix} ", "[").replace(r" \end{bmatrix}", "]").replace(" & ", " | ")
        text = text.replace(" \\\\ ", " ; ").replace(r"\text{row}", "row").replace(r"\text{column}", "column")
        text = re.sub(r"\\operatorname\{([^{}]*)\}", lambda f: f[1].replace(r"\_", "_"), text)
        text = re.sub(r"\\mathtt\{((?:[^{}]|\\_)*)\}", lambda f: f[1].replace(r"\_", "_"), text)
        text = re.sub(r"\\text\{( at | in )\}", r"\1", text)
        for tex, plain in ((r"\geq", "≥"), (r"\leq", "≤"), (r"\neq", "≠")):
            text = text.replace(tex, plain)
        text = re.sub(r"\\(log|exp|sin|cos|tanh|max|min)\b", r"\1", text)
        text = re.sub(r"(\d(?:\.\d+)?) \\times 10\^\{(-?\d+)\}", r"\1e\2", text)
        text = re.sub(r"(?<![\d.])10\^\{(-\d+)\}", r"1e\1", text)
        return self._without_braces(text)

    def _ones(self, shape):
        return "ₓ".join(n.strip().translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")) for n in shape.split(r"\times"))

    def _without_braces(self, text):
        while (at := text.find("\\frac{")) >= 0:
            top, after = _braced(text, at + 5)
            bottom, after = _braced(text, after)
            text = f"{text[:at]}(({top})/({bottom})){text[after:]}"
        while (at := text.find("\\sqrt{")) >= 0:
            inner, after = _braced(text, at + 5)
            text = f"{text[:at]}√({inner}){text[after:]}"
        text = text.replace("^{T}", "ᵀ").replace("^{(i)}", "(i)").replace("_{j}", "ⱼ")
        while (at := text.find("^{\\circ ")) >= 0:
            inner, after = _braced(text, at + 1)
            text = f"{text[:at]}^∘({inner.removeprefix(chr(92) + 'circ ')}){text[after:]}"
        while (at := text.find("^{")) >= 0:
            inner, after = _braced(text, at + 1)
            text = f"{text[:at]}^({inner}){text[after:]}"
        while (at := text.find("{")) >= 0:
            inner, after = _braced(text, at)
            text = f"{text[:at]}({inner}){text[after:]}"
        return text

    def axes_before(self):
        if found := re.compile(r"_([\w, ]+?)_").match(self.text, self.at):
            self.at = found.end()
            return found[1].split(", ")
        return ()

    def exponent(self):
        return self.atom()


SIGNS = {r"\star": "⋆", "*": "∗"}


def _time_sign(found):
    below = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
    above = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    letter = "ₜₛₖ"["tsk".index(found[1])]
    return f"Σ{letter}₌{found[2].translate(below)}{found[3].translate(above)} "


def _plainly(words):
    return words.replace(r",\,", ", ").replace(r" \times ", "×")


def _with_options_behind(text):
    """name<options>(operands) as name(operands options), which is how text has them."""
    while found := re.search(r"(\w+)<([^<>]*)>\(", text):
        depth, k = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[k], 0)
            k += 1
        text = f"{text[: found.start()]}{found[1]}({text[found.end() : k - 1]}{found[2]}){text[k:]}"
    return text


def _braced(text, at):
    if text[at] != "{":
        raise Unreadable(text)
    depth, k = 1, at + 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[k], 0)
        k += 1
    return text[at + 1 : k - 1], k


# ---------------------------------------------------------------- ASCII, which NumPy reads


def numpy_reads(text, write, quantities, derivatives, *, samples, count="m"):
    """ASCII evaluated by NumPy: names as variables, functions of the operations' names."""
    space = {name.removeprefix("array_"): op.forward for name, op in (table | array_table).items()}
    space |= {op.shown: op.forward for op in array_table.values()}
    space |= {
        name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "maximum", "minimum")
    }
    space |= {"where": np.where, "clip": np.clip, "reshape": np.reshape, "transpose": np.transpose, "s_": np.s_}
    space |= {"ones": np.ones, "zeros": np.zeros, "inf": np.inf, "nan": np.nan, "concatenate": np.concatenate}
    space |= {"broadcast_to": np.broadcast_to, "stack": np.stack, "tri": np.tri}
    space |= {"diag": np.diag, "trace": np.trace}
    known = {write(label): x for label, x in quantities.items()}
    known |= {derivative("d", write(label), label): x for label, x in derivatives.items()}
    if samples is not None:
        known[write(count)] = samples
    for k, name in enumerate(sorted(known, key=len, reverse=True)):
        text = re.sub(rf"(?<![\w\].]){re.escape(name)}(?![\w(=])", f"q{k}_", text)
        space[f"q{k}_"] = known[name]
    with np.errstate(all="ignore"):
        return np.asarray(eval(text, {"__builtins__": {}}, space))
