"""The grammar of names: `base[layer]<time>(sample)_index`, and how a name is written for each reader.

Every part after the base is optional: `w[1]_1,2`, `a[1](3)_2`, `h[1]<2>`, `yhat_1`, `alpha`, `w1`, `loss`. What
lectures write is read as the same names: `w_{11}^{[1]}`, `w^{(L)}_{jk}`, `a_1^1`, `\\delta^l`, `x^(1)`, `h^{<t>}`,
`y_hat`, `\\hat{y}_1`, `\\theta`, `\\mathcal{L}`, `x_\\text{in}`. A label that does not parse is shown as it is,
escaped for the target. This module knows strings only; which node carries which label is the graph's business.
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

__all__ = [
    "Name",
    "Names",
    "ascii_name",
    "dot_text",
    "has_sample",
    "is_word",
    "latex",
    "mathml",
    "parse",
    "pieces",
    "sibling",
    "text",
    "with_prime",
    "with_sample",
    "with_time",
]

T = TypeVar("T")

_SAMPLE = r"[0-9]+|[i-n]"  # (3) or (i); not (x), or f(x) would be sample x of f
_TIME = r"[0-9]+|[a-zT](?:[+-][0-9]+)?"  # <2>, <t>, <t-1>
_LABEL = re.compile(
    # Possessive quantifiers: a label of any length is read once, never reconsidered.
    r"(?P<base>[^\W\d_]++[\u0302\u0303\u0304\u0307]?'*+)"
    r"(?:(?P<digits>[0-9]++)"
    r"|(?:\[(?P<layer>[0-9]++|[A-Za-z](?:[+-][0-9]++)?)\])?"
    rf"(?:<(?P<time>{_TIME})>)?"
    rf"(?:\((?P<sample>{_SAMPLE})\))?"
    # w[1]12 is what is typed for w[1]₁₂
    r"(?:_(?P<index>[0-9A-Za-z]++(?:,[0-9A-Za-z]++)*+)|(?<=[\])>])(?P<typed>[0-9]++(?:,[0-9]++)*+))?)"
)
_TRAILING_SAMPLE = re.compile(rf"\((?:{_SAMPLE})\)\Z")

# The same names as lectures write them: a base, then what stands above and below it, in either order.
_BASE = re.compile(
    r"\\(?P<accent>hat|tilde|bar|dot)\{\\?(?P<under>[^\W\d_]++)\}"
    r"|\\(?P<style>mathbf|mathrm|mathcal|boldsymbol|vec)\{\\?(?P<styled>[^\W\d_]++)\}"
    r"|\\?(?P<plain>[^\W\d_]++[\u0302\u0303\u0304\u0307]?'*+)"
    r"(?:_(?P<ending>hat|tilde|bar|dot)(?![^\W_])|(?P<digits>[0-9]++)(?=[\[(^]))?"  # a1^(2)
)
_SCRIPT = re.compile(
    r"\^?(?P<above>\[[^\[\]]*+\](?:<[^<>]*+>)?(?:\([^()]*+\))?|<[^<>]*+>(?:\([^()]*+\))?|\((?:[0-9]++|[i-n])\))"
    r"|\^(?:\{(?P<braced>[^{}]*+)\}|(?P<bare>\([^()]*+\)|[0-9A-Za-z]))"
    r"|_(?:\{(?P<below>[^{}]*+)\}|(?P<index>[0-9A-Za-z]++(?:,[0-9A-Za-z]++)*+))"
)
_IN_WORDS = re.compile(r"([_^{,]) ?\\(?:text|textrm|mathrm|mathit)\{([^{}]*+)\}")
_STEP = r"(?:[0-9]++|[A-Za-z](?:[+-][0-9]++)?)"
_ABOVE = re.compile(
    rf"(?=.)(?:\[(?P<layer>{_STEP})\])?(?:<(?P<time>{_TIME})>)?(?:\((?P<sample>{_STEP})\))?|(?P<bare>[0-9]++|[lL](?:[+-][0-9]++)?)"
)
_PART = r"(?:[A-Za-z][+-][0-9]++|\\?[0-9A-Za-z]++)"  # h_{t-1}; in braces only, as h_t-1 is a difference
_BELOW = re.compile(rf"{_PART}(?:, ?{_PART})*+")
# What is no name but the power of one, as the variance often is called: sigma^2, sigma_B^2.
_POWER = re.compile(r"(?P<below>.+)\^(?:\{(?P<braced>[0-9]++)\}|(?P<bare>[0-9]++))")
_SPREADS = ("sigma", "std")  # of these lectures take squares, and layers of what is computed

_GREEK_NAMES = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi
    rho sigma tau upsilon phi chi psi omega"""
