"""Texts of a picture in SVG: names as w^[1]_11 with their parts above and below each other, numbers, halos."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from ..style import current

__all__ = ["BASELINE", "document", "element", "length", "name_text", "typeset", "words"]

SERIF = "'STIX Two Text', 'Times New Roman', Times, serif"

BASELINE = 0.36  # of a size: from the middle of digits down to where they stand
SCRIPT = 0.66  # the size of what stands above and below
RAISED, LOWERED = 0.42, 0.24  # of the size of the base

# Widths in sizes, of Arial; what is not here is as wide as a digit.
_WIDTHS = {
    **dict.fromkeys("iljI.,:;'|![]()/ tf", 0.29),
    **dict.fromkeys("mwMW%", 0.84),
    **dict.fromkeys("ABCDEFGHKNOPQRSUVXYZ", 0.7),
    "−": 0.584,
}
_DIGIT = 0.556


def length(text: str) -> float:
    """About how long a text is, in sizes of its font."""
    return sum(_WIDTHS.get(c, _DIGIT) for c in text)


def document(title: str, box: tuple[float, float, float, float], scale: float, parts: Iterable[str]) -> str:
    """A whole SVG of these elements, on paper. box: left, top, width and height; scale: how many points a unit is."""
    left, top, across, down = box
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} {0 + top:g} {across:.0f} {down:.0f}" '
            f'width="{scale * across:.1f}pt" height="{scale * down:.1f}pt" font-family="{current().font}" role="img">',
            f"<title>{html.escape(title)}</title>",
            element("rect", x=left or None, y=top, width=across, height=down, fill=current().paper, class_="paper"),
            *parts,
            "</svg>\n",
        ]
    )


def element(tag: str, inside: str = "", /, **attributes: object) -> str:
    """An element; `font_size=3` becomes font-size="3", and what is None is left out."""
    return f"<{tag}{written(attributes)}>{inside}</{tag}>" if inside else f"<{tag}{written(attributes)}/>"


def written(attributes: Mapping[str, object]) -> str:
    return "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_short(value))}"'
        for key, value in attributes.items()
        if value is not None
    )


def _short(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def words(text: str, x: float, y: float, size: float, *, anchor: object = "middle", **more: object) -> str:
    """A text whose middle is at (x, y); with anchor="start" or "end" it begins or ends at x."""
    at: dict[str, object] = {"x": x, "y": y + BASELINE * size, "font_size": size, "text_anchor": anchor}
    return element("text", html.escape(text), **at, **more)


def name_text(
    pieces: tuple[str, str, str], x: float, y: float, size: float, *, anchor: object = "middle", **more: object
) -> str:
    """A name whose base is level with y, as text: base, then what stands above and below it."""
    at = {"x": x, "y": y + BASELINE * size, "font_size": size, "text_anchor": anchor, "font_family": SERIF}
    return element("text", name_spans(pieces, size), **at, **more)


def name_spans(pieces: tuple[str, str, str], size: float) -> str:
    """The inside of a text element of this size; the next characters go on at its baseline."""
    base, above, below = pieces
    small, style = SCRIPT * size, None if len(base) > 2 else "italic"
    spans = [element("tspan", html.escape(base), font_style=style)]
    if above:
        spans.append(element("tspan", html.escape(above), dy=-RAISED * size, font_size=small))
    if below:
        back = -SCRIPT_WIDTH * length(above) * small if above else None
        down = (LOWERED + (RAISED if above else 0.0)) * size
        spans.append(element("tspan", html.escape(below), dx=back, dy=down, font_size=small))
    return "".join(spans)


# A name as text has it, w[1]₁₂, or a power of each number, A^∘2, in the escaped content of an element.
_NAME = re.compile(
    r"\^(?P<power>∘(?:[−-]?[\w.]+|\([^()]*\)))|"
    r"(?<=[^\W\d_]|[\u0302\u0303'])(?P<above>\[\w+(?:[+−-]\d+)?\](?:\(\w+\))?)(?P<below>[₀-₉]+(?:[,‚][₀-₉]+)*)?"
)
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_TEXT = re.compile(r'(<text\b[^>]*? font-size="([\d.]+)"[^>]*>)([^<]*(?:\[|\^∘)[^<]*)(</text>)')


def typeset(svg: str) -> str:
    """An SVG with the names in its texts set as mathematics: w[1]₁₂ as w with [1] above and 12 below."""

    def text(found: re.Match[str]) -> str:
        start, size, content, end = found.groups()
        return start + _spans(content, float(size)) + end

    return _TEXT.sub(text, svg)


def _spans(content: str, size: float) -> str:
    """Escaped text with its names as tspans; each goes back to the line it left."""
    parts, at, back = [], 0, 0.0
    for name in _NAME.finditer(content):
        parts.append(_at_height(content[at : name.start()], back))
        above, below = name["above"] or name["power"], (name["below"] or "").translate(_DIGITS)
        small = SCRIPT * size
        parts.append(element("tspan", above, dy=-RAISED * size, font_size=small))
        back = RAISED * size
        if below:
            left = -SCRIPT_WIDTH * length(above) * small
            down = (LOWERED + RAISED) * size
            right = max(0.0, length(above) - length(below)) * small
            parts.append(element("tspan", below, dx=left, dy=down, font_size=small))
            back = -LOWERED * size
            if right > 0 and name.end() < len(content):
                parts.append(element("tspan", "\u200b", dx=right, font_size=small))
        at = name.end()
    return "".join([*parts, _at_height(content[at:], back)]) if parts else content


def _at_height(text: str, back: float) -> str:
    return element("tspan", text, dy=back) if text and back else text


SCRIPT_WIDTH = 0.94  # of Arial's, as what stands above is set in a serif font
