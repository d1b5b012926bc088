"""Say what a wheel or an sdist lacks of the repository, or has besides; a reason to stop if there is any.

python .ci/check_dist.py dist/*
"""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd", "nn", "viz")


def tracked() -> set[str]:
    """The files of the repository."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.splitlines())


def expected(archive: Path) -> set[str]:
    """What the archive should hold: a wheel the packages, an sdist everything."""
    if archive.suffix != ".whl":
        return tracked()
    return {name for name in tracked() if name.startswith(tuple(f"{package}/" for package in PACKAGES))}


def found(archive: Path) -> set[str]:
    """What it holds, without what building adds."""
    if archive.suffix == ".whl":
        return {name for name in zipfile.ZipFile(archive).namelist() if ".dist-info/" not in name}
    with tarfile.open(archive) as tar:
        names = {member.name.partition("/")[2] for member in tar if member.isfile()}
    return {name for name in names if ".egg-info/" not in name and name not in ("PKG-INFO", "setup.cfg")}


def main(archives: list[str]) -> str | None:
    """None if all is well, else what is not."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    wrong = [] if archives else ["expected the files of dist/, got none"]
    for archive in map(Path, archives):
        if not archive.name.startswith(f"gradpath-{version}"):
            wrong.append(f"{archive.name}: expected version {version}, as in pyproject.toml")
        missing, foreign = expected(archive) - found(archive), found(archive) - expected(archive)
        if missing or foreign:
            wrong.append(f"{archive.name}: missing {sorted(missing)}, foreign {sorted(foreign)}")
    return "\n".join(wrong) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