_GREEK = dict(zip(_GREEK_NAMES.split(), "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
_GREEK |= {name.capitalize(): letter.upper() for name, letter in _GREEK.items()}
# In Python `lambda` is a keyword, so that people write lam; and so does what Python is to evaluate.
_PYTHON_NAME = {"lambda": "lam"}
_GREEK["ell"] = "ℓ"  # which is set as they are
_GREEK_NAME = {letter: name for name, letter in _GREEK.items()}
# What Unicode has of \\mathcal among its common signs: the lectures' loss above all.
_SCRIPT_LETTER = dict(zip("BEFHILMR", "ℬℰℱℋℐℒℳℛ", strict=True))
_OF_SCRIPT = {script: letter for letter, script in _SCRIPT_LETTER.items()}
# LaTeX has no command for a Greek letter that looks like a Latin one.
_LATIN_LOOKALIKE = {"omicron": "o"} | {
    _GREEK_NAME[greek]: rf"\mathrm{{{latin}}}" for greek, latin in zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True)
}

_MARK = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307"}  # combining
_MARK_NAME = {mark: name for name, mark in _MARK.items()}
_MARK_MATHML = {"hat": "^", "tilde": "~", "bar": "\u00af", "dot": "\u02d9"}

_SUBSCRIPT = dict(
    zip(
        "0123456789+-aehijklmnoprstuvxβγρφχ",
        "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
        strict=True,
    )
)

_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_ON_THE_LINE_ABOVE = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SUBSCRIPTS = re.compile(f"[{''.join(_SUBSCRIPT.values())}]++")
_ON_THE_LINE = {ord(subscript): c for c, subscript in _SUBSCRIPT.items()}

# Direction overrides reorder what stands around them; the rest is invisible or forbidden in XML.
_UNSEEN = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff")

_LATEX_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "{}$&#_%"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
)
# What stands in text only with further packages, and is a sign of formulas anyway.
_LATEX_SIGN = {
    "∇": r"\nabla", "∂": r"\partial", "→": r"\to", "←": r"\leftarrow", "∞": r"\infty", "−": "-", "′": "'",
    "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "∈": r"\in", "√": r"\surd", "∑": r"\sum",
    "∏": r"\prod", "⟨": r"\langle", "⟩": r"\rangle", "‖": r"\|", "⊤": r"\top", "⊙": r"\odot", "∘": r"\circ",
}  # fmt: skip
_DOT_SPECIAL = str.maketrans({"\\": r"\\", '"': r"\"", "&": "&amp;"})


