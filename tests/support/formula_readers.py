"""Independent readers of printed formulas: text, LaTeX and MathML become SymPy expressions and numbers.

They know the rules by which people read and nothing of how formulas are written: names are those that
the reader is given, juxtaposed factors are a product, √ and powers bind tightest, a/b·c goes from left
to right. What has two readings is refused.
"""

import re
import xml.etree.ElementTree as ET

import sympy

FUNCTIONS = {
    "σ": lambda z: 1 / (1 + sympy.exp(-z)),
    "relu": lambda z: sympy.Max(z, 0),
    "leaky_relu": lambda z, a: sympy.Piecewise((z, z > 0), (a * z, True)),
    "softplus": lambda z: sympy.log(1 + sympy.exp(z)),
    "sign": sympy.sign,
    "max": sympy.Max,
    "min": sympy.Min,
    "exp": sympy.exp,
    "log": sympy.log,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tanh": sympy.tanh,
    "logsumexp": lambda *z: sympy.log(sum(map(sympy.exp, z))),
    "softmax": lambda *z: [sympy.exp(u) / sum(map(sympy.exp, z)) for u in z],
    "log_softmax": lambda *z: [u - sympy.log(sum(map(sympy.exp, z))) for u in z],
    "CE": lambda p, t: -sum(v * sympy.log(u) for u, v in zip(p, t, strict=True)),
    "BCE": lambda p, y: -y * sympy.log(p) - (1 - y) * sympy.log(1 - p),
}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


class Unreadable(Exception):
    """What is written has no reading, or two."""


class Reader:
    """A recursive descent over tokens (kind, text or value)."""

    def __init__(self, tokens):
        self.tokens, self.at = [*tokens, ("end", "")], 0
        self.inside_bars = 0
        self.open_powers = set()  # places after an exponent without parentheses

    def peek(self):
        return self.tokens[self.at]

    def take(self, *expected):
        kind, text = self.tokens[self.at]
        if expected and text not in expected:
            raise Unreadable(f"expected {expected}, found {text!r}")
        self.at += 1
        return kind, text

    def formula(self):
        result = self.sum()
        if self.peek()[0] != "end":
            raise Unreadable(f"left over: {self.tokens[self.at :]}")
        return result

    def sum(self):
        sign = 1
        if self.peek()[1] == "−":
            self.take()
            sign = -1
        result = sign * self.product()
        while self.peek()[1] in ("+", "−"):
            sign = 1 if self.take()[1] == "+" else -1
            if self.peek()[1] in ("+", "−"):
                raise Unreadable("two signs one after the other")
            result += sign * self.product()
        return result

    def product(self):
        result, last = self.power(), self.tokens[self.at - 1]
        divided = False
        while True:
            kind, text = self.peek()
            if text in ("·", "/"):
                self.take()
                right = self.power()
                if text == "·" and divided:
                    raise Unreadable("a/b·c has two readings")
                divided = divided or text == "/"
                result = result / right if text == "/" else result * right
            elif kind in ("number", "name", "function", "value", "group") or text in ("(", "√", "|", "["):
                if text == "|" and self.inside_bars:
                    return result
                if kind == "number" or (divided and last[0] != "value"):
                    raise Unreadable(f"a factor stands beside another: {self.tokens}")
                if self.at in self.open_powers and text == "(":
                    raise Unreadable("an exponent goes on with parentheses")
                result *= self.power()
            else:
                return result
            last = self.tokens[self.at - 1]

    def power(self):
        base = self.atom()
        kind, text = self.peek()
        if kind == "superscript":
            self.take()
            return base ** sympy.Integer(int(text))
        if text == "^":
            self.take()
            is_delimited = self.peek()[1] == "(" or self.peek()[0] == "group"
            exponent = self.atom()
            if not is_delimited:
                self.open_powers.add(self.at)
            return base**exponent
        return base

    def arguments(self):
        self.inside_bars, outside = 0, self.inside_bars
        self.take("(")
        found = [self.argument()]
        while self.peek()[1] == ",":
            self.take()
            found.append(self.argument())
        self.take(")")
        self.inside_bars = outside
        return found

    def argument(self):
        start = self.at
        if self.peek()[1] == "(":
            inner = self.arguments()
            if self.peek()[1] in (",", ")") and len(inner) > 1:
                return inner
            self.at = start
        return self.sum()

    def atom(self):
        kind, text = self.take()
        if kind in ("number", "value", "name", "group"):
            return text
        if kind == "function":
            return self.applied(text)
        if text == "√":
            inner = self.atom()
            return sympy.sqrt(inner)
        if text == "(":
            self.inside_bars, outside = 0, self.inside_bars
            inner = self.sum()
            self.inside_bars = outside
            self.take(")")
            return inner
        if text == "|":
            self.inside_bars += 1
            inner = self.sum()
            self.inside_bars -= 1
            self.take("|")
            return sympy.Abs(inner)
        if text == "[":
            left = self.sum()
            self.take(">")
            right = self.sum()
            self.take("]")
            return sympy.Piecewise((1, left > right), (0, True))
        raise Unreadable(f"nothing begins with {text!r}")

    def applied(self, text):
        result = FUNCTIONS[text](*self.arguments())
        if isinstance(result, list):
            if self.peek()[1] == "," and text == "softmax":  # all its members, as a loss has them
                return result
            kind, place = self.take()
            if kind != "subscript":
                raise Unreadable("a member of a softmax without its place")
            result = result[int(place) - 1]
        return result


