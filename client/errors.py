"""Errors of the command line.

::

    ClientError
    ├── TitleFailed     TTL-001 or the code of what failed   the title's workflow failed
    ├── TitleCanceled   TTL-002  somebody canceled the title
    ├── UnknownTitle    REQ-006  no title of that name was ever submitted here
    ├── UnreadableRecipe REQ-007 the recipe file is not a recipe
    ├── SourceNotFound  REQ-008  the source is neither a file nor an s3:// address
    └── TitleUnfinished TTL-003  the title has no result yet
"""

from typing import ClassVar

from domain.errors import PertitleError


class ClientError(PertitleError):
    """The command could not do what was asked."""

    code: ClassVar[str] = "TTL-000"


class TitleFailed(ClientError):
    """The title's workflow failed; ``record`` is the error record of what failed."""

    code: ClassVar[str] = "TTL-001"

    def __init__(self, title_id: str, record: dict[str, str]) -> None:
        """Shows the record of the cause as it was written where it happened."""
        self.title_id = title_id
        self.record = record
        super().__init__(
            record.get("where", title_id),
            found=record.get("found", "the title failed"),
            expected=record.get("expected", ""),
            fix=record.get("fix", ""),
        )

    @property
    def cause_code(self) -> str:
        """The code of what failed."""
        return self.record.get("code") or self.code

    def __str__(self) -> str:
        return super().__str__().replace(self.code, self.cause_code, 1)

    def as_record(self) -> dict[str, str]:
        """Returns the parts for JSON output, with the code of what failed."""
        return {**super().as_record(), "code": self.cause_code, "title_id": self.title_id}


class TitleCanceled(ClientError):
    """Somebody canceled the title."""

    code: ClassVar[str] = "TTL-002"


class TitleUnfinished(ClientError):
    """The title has no result yet."""

    code: ClassVar[str] = "TTL-003"


class UnknownTitle(ClientError):
    """No title of that name was ever submitted here."""

    code: ClassVar[str] = "REQ-006"


class UnreadableRecipe(ClientError):
    """The recipe file is not a recipe."""

    code: ClassVar[str] = "REQ-007"


class SourceNotFound(ClientError):
    """The source is neither a file nor an ``s3://`` address."""

    code: ClassVar[str] = "REQ-008"
