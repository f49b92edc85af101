"""Ways to break a copy of a presentation, one thing at a time."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

Break = Callable[[Path], object]


def copied(folder: Path, target: Path) -> Path:
    """Returns a copy with the manifests of all tracks only, without those for some kinds of client."""
    few = shutil.ignore_patterns("manifest.*.mpd", "multivariant.*.m3u8")
    return Path(shutil.copytree(folder, target, ignore=few))


def edit(name: str, pattern: str, replacement: str, count: int = 1) -> Break:
    """Returns a break that replaces text in a file."""

    def done(folder: Path) -> None:
        path = folder / name
        text = path.read_text("utf-8")
        changed = re.sub(pattern, replacement, text, count=count)
        assert changed != text
        path.write_text(changed, "utf-8")

    return done


def patch(name: str, kind: bytes, offset: int, value: bytes) -> Break:
    """Returns a break that overwrites bytes of a box's body."""

    def done(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        at = content.index(kind) + 4 + offset
        assert content[at : at + len(value)] != value
        content[at : at + len(value)] = value
        (folder / name).write_bytes(content)

    return done


def both(*breaks: Break) -> Break:
    """Returns a break made of several."""

    def done(folder: Path) -> None:
        for one in breaks:
            one(folder)

    return done


def cut(name: str, size_bytes: int) -> Break:
    """Returns a break that cuts bytes off the end of a file."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-size_bytes])


def write(name: str, text: str) -> Break:
    """Returns a break that writes a file."""
    return lambda folder: (folder / name).write_text(text, "utf-8")


def remove(name: str) -> Break:
    """Returns a break that removes a file."""
    return lambda folder: (folder / name).unlink()