@dataclass(frozen=True, slots=True)
class Name:
    """A label taken apart.

    base      "w", "yhat", "alpha", "loss": a letter, a Greek name or a word
    layer     "1" in w[1], or None
    sample    "3" in a[1](3), or "L-1" in a^(L-1), which some lectures write for a layer; or None
    index     ("1", "2") in w[1]_1,2; ("12",) in w_12; () if there is none
    attached  the index is written without underscore, as in w1
    time      "2" in h<2>, a step of a sequence; "t-1"; or None
    """

    base: str
    layer: str | None = None
    sample: str | None = None
    index: tuple[str, ...] = ()
    attached: bool = False
    time: str | None = None

    def label(self) -> str:
        """The label string; `parse(name.label()) == name`."""
        return self._write(self.base, ",".join(self.index))

    def _write(self, base: str, index: str) -> str:
        joint = "_" if index and not self.attached else ""
        index = f"{{{index}}}" if "-" in index or "+" in index else index
        return f"{base}{self._line()}{joint}{index}"

    def _line(self, left: str = "<", right: str = ">") -> str:
        """What stands above, on the line: `[1](3)`; `^(L-1)`, as `a(L-1)` would be a function of L - 1."""
        is_sample = self.sample is None or re.fullmatch(_SAMPLE, self.sample)
        return self._brackets(left, right) if is_sample else self._brackets(left, right).replace("(", "^(")

    def _brackets(self, left: str = "⟨", right: str = "⟩") -> str:
        layer = "" if self.layer is None else f"[{self.layer}]"
        time = "" if self.time is None else f"{left}{self.time}{right}"
        time = time.replace("-", "−") if left == "⟨" else time
        return layer + time + ("" if self.sample is None else f"({self.sample})")

    def _separator(self, commas: bool | None) -> str:
        """A comma where the index would otherwise be ambiguous: w_1,11 against w_11,1."""
        return "," if (_is_wide(self) if commas is None else commas) else ""


def parse(label: str) -> Name | None:
    """The parts of a label, or None for one outside the grammar. TypeError if it is no string."""
    if not isinstance(label, str):
        raise TypeError(f"a label is a string, got {type(label).__name__}")
    label = label.replace("⟨", "<").replace("⟩", ">").replace("−", "-")
    match = _LABEL.fullmatch(label)
    if match is None or _anatomy(match["base"]) is None:
        return _lecture_name(label)
    below = match["index"] or match["typed"]
    index = tuple(below.split(",")) if below else ()
    base = match["base"]
    if len(index) == 1 and index[0] in _MARK and not match["layer"] and (accented := _accented(base, index[0])):
        base, index = accented, ()
    if match["digits"]:
        return Name(base, index=(match["digits"],), attached=True)
    return Name(base, match["layer"], match["sample"], index, time=match["time"])


def _lecture_name(label: str) -> Name | None:
    r"""A label in the notation of lectures: `w_{11}^{[1]}`, `a_1^1`, `\tilde{y}_1`; None for others."""
    label = _SUBSCRIPTS.sub(lambda run: f"_{{{run[0].translate(_ON_THE_LINE)}}}", label)
    label = _IN_WORDS.sub(lambda match: f"{match[1]}{{{match[2]}}}" if match[1] in "_^" else match[1] + match[2], label)
    label = re.sub(r"\\langle *", "<", re.sub(r" *\\rangle", ">", label))
    if len(label) > 2 and label[0] == label[-1] == "$":
        label = label[1:-1]
    match = _BASE.match(label)
    if match is None:
        return None
    base = match["under"] or match["styled"] or match["plain"]
    base = _SCRIPT_LETTER.get(base, base) if match["style"] == "mathcal" else base
    accent = match["accent"] or match["ending"]
    found: str | None = _accented(base, accent) if accent else base
    above, below, at = "", match["digits"] or "", match.end()
    label = label[:at] + label[at:].replace(r"\ell", "l").replace("ℓ", "l")
    while at < len(label):
        script = _SCRIPT.match(label, at)
        if script is None:
            return None
        up, down = script["above"] or script["braced"] or script["bare"], script["below"] or script["index"]
        if (above and up) or (below and down) or not (up or down):
            return None
        above, below, at = above or up or "", below or down or "", script.end()
    over = _ABOVE.fullmatch(above)
    if found is None or _anatomy(found) is None or (above and over is None) or not _is_below(below):
        return None
    layer, sample, time = (over["layer"] or over["bare"], over["sample"], over["time"]) if over else (None,) * 3
    if over and (over["bare"] or "").isdigit() and (not below or base in _SPREADS):  # x^2 is a power, x^L is none
        return None
    return Name(found, layer, sample, tuple(re.findall(r"[A-Za-z][+-][0-9]+|[0-9A-Za-z]+", below)), time=time)


