"""Finds key material where it must not be: raw, in hexadecimal, in base64, in both byte orders, also in UTF-16.

Base64 is looked for at all three alignments, so that a key inside a larger base64 text (a payload in a workflow
history, a PSSH box in a manifest) is found, too, and so is the hexadecimal text of a key inside base64.
"""

import base64
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn, SupportsIndex

from protection.errors import KeyLeak, SecretExposed
from protection.secret_bytes import SecretBytes

WINDOW_BYTES = 4 << 20
_SHORTEST_TEXT = 18
"""Shorter than the shortest text form of a 16-byte key (20 characters of base64 at a shifted alignment)."""
_TEXT_BYTES = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/-_:="
_AS_MASK = bytes(0x61 if byte in _TEXT_BYTES else 0 for byte in range(256))


class Leak(NamedTuple):
    """Key material that was found; it never repeats the material."""

    where: str
    form: str
    """How it was written: ``hex``, ``base64+1 reversed``, ``raw`` …"""
    offset: int
    """Byte at which it starts."""


class _Form(NamedTuple):
    name: str
    pattern: bytes
    is_text: bool
    any_case: bool = False

    def __repr__(self) -> str:
        return f"_Form({self.name!r}, redacted)"


class LeakScanner:
    """Looks for a few secrets in bytes, files and folders."""

    def __init__(self, secrets: Iterable[SecretBytes]) -> None:
        """Takes what must not be found; each at least 16 bytes, shorter ones would be found by chance."""
        self.__forms = tuple(form for secret in secrets for form in _forms(secret))
        self.__overlap = max((len(form.pattern) for form in self.__forms), default=1) - 1

    def __repr__(self) -> str:
        return f"LeakScanner({len(self.__forms)} forms, redacted)"

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        """Refuses pickling and copying: the forms are the secrets."""
        raise SecretExposed("leak scanner", found="an attempt to pickle or copy it", expected="use where it is made")

    def scan_bytes(self, content: bytes, where: str = "bytes") -> tuple[Leak, ...]:
        """Returns the leaks in bytes: the first of each form."""
        return tuple(self._found(content, where, 0))

    def scan_file(self, path: Path) -> tuple[Leak, ...]:
        """Returns the leaks in a file and in its name."""
        with path.open("rb") as file:
            inside = {(leak.form, leak.offset): leak for leak in self._found_in_stream(file, str(path))}
        return (*self.scan_bytes(str(path).encode(), f"name of {path.parent}/…"), *inside.values())

    def scan_folder(self, folder: Path, on_file: Callable[[str], None] | None = None) -> tuple[Leak, ...]:
        """Returns the leaks in all files under a folder; tells each file when it is done."""
        leaks: list[Leak] = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            leaks += self.scan_file(path)
            if on_file:
                on_file(path.name)
        return tuple(leaks)

    def require_none_in(self, folder: Path, on_file: Callable[[str], None] | None = None) -> None:
        """Refuses a folder that holds key material.

        Args:
            folder: What is about to be published.
            on_file: Called with each file's name when it is done.

        Raises:
            KeyLeak: naming up to five places, never the material.
        """
        leaks = self.scan_folder(folder, on_file)
        if leaks:
            places = ", ".join(f"{leak.where} at byte {leak.offset} ({leak.form})" for leak in leaks[:5])
            raise KeyLeak(
                str(folder),
                found=f"key material in {len(leaks)} places: {places}",
                expected="no key material outside the sealed record",
                fix="do not publish this; delete the folder and publish under new keys",
            )

    def _found_in_stream(self, file: BinaryIO, where: str) -> Iterator[Leak]:
        kept, offset = b"", 0
        while block := file.read(WINDOW_BYTES):
            window = kept + block
            yield from self._found(window, where, offset - len(kept))
            kept = window[-self.__overlap :]
            offset += len(block)

    def _found(self, content: bytes, where: str, base: int) -> Iterator[Leak]:
        # Text forms need a run of text; media has none, so that most windows are searched for raw keys only.
        mask = content.translate(_AS_MASK)
        has_text = b"a" * _SHORTEST_TEXT in mask or b"a\0" * _SHORTEST_TEXT in mask
        lowered = content.lower() if has_text else b""
        for form in self.__forms:
            if form.is_text and not has_text:
                continue
            at = (lowered if form.any_case else content).find(form.pattern)
            if at >= 0:
                yield Leak(where, form.name, base + at)


def _forms(secret: SecretBytes) -> Iterator[_Form]:
    if len(secret) < 16:
        raise KeyLeak("leak scan", found=f"a secret of {len(secret)} bytes", expected="at least 16 bytes")
    for order, material in (("", secret.reveal()), (" reversed", secret.reveal()[::-1])):
        yield _Form(f"raw{order}", material, is_text=False)
        for form in _text_forms(material):
            yield form._replace(name=form.name + order)
            yield form._replace(
                name=f"{form.name}{order} utf-16", pattern=b"".join(bytes((b, 0)) for b in form.pattern)[:-1]
            )


def _text_forms(material: bytes) -> Iterator[_Form]:
    digits = material.hex()
    yield _Form("hex", digits.encode(), is_text=True, any_case=True)
    yield _Form("hex with colons", material.hex(":").encode(), is_text=True, any_case=True)
    groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    yield _Form("hex as UUID", "-".join(groups).encode(), is_text=True, any_case=True)
    for name, inner in (("", material), (" of hex", digits.encode()), (" of HEX", digits.upper().encode())):
        for shift in range(3):
            pattern = _base64_inside(inner, shift)
            yield _Form(f"base64+{shift}{name}", pattern, is_text=True)
            if (url := pattern.translate(bytes.maketrans(b"+/", b"-_"))) != pattern:
                yield _Form(f"base64url+{shift}{name}", url, is_text=True)


def _base64_inside(material: bytes, shift: int) -> bytes:
    """Returns the characters that base64 gives whatever stands ``shift`` bytes before the material and after it."""
    text = base64.b64encode(b"\0" * shift + material)
    first = -(-8 * shift // 6)
    last = 8 * (shift + len(material)) // 6
    return text[first:last]
