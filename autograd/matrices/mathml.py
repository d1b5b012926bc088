"""Formulas of whole arrays as presentation MathML, as the page shows them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..formulas import names
from ..formulas.notation import Formula, Mathml
from ..op import Operation
from .atoms import Applied, Shape
from .notation import MATMUL, POWER, TIGHT, Lectures, Piece

__all__ = ["MatrixMathml"]


# A token with what is in it, another tag, or text that stands in neither.
_BARE = re.compile(r"(<(mi|mn|mo|mtext)\b[^>]*>.*?</\2>|<[^>]+>)|([^<]+)")


def _operator(sign: str) -> str:
    return f"<mo>{sign}</mo>"


def _token(text: str) -> str:
    """A sign that all notations share; the brackets of an index do not grow with what they stand beside."""
    return f'<mo stretchy="false">{text}</mo>' if text in ("[", "]") else _operator(text) if text else ""


class MatrixMathml(Lectures, Mathml):
    """MathML, to be put in `<math>`; shapes stand under the names."""

    hadamard, matmul, inner = _operator("⊙"), '<mspace width="0.22em"/>', _operator("·")
    close = beside = '<mspace width="0.17em"/>'
    gap = _operator("⋮")  # where lines are left out
    RELATIONS: ClassVar[dict[str, str]] = {
        relation: _operator(sign)
        for relation, sign in {">": "&gt;", ">=": "≥", "<": "&lt;", "<=": "≤", "==": "=", "!=": "≠"}.items()
    }

    plain_name = staticmethod(names.mathml)

    def pattern(self, op: Operation) -> str | None:
        found = super().pattern(op)
        return None if found is not None and "<msup>" in found else found  # that of a matrix would read as another

    def sum(self, x: Formula) -> str:
        """A formula; brackets and commas that all notations share become tokens."""
        return _BARE.sub(lambda m: m[1] or _token(m[3].strip()), super().sum(x))

    def derivative(self, name: str) -> str:
        return f"<mrow><mi>d</mi>{name}</mrow>"

    def turned(self, piece: Piece, shape: Shape) -> Piece:
        layer = re.fullmatch(r"((?:<mrow><mi>d</mi>)?<msup>.*)(</mrow></msup>(?:</mrow>)?)", piece.text)
        if layer and piece.hold == TIGHT:  # W^{[1]T}, as the lectures write it
            return Piece(f"{layer[1]}<mi>T</mi>{layer[2]}", POWER)
        return Piece(f"<msup><mrow>{self.holding(piece, TIGHT)}</mrow><mi>T</mi></msup>", POWER)

    def _marked(self, text: str, shape: Shape) -> str:
        if not self.with_shapes or not shape:
            return text
        return f"<munder><mrow>{text}</mrow><mtext>{self.shape(shape)}</mtext></munder>"

    def filled(self, digit: str, shape: Shape) -> str:
        bold = f"<mn>{ {'0': '𝟎', '1': '𝟏'}[digit] }</mn>"
        return (
            self._marked(bold, shape) if self.with_shapes else f"<msub>{bold}<mtext>{self.shape(shape)}</mtext></msub>"
        )

    def elementwise_power(self, base: Piece, exponent: Piece) -> Piece:
        raised = f"<msup><mrow>{self.holding(base, TIGHT)}</mrow><mrow><mo>∘</mo>{exponent.text}</mrow></msup>"
        return Piece(raised, POWER)

    def sum_of(self, letter: str, count: int, piece: Piece) -> Piece:
        limit = self.name(self.count) if letter == "i" else f"<mn>{count}</mn>"
        below = f"<mrow><mi>{letter}</mi><mo>=</mo><mn>1</mn></mrow>"
        return Piece(f"<munderover><mo>∑</mo>{below}{limit}</munderover>{self.holding(piece, MATMUL)}", MATMUL)

    def sum_over(self, axes: str, piece: Piece) -> Piece:
        sign = f"<munder><mo>∑</mo><mtext>{html.escape(axes)}</mtext></munder>" if axes else "<mo>∑</mo>"
        return Piece(f"{sign}{self.holding(piece, POWER)}", MATMUL)

    def with_index(self, piece: Piece, letter: str) -> Piece:
        tag, inside = ("msup", "<mo>(</mo><mi>i</mi><mo>)</mo>") if letter == "i" else ("msub", f"<mi>{letter}</mi>")
        return Piece(f"<{tag}><mrow>{piece.text}</mrow><mrow>{inside}</mrow></{tag}>", POWER)

    def length(self, inner: str) -> Piece:
        return Piece(f"<mrow><mo>‖</mo>{inner}<mo>‖</mo></mrow>")

    def called(self, a: Applied) -> str:
        return f"<mi>{html.escape(super().called(a))}</mi>"

    def along(self, function: str, inner: str, axis: str) -> Piece:
        below = f"<munder>{function}<mtext>{html.escape(axis)}</mtext></munder>" if axis else function
        return Piece(f"{below}<mo>\u2061</mo>{self.parenthesized(inner)}")

    def operator(self, word: str) -> str:
        return f"<mi>{word}</mi>"

    summation = _operator("∑")

    def below(self, text: str, letters: str) -> str:
        index = f"<mrow>{''.join(f'<mi>{c}</mi>' for c in letters)}</mrow>"
        tag = "munder" if text == self.summation else "msub"
        return f"<{tag}><mrow>{text}</mrow>{index}</{tag}>"

    def sum_over_time(self, lo: int, hi: int, piece: Piece) -> Piece:
        below = f"<mrow><mi>{self.time}</mi><mo>=</mo><mn>{lo}</mn></mrow>"
        sign = f"<munderover><mo>∑</mo>{below}<mn>{hi}</mn></munderover>"
        return Piece(f"{sign}{self.holding(piece, MATMUL)}", MATMUL)

    def steps(self, each: str, lo: int, hi: int) -> Piece:
        times = f"<mrow><mi>{self.time}</mi><mo>=</mo><mn>{lo}</mn></mrow><mn>{hi}</mn>"
        return Piece(f"<munderover><mi>steps</mi>{times}</munderover>{self.parenthesized(each)}")

    def by_pattern(self, a: Applied, pattern: str) -> Piece:
        return super().by_pattern(a, a.op.writing["text"])

    def how(self, words: Sequence[str], *, is_function: bool) -> str:
        told = ", ".join(words)
        return (f", {told}" if is_function else f"({told})") if told else ""

    def blocks(self, parts: Sequence[str], axis: int) -> Piece:
        cells = [f"<mtd>{part}</mtd>" for part in parts]
        rows = f"<mtr>{''.join(cells)}</mtr>" if axis else "".join(f"<mtr>{cell}</mtr>" for cell in cells)
        return Piece(f"<mrow><mo>[</mo><mtable>{rows}</mtable><mo>]</mo></mrow>")

    def shaped(self, function: str, inner: str, shape: str) -> Piece:
        called = f"<munder>{function}<mtext>{shape}</mtext></munder>" if shape else function
        return Piece(f"{called}{self.parenthesized(inner)}")

    def words(self, text: str) -> str:
        return f"<mtext>{html.escape(text)}</mtext>"

    def plain(self, x: object) -> str:
        return f"<mtext>{html.escape(super().plain(x))}</mtext>"

    def block(self, array: np.ndarray) -> list[str]:
        # lines at its sides, for brackets grow only with a font for mathematics
        style = "border: solid; border-width: 0 1.5px; border-radius: 0.35em; margin: 0.15em 0.2em; padding: 0 0.15em"
        rows = ("".join(f"<mtd>{self.number(float(x))}</mtd>" for x in row) for row in np.atleast_2d(array))
        return [f'<mtable style="{style}">{"".join(f"<mtr>{row}</mtr>" for row in rows)}</mtable>']
