"""How an MPD addresses the segments of a track, in either form of storage.

Source: ISO/IEC 23009-1:2022, 5.3.9 (SegmentBase, SegmentTemplate with SegmentTimeline).
"""

import xml.etree.ElementTree as ET

from media.packaging.dash import dash_tag
from media.packaging.segment_index import ByteRange, TrackIndex


def segment_addressing(track: TrackIndex) -> list[ET.Element]:
    """Returns the elements of a Representation that say where its segments are."""
    return _ranges(track, track.sidx) if track.sidx else [_template(track)]


def _template(track: TrackIndex) -> ET.Element:
    made = ET.Element(
        dash_tag("SegmentTemplate"),
        {
            "timescale": str(track.timescale),
            "initialization": f"{track.name}/{track.init.path.name}",
            "media": f"{track.name}/$Number%05d$.m4s",
            "startNumber": "1",
        },
    )
    timeline = ET.SubElement(made, dash_tag("SegmentTimeline"))
    at: int | None = None
    for segment in track.segments:
        last = timeline[-1] if len(timeline) else None
        if last is not None and at == segment.start and last.get("d") == str(segment.duration):
            last.set("r", str(int(last.get("r", "0")) + 1))
        else:
            begins = {} if at == segment.start else {"t": str(segment.start)}
            ET.SubElement(timeline, dash_tag("S"), {**begins, "d": str(segment.duration)})
        at = segment.start + segment.duration
    return made


def _ranges(track: TrackIndex, sidx: ByteRange) -> list[ET.Element]:
    url = ET.Element(dash_tag("BaseURL"))
    url.text = f"{track.name}/{track.init.path.name}"
    made = ET.Element(
        dash_tag("SegmentBase"),
        {"timescale": str(track.timescale), "indexRange": _text(sidx), "indexRangeExact": "true"},
    )
    ET.SubElement(made, dash_tag("Initialization"), {"range": _text(track.init)})
    return [url, made]


def _text(place: ByteRange) -> str:
    return f"{place.offset}-{place.offset + place.size - 1}"
