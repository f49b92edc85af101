"""A release: a sealed, immutable, published presentation."""

from typing import Literal

from pydantic import Field

from domain.checks import CheckReport
from domain.files import StoredFile
from domain.findings import Override
from domain.hdr import ToneMapping
from domain.tracks import RecordedLabel
from domain.values import Sha256, Value, digest_of


class PresentationFile(Value):
    """One file of a presentation."""

    path: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")
    """Path inside the presentation, ``/`` as separator."""
    file: StoredFile
    content_type: str


class KeyReference(Value):
    """Which key protects what: public facts only, never the content key."""

    label: RecordedLabel
    kid: str = Field(pattern=r"^[0-9a-f]{32}$")


class ToneMappedTracks(Value):
    """The SDR tracks of an HDR title, and how their pictures were made."""

    names: tuple[str, ...]
    """Names of the tracks."""
    tone_mapping: ToneMapping


class Presentation(Value):
    """The packaged title: manifests and segments in the work store, before publishing."""

    files: tuple[PresentationFile, ...] = Field(min_length=1)
    """In rising order of path."""
    dash: str
    """Path of the MPD."""
    hls: str
    """Path of the multivariant playlist."""
    scheme: Literal["cbcs", "cenc", "clear"]
    keys: tuple[KeyReference, ...]
    """Empty for ``clear``."""
    key_set: str
    """Identifier of the sealed key record in the key store; empty for ``clear``."""
    key_provider: str = "local"
    """Who has the keys: ``local``, ``kms`` or ``speke``; empty for ``clear``."""
    decrypted_md5: dict[str, str] = {}
    """Track name → MD5 of its decrypted elementary stream, equal to the clear stream's (proved when packaged)."""
    tone_mapped: ToneMappedTracks | None = Field(default=None, exclude_if=lambda tracks: tracks is None)
    """Left out where no track is tone-mapped."""
    checks: CheckReport | None = None
    """How the rules for presentations are kept; no MUST is broken."""
    cpu_s: float = 0.0


class ReleaseObject(Value):
    """One object of a release as listed in ``release.json``."""

    path: str
    sha256: Sha256
    size_bytes: int
    content_type: str


class ReleaseManifest(Value):
    """``release.json``: the seal. It is written last; a release without it does not exist."""

    schema_name: Literal["pertitle/release/v1"] = Field(default="pertitle/release/v1", alias="schema")
    title_id: str
    release_id: str
    dash: str
    hls: str
    scheme: Literal["cbcs", "cenc", "clear"]
    keys: tuple[KeyReference, ...]
    key_provider: str = "local"
    """Who has the keys: ``local``, ``kms`` or ``speke``; empty for ``clear``."""
    source_sha256: Sha256
    recipe_sha256: Sha256
    provisional: bool = Field(default=False, exclude_if=lambda is_so: not is_so)
    """The first minutes in two rungs, to be superseded by the full release. Left out where it is false."""
    waved_through: tuple[Override, ...] = Field(default=(), exclude_if=lambda waved: not waved)
    """Findings in the source that named people let pass, as whoever made these bytes first was told to."""
    tone_mapped: ToneMappedTracks | None = Field(default=None, exclude_if=lambda tracks: tracks is None)
    """The SDR tracks of an HDR title, and the filter chain that made them. Left out where there are none."""
    objects: tuple[ReleaseObject, ...]


class CurrentPointer(Value):
    """``current.json``: the one mutable object of a title."""

    schema_name: Literal["pertitle/current/v1"] = Field(default="pertitle/current/v1", alias="schema")
    title_id: str
    release_id: str
    release_uri: str
    provisional: bool = Field(default=False, exclude_if=lambda is_so: not is_so)
    """As in ``release.json``."""


class ReleaseReference(Value):
    """Where a published release is."""

    title_id: str
    release_id: str
    release_uri: str
    """``s3://bucket/titles/{title_id}/releases/{release_id}``."""


class FirstPlayable(Value):
    """When a title could be played for the first time, and what of it."""

    after_s: float = Field(ge=0)
    """Seconds from the start of the title's workflow (its submit) until a release was sealed, proved and current."""
    release_id: str
    duration_s: float = Field(gt=0)
    """Length of that release."""
    provisional: bool = False
    """It was the provisional release; otherwise the full one."""

    @property
    def words(self) -> str:
        """The same for people: ``first playable after 41.2 s (provisional: the first 120.5 s)``."""
        what = f" (provisional: the first {self.duration_s:.1f} s)" if self.provisional else ""
        return f"first playable after {self.after_s:.1f} s{what}"


class TitleReceipt(Value):
    """What ``EncodeTitle`` returns: where everything that it made is."""

    title_id: str
    release: ReleaseReference
    result: StoredFile
    """``result.json``, a ``TitleResult``."""
    report: StoredFile
    """``report.html``, one self-contained page."""


def provisional_key(title_key: Sha256) -> Sha256:
    """Returns the name of the key set of a title's provisional release: it shares no key with the full one."""
    return digest_of({"provisional": title_key, "version": 1})