def text_tokens(text, symbols):
    """Tokens of the Unicode notation. symbols: the names as they are written, with what they stand for."""
    known = sorted(symbols, key=len, reverse=True)
    names = "|".join(map(re.escape, known))
    functions = "|".join(sorted(map(re.escape, FUNCTIONS), key=len, reverse=True))
    token = re.compile(
        rf"\s*(?:(?P<function>(?:{functions})(?=\())|ln (?P<logarithm>\d+)(?![\d·/(.])"
        rf"|(?P<name>{names})|(?P<number>\d+(?:\.\d+)?|½|π|nan|∞)"
        r"|(?P<superscript>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?P<subscript>[₀-₉]+)|(?P<sign>[-+−·/^()√|\[\]>,]))"
    )
    at = 0
    while at < len(text.rstrip()):
        match = token.match(text, at)
        if match is None:
            raise Unreadable(f"{text[at:]!r} of {text!r}")
        kind, found = match.lastgroup, match[match.lastgroup]
        at = match.end()
        if kind == "name":
            yield "group" if found.startswith("(") else kind, symbols[found]
        elif kind == "number":
            special = {"½": sympy.Rational(1, 2), "π": sympy.pi, "nan": sympy.nan, "∞": sympy.oo}
            yield ("value" if found in special else kind), special.get(found) or sympy.Float(found, 17)
        elif kind == "logarithm":  # ln 2·x and ln 2/x have two readings
            yield "value", sympy.log(int(found))
        elif kind == "superscript":
            yield kind, found.translate(SUPERSCRIPTS)
        elif kind == "subscript":
            yield kind, found.translate(SUBSCRIPTS)
        else:
            yield kind, found


def read_text(text, symbols):
    """A formula in Unicode as a SymPy expression."""
    return Reader(text_tokens(text, symbols)).formula()


