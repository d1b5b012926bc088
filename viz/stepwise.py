"""steps: the forward and the backward pass of a recorded computation, one step at a time, as text and as pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, overload

from autograd import Value
from autograd.arguments import lookup
from autograd.formulas.notation import Text
from autograd.operands import describe
from autograd.paths.backward_steps import additions
from autograd.paths.path_graph import PathGraph

from . import style
from .explorer.model import Nodes
from .explorer.stage import Drawn, scene
from .explorer.views import drawn_of
from .options import Asked, drawing
from .picture import Picture
from .scenes.placing import Placement
from .scenes.scene import Cell, Glow, Lit, Mark, Note, Scene, stage

__all__ = ["Step", "Steps", "steps"]

_LEVELS = dict.fromkeys(("auto", "named", "op", "neurons"))


class Step(NamedTuple):
    """One step of a pass.

    number  from 1
    phase   "forward": the node gets its number; "backward": what it gives to its operands' gradients
    node    that of the step
    lines   what happens, as text
    """

    number: int
    phase: str
    node: Value
    lines: tuple[str, ...]
    whole: Steps

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def picture(self) -> Picture:
        """The graph at this step: what is known by now, with what is computed lit; places are the same in all."""
        return self.whole.picture(self.number)


class Steps:
    """All steps, in order: a sequence of Step, and as a whole their text."""

    def __init__(self, graph: PathGraph, drawn: Drawn, nodes: Nodes, asked: Asked, like: Placement | None) -> None:
        self._graph, self._drawn, self._nodes, self._asked = graph, drawn, nodes, asked
        self._look = style.current()
        self._scene = scene(drawn, nodes, size=stage(asked.width), look=asked, like=like)
        self._forward = [v for v in graph.nodes if not v.is_leaf]
        self._backward = list(reversed(self._forward))
        self._words = Text(graph.names.text, asked.digits)
        self._made = [*map(self._computed, self._forward), *(lines for _, lines in additions(graph, self._words))]

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, i: int) -> Step: ...
    @overload
    def __getitem__(self, i: slice) -> list[Step]: ...
    def __getitem__(self, i: int | slice) -> Step | list[Step]:
        numbered = range(1, len(self) + 1)
        if isinstance(i, slice):
            return [self[k - 1] for k in numbered[i]]
        k = numbered[i]
        forward = k <= len(self._forward)
        node = self._forward[k - 1] if forward else self._backward[k - 1 - len(self._forward)]
        return Step(k, "forward" if forward else "backward", node, self._made[k - 1], self)

    def __iter__(self) -> Iterator[Step]:
        return (self[i] for i in range(len(self)))

    def text(self) -> str:
        """All steps: each number as it is computed, then every += of a gradient."""
        count = len(self._forward)
        forward = [line for lines in self._made[:count] for line in lines]
        backward = [line for lines in self._made[count:] for line in lines]
        start = f"{self._name(self._graph.target)}.grad = 1"
        return "\n".join(["forward", *(f"  {line}" for line in forward), "", "backward", f"  {start}"]) + "".join(
            f"\n  {line}" for line in backward
        )

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Steps of {len(self._forward)} results, forward and backward>"

    # ------------------------------------------------------------ what happens, as text

    def _name(self, v: Value) -> str:
        return self._graph.names.text(self._graph.labels[v])

    def _computed(self, v: Value) -> tuple[str, ...]:
        """How a node comes to its number: formula, the same with numbers, result."""
        formula = self._graph.definition(v)
        value_of = {self._graph.labels[u]: self._nodes.used.number(u) for u in self._graph.nodes}
        figures = Text(lambda label: self._figure(value_of.get(label)) or self._graph.names.text(label)).sum(formula)
        figures = re.sub(r"\((\(−[^()]*\))\)", r"\1", figures)  # relu(−2), whose parentheses are there already
        written = [self._name(v), self._words.sum(formula), figures, self._number(self._nodes.used.number(v))]
        return (" = ".join(part for i, part in enumerate(written) if i == 0 or part != written[i - 1]),)

    def _number(self, x: float) -> str:
        return self._asked.number(x)

    def _figure(self, x: float | None) -> str:
        """A number within a product: negative ones in parentheses."""
        shown = "" if x is None else self._number(x)
        return f"({shown})" if shown.startswith("−") else shown

    # ------------------------------------------------------------ as pictures

    def picture(self, number: int) -> Picture:
        """The graph at a step, counted from 1; see `Step.picture`."""
        step = self[number - 1]
        known, grads = self._known(number)
        numbers = {self._nodes.number(v) for v in known if self._nodes.has(v)}
        slopes = {self._nodes.number(v): x for v, x in grads.items() if self._nodes.has(v)}
        marks = [_at(mark, numbers, slopes, self._number) for mark in self._scene.marks]
        now = Scene(marks, self._scene.strokes, size=self._scene.placement.size, like=self._scene.placement)
        lines = {}
        for i, line in enumerate(self._drawn.lines):
            slopes_on = [
                self._drawn.edges[k].derivative for k in line.edges if self._drawn.edges[k].result is step.node
            ]
            if slopes_on:
                text = self._scene.strokes[i].text or self._number(slopes_on[-1])
                lines[i] = Glow(0.5, slopes_on[-1], text)
        on = {step.node, *(e.operand for e in self._graph.edges_of(step.node))}
        lit = Lit(
            frozenset(self._nodes.number(v) for v in on if self._nodes.has(v)),
            lines,
            frozenset({self._nodes.number(step.node)}),
        )
        caption = self._asked.title or f"step {step.number} of {len(self)}, {step.phase}"
        below = [[Note(line)] for line in step.lines[:MOST_LINES]]
        if len(step.lines) > MOST_LINES:
            below[-1] = [Note(f"and {len(step.lines) - MOST_LINES + 1} more")]
        below += [[Note(" ")]] * (min(MOST_LINES, max(map(len, self._made))) - len(below))  # the same height each time
        with style.look(self._look):
            svg = now.svg(caption, lit=lit, caption=caption, width=self._asked.width, below=below)
        return Picture(svg, self._scene.placement)

    def _known(self, number: int) -> tuple[set[Value], Mapping[Value, float]]:
        """The nodes that have their number after a step, and the gradients so far."""
        done = min(number, len(self._forward))
        known = {v for v in self._graph.nodes if v.is_leaf} | set(self._forward[:done])
        grads: dict[Value, float] = {}
        if number >= len(self._forward):
            grads[self._graph.target] = 1.0
        for v in self._backward[: max(0, number - len(self._forward))]:
            for e in self._graph.edges_of(v):
                grads[e.operand] = grads.get(e.operand, 0.0) + e.derivative * grads.get(v, 0.0)
        return known, grads


MOST_LINES = 6  # below a picture


def _at(mark: Mark, known: set[int], grads: Mapping[int, float], number: Callable[[float], str]) -> Mark:
    """A mark with the numbers that are known; what is not has a dot in its place."""

    def cell(c: Cell | None) -> Cell | None:
        if c is None or mark.kind == "constant":
            return c
        slope = grads.get(c.n)
        data = c.data if c.n in known else "·"
        return c._replace(
            data=data,
            value=c.value if c.n in known else 0.0,
            grad="" if slope is None else number(slope),
            slope=slope or 0.0,
        )

    return mark._replace(main=cell(mark.main), above=cell(mark.above), below=cell(mark.below))


@drawing
def steps(
    root: Value,
    *,
    level: str = "auto",
    digits: int = 4,
    title: str | None = None,
    width: Any = None,
    like: Any = None,
    look: object = None,
) -> Steps:
    """The passes through a recorded computation, one step at a time::

        print(steps(loss))  # each number as it is computed, then every += of a gradient
        for step in steps(loss):
            svg = step.picture().svg  # or step.picture().save(f"step{step.number:03}.svg")

    root    the loss, or any other result of Values
    level   "neurons" the units of a net, "named" named nodes, "op" every operation; "auto" the first of these that
            the names allow
    digits  significant digits. title: of the pictures, in place of the number of the step
    width   of the pictures in inches (3.4), or as "8.6cm"
    like    another Picture of the same graph, whose places these take
    look    their colours, as for draw_graph, when they are made

    Forward, a step is a node that gets its number; backward, a node that gives each of its operands local
    derivative times gradient. Nothing is changed, and no backward pass is needed before.

    TypeError if root is no Value; ValueError for a leaf, and for a level that the graph does not have.
    """
    if not isinstance(root, Value):
        raise TypeError(f"steps: expected a Value such as the loss, got {describe(root)}")
    if root.is_leaf:
        raise ValueError("steps: expected the result of a computation; this Value is a leaf, which has no steps")
    lookup("level", level, _LEVELS)
    asked = Asked(digits=digits, title=title, width=width)
    drawn, nodes = drawn_of(root, level)
    return Steps(drawn.graph, drawn, nodes, asked, like)
