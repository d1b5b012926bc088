"""What "Try it in the browser" asks of the library: a formula and its numbers in, what there is to show out."""

import json

from autograd import derive
from autograd.formulas.names import mathml
from viz import explore
from viz.cli.commands import values_of
from viz.cli.formula_text import compute, typed
from viz.cli.program_text import as_program
from viz.tables import weights_table

MOST = 12  # paths that are written out
SHOWN = 6  # quantities that are derived by if none was chosen


def answer(request: str) -> str:
    """JSON of a formula, its values as typed and the names chosen, in; JSON of everything that is shown, out.

    The member "error" says instead why the formula was refused.
    """
    asked = json.loads(request)
    try:
        return json.dumps(_answer(asked["formula"], asked["values"].split(), asked["wrt"]))
    except (ValueError, TypeError, RuntimeError) as refused:
        return json.dumps({"error": str(refused)})


def _answer(formula: str, typed_values: list[str], chosen: str) -> dict[str, object]:
    values = values_of(typed_values)
    result = compute(formula, values)
    result.target.backward()
    leaves = {typed(name): node for name, node in result.leaves.items()}
    if result.target.is_leaf:
        raise ValueError("the formula has no names to derive by; write one and give its value, as in w=0.4")
    wrt = chosen if chosen in leaves else next(iter(leaves))
    derivation = derive(result.target, leaves[wrt])
    return {
        "target": mathml(result.target.label or "L"),
        "value": result.target.data,
        "leaves": list(leaves),
        "wrt": wrt,
        "text": derivation.text(most=MOST),
        "formulas": derivation.mathml(most=MOST),
        "latex": derivation.latex(most=MOST),
        "table": weights_table(result.target).written("html"),
        "program": as_program(formula, values, [next(n for n in result.leaves if typed(n) == wrt)]),
        "page": explore(result.target, wrt=leaves[wrt]).html,
    }
