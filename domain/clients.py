"""The catalog of a presentation, and which of its tracks a kind of client is told about."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import Literal

from pydantic import Field

from domain.hdr import DynamicRange
from domain.tracks import KeyLabel
from domain.values import StrictValue, Value
from domain.video import Codec, Resolution

CATALOG = "presentation.json"
"""Path of the catalog in a presentation."""
HdcpLevel = Literal["NONE", "TYPE-0", "TYPE-1"]
"""Least output protection that a picture asks for (RFC 8216bis, 4.4.6.2), rising."""
HDCP_LEVELS: tuple[HdcpLevel, ...] = ("NONE", "TYPE-0", "TYPE-1")


def hdcp_level(label: KeyLabel) -> HdcpLevel:
    """Returns the output protection that goes with a key label.

    Source: Apple HLS authoring specification, 2025-06-26, 13.6: TYPE-0 for HD, TYPE-1 above.
    """
    if label == "SD":
        return "NONE"
    return "TYPE-0" if label == "HD" else "TYPE-1"


class TrackFacts(Value):
    """What a filter and a manifest must know about one track of a presentation."""

    name: str
    """Folder of the track, and id of its Representation."""
    kind: Literal["video", "trick", "audio", "text", "image"]
    """``trick``: the IDR frames of a rendition alone, for fast play."""
    codec: Codec | None = None
    """Video only."""
    resolution: Resolution | None = None
    """Video and images."""
    dynamic_range: DynamicRange = Field(default=DynamicRange.SDR, exclude_if=lambda found: found is DynamicRange.SDR)
    """Video: what its transfer characteristics stand for; left out where it is SDR."""
    frame_rate: Fraction | None = None
    language: str | None = None
    """Audio and text."""
    label: KeyLabel | None = None
    """Which content key protects it; ``None`` if it is clear."""
    peak_bps: int = Field(default=0, ge=0)
    """Largest rate of any segment-long stretch (``BANDWIDTH``)."""
    mean_bps: int = Field(default=0, ge=0)
    """Mean rate (``AVERAGE-BANDWIDTH``)."""


class ClientFilter(StrictValue):
    """What a kind of client can play. A field that is left out lets everything through."""

    codecs: tuple[Codec, ...] | None = None
    """Video codecs."""
    dynamic_ranges: tuple[DynamicRange, ...] | None = Field(default=None, exclude_if=lambda found: found is None)
    """Of video: ``SDR``, ``PQ``, ``HLG``."""
    max_height_px: int | None = Field(default=None, ge=90)
    """Tallest picture."""
    max_hdcp: HdcpLevel | None = None
    """Best output protection that the client's display has."""
    languages: tuple[str, ...] | None = None
    """Languages of sound and subtitles, as in the manifests. Sound without a language stays."""
    key_labels: tuple[KeyLabel, ...] | None = None
    """Content keys that the client may get."""

    def lets_through(self, track: TrackFacts) -> bool:
        """Tells whether the client is told about a track."""
        return (
            _within(track.codec, self.codecs)
            and _within(track.label, self.key_labels)
            and self._speaks(track)
            and self._shows(track)
        )

    def _speaks(self, track: TrackFacts) -> bool:
        return track.language in {None, "und"} or _within(track.language, self.languages)

    def _shows(self, track: TrackFacts) -> bool:
        if track.kind not in {"video", "trick"} or track.resolution is None:
            return True
        if not _within(track.dynamic_range, self.dynamic_ranges):
            return False
        if self.max_height_px is not None and track.resolution.height_px > self.max_height_px:
            return False
        if self.max_hdcp is None or track.label is None:
            return True
        return HDCP_LEVELS.index(hdcp_level(track.label)) <= HDCP_LEVELS.index(self.max_hdcp)


def _within(found: object, allowed: tuple[object, ...] | None) -> bool:
    return found is None or allowed is None or found in allowed


class ClientManifests(Value):
    """A filter and the manifests that were published for it."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    filter: ClientFilter
    dash: str
    """Path of the MPD."""
    hls: str
    """Path of the multivariant playlist."""


class PresentationCatalog(Value):
    """``presentation.json``: what a program must know to choose tracks, without reading manifests."""

    schema_name: Literal["pertitle/presentation/v1"] = Field(default="pertitle/presentation/v1", alias="schema")
    dash: str
    """Path of the MPD of all tracks."""
    hls: str
    """Path of the multivariant playlist of all tracks."""
    tracks: tuple[TrackFacts, ...]
    clients: tuple[ClientManifests, ...] = ()
    """Manifests for some kinds of client, all over the same files."""


def static_clients(tracks: Sequence[TrackFacts]) -> dict[str, ClientFilter]:
    """Returns name → filter of the kinds of client that every release serves.

    A codec set for each choice of codecs beside the first, which all clients play, but not for all of them (that is
    the whole presentation); ``sdr``, where a title has HDR tracks beside SDR ones; and ``sd``, for displays without
    output protection. Legacy players take a codec that they cannot play, or switch codecs inside a session (packaging
    report §10): they are told of those that they can.
    """
    codecs = [codec for codec in Codec if any(track.codec is codec for track in tracks)]
    first, *others = codecs
    made: dict[str, ClientFilter] = {}
    for count in range(len(others)):
        for more in combinations(others, count):
            chosen = (first, *more)
            made["-".join(codec.value for codec in chosen)] = ClientFilter(codecs=chosen)
    ranges = {track.dynamic_range for track in tracks if track.kind == "video"}
    if DynamicRange.SDR in ranges and len(ranges) > 1:
        made["sdr"] = ClientFilter(dynamic_ranges=(DynamicRange.SDR,))
    labels = {track.label for track in tracks if track.kind == "video"}
    if "SD" in labels and len(labels) > 1:
        made["sd"] = ClientFilter(max_hdcp="NONE")
    return made
