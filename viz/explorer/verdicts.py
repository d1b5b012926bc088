"""What the page knows of a marked sheet, or of an exercise: edges and nodes of mistakes, and what answers are told.

All verdicts are found here, by check_work; the page looks them up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from autograd import Value
from autograd.formulas import names
from autograd.marking.marking import Marking
from autograd.operands import describe
from autograd.signatures import Json
from nn.exercises import Exercise
from nn.exercises.writing import Blank, written

from .model import Nodes, encoded

__all__ = ["exercise_data", "marking_data"]


def marking_data(root: object, nodes: Nodes, marking: object) -> Json:
    """The verdicts by node, the edges on which mistakes were made, and what is said of them.

    TypeError for what is no marking, ValueError for one of another computation.
    """
    if not isinstance(marking, Marking):
        raise TypeError(f"explore: expected marking to be what check_work gives, got {describe(marking)}")
    c = marking.computation
    if c.target is not root:
        raise ValueError("explore: the marking is of another computation; check the work against this root")
    wrong: set[tuple[object, object]] = set()
    for finding in marking.findings:
        for edge in (e for variant in finding.variants for e in variant.edges):
            wrong |= {(edge.node, edge.operand), (edge.result, c.below(edge.operand))}
    _, *told, total = marking.text().split("\n\n")
    return {
        "wrong": [[nodes.number(v) for v in pair] for pair in wrong if nodes.has(*pair)],
        "verdicts": [
            [nodes.number(v.node), "right" if v else "given" if v.has_point else "wrong", c.shown[key], marking.said(v)]
            for key, v in marking.verdicts.items()
            if nodes.has(v.node)
        ],
        "told": told,
        "total": total,
    }


def exercise_data(root: object, nodes: Nodes, sheet: object) -> Json:
    """The gaps of a sheet, what is right in each, and which numbers are told which mistake.

    TypeError for what is no exercise; ValueError for one of another computation, or whose gaps are no numbers of it.
    """
    if not isinstance(sheet, Exercise):
        raise TypeError(f"explore: expected exercise to be what nn.exercise gives, got {describe(sheet)}")
    if sheet.loss is not root:
        raise ValueError("explore: the exercise is of another computation; write explore(sheet.loss, exercise=sheet)")
    if sheet.kind == "shapes" or not isinstance(root, Value):
        asks = "shapes" if sheet.kind == "shapes" else "whole matrices"
        raise ValueError(
            f"explore: an exercise of kind {sheet.kind!r} asks for {asks}, which the page does not take; hand out "
            "sheet.blank and mark it with sheet.check, or gradpath check; the page has all the other kinds"
        )
    by_name = {name: node for name, node in sheet.nodes.items() if nodes.has(node)}
    mistakes = sheet.mistakes()
    gaps: list[dict[str, object]] = []
    for part in sheet.questions:
        asked = "".join(p if isinstance(p, str) else p.text for p in part.words)
        for i, blank in enumerate(part.blanks):
            told = [[encoded(x), said] for x, said in mistakes.get(blank.name, ())]
            gap = {
                "shown": blank.shown.text,
                "asked": "" if i else asked,
                "told": told,
                **_place(sheet, blank, nodes, by_name),
            }
            gaps.append(gap | {"right": blank.right if isinstance(blank.right, str) else encoded(float(blank.right))})
    asked = re.sub(r"\s+", " ", "; ".join(e.text for e in sheet.equations))
    largest = max(abs(float(np.max(np.abs(b.right)))) for b in sheet.blanks if not isinstance(b.right, str))
    width = 1e-6 * max(largest, 1.0) if sheet.is_exact else 0.0
    leaves = sorted(label for label, v in by_name.items() if v.op is None)
    given = ", ".join(f"{names.text(label)} = {written(by_name[label].data)}" for label in leaves)
    notes = re.sub(r"(?<=\S) {3,}|(?<=\d)\n(?=\S)", ", ", sheet.notes)  # side by side on paper, here as they fit
    found = {
        "gaps": gaps,
        "asked": asked,
        "notes": _in_one_piece(f"{given}\n\n{notes}".strip()),
        "width": width,
        "title": sheet.title,
    }
    if sheet.kind == "find":
        found["choices"] = [name.text for name in sheet.worked]
    return found


def _in_one_piece(said: str) -> str:
    """No line is broken inside of ∂L/∂w = 3."""
    return said.replace(" = ", "\u00a0=\u00a0").replace("/∂", "/\u2060∂")


def _place(sheet: Exercise, blank: Blank, nodes: Nodes, by_name: Mapping[str, Value]) -> dict[str, object]:
    """The node that a gap is about, and what of it is asked for: its number, its gradient, or where a step leads."""
    name = blank.name
    if name.startswith("new "):
        return {"node": nodes.number(by_name[name.removeprefix("new ")]), "of": "new", "rate": sheet.rate}
    if isinstance(blank.right, str):
        return {"node": -1, "of": "choice"}
    if sheet.kind in ("factor", "find"):
        return {"node": -1, "of": "number"}
    under = name.partition("/d")[2]
    return {"node": nodes.number(by_name[under or name]), "of": "grad" if under else "data"}