def _power_of(label: str) -> tuple[str, str] | None:
    """The name and the exponent of a label that is the power of a name, as the variance is called: sigma^2, σ²."""
    end = len(label.rstrip("⁰¹²³⁴⁵⁶⁷⁸⁹"))
    raised = f"{label[:end]}^{label[end:].translate(_ON_THE_LINE_ABOVE)}" if end < len(label) else label
    match = _POWER.fullmatch(raised)
    name = None if match is None else parse(match["below"])
    if match is None or name is None or name.layer is not None or name.sample is not None or _primes(name.base):
        return None
    return match["below"], match["braced"] or match["bare"]


def _is_below(below: str) -> bool:
    return not below or _BELOW.fullmatch(below) is not None


def _accented(base: str, accent: str) -> str | None:
    """The base with the accent: yhat for y; None if there is none on such a base."""
    accented = base + accent
    anatomy = _anatomy(accented)
    return accented if anatomy is not None and anatomy[1] == accent else None


def is_word(label: str) -> bool:
    """Whether a label reads as one quantity inside a formula: `w[1]_1`, `größe`; not `e+c`, `1/2`, `x²`."""
    if parse(label) is not None:
        return True
    kinds = [unicodedata.category(c) for c in label]
    return bool(kinds) and kinds[0][0] == "L" and all(k[0] in "LM" or k in ("Nd", "Pc") for k in kinds)


def with_sample(label: str, i: int | str) -> str:
    """The label of the same quantity at sample i: `a[1]_2` -> `a[1](3)_2`.

    i: a number from 0, or one of the letters i to n. A sample already there is replaced; a label
    outside the grammar gets `(i)` at its end.
    """
    if not re.fullmatch(_SAMPLE, str(i)):
        raise ValueError(f"a sample is a number from 0 or a letter from i to n, got {i!r}")
    name = parse(label)
    if name is None:
        return f"{_TRAILING_SAMPLE.sub('', label)}({i})"
    return replace(name, sample=str(i), attached=False).label()


def with_time(label: str, t: int) -> str | None:
    """The label of the same quantity at step t of a sequence: `X` -> `X<2>`; None if it does not parse or has one.

    t: from 1.
    """
    name = parse(label)
    return None if name is None or name.time is not None else replace(name, time=str(t), attached=False).label()


def has_sample(label: str) -> bool:
    """Whether a label says to which sample it belongs: a[1](3)_2."""
    name = parse(label)
    return bool(_TRAILING_SAMPLE.search(label)) if name is None else name.sample is not None


def with_prime(label: str) -> str:
    """The label of another quantity like it: `a[1](3)_2` -> `a'[1](3)_2`."""
    name = parse(label)
    return f"{label}'" if name is None else replace(name, base=f"{name.base}'").label()


def sibling(label: str, base: str) -> str | None:
    """The label with another base: z[2]_1 has the sibling a[2]_1. None if it does not parse."""
    if parse(base) != Name(base):
        raise ValueError(f"a base is a letter, a Greek name or a word, got {base!r}")
    name = parse(label)
    return None if name is None else replace(name, base=base).label()


