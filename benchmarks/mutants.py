"""How many wrong lines the tests notice: a seeded sample of mutants, each a copy of the project with one thing changed.

    pip install pytest hypothesis pytest-xdist && python benchmarks/mutants.py --count 300 --seed 0 --jobs 2

A mutant has one operator, comparison, condition, sign or number replaced in one of the files of an area. The tests of
that area are run on it, without the slow ones, up to the first that fails. A mutant that none notices survives, and is
printed with its line: a hole in the tests, or a change that makes no difference (tests/README.md says which).
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

# Of each area: the files that are changed, and the tests that are to notice.
AREAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "op table": (
        (
            "autograd/ops/elementwise.py",
            "autograd/ops/sums.py",
            "autograd/ops/extremes.py",
            "autograd/ops/softmaxes.py",
        ),
        ("tests/autograd/ops", "tests/autograd/test_value.py", "tests/autograd/formulas"),
    ),
    "reverse passes": (
        ("autograd/passes/values.py", "autograd/passes/tensors.py", "autograd/passes/gradients.py"),
        ("tests/autograd/passes", "tests/autograd/test_functional.py", "tests/autograd/test_value.py"),
    ),
    "losses": (
        ("autograd/ops/losses.py", "nn/losses.py"),
        (
            "tests/autograd/ops",
            "tests/nn/test_losses.py",
            "tests/nn/training/test_loop.py",
            "tests/nn/test_several_axes.py",
        ),
    ),
    "optimizers": (
        ("nn/optimizers.py", "autograd/fast/flat_parameters.py"),
        (
            "tests/autograd/fast/test_flat_parameters.py",
            "tests/nn/test_optimizers.py",
            "tests/nn/test_changes.py",
            "tests/autograd/bridges/test_programs.py",
        ),
    ),
    "training": (
        ("nn/training/loop.py", "nn/training/objective.py", "nn/training/samples.py", "nn/training/measures.py"),
        ("tests/nn/training", "tests/nn/test_changes.py", "tests/nn/models/test_own_forward.py"),
    ),
    "paths": (
        ("autograd/paths/path_graph.py", "autograd/paths/derivation.py", "autograd/paths/labels.py"),
        ("tests/autograd/paths",),
    ),
    "matrices": (
        ("autograd/matrices/backward.py", "autograd/matrices/expression.py", "autograd/matrices/forward.py"),
        ("tests/autograd/matrices",),
    ),
    "page": (("viz/explorer/model.py", "viz/explorer/views.py"), ("tests/viz/explorer",)),
    "recorded programs": (
        ("autograd/fast/recorder.py",),
        ("tests/autograd/fast", "tests/nn/training", "tests/nn/test_buffers.py", "tests/nn/test_changes.py"),
    ),
    "marking": (
        (
            "autograd/marking/computation.py",
            "autograd/marking/marking.py",
            "autograd/marking/missteps.py",
            "autograd/marking/paths.py",
            "autograd/marking/tolerance.py",
            "autograd/marking/written.py",
        ),
        ("tests/autograd/marking", "tests/nn/exercises"),
    ),
    "wiring": (("nn/models/wiring.py",), ("tests/nn/models", "tests/nn/layers")),
}

SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


class Mutant(NamedTuple):
    """A file with one expression replaced."""

    area: str
    file: str
    line: int
    before: str
    after: str
    text: str


def mutants_of(area: str, file: str) -> Iterator[Mutant]:
    """All mutants of a file, in the order of its lines."""
    source = (ROOT / file).read_text(encoding="utf-8")
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    data = source.encode()
    for node in _expressions(ast.parse(source)):
        for changed in _changed(node):
            first = starts[node.lineno - 1] + node.col_offset
            last = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            before, after = data[first:last].decode(), f"({ast.unparse(changed)})"
            text = (data[:first] + after.encode() + data[last:]).decode()
            yield Mutant(area, file, node.lineno, before, after, text)


def _expressions(tree: ast.AST) -> Iterator[ast.expr]:
    """Expressions that compute something: not what errors say, not types, not texts."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Raise | ast.JoinedStr | ast.AnnAssign | ast.arg | ast.Assert | ast.Import):
            continue
        if isinstance(child, ast.keyword) and child.arg == "strict":  # of zip: what cannot happen
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.expr) and not _is_type(child):
            yield child
        if not (isinstance(child, ast.expr) and _is_type(child)):
            yield from _expressions(child)


def _is_type(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)


def _changed(node: ast.expr) -> Iterator[ast.expr]:
    """The expression with one thing replaced, in each way there is."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
        yield ast.Compare(node.left, [SWAPS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(SWAPS[type(node.op)](), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)


def sample(count: int, seed: int, areas: list[str]) -> list[Mutant]:
    """As many of each area, drawn without replacement, in an order in which each beginning is a sample too."""
    rng = random.Random(seed)
    drawn: list[Mutant] = []
    for i, area in enumerate(areas):
        every = [m for file in AREAS[area][0] for m in mutants_of(area, file)]
        wanted = count // len(areas) + (i < count % len(areas))
        drawn += rng.sample(every, min(wanted, len(every)))
    rng.shuffle(drawn)
    return drawn


class Copies:
    """Copies of the project, one for each mutant that is tried at a time; bytecode of what did not change stays."""

    def __init__(self, folder: Path, count: int) -> None:
        self.free: queue.Queue[Path] = queue.Queue()
        for i in range(count):
            copy = folder / str(i)
            for name in ("autograd", "nn", "viz", "tests", "examples", "docs"):
                shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            for name in ("pyproject.toml", "README.md"):
                shutil.copy(ROOT / name, copy)
            self.free.put(copy)

    @contextmanager
    def of(self, mutant: Mutant) -> Iterator[Path]:
        """A copy with this mutant in it."""
        copy = self.free.get()
        try:
            _write(copy, mutant.file, mutant.text)
            yield copy
        finally:
            _write(copy, mutant.file, (ROOT / mutant.file).read_text(encoding="utf-8"))
            self.free.put(copy)


def _write(copy: Path, file: str, text: str) -> None:
    path = copy / file
    path.write_text(text, encoding="utf-8")
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()  # which goes by the second in which the file was written


def is_noticed(mutant: Mutant, copies: Copies, timeout: float) -> bool:
    """True if a test of its area fails on it, or does not end."""
    with copies.of(mutant) as folder:
        options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", "-W", "ignore"]
        environment = {**os.environ, "PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "pytest", *options, *AREAS[mutant.area][1]]
        try:
            run = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return True
        return run.returncode != 0


def main() -> None:
    """Draw, run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--area", choices=AREAS, action="append", help="only this one; may be given several times")
    parser.add_argument(
        "--timeout", type=float, default=300.0, help="seconds after which the tests of a mutant are ended"
    )
    options = parser.parse_args()
    drawn = sample(options.count, options.seed, options.area or list(AREAS))
    start, survivors = time.perf_counter(), 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        copies = Copies(Path(folder), options.jobs)
        found = pool.map(lambda m: is_noticed(m, copies, options.timeout), drawn)
        for i, (mutant, noticed) in enumerate(zip(drawn, found, strict=True), 1):
            survivors += not noticed
            if not noticed:
                print(f"{mutant.area}: {mutant.file}:{mutant.line}: {mutant.before} -> {mutant.after}", flush=True)
            if i % 10 == 0:
                print(f"  {i} of {len(drawn)}, {survivors} survive, {time.perf_counter() - start:.0f} s", flush=True)
    print(f"{len(drawn)} mutants, {survivors} survive")


if __name__ == "__main__":
    main()