def read_latex(tex, symbols):
    """A formula in LaTeX as a SymPy expression."""
    known = sorted(symbols, key=len, reverse=True)
    functions = {r"\sigma": "σ", r"\log": "log", r"\sin": "sin", r"\cos": "cos", r"\tanh": "tanh", r"\max": "max"}
    functions |= {r"\min": "min"} | {
        rf"\operatorname{{{name}}}".replace("_", r"\_"): name for name in FUNCTIONS if name.isascii()
    }
    by_length = sorted(functions, key=len, reverse=True)

    def group(at):
        depth, start = 0, at
        while True:
            depth += (tex[at] == "{") - (tex[at] == "}")
            at += 1
            if depth == 0:
                return tex[start + 1 : at - 1], at

    def tokens(at):
        while at < len(tex):
            rest = tex[at:]
            if rest[0] == " " or rest.startswith((r"\,", r"\left", r"\right")):
                at += 1 if rest[0] == " " else 2 if rest.startswith(r"\,") else 5 if rest.startswith(r"\left") else 6
                continue
            name = next(
                (k for k in by_length if rest.startswith(k) and rest[len(k) :].startswith(("(", r"\left("))), None
            )
            if name is not None:
                yield "function", functions[name]
                at += len(name)
            elif rest.startswith("e^{"):
                inner, at = group(at + 2)
                yield "value", sympy.exp(read_latex(inner, symbols))
            elif (name := next((k for k in known if rest.startswith(k)), None)) is not None:
                yield "group" if name.startswith("(") else "name", symbols[name]
                at += len(name)
            elif rest.startswith(r"\frac"):
                top, at = group(at + 5)
                bottom, at = group(at)
                yield "value", read_latex(top, symbols) / read_latex(bottom, symbols)
            elif rest.startswith(r"\sqrt"):
                inner, at = group(at + 5)
                yield "value", sympy.sqrt(read_latex(inner, symbols))
            elif (number := re.match(r"\\ln (\d+)(?!\d|\s*(?:\\,|\\cdot|\(|\\left))", rest)) is not None:
                yield "value", sympy.log(int(number[1]))
                at += number.end()
            elif rest.startswith(r"\pi"):
                yield "value", sympy.pi
                at += 3
            elif rest.startswith(r"\cdot"):
                yield "sign", "·"
                at += 5
            elif rest.startswith(r"\times"):
                yield "sign", "·"
                at += 6
            elif rest.startswith("^{"):
                inner, at = group(at + 1)
                yield "sign", "^"
                yield "group", read_latex(inner, symbols)
            elif rest.startswith("_{"):
                inner, at = group(at + 1)
                yield "subscript", inner
            elif (number := re.match(r"\d+(?:\.\d+)?", rest)) is not None:
                yield "number", sympy.Float(number[0], 17)
                at += number.end()
            elif rest[0] in "+-()|[]>,":
                yield "sign", rest[0].replace("-", "−")
                at += 1
            else:
                raise Unreadable(f"{rest!r} of {tex!r}")

    return Reader(tokens(0)).formula()


def read_mathml(markup, symbols):
    """A formula in MathML, whose names are <mi id="..."> of the given symbols, as a SymPy expression."""
    functions = {"e": None} | {name: name for name in FUNCTIONS}

    def row(elements):
        tokens = []
        for i, element in enumerate(elements):
            if i > 1 and [u.text for u in elements[i - 2 : i]] == ["ln", "\u2061"]:
                tokens.append(("value", sympy.log(int(element.text))))
                continue
            tag, text = element.tag, (element.text or "").strip()
            children = list(element)
            applies = i + 1 < len(elements) and elements[i + 1].text == "\u2061"
            if tag == "mi" and element.get("id"):
                tokens.append(("name", symbols[element.get("id")]))
            elif tag == "mi" and text in functions and (applies or text == "softmax"):
                tokens.append(("function", text))
            elif tag == "mi" and text == "ln":
                continue
            elif tag == "mi" and text == "π":
                tokens.append(("value", sympy.pi))
            elif tag == "mn":  # a number of the page, whose sign may change, has its parentheses with it
                number = text.removeprefix("(").removesuffix(")").replace("−", "-")
                tokens.append(("number", sympy.Float(number, 17)))
            elif tag == "mo" and text == "\u2061":
                continue
            elif tag == "mo" and text == "\u2062":
                tokens.append(("sign", "·"))
            elif tag == "mo":
                tokens.append(("sign", text.replace("×", "·")))
            elif tag == "mrow":
                tokens += row(children)
            elif tag == "mfrac":
                tokens.append(("value", value(children[0]) / value(children[1])))
            elif tag == "msqrt":
                tokens.append(("value", sympy.sqrt(Reader(row(children)).formula())))
            elif tag == "msup" and children[0].tag == "mi" and children[0].text == "e" and not children[0].get("id"):
                tokens.append(("value", sympy.exp(value(children[1]))))
            elif tag == "msup":
                tokens.append(("value", value(children[0]) ** value(children[1])))
            elif tag == "msub":
                tokens += [*row([children[0]]), ("subscript", children[1].text)]
            else:
                raise Unreadable(ET.tostring(element, encoding="unicode"))
        return tokens

    def value(element):
        return Reader(row([element])).formula()

    return Reader(row(list(ET.fromstring(f"<math>{markup}</math>")))).formula()