def text(label: str, *, commas: bool | None = None) -> str:
    """Unicode on one line: `w[1]₁₂`, `ŷ₁`, `a[1](3)₂`, `α`; an index without subscripts as `x_c`.

    commas: between the parts of an index; None puts them where a part has more than one character.
    """
    name = parse(label)
    if name is None:
        power = _power_of(label)
        return _one_line(label) if power is None else text(power[0]) + power[1].translate(_SUPERSCRIPT)
    separator = name._separator(commas)
    parts = [_GREEK.get(part, part) for part in name.index]
    symbol = _text_symbol(name.base) + name._line("⟨", "⟩")
    if all(c in _SUBSCRIPT for part in parts for c in part) and not any(map(_is_spelled_out, parts)):
        return symbol + separator.join("".join(map(_SUBSCRIPT.__getitem__, part)) for part in parts)
    below = separator.join(parts).replace("-", "−")
    return f"{symbol}_{{{below}}}" if "−" in below or "+" in below else f"{symbol}_{below}"


def ascii_name(label: str, *, commas: bool | None = None) -> str:
    """Printable ASCII: `w[1]_12`, `yhat_1`, `alpha`; other characters as escapes (\\u00e9).

    For people and links, not for keys: `w_1,2` and `w_12` read alike.
    """
    name = parse(label)
    if name is not None:
        return name._write(_ascii_symbol(name.base), name._separator(commas).join(name.index))
    return "".join(c if c.isascii() else _escape(c) for c in _one_line(label))


def latex(label: str, *, commas: bool | None = None) -> str:
    r"""Math-mode LaTeX: `w^{[1]}_{12}`, `\hat{y}_{1}`, `\mathrm{loss}`, `\text{my label}`."""
    name = parse(label)
    if name is None:
        power = _power_of(label)
        if power is not None:
            symbol, _, below = latex(power[0]).partition("_")
            return f"{symbol}^{{{power[1]}}}{'_' * bool(below)}{below}"
        return _latex_words(_one_line(label))
    above = r"\prime" * _primes(name.base) + name._brackets(r"\langle ", r"\rangle")
    below = name._separator(commas).join(map(_latex_part, name.index))
    return _latex_symbol(name.base) + (f"^{{{above}}}" if above else "") + (f"_{{{below}}}" if below else "")


def mathml(label: str, *, commas: bool | None = None) -> str:
    """Presentation MathML: `<msub><mover>…</mover><mn>1</mn></msub>`, `<mtext>my label</mtext>`."""
    name = parse(label)
    if name is None:
        power = _power_of(label)
        if power is not None:
            return f"<msup><mrow>{mathml(power[0])}</mrow><mn>{power[1]}</mn></msup>"
        return f"<mtext>{html.escape(_one_line(label))}</mtext>"
    symbol = _mathml_symbol(name.base)
    comma = "<mo>,</mo>" if name._separator(commas) else ""
    below = _row(comma.join(map(_mathml_part, name.index)))
    primes = "<mo>′</mo>" * _primes(name.base)
    places = (("[", name.layer, "]"), ("⟨", name.time, "⟩"), ("(", name.sample, ")"))
    above = _row(primes + "".join(itertools.starmap(_mathml_brackets, places)))
    if above and below:
        return f"<msubsup>{symbol}{below}{above}</msubsup>"
    if above:
        return f"<msup>{symbol}{above}</msup>"
    return f"<msub>{symbol}{below}</msub>" if below else symbol


def pieces(label: str, *, commas: bool | None = None) -> tuple[str, str, str]:
    """What stands on the line, above and below, for those who set names themselves: ("w", "[1]", "12").

    A label outside the grammar stands on the line as it is.
    """
    name = parse(label)
    if name is None:
        power = _power_of(label)
        if power is not None:
            base, _, below = pieces(power[0])
            return base, power[1], below
        return _one_line(label), "", ""
    below = name._separator(commas).join(_GREEK.get(part, part) for part in name.index)
    return _text_symbol(name.base), name._brackets().replace("-", "−"), below


def dot_text(shown: str) -> str:
    r"""Any text, ready to stand between double quotes in a plain DOT label.

    It is shown as it is: no HTML, no entity (&lt;), no escape (\N, \G, \l). White space of any
    kind becomes a space.
    """
    return _one_line(shown).translate(_DOT_SPECIAL)


