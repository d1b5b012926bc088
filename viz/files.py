"""Where a picture goes and in which format; it is written whole or not at all, as `nn.files` does it."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path

import graphviz

from nn.files.whole import check_folder, is_special, write_whole

__all__ = ["as_sentence", "check_folder", "opened", "picture_file", "write_whole"]


_WORDS: dict[type[OSError], str] = {
    FileNotFoundError: "there is no file {!r}",
    FileExistsError: "there is a file {!r} already",
    IsADirectoryError: "{!r} is a folder, expected a file",
    NotADirectoryError: "{!r} goes through something that is no folder",
    PermissionError: "the file {!r} may not be read or written",
}


def as_sentence(error: OSError) -> str:
    """What the system refused, in words and without a number: there is no file 'w.csv'."""
    if error.filename is None:  # one of ours is a sentence already
        return str(error)
    said = _WORDS.get(type(error), f"{{!r}}: {error.strerror}")
    return said.format(str(error.filename))


def opened(content: bytes, name: str) -> str:
    """Write a file to the system's folder for temporary files, open it in the browser and return its path.

    It stays there, since the browser may read it at any time.
    """
    path = Path(tempfile.mkdtemp(prefix="gradpath-")) / name
    write_whole(path, content)
    webbrowser.open(path.as_uri())
    return str(path)


def picture_file(where: str, named: Path, format: str | None, default: str) -> tuple[Path, str]:
    """The file to write and its format.

    The ending is the format: "net.svg", and "net.txt" too, which no renderer knows. A name without an ending
    gets that of the format, "net" and "png" are net.png; with a format that is given, so does a name whose
    ending is none of a picture: "net.v2" and "png" are net.v2.png. What is no file, such as a pipe, keeps its
    name. ValueError if ending and format contradict each other, or there is no name.
    """
    if not named.name:
        raise ValueError(f"{where}: expected the name of a file, such as net.svg; got {str(named)!r}")
    ending = named.suffix[1:].lower()
    if ending and format in (None, ending):
        return named, ending
    if ending in graphviz.FORMATS:
        raise ValueError(f"{where}: {named.name!r} ends in .{ending}, but the format is {format!r}; give one of them")
    format = format or default
    return named if is_special(named) else named.with_name(f"{named.name}.{format}"), format
