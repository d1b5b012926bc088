"""What a diagnosis found, and how it is said."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass

from autograd.formulas.notation import format_number

from ..training.trials import Trial

__all__ = ["Diagnosis", "Finding", "number"]


@dataclass(frozen=True)
class Finding:
    """One thing that a diagnosis found.

    kind: what it is, the same words for the same thing. level: "fault", "hint" or "note".
    where: the layer or the data it is about. evidence: what was measured; remedy: what to do.
    """

    kind: str
    level: str
    where: str
    evidence: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.level}: {self.kind} ({self.where}). {self.evidence} {self.remedy}"


Found = Iterator[Finding]


def number(x: float) -> str:
    """As findings write it, in four digits."""
    return format_number(x, 4)


class Diagnosis:
    """What `diagnose` found. True if nothing is to be mended: no fault and no hint.

    findings    all of them, causes before what may follow from them
    learns      whether the loss fell in the steps that were tried, or has fallen already
    before, after   the loss of the samples looked at, before the first and after the last of `steps` steps
    guess       the loss of the best constant outputs, which need no net; nan if it is not known
    """

    def __init__(self, findings: list[Finding], trial: Trial, guess: float, steps: int, *, learns: bool) -> None:
        self.findings, self.learns, self.steps = findings, learns, steps
        self.before, self.after, self.guess = trial.before, trial.after, guess

    @property
    def faults(self) -> list[Finding]:
        """What is never right."""
        return self._of("fault")

    @property
    def hints(self) -> list[Finding]:
        """What may be why it does not learn, or learns less than on scaled data."""
        return self._of("hint")

    @property
    def notes(self) -> list[Finding]:
        """What would be a hint if the net did not learn."""
        return self._of("note")

    def _of(self, level: str) -> list[Finding]:
        return [f for f in self.findings if f.level == level]

    def __bool__(self) -> bool:
        return not self.faults and not self.hints

    @property
    def _seen(self) -> str:
        before, after, guess = map(number, (self.before, self.after, self.guess))
        compared = "" if self.guess != self.guess else f"; guessing the same for all samples has {guess}"
        verdict = (
            "It does not learn" if not self.learns else "It learns less than it could" if self.hints else "It learns"
        )
        return f"{verdict}: {self.steps} steps take the loss from {before} to {after}{compared}."

    @property
    def _all_right(self) -> str:
        if not self.learns:
            return "No cause was found: it may need more steps, more units, or other features."
        if self.notes:
            return "Nothing keeps it from learning; what is noted below may make it learn better."
        return "Nothing was found that has to be mended."

    def __str__(self) -> str:
        lines = [self._seen, *([self._all_right] if self else [])]
        for number, f in enumerate(self.findings, 1):
            lines += [
                "",
                f"{number}. {f.level:<5}  {f.kind}, {f.where}",
                f"          {f.evidence}",
                f"          {f.remedy}",
            ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td>{f.level}</td><td style="text-align: left"><b>{html.escape(f.kind)}</b>, {html.escape(f.where)}'
            f"<br>{html.escape(f.evidence)}<br>{html.escape(f.remedy)}</td></tr>"
            for f in self.findings
        )
        said = html.escape(self._seen) + (f" {self._all_right}" if self else "")
        return f"<p>{said}</p>" + (f"<table><tbody>{rows}</tbody></table>" if rows else "")

    def __repr__(self) -> str:
        found = ", ".join(f.kind for f in self.findings) or "nothing"
        return f"<diagnosis: {found}>"
