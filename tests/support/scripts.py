"""The scripts of examples/programs/ and other folders as modules, however they are called."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "programs"


def load(name):
    return load_from("examples/programs", name)


def load_from(folder, name):
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
