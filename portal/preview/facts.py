"""What the preview page tells about a presentation: its rungs as the MPD names them, with what was measured."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Literal

from domain.result import ResultRung, TitleResult
from domain.values import Value

_DASH = "{urn:mpeg:dash:schema:mpd:2011}"


class ShownRung(Value):
    """One video representation."""

    name: str
    """Id of the representation, and name of the rung."""
    codecs: str
    """Codec string of RFC 6381: what a browser is asked about."""
    width_px: int
    height_px: int
    peak_bitrate_bps: int
    """The MPD's ``bandwidth``."""
    bitrate_bps: float | None = None
    vmaf: float | None = None
    """Mean of all frames, as measured on what was published."""


class ShownFacts(Value):
    """Everything that the page asks for before it plays."""

    heading: str
    """Title id, or name of the folder."""
    release_id: str = ""
    release_uri: str = ""
    scheme: Literal["cbcs", "cenc", "clear"]
    manifests: dict[str, str]
    """``dash`` and ``hls`` → path."""
    kids: tuple[str, ...] = ()
    """Public key identifiers, 32 hexadecimal digits each."""
    metric: str = ""
    rungs: tuple[ShownRung, ...]
    """In rising order of rate, codec by codec."""


def shown_rungs(mpd: str, result: TitleResult | None) -> tuple[ShownRung, ...]:
    """Returns the rungs of an MPD.

    Args:
        mpd: The published MPD.
        result: The result document of the same release, if there is one.

    Raises:
        xml.etree.ElementTree.ParseError: if the text is no XML.
    """
    ladders = result.ladders if result is not None else ()
    measured = {rung.name: rung for ladder in ladders for rung in ladder.rungs}
    found = [_shown(item, measured.get(item["id"])) for item in _representations(ET.fromstring(mpd))]  # noqa: S314 - ours
    return tuple(sorted(found, key=lambda rung: (_family(rung.codecs), rung.peak_bitrate_bps)))


def _representations(root: ET.Element) -> Iterator[dict[str, str]]:
    """Yields the attributes of each video representation, with those that it inherits; trick play is left out."""
    for adaptation_set in root.iter(f"{_DASH}AdaptationSet"):
        properties = adaptation_set.findall(f"{_DASH}EssentialProperty")
        if any("trickmode" in item.get("schemeIdUri", "") for item in properties):
            continue
        for representation in adaptation_set.findall(f"{_DASH}Representation"):
            attributes = {**adaptation_set.attrib, **representation.attrib}
            if attributes.get("mimeType", "").startswith("video/"):
                yield attributes


def _shown(attributes: dict[str, str], rung: ResultRung | None) -> ShownRung:
    return ShownRung(
        name=attributes["id"],
        codecs=attributes.get("codecs", ""),
        width_px=int(attributes.get("width", 0)),
        height_px=int(attributes.get("height", 0)),
        peak_bitrate_bps=int(attributes["bandwidth"]),
        bitrate_bps=rung.delivered.bitrate_bps if rung else None,
        vmaf=rung.delivered.vmaf_mean if rung else None,
    )


def _family(codecs: str) -> int:
    order = ("avc", "hvc", "hev", "av0")
    return next((index for index, start in enumerate(order) if codecs.startswith(start)), len(order))