class Names:
    """The labels of one graph, written alike: a layer's indices all have commas, or none.

    `w[1]_1,1` is w[1]₁₁ until some `w[1]_10,1` joins it; then it is w[1]₁,₁. A family is a base
    with its layer. Labels outside the given ones may be asked for too.
    """

    __slots__ = ("_wide",)

    def __init__(self, labels: Iterable[str] = ()) -> None:
        if isinstance(labels, str):
            raise TypeError(f"Names needs the labels of a graph, got one string {labels!r}")
        parsed = filter(None, map(parse, labels))
        self._wide = frozenset((n.base, n.layer) for n in parsed if _is_wide(n))

    def text(self, label: str) -> str:
        """Unicode on one line, see `text`."""
        return self._write(text, label)

    def ascii(self, label: str) -> str:
        """Printable ASCII, see `ascii_name`."""
        return self._write(ascii_name, label)

    def latex(self, label: str) -> str:
        """Math-mode LaTeX, see `latex`."""
        return self._write(latex, label)

    def mathml(self, label: str) -> str:
        """Presentation MathML, see `mathml`."""
        return self._write(mathml, label)

    def pieces(self, label: str) -> tuple[str, str, str]:
        """What stands on the line, above and below, see `pieces`."""
        return self._write(pieces, label)

    def _write(self, target: Callable[..., T], label: str) -> T:
        name = parse(label)
        wide = name is not None and (name.base, name.layer) in self._wide
        return target(label, commas=True if wide else None)


def _is_wide(name: Name) -> bool:
    """Whether several parts, written without commas, could be read in two ways."""
    return len(name.index) > 1 and any(len(part) > 1 for part in name.index)


def _anatomy(base: str) -> tuple[str, str] | None:
    """A base as (letter, Greek name or word; accent or ""): yhat and ŷ are ("y", "hat")."""
    base = base.rstrip("'")
    base = "lambda" if base == "lam" else base
    decomposed = unicodedata.normalize("NFD", base)
    core, accent = base, ""
    if decomposed[-1] in _MARK_NAME:
        core, accent = decomposed[:-1], _MARK_NAME[decomposed[-1]]
    else:
        for ending in _MARK:
            stem = base.removesuffix(ending)
            if stem != base and (len(stem) == 1 or stem in _GREEK):
                core, accent = stem, ending
    core = _GREEK_NAME.get(core, core)
    if accent and len(core) > 1 and core not in _GREEK:  # señ is a word of its own
        core, accent = base, ""
    return (core, accent) if core.isalpha() and (core.isascii() or not accent) else None


def _is_spelled_out(part: str) -> bool:
    """rate, pred: a word, which stands in an index on the line; ij and max stand below it."""
    return len(part) > 3 and part.isalpha()


def _core(base: str) -> tuple[str, str]:
    anatomy = _anatomy(base)
    return (base, "") if anatomy is None else anatomy


def _primes(base: str) -> int:
    return len(base) - len(base.rstrip("'"))


def _ascii_symbol(base: str) -> str:
    core, accent = _core(base)
    core = "".join(_OF_SCRIPT.get(c) or _GREEK_NAME.get(c) or (c if c.isascii() else _escape(c)) for c in core)
    return _PYTHON_NAME.get(core, core) + accent + "'" * _primes(base)


def _text_symbol(base: str) -> str:
    core, accent = _core(base)
    return unicodedata.normalize("NFC", _GREEK.get(core, core) + _MARK.get(accent, "")) + "′" * _primes(base)


def _latex_symbol(base: str) -> str:
    core, accent = _core(base)
    symbols = _symbols(core)
    symbol = " ".join(map(_latex_letters, symbols)) if symbols else rf"\text{{{core}}}"
    return rf"\{accent}{{{symbol}}}" if accent else symbol


