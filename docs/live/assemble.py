"""Lay what "Try it in the browser" needs beside the site's pages: Python for browsers, this library, NumPy.

    python docs/live/assemble.py [--pyodide FOLDER] [-o FOLDER]

FOLDER is an unpacked release of Pyodide, with NumPy's wheel under the name that pyodide-lock.json says. The package
`pyodide` of npm, which is fetched if no folder is named, has no NumPy: the page then knows numbers only, and a stand-in
has NumPy's names. The files go to docs/_extra/live, which the site's build copies as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
VERSION = "314.0.7"
PACKAGES = ("autograd", "nn", "viz")
RUNTIME = ("pyodide.mjs", "pyodide.asm.*", "python_stdlib.zip")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pyodide", type=Path, metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "_extra" / "live")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        assemble(options.pyodide or fetched(Path(folder)), options.output)


def fetched(folder: Path) -> Path:
    """The package `pyodide`, which npm fetches into this folder. OSError or SubprocessError if it cannot."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not on PATH; unpack the package pyodide and name its folder: --pyodide FOLDER")
    pack = [npm, "pack", "--silent", f"pyodide@{VERSION}"]
    subprocess.run(pack, cwd=folder, check=True, capture_output=True, timeout=300)
    with tarfile.open(next(folder.glob("pyodide-*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def assemble(pyodide: Path, output: Path) -> None:
    """Write the files. FileNotFoundError if Pyodide's are not what they were, ValueError if its NumPy is another."""
    output.mkdir(parents=True, exist_ok=True)
    for pattern in RUNTIME:
        found = list(pyodide.glob(pattern))
        if not found:
            raise FileNotFoundError(f"{pyodide} has no {pattern}: expected the files of Pyodide {VERSION}")
        for file in found:
            shutil.copyfile(file, output / file.name)
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    numpy = numpy_of(pyodide, lock["packages"]["numpy"])
    # The page loads nothing from anywhere else, so the list of what else could be loaded stays empty.
    (output / "pyodide-lock.json").write_text(json.dumps({"info": lock["info"], "packages": {}}), encoding="utf-8")
    for name in ("page.js", "worker.mjs"):
        shutil.copyfile(HERE / name, output / name)
    packages = ["gradpath.zip"]
    with zipfile.ZipFile(output / packages[0], "w", zipfile.ZIP_DEFLATED) as archive:
        for file, name in _library(numpy):
            archive.write(file, name)
    if numpy is not None:
        packages.append(shutil.copy(numpy, output / numpy.name).name)
    (output / "packages.json").write_text(json.dumps(packages), encoding="utf-8")


def numpy_of(pyodide: Path, entry: dict[str, str]) -> Path | None:
    """NumPy's wheel, if this Pyodide has it. ValueError if it is not the one that Pyodide was released with."""
    wheel = pyodide / entry["file_name"]
    if not wheel.exists():
        return None
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != entry["sha256"]:
        raise ValueError(f"{wheel} is not the file that pyodide-lock.json has the checksum of; fetch it again")
    return wheel


def _library(numpy: Path | None) -> Iterator[tuple[Path, str]]:
    """The files of the library and of what it imports, each with its name in the archive."""
    folders = [ROOT / package for package in PACKAGES]
    found = importlib.util.find_spec("graphviz")
    if found is None or found.origin is None:
        sys.exit("graphviz is not installed here; run: pip install .")
    for folder in [*folders, Path(found.origin).parent]:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.suffix in (".py", ".html", ".css", ".js"):
                yield file, f"{folder.name}/{file.relative_to(folder).as_posix()}"
    yield HERE / "answer.py", "answer.py"
    if numpy is None:
        yield HERE / "numpy_stand_in.py", "numpy/__init__.py"


if __name__ == "__main__":
    main()
