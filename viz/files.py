"""Where a picture goes and in which format; it is written whole or not at all, as `nn.files` does it."""

from __future__ import annotations

from pathlib import Path

import graphviz

from nn.files.whole import check_folder, write_whole

__all__ = ["check_folder", "picture_file", "write_whole"]


def picture_file(where: str, named: Path, format: str | None, default: str) -> tuple[Path, str]:
    """The file to write and its format.

    The ending of "net.svg" is its format; a name without one that is known gets it: "net" and "png" are
    net.png. ValueError if ending and format contradict each other, or there is no name.
    """
    if not named.name:
        raise ValueError(f"{where}: expected the name of a file, such as net.svg; got {str(named)!r}")
    ending = named.suffix[1:].lower()
    if ending in graphviz.FORMATS and ending != "gv":
        if format not in (None, ending):
            raise ValueError(
                f"{where}: {named.name!r} ends in .{ending}, but the format is {format!r}; give one of them"
            )
        return named, ending
    return named.with_name(f"{named.name}.{format or default}"), format or default
