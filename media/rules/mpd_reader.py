"""Reads MPDs into the model: SegmentTemplate (numbers, times, durations), SegmentBase, SegmentList, single files.

Source: ISO/IEC 23009-1:2022, 5.3 (elements), 5.3.9 (segments), 5.6 (BaseURL).
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from media.rules.addresses import fill_template, join_base, resolve
from media.rules.media_library import MediaLibrary
from media.rules.media_model import InitFacts, Span, Track
from media.rules.model import AdaptationSet, Mention, Mpd, Protection, Reference, Representation
from media.rules.playlist_reader import decimal

MPD_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z")
_ADDRESSING = ("SegmentTemplate", "SegmentBase", "SegmentList")
_MOST_SEGMENTS = 200_000
_PLAIN_TEXT = frozenset({"text/vtt", "application/ttml+xml"})
Kind = Literal["video", "audio", "text", "image", "other"]


def local_name(element: ET.Element) -> str:
    """Returns the name of an element of the MPD's namespace, with braces and namespace for others."""
    return element.tag.removeprefix(f"{{{MPD_NAMESPACE}}}")


def children(element: ET.Element, name: str) -> list[ET.Element]:
    """Returns the children of a name of the MPD's namespace."""
    return element.findall(f"{{{MPD_NAMESPACE}}}{name}")


def parse_duration(text: str) -> Fraction | None:
    """Returns an ``xs:duration`` of days, hours, minutes and seconds in seconds; ``None`` where it is none."""
    found = _DURATION.match(text)
    if not found:
        return None
    return sum((decimal(part or "0") * unit for part, unit in zip(found.groups(), (86400, 3600, 60, 1), strict=True)),
               Fraction(0))  # fmt: skip


