"""DOT text as Mermaid text, which many notebooks and web sites draw without a renderer of ours.

Mermaid chooses places, colours and widths by itself; nodes, edges and what is written on them stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["mermaid"]

_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_ID = rf"(?:{_QUOTED}|[\w.-]+)"
_END = rf"({_ID})(?::{_ID}){{0,2}}"  # a node, perhaps with a port
_STATEMENT = re.compile(
    rf"^[ \t]*{_END}(?:[ \t]*->[ \t]*{_END})?[ \t]*(?:\[((?:{_QUOTED}|[^\"\]])*+)\])?;?[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_MEANING = re.compile(r'["#<>&`{}|;:$*_~\\]')  # in HTML, in Markdown and to Mermaid itself
# Mermaid reads $$x$$, fa:name and \n as mathematics, an icon and a new line even if written as numbers.
_APART = dict.fromkeys("$:\\", "#8203;")  # a space of no width
_ATTRIBUTE = re.compile(rf"(\w+)[ \t]*=[ \t]*({_ID})", re.DOTALL)


def mermaid(source: str) -> str:
    """A flowchart of the nodes and visible edges that a Drawing's DOT text holds.

    source: one statement a line, as in `Drawing.source`. Boxes around nodes are left out.
    """
    direction = "TB"
    shapes: dict[str, str] = {}
    edges: list[tuple[str, str, str]] = []
    for name, other, attributes in _statements(source):
        if other is not None:
            for end in (name, other):
                shapes.setdefault(end, f'["{_text([_unquoted(end)])}"]')
            if attributes.get("style") != "invis":
                ends = (other, name) if attributes.get("dir") == "back" else (name, other)
                edges.append((ends[0], _arrow(attributes), ends[1]))
        elif name == "graph":
            direction = attributes.get("rankdir", direction)
        elif name not in ("node", "edge") and (attributes or name not in shapes):
            shapes[name] = _shape(name, attributes)
    ids = {name: f"v{i}" for i, name in enumerate(shapes)}
    lines = [f"    {ids[name]}{shape}" for name, shape in shapes.items()]
    lines += [f"    {ids[u]} {arrow} {ids[v]}" for u, arrow, v in edges]
    return "\n".join([f"flowchart {direction}", *lines]) + "\n"


def _statements(source: str) -> Iterator[tuple[str, str | None, dict[str, str]]]:
    """(node, None, attributes) and (from, to, attributes), in order; all else is passed over."""
    for match in _STATEMENT.finditer(source):
        found = _ATTRIBUTE.findall(match[3] or "")
        yield match[1], match[2], {key: _unquoted(value) for key, value in found}


def _shape(name: str, attributes: dict[str, str]) -> str:
    label = attributes.get("label", _unquoted(name))
    left, right = ("[", "]") if attributes.get("style") == "filled" else ("(", ")")
    return f'{left}"{_text(_lines(label))}"{right}'


def _arrow(attributes: dict[str, str]) -> str:
    arrow = "-.->" if attributes.get("style") in ("dashed", "dotted") else "-->"
    written = _text(_lines(attributes.get("label", "")))
    return f'{arrow}|"{written}"|' if written.strip() else arrow


def _unquoted(value: str) -> str:
    return value[1:-1].replace(r"\"", '"') if value.startswith('"') else value


def _lines(label: str) -> list[str]:
    """The lines of a plain DOT label."""
    lines = [""]
    for token in re.findall(r"\\.|.", label, re.DOTALL):
        if token in (r"\n", r"\l", r"\r", "\n"):
            lines.append("")
        else:
            lines[-1] += token
    return [_plain(line) for line in lines]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).replace("&amp;", "&").strip()


def _text(lines: list[str]) -> str:
    """Lines for a quoted Mermaid text, which is never empty; what could mean something to it is written as numbers."""
    return "<br/>".join(_MEANING.sub(_numbered, line) for line in lines if line) or " "


def _numbered(character: re.Match[str]) -> str:
    return f"#{ord(character[0])};{_APART.get(character[0], '')}"
