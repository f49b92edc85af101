"""The multivariant playlist: every variant stream with the facts that players choose by, rates counted from the files.

Sources: RFC 8216bis, 4.4.6; Apple HLS authoring specification, revision 2025-06-26, chapters 1 and 9.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from domain.tracks import EncodedAudio, Rendition
from domain.video import Codec
from media.errors import PresentationInvalid
from media.packaging.hls import HEADER
from media.packaging.languages import language_tag, menu_names
from media.packaging.packager import audio_group
from media.packaging.plan import PresentationPlan
from media.packaging.playlists import parse_entries, parse_stream_tags
from media.packaging.segment_index import TrackIndex, mean_rate_bps, peak_rate_bps

FIRST_VARIANT_BPS = 2_000_000
"""Apple 1.32: the variant listed first is the one players start with; about 2000 kb/s for good networks."""
_CODEC_ORDER = tuple(Codec)


@dataclass(frozen=True, slots=True)
class Multivariant:
    """What a multivariant playlist is written from."""

    draft: str
    """The packager's playlist; CODECS and VIDEO-RANGE are kept from it, and languages, which it shortens to BCP 47."""
    plan: PresentationPlan
    indexes: Mapping[str, TrackIndex]
    """Track name → the track as it lies on disk."""
    iframes: Mapping[str, str]
    """Track name → text of its final I-frame playlist."""
    target_s: int
    """Target duration of all playlists in seconds."""

    def text(self) -> str:
        """Returns the final multivariant playlist.

        Raises:
            PresentationInvalid: if the draft does not know a track.
        """
        lines = [*HEADER, "#EXT-X-INDEPENDENT-SEGMENTS", *self._media_tags()]
        for rendition in self._in_order():
            for group in sorted({audio_group(track) for track in self.plan.audio}) or [""]:
                lines += self._variant(rendition, group)
        lines += [self._iframe_tag(rendition) for rendition in self.plan.renditions if rendition.name in self.iframes]
        return "\n".join(lines) + "\n"

    def _in_order(self) -> list[Rendition]:
        """Returns the renditions by codec and rate, but first the H.264 one that playback starts best with."""
        ordered = sorted(
            self.plan.renditions, key=lambda item: (_CODEC_ORDER.index(item.codec), self.indexes[item.name].mean_bps)
        )
        first_codec = [item for item in ordered if item.codec is ordered[0].codec]
        first = min(first_codec, key=lambda item: abs(self.indexes[item.name].mean_bps - FIRST_VARIANT_BPS))
        return [first, *(item for item in ordered if item is not first)]

    def _media_tags(self) -> list[str]:
        names = menu_names(self.plan.audio)
        return [f"#EXT-X-MEDIA:{self._media_attributes(track, names[track.name])}" for track in self.plan.audio]

    def _media_attributes(self, track: EncodedAudio, name: str) -> str:
        language = self._drafted("MEDIA", f"{track.name}/playlist.m3u8").get("LANGUAGE", language_tag(track))
        said = [] if language == "und" else [f'LANGUAGE="{language}"']
        is_default = "YES" if self._is_group_default(track) else "NO"
        return ",".join(
            [
                "TYPE=AUDIO",
                f'GROUP-ID="{audio_group(track)}"',
                *said,
                f'NAME="{name}"',
                f"DEFAULT={is_default}",
                "AUTOSELECT=YES",
                f'CHANNELS="{track.channels}"',
                f'URI="{track.name}/playlist.m3u8"',
            ]
        )

    def _is_group_default(self, track: EncodedAudio) -> bool:
        """Tells whether a track is the first of the default language in its group: the same one in every group."""
        group = [other for other in self.plan.audio if audio_group(other) == audio_group(track)]
        language = self.plan.audio[0].language
        return track is next((other for other in group if other.language == language), group[0])

    def _variant(self, rendition: Rendition, group: str) -> list[str]:
        uri = f"{rendition.name}/playlist.m3u8"
        audio = [self.indexes[track.name] for track in self.plan.audio if audio_group(track) == group]
        video = self.indexes[rendition.name]
        # Apple 9.13: the largest sum over what can be played together.
        peak = video.peak_bps(self.target_s) + max((index.peak_bps(self.target_s) for index in audio), default=0)
        mean = video.mean_bps + max((index.mean_bps for index in audio), default=0)
        drafted = self._drafted("STREAM-INF", uri, group)
        attributes = [
            f"BANDWIDTH={peak}",
            f"AVERAGE-BANDWIDTH={mean}",
            f'CODECS="{drafted["CODECS"]}"',
            f"RESOLUTION={rendition.resolution}",
            f"FRAME-RATE={_rate_text(self.plan.frame_rate)}",
            *([f"VIDEO-RANGE={drafted['VIDEO-RANGE']}"] if "VIDEO-RANGE" in drafted else []),
            *([f'AUDIO="{group}"'] if group else []),
            "CLOSED-CAPTIONS=NONE",
        ]
        return [f"#EXT-X-STREAM-INF:{','.join(attributes)}", uri]

    def _iframe_tag(self, rendition: Rendition) -> str:
        uri = f"{rendition.name}/iframes.m3u8"
        weights = [(entry.length or 0, entry.duration_s) for entry in parse_entries(self.iframes[rendition.name])]
        drafted = self._drafted("I-FRAME-STREAM-INF", uri)
        attributes = [
            f"BANDWIDTH={peak_rate_bps(weights, self.target_s)}",
            f"AVERAGE-BANDWIDTH={mean_rate_bps(weights)}",
            f'CODECS="{drafted["CODECS"]}"',
            f"RESOLUTION={rendition.resolution}",
            *([f"VIDEO-RANGE={drafted['VIDEO-RANGE']}"] if "VIDEO-RANGE" in drafted else []),
            f'URI="{uri}"',
        ]
        return f"#EXT-X-I-FRAME-STREAM-INF:{','.join(attributes)}"

    def _drafted(self, tag: str, uri: str, group: str = "") -> dict[str, str]:
        for item in parse_stream_tags(self.draft):
            if item.tag == tag and item.uri == uri and (not group or item.attributes.get("AUDIO") == group):
                return item.attributes
        raise PresentationInvalid("multivariant playlist", found=f"no {tag} of {uri}", expected="one for each track")


def _rate_text(rate: Fraction) -> str:
    """Returns frames per second with three decimals (RFC 8216bis, 4.4.6.2)."""
    thousandths = round(rate * 1000)
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"