def whole(text: str | None, default: int) -> int:
    """Returns a whole number, or the default where it is missing or none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else default


@dataclass
class MpdReader:
    """Reads the MPDs of one folder; every file that they name is noted."""

    library: MediaLibrary
    mentions: list[Mention] = field(default_factory=list)

    def mpd(self, path: str, text: str) -> Mpd | None:
        """Returns an MPD; ``None`` (and a damage) where the text is none."""
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            self.library.damage(path, "a document type declaration", "an MPD without one")
            return None
        try:
            root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
        except ET.ParseError as error:
            self.library.damage(path, str(error), "well-formed XML")
            return None
        if local_name(root) != "MPD":
            self.library.damage(path, f"a {root.tag} element", "an MPD element (ISO/IEC 23009-1, 5.3.1)")
            return None
        duration_s = parse_duration(root.get("mediaPresentationDuration", ""))
        periods = children(root, "Period")
        sets = []
        for number, period in enumerate(periods):
            length_s = parse_duration(period.get("duration", "")) or self._period_length(periods, number, duration_s)
            base = _based(_based(path, root), period)
            sets += [
                self._set(_Place(path, base, period, item, length_s)) for item in children(period, "AdaptationSet")
            ]
        return Mpd(path, root, duration_s, len(periods), tuple(sets))

    def _period_length(self, periods: list[ET.Element], number: int, total_s: Fraction | None) -> Fraction:
        start_s = parse_duration(periods[number].get("start", "")) or Fraction(0)
        after = periods[number + 1].get("start", "") if number + 1 < len(periods) else ""
        return max(Fraction(0), (parse_duration(after) or total_s or Fraction(0)) - start_s)

    def _set(self, place: "_Place") -> AdaptationSet:
        element = place.set_
        items = [self._representation(place, child) for child in children(element, "Representation")]
        where = f"{place.path} AdaptationSet {element.get('id', '?')}"
        found = [_protection(child) for child in children(element, "ContentProtection")]
        for child in children(element, "Representation"):
            found += [_protection(inner) for inner in children(child, "ContentProtection")]
        return AdaptationSet(where, _kind(element, items), element, element.attrib, tuple(items), tuple(found))

    def _representation(self, place: "_Place", element: ET.Element) -> Representation:
        addressing = _Addressing(self, place, element)
        references, track = addressing.read()
        return Representation(
            where=f"{place.path} Representation {element.get('id', '?')}",
            attributes={**place.set_.attrib, **element.attrib},
            addressing=addressing.kind,
            timescale=addressing.timescale,
            element=element,
            references=tuple(references),
            track=track,
        )

    def mention(self, manifest: str, address: str) -> str | None:
        """Notes that a file is named and returns its path."""
        path = resolve(manifest, address)
        self.mentions.append(Mention(manifest, address, path))
        if path is not None:
            self.library.note(path)
        return path


@dataclass(frozen=True)
class _Place:
    """Where in an MPD an adaptation set stands."""

    path: str
    base: str
    period: ET.Element
    set_: ET.Element
    length_s: Fraction


class _Addressing:
    """How one Representation names its segments."""

    def __init__(self, reader: MpdReader, place: _Place, element: ET.Element) -> None:
        self._reader, self._place, self._element = reader, place, element
        self._base = _based(_based(place.base, place.set_), element)
        levels = (place.period, place.set_, element)
        self._name = next((name for name in _ADDRESSING if any(children(level, name) for level in levels)), "")
        found = [child for level in levels for child in children(level, self._name)] if self._name else []
        self._values: Mapping[str, str] = {key: value for child in found for key, value in child.attrib.items()}
        self._parts = {local_name(part): part for child in found for part in child}
        self.timescale = max(1, whole(self._values.get("timescale"), 1))

    @property
    def kind(self) -> Literal["timeline", "duration", "base", "list", "single"]:
        """How segments are addressed."""
        if self._name == "SegmentTemplate":
            return "timeline" if "SegmentTimeline" in self._parts else "duration"
        if self._name == "SegmentBase":
            return "base"
        return "list" if self._name == "SegmentList" else "single"

    def read(self) -> tuple[list[Reference], Track | None]:
        """Returns the segments and, where their files could be read, the track."""
        kind = self.kind
        init_span = self._init()
        init = self._reader.library.init_of(init_span)
        if kind == "base" or (kind == "single" and init is not None):
            references = self._indexed(init)
        elif kind in {"timeline", "duration"}:
            references = list(self._templated(init))
        elif kind == "list":
            references = list(self._listed(init))
        else:
            references = []
        if init is None or init_span is None:
            return references, None
        segments = tuple(item.segment for item in references if item.segment is not None)
        return references, Track(init_span.path, init, segments)

    def _init(self) -> Span | None:
        if self._name == "SegmentTemplate":
            template = self._values.get("initialization", "")
            return self._span(join_base(self._base, fill_template(template, self._names()))) if template else None
        part = self._parts.get("Initialization")
        source = part.get("sourceURL", "") if part is not None else ""
        address = join_base(self._base, source) if source else self._own_file()
        span = self._span(address) if address else None
        return None if _mime(self._place.set_, self._element) in _PLAIN_TEXT else span

    def _own_file(self) -> str:
        return "" if self._base == self._place.path else self._base

    def _span(self, address: str) -> Span | None:
        path = self._reader.mention(self._place.path, _relative(self._place.path, address))
        return Span(path) if path is not None else None

    def _names(self) -> dict[str, str | int]:
        own = {**self._place.set_.attrib, **self._element.attrib}
        return {"RepresentationID": own.get("id", ""), "Bandwidth": own.get("bandwidth", "")}

    def _times(self) -> Iterator[tuple[int, int]]:
        """Yields (start, duration) in ticks (5.3.9.6 and 5.3.9.5)."""
        timeline = self._parts.get("SegmentTimeline")
        if timeline is None:
            duration = whole(self._values.get("duration"), 0)
            count = math.ceil(self._place.length_s * self.timescale / duration) if duration else 0
            yield from ((number * duration, duration) for number in range(min(count, _MOST_SEGMENTS)))
            return
        at = given = 0
        for entry in children(timeline, "S"):
            at, duration = whole(entry.get("t"), at), whole(entry.get("d"), 0)
            for _ in range(whole(entry.get("r"), 0) + 1):
                if (given := given + 1) > _MOST_SEGMENTS:
                    return
                yield at, duration
                at += duration

    def _templated(self, init: InitFacts | None) -> Iterator[Reference]:
        media, offset = self._values.get("media", ""), whole(self._values.get("presentationTimeOffset"), 0)
        first = whole(self._values.get("startNumber"), 1)
        for number, (start, duration) in enumerate(self._times(), start=first):
            names = {**self._names(), "Number": number, "Time": start}
            span = self._span(join_base(self._base, fill_template(media, names))) if media else None
            if span is not None:
                yield self._reference(span, (start - offset, duration), init)

    def _listed(self, init: InitFacts | None) -> Iterator[Reference]:
        duration, at = whole(self._values.get("duration"), 0), 0
        template = self._element.iter(f"{{{MPD_NAMESPACE}}}SegmentURL")
        for entry in template:
            span = self._span(join_base(self._base, entry.get("media", "")))
            first, _, last = entry.get("mediaRange", "").partition("-")
            if span is not None:
                if last:
                    span = Span(span.path, whole(first, 0), whole(last, 0) - whole(first, 0) + 1)
                yield self._reference(span, (at, duration), init)
            at += duration

    def _indexed(self, init: InitFacts | None) -> list[Reference]:
        """Returns the segments of the file's own index (SegmentBase)."""
        path = resolve(self._place.path, _relative(self._place.path, self._own_file()))
        found = self._reader.library.media(path, init) if path else None
        if found is None:
            return []
        scale = max(1, found.index_timescale)
        return [
            Reference(item.span, Fraction(item.start, scale), Fraction(item.duration, scale),
                      self._reader.library.segment(item.span, init))
            for item in found.index
        ]  # fmt: skip

    def _reference(self, span: Span, time: tuple[int, int], init: InitFacts | None) -> Reference:
        segment = self._reader.library.segment(span, init) if init is not None else None
        return Reference(span, Fraction(time[0], self.timescale), Fraction(time[1], self.timescale), segment)


def _based(base: str, element: ET.Element) -> str:
    """Returns the base of what is inside an element: its first BaseURL joined to the base around it."""
    found = children(element, "BaseURL")
    return join_base(base, (found[0].text or "").strip()) if found else base


def _relative(manifest: str, address: str) -> str:
    """Returns an address relative to the manifest, because bases were joined from the folder on."""
    folder = manifest.rpartition("/")[0]
    return address.removeprefix(f"{folder}/") if folder else address


def _mime(set_: ET.Element, element: ET.Element) -> str:
    return (element.get("mimeType") or set_.get("mimeType") or "").lower()


def _kind(element: ET.Element, items: list[Representation]) -> Kind:
    said = element.get("contentType") or next((item.mime.partition("/")[0] for item in items), "")
    codecs = next((item.attributes.get("codecs", "") for item in items), "")
    if said == "application" and codecs.startswith(("stpp", "wvtt")):
        return "text"
    known: tuple[Kind, ...] = ("video", "audio", "text", "image")
    return next((kind for kind in known if kind == said), "other")


def _protection(element: ET.Element) -> Protection:
    kid = next((value for key, value in element.attrib.items() if key.endswith("}default_KID")), "")
    texts = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
    return Protection(
        scheme=element.get("schemeIdUri", "").lower(),
        value=element.get("value", ""),
        kid=kid.replace("-", "").lower(),
        pssh=texts.get("pssh", ""),
        header=texts.get("pro", ""),
    )