def _latex_letters(letters: str) -> str:
    """A Greek letter by its name or itself, a letter, dW, or a word."""
    name = _GREEK_NAME.get(letters, letters)
    if name in _GREEK:
        return _LATIN_LOOKALIKE.get(name, f"\\{name}")
    if letters in _OF_SCRIPT:
        return rf"\mathcal{{{_OF_SCRIPT[letters]}}}"
    return letters if len(letters) == 1 or _is_differential(letters) else rf"\mathrm{{{letters}}}"


def _latex_words(shown: str) -> str:
    """What is no name: text, in which the signs of formulas are such."""
    signs = {c: _latex_letters(c) for c in shown if c in _GREEK_NAME or c in _OF_SCRIPT} | _LATEX_SIGN
    runs = itertools.groupby(shown, key=signs.__contains__)
    said = ("".join(map(signs.__getitem__, run)) if is_sign else _latex_text("".join(run)) for is_sign, run in runs)
    return "".join(said) or r"\text{}"


def _latex_text(words: str) -> str:
    return rf"\text{{{words.translate(_LATEX_SPECIAL)}}}"


def _symbols(core: str) -> list[str]:
    """The symbols that a base consists of: most are one, Δw and dβ are two; none for a word of other letters."""
    if core in _GREEK:
        return [core]
    found = re.findall(r"[A-Za-z]+|.", core)
    return found if all(s.isascii() or s in _GREEK_NAME or s in _OF_SCRIPT for s in found) else []


def _latex_part(part: str) -> str:
    if part in _GREEK:
        return f"{{{_latex_symbol(part)}}}"
    return part if len(part) < 3 or not part.isalpha() else rf"\mathrm{{{part}}}"


def _mathml_symbol(base: str) -> str:
    core, accent = _core(base)
    if _is_differential(core):
        return f"<mrow><mi>d</mi><mi>{core[1]}</mi></mrow>"
    if len(symbols := _symbols(core)) > 1:
        return f"<mrow>{''.join(f'<mi>{s}</mi>' for s in symbols)}</mrow>"
    symbol = f"<mi>{_GREEK.get(core, core)}</mi>"
    if not accent:
        return symbol
    return f'<mover accent="true">{symbol}<mo>{_MARK_MATHML[accent]}</mo></mover>'


def _mathml_part(part: str) -> str:
    """A number, a word, or a run such as `ij` or `l-1`, each letter a quantity of its own."""
    if part in _GREEK:
        return f"<mi>{_GREEK[part]}</mi>"
    pieces = re.findall(r"[0-9]+|[A-Za-z]{3,}|.", part)
    return "".join(map(_mathml_token, pieces))


def _mathml_token(piece: str) -> str:
    if piece.isdigit():
        return f"<mn>{piece}</mn>"
    return f"<mi>{piece}</mi>" if piece.isalpha() else f"<mo>{piece.replace('-', '−')}</mo>"


def _mathml_brackets(left: str, inside: str | None, right: str) -> str:
    if inside is None:
        return ""
    fence = '<mo stretchy="false">{}</mo>'
    return fence.format(left) + _mathml_part(inside) + fence.format(right)


def _row(content: str) -> str:
    return f"<mrow>{content}</mrow>" if content.count("</") > 1 else content


def _is_differential(core: str) -> bool:
    """dW, db, dz: a gradient as lectures abbreviate it, set in italics and not as a word."""
    return len(core) == 2 and core[0] == "d"


def _one_line(label: str) -> str:
    """The label on one line: white space as a space, control characters as escapes."""
    if label.isascii() and label.isprintable():
        return label
    return "".join(_show(c) for c in label)


def _show(c: str) -> str:
    if c.isspace():
        return " "
    return _escape(c) if unicodedata.category(c) in ("Cc", "Cs") or c in _UNSEEN else c


def _escape(c: str) -> str:
    return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"
