"""What content ops submit: one small JSON object, checked first, with errors a person can act on."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, field_validator

from domain.errors import PertitleError
from domain.findings import Override
from domain.inspection_policy import InspectionPolicy
from domain.recipe import Recipe
from domain.subtitles import SubtitleRequest
from domain.values import StrictValue

TITLE_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SOURCE_PATTERN = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9_][A-Za-z0-9_./ ()+@=-]{0,500}$"

PRIORITIES: dict[str, int] = {"urgent": 1, "high": 2, "normal": 3, "low": 4, "backfill": 5}
"""Temporal priority keys (1 is served first)."""


class ProvisionalOrder(StrictValue):
    """Asks for a provisional release: two rungs of the first minutes, published while the title is still searched."""

    first_s: float = Field(default=120.0, ge=1.0, le=900.0)
    """Its length in seconds at least: the first whole shots that reach it, or all of a shorter title."""


class TitleRequest(StrictValue):
    """Asks for one title to be encoded and published. Everything but ``title_id`` and ``source`` has a default."""

    title_id: Annotated[str, Field(pattern=TITLE_ID_PATTERN)]
    """Your name for the title: letters, digits, ``-`` and ``_``, 1 to 64 characters, first a letter or digit."""
    source: Annotated[str, Field(pattern=SOURCE_PATTERN)]
    """The uploaded source, ``s3://bucket/key``. ``pertitle submit FILE`` uploads a file and fills this in."""
    recipe: Recipe = Recipe()
    """How to encode. Leave it out for the house defaults."""
    priority: Literal["urgent", "high", "normal", "low", "backfill"] = "normal"
    """Who goes first when workers are scarce."""
    studio: Annotated[str, Field(pattern=TITLE_ID_PATTERN)] | None = None
    """Whose title it is, spelled as a title id. Within a priority, studios share the workers in turns, however many
    titles each of them has; a title without a studio counts as one of its own."""
    subtitles: Annotated[tuple[SubtitleRequest, ...], Field(max_length=32)] = ()
    """Subtitle files beside the source. Text tracks inside the source are published too, unless a file of the same
    language and role stands in for them."""
    when_stuck: Literal["wait", "fail"] = "wait"
    """What a title does when a unit of its work has failed after all tries, or inspection found what a person may wave
    through: wait for a person's decision, or fail."""
    provisional: ProvisionalOrder | None = None
    """Publish the first minutes in two rungs before the rest is done; the full release supersedes them. ``{}`` asks for
    two minutes. Changes nothing of the full release. Default: none."""
    inspection: InspectionPolicy = InspectionPolicy()
    """What you expect of the source: thresholds and levels of findings (docs/error-codes.md)."""
    overrides: tuple[Override, ...] = Field(default=(), max_length=20)
    """Findings that a named person waves through, each with a reason."""

    @property
    def fairness_key(self) -> str:
        """Whose turn it is when workers are scarce: the studio's, else the title's own; 64 bytes at most."""
        return self.studio or self.title_id

    @field_validator("source")
    @classmethod
    def _stays_below(cls, source: str) -> str:
        if ".." in source.split("/"):
            raise ValueError("'..' in the address")
        return source


class BadRequest(PertitleError):
    """The request itself is wrong; all its faults are listed at once."""

    code: ClassVar[str] = "REQ-001"


class UnknownCodec(BadRequest):
    """The recipe asks for a codec that we do not make."""

    code: ClassVar[str] = "REQ-002"


class BadTitleId(BadRequest):
    """The title id does not follow the rule."""

    code: ClassVar[str] = "REQ-003"


class BadSourceAddress(BadRequest):
    """The source is not an ``s3://bucket/key`` address."""

    code: ClassVar[str] = "REQ-004"


def parse_title_request(content: Any) -> TitleRequest:
    """Returns the checked request.

    Args:
        content: The decoded JSON: a mapping.

    Raises:
        BadRequest: or a subclass of it, naming each wrong field, what was found and what is expected.
    """
    if not isinstance(content, dict):
        raise BadRequest(
            "request",
            found=f"a JSON {type(content).__name__}",
            expected="a JSON object",
            fix='paste an object such as {"title_id": "my-title", "source": "s3://bucket/key"}',
        )
    try:
        return TitleRequest.model_validate(content)
    except ValidationError as error:
        raise _as_bad_request(error) from None


def _as_bad_request(error: ValidationError) -> BadRequest:
    every = error.errors(include_url=False, include_context=False)
    # A wrong item makes its list wrong too ("at least 1 item"): only the item helps a person.
    faults = [fault for fault in every if not any(_is_inside(other["loc"], fault["loc"]) for other in every)]
    first = ".".join(str(part) for part in faults[0]["loc"])
    where = ", ".join(dict.fromkeys(".".join(str(part) for part in fault["loc"]) or "request" for fault in faults))
    found = "; ".join(f"{_shown(fault.get('input'))} ({fault['msg']})" for fault in faults)
    kind, expected, fix = _advice(first)
    return kind(where, found=found, expected=expected, fix=fix)


def _is_inside(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _advice(field: str) -> tuple[type[BadRequest], str, str]:
    """Returns the error class, what is expected and how to fix it for the first wrong field."""
    if field == "title_id":
        return (
            BadTitleId,
            f"a title id that matches {TITLE_ID_PATTERN}",
            "rename the title, for example my-title-s01e02",
        )
    if field == "source":
        return (
            BadSourceAddress,
            "s3://bucket/key of an uploaded source, without '..'",
            "upload with `pertitle submit FILE`, or give the object's s3:// address",
        )
    if field.startswith("recipe.codecs.") and field.endswith(".codec"):
        return UnknownCodec, "one of h264, hevc, av1", "name a codec of that list"
    return BadRequest, "the fields and ranges of docs/title-request.schema.json", "correct the fields named"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
