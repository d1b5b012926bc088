"""The contract of operations as script: every operation of the table computes in JavaScript what it computes in Python.

Both the forward function and all local derivatives, at ordinary numbers, at zeros of either sign, infinities,
nan, ties and the smallest numbers, and for sequences of up to 784 members. In Node, or else in the browser.
"""

import itertools
import json
import math
import shutil
import subprocess

import numpy as np
import pytest
from rule_cases import CASES, POINTS
from sizes import slow
from tables import restored

from autograd import where
from autograd.ieee import ieee
from autograd.op import elementwise, reduction, table
from autograd.operands import Vector, members
from viz.explorer.model import encoded
from viz.explorer.script import HELPERS, Unreadable, as_script

SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -745.0, 710.0, 1e300]
ORDINARY = [0.5, -0.5, 0.3, 2.0, -3.25, 1e-9, 40.0, 0.999999]
MEMBERS = (1, 2, 3, 10, 784)

RUN = """
const decoded=(x)=>typeof x==="string"?{nan:NaN,inf:Infinity,"-inf":-Infinity}[x]:x;
const encoded=(x)=>Number.isFinite(x)?x:Number.isNaN(x)?"nan":x>0?"inf":"-inf";
const run=(cases)=>cases.map(([k,operands])=>{
  const {n,forward,slopes}=OPERATIONS[k];
  const v=Float64Array.from(operands,decoded), o=Int32Array.from(v,(_,i)=>i), d=new Float64Array(n).fill(77);
  const z=forward(v,o,0);
  slopes(v,o,0,z,d);
  return [z,...d].map(encoded);
});
"""


@pytest.fixture
def javascript(request, tmp_path):
    """javascript(operations, cases): what `run` gives for cases (number of an operation, operands)."""

    def evaluate(operations, cases):
        code = f"{HELPERS}const OPERATIONS=[{','.join(operations)}];{RUN}"
        sent = json.dumps([[k, list(map(encoded, xs))] for k, xs in cases])
        node = shutil.which("node")
        if node is None:
            page = request.getfixturevalue("chromium").new_page()
            found = page.evaluate(f"() => {{ {code} return JSON.stringify(run({sent})); }}")
            page.close()
        else:
            file = tmp_path / "run.js"
            file.write_text(f"{code}console.log(JSON.stringify(run({sent})));", encoding="utf-8")
            found = subprocess.run([node, str(file)], check=True, capture_output=True, text=True).stdout
        return [list(map(float, xs)) for xs in json.loads(found)]

    return evaluate


def plain(op):
    """Numbers for operands that are not differentiated."""
    return {"clip": (-0.5, 1.5), "softmax_component": (0.0,)}.get(op.name, ())


