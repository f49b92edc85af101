"""The root of every error that a person may see: a stable code, where, found, expected, how to fix."""

from typing import ClassVar


class PertitleError(Exception):
    """Something went wrong that has a name.

    Subclasses set ``code`` (stable, documented in docs/errors.md) and ``retryable``.
    Families: REQ request, CNT container, VID video, AUD audio, POL policy, LAD ladder, TOOL programs,
    STO storage, KEY keys, PKG packaging, REL release, STK local stack.
    """

    code: ClassVar[str] = "PERT-000"
    retryable: ClassVar[bool] = False
    retry_after_s: ClassVar[float | None] = None
    """Pause before another try, where a quick one would find the same; ``None`` for the usual growing pauses."""

    def __init__(self, where: str, *, found: str, expected: str = "", fix: str = "") -> None:
        """Keeps the four parts apart, so that a page or a JSON document can show them apart."""
        self.where = where
        self.found = found
        self.expected = expected
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [f"{self.code} {self.where}: {self.found}"]
        if self.expected:
            parts.append(f"expected: {self.expected}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        return ". ".join(part.rstrip(".") for part in parts) + "."

    def as_record(self) -> dict[str, str]:
        """Returns the parts for JSON output."""
        return {
            "code": self.code,
            "where": self.where,
            "found": self.found,
            "expected": self.expected,
            "fix": self.fix,
        }
