"""What the page knows of a marked sheet, or of an exercise: edges and nodes of mistakes, and what answers are told.

All verdicts are found here, by check_work; the page looks them up.
"""

from __future__ import annotations

import re

import numpy as np

from autograd import Value
from autograd.marking.marking import Marking
from autograd.operands import describe
from autograd.signatures import Json
from nn.exercises import Exercise

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
    if not isinstance(root, Value) or sheet.kind in ("factor", "find", "update", "shapes"):
        raise ValueError(
            f"explore: an exercise of kind {sheet.kind!r} asks for more than numbers of its graph; take 'neuron', "
            "'chain', 'paths', 'shared', 'convolution' or 'recurrent'"
        )
    checker = sheet.checker
    predicted = [found for _, found in checker.slipped() if found is not None]
    by_name = {name: node for name, node in sheet.nodes.items() if nodes.has(node)}
    gaps = []
    before: dict[str, object] = {}  # what was asked for before is taken to be right: the mistake is behind it
    for blank in sheet.blanks:
        is_gradient = blank.name.startswith("d")
        node = by_name[blank.name.partition("/d")[2] if is_gradient else blank.name]
        told: list[list[object]] = []
        if is_gradient:
            numbers = {round(float(found.get(node, 0.0)), 9) for found in predicted}
            for x in sorted(numbers - {round(float(blank.right), 9)}):
                found = sheet.check({**before, blank.name: x}).findings
                if found:
                    told.append([encoded(x), found[0].slip if found[0].is_sure else f"perhaps {found[0].slip}"])
        if is_gradient:
            before[blank.name] = blank.right
        gaps.append(
            {
                "node": nodes.number(node),
                "of": "grad" if is_gradient else "data",
                "shown": blank.shown.text,
                "right": encoded(float(blank.right)),
                "told": told,
            }
        )
    asked = re.sub(r"\s+", " ", "; ".join(e.text for e in sheet.equations))
    largest = max(abs(float(np.max(np.abs(b.right)))) for b in sheet.blanks)
    width = 1e-6 * max(largest, 1.0) if sheet.is_exact else 0.0
    return {"gaps": gaps, "asked": asked, "width": width, "title": sheet.title}