def operands_of(op):
    """Operands of every shape and kind for an operation of the table, as a node would have them."""
    taken = sum(rule is not None for rule in op.rules)
    if not op.reduces:
        for xs in itertools.product(SPECIAL + ORDINARY, repeat=taken) if taken < 3 else ():
            yield [*xs, *plain(op)]
        return
    rng = np.random.default_rng(0)
    for n in MEMBERS:
        some = [rng.normal(size=n), rng.random(n), np.zeros(n), np.ones(n)]
        some += [np.where(np.arange(n) == n // 2, x, rng.random(n)) for x in SPECIAL]
        for x, y in itertools.islice(itertools.product(some, repeat=2), None, None, 1 if n < 100 else 7):
            last = [0.25] if op.name == "dot" else list(plain(op))
            sequences = [Vector(u.tolist()) for u in (x, y)[: len(op.rules) - len(last)]]
            yield [*sequences, *last]


def expected(op, operands):
    z = float(ieee(op.forward, *operands))
    found = [z]
    for i, (x, rule) in enumerate(zip(operands, op.rules, strict=True)):
        if rule is not None:
            d = ieee(op.derivative, i, z, operands)
            found += map(float, d if isinstance(d, tuple) else [d] * len(members(x)))
    return found


def flat(op, operands):
    return [u for x, rule in zip(operands, op.rules, strict=True) if rule is not None for u in members(x)]


# One of each kind: on one number, on two, on sequences.
SOME = "sigmoid", "power", "logsumexp", "cross_entropy_of_softmax"


@pytest.mark.parametrize("name", [*SOME, *slow(*(name for name in table if name not in SOME))])
def test_an_operation_computes_in_script_what_it_computes_in_python(name, javascript):
    op = table[name]
    all_operands = list(operands_of(op))
    numbers, operations, cases = {}, [], []
    for operands in all_operands:
        shape = tuple(len(members(x)) for x in operands)
        if shape not in numbers:
            numbers[shape] = len(operations)
            operations.append(as_script(op, operands))
        cases.append((numbers[shape], flat(op, operands)))
    assert cases
    for operands, found in zip(all_operands, javascript(operations, cases), strict=True):
        wanted = expected(op, operands)
        finite = [abs(x) for x in flat(op, operands) if abs(x) <= 1000]
        scale = max([1.0, *finite])
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15 * scale, err_msg=f"{name}{operands}")


# ---------------------------------------------------------------- operations of one's own


@pytest.fixture(autouse=True)
def _tables_as_they_were():
    with restored():
        yield


def check(javascript, op, *all_operands):
    operations = [as_script(op, operands) for operands in all_operands]
    found = javascript(operations, [(k, flat(op, operands)) for k, operands in enumerate(all_operands)])
    for operands, numbers in zip(all_operands, found, strict=True):
        np.testing.assert_allclose(numbers, expected(op, operands), rtol=1e-13)


def test_whatever_a_rule_may_use_is_read_as_script(javascript):
    operations = [as_script(elementwise(1, 1)(case).op, [0.5, 0.5]) for case in map(renamed, CASES.items())]
    found = javascript(operations, [(k, point) for k in range(len(operations)) for point in POINTS])
    wanted = [float(case(*point)) for case in CASES.values() for point in POINTS]
    np.testing.assert_allclose([z for z, _, _ in found], wanted, rtol=1e-13)


def renamed(item):
    """A function of x and y of a name that no operation has."""
    name, case = item

    def forward(x, y):
        return case(x, y)

    forward.__name__ = f"case {name}"
    return forward


def test_an_operation_of_ones_own_is_read_with_its_questions(javascript):
    @elementwise(lambda z, x: where(x > 3, 0, where(x < -3, 0, 1 / (1 + abs(x)) ** 2)))
    def capped_softsign(x):
        """x / (1 + |x|) within -3 and 3, then constant."""
        if x > 3:
            return 0.75
        if x < -3:
            return -0.75
        return x / (1 + abs(x))

    check(javascript, capped_softsign.op, [0.5], [-2.0], [4.0], [-7.0])


def test_numpys_functions_are_read(javascript):
    @elementwise(lambda z, x: 1 / (1 + np.square(x)) + np.cosh(x) - np.reciprocal(2 + np.square(x)))
    def angle(x):
        """Of everything something; its derivative is not that of it."""
        return (
            np.arctan(x) + np.logaddexp(x, 0.5) + np.exp2(x) * np.where(np.isnan(x) | (x > 1), np.expm1(x), np.cbrt(x))
        )

    check(javascript, angle.op, [0.5], [-2.0], [4.0])


def test_a_reduction_of_ones_own_may_look_at_its_members(javascript):
    @reduction(lambda z, x: where(x > 0, 2 * x, 0) / len(x))
    def positive_energy(x):
        """The mean of the squares of what is positive."""
        return sum(u * u for u in x if u > 0) / len(x)

    check(javascript, positive_energy.op, [Vector([1.0, -2.0, 3.0])], [Vector([-1.0, -2.0, -3.0])])


def test_what_raises_for_some_numbers_is_nan_there(javascript):
    @elementwise(1)
    def positive(x):
        """x, if it is positive."""
        if x < 0:
            raise ValueError("expected a positive number")
        return x

    assert javascript([as_script(positive.op, [1.0])], [(0, [2.0]), (0, [-2.0])]) == [
        [2.0, 1.0],
        [pytest.approx(math.nan, nan_ok=True), 1.0],
    ]


def test_what_leaves_its_operands_is_named_with_the_way_to_write_it():
    @elementwise(1)
    def erf_by_math(x):
        """The error function."""
        return math.erf(x)

    @elementwise(1)
    def by_bessel(x):
        """A function that script does not have."""
        return np.i0(x)

    @reduction(1)
    def many_questions(x):
        """How many are positive."""
        return float(sum(u > 0 for u in x if u > 0 or u < 0))

    for function, operands in ((erf_by_math, [1.0]), (by_bessel, [1.0]), (many_questions, [Vector([1.0] * 20)])):
        with pytest.raises(Unreadable, match=rf"{function.__name__} cannot be written as script .* write it with"):
            as_script(function.op, operands)


def test_the_order_of_rounding_is_kept(javascript):
    @elementwise(1, 1, 1)
    def odd_sum(x, y, t):
        """Sums and quotients whose parentheses matter."""
        return x + (y + t) - (x - (y - t)) * (x / (y / t)) - -x + (-x) * -y

    check(javascript, odd_sum.op, [0.1, 0.2, 0.3], [1e16, 1.0, -1e16], [0.7, 1e-17, 3.0])


def test_generated_script_holds_no_names_and_no_end_of_a_script_element():
    @elementwise(lambda z, x, y: where(x < -y, 1, 0), 1)
    def between(x, y):
        """Minus on the right of less than."""
        return np.where(x < -y, x - -1.0, -np.negative(x))

    between.op.name = "</script>"
    for op in (between.op, *table.values()):
        written = as_script(op, next(iter(operands_of(op))))
        assert "</" not in written
        assert "--" not in written
        assert "<!" not in written
