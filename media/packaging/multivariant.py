"""The multivariant playlist: every variant stream with the facts that players choose by, rates counted from the files.

Sources: RFC 8216bis, 4.4.6; Apple HLS authoring specification, revision 2025-06-26, chapters 1, 5, 9 and 13.
"""

from fractions import Fraction

from domain.hdr import DynamicRange
from domain.tracks import EncodedAudio, Rendition, TextTrack, key_label
from domain.video import Codec
from media.packaging.hls import HEADER, iframe_weights
from media.packaging.languages import UNDETERMINED, language_tag, menu_names
from media.packaging.plan import TrackFile
from media.packaging.presentation_index import PresentationIndex
from media.packaging.roles import audio_group, audio_role
from media.packaging.segment_index import mean_rate_bps, peak_rate_bps
from media.packaging.signaling import session_key_tags
from media.packaging.thumbnails import SheetIndex

FIRST_VARIANT_BPS = 2_000_000
"""Apple 1.32: the variant listed first is the one players start with; about 2000 kb/s for good networks."""
SUBTITLES = "subtitles"
"""The one group of subtitles."""
_CODEC_ORDER = tuple(Codec)
_CHARACTERISTICS = {
    # RFC 8216bis, 4.4.6.1; Apple 5.9 (captions) and 4.7 (described video).
    "caption": "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",
    "description": "public.accessibility.describes-video",
}
_HDCP = {"SD": "NONE", "HD": "TYPE-0"}
"""Apple 13.6 and 13.7: HDCP 1 for HD; whatever is larger needs HDCP 2.2 (``TYPE-1``)."""


def multivariant_playlist(index: PresentationIndex) -> str:
    """Returns the multivariant playlist of a presentation."""
    independent = all(track.starts_are_sync for track in index.tracks.values())
    lines = [
        *HEADER,
        *(["#EXT-X-INDEPENDENT-SEGMENTS"] if independent else []),
        *_session_keys(index),
        *_media_tags(index),
    ]
    for item in _in_order(index):
        for group in _audio_groups(index):
            lines += _variant(index, item, group)
    lines += [_iframe_tag(index, item) for item in _renditions(index)]
    lines += [_image_tag(sheets) for sheets in index.sheets.values()]
    return "\n".join(lines) + "\n"


def _session_keys(index: PresentationIndex) -> list[str]:
    return session_key_tags(index.plan.keys) if index.plan.is_encrypted else []


def _renditions(index: PresentationIndex) -> list[TrackFile]:
    return [item for item in index.plan.media if isinstance(item.track, Rendition)]


def _codec(item: TrackFile) -> Codec:
    return item.track.codec if isinstance(item.track, Rendition) else Codec.H264


def _in_order(index: PresentationIndex) -> list[TrackFile]:
    """Returns the renditions by codec, range and rate, but first the one that playback starts best with: H.264, SDR."""
    rates = {item.name: index.tracks[item.name].mean_bps for item in _renditions(index)}

    def family(item: TrackFile) -> tuple[bool, int]:
        # Whoever cannot choose by range gets what every display shows.
        return index.range_of(item) is not DynamicRange.SDR, _CODEC_ORDER.index(_codec(item))

    ordered = sorted(_renditions(index), key=lambda item: (*family(item), rates[item.name]))
    first_family = [item for item in ordered if family(item) == family(ordered[0])]
    first = min(first_family, key=lambda item: abs(rates[item.name] - FIRST_VARIANT_BPS))
    return [first, *(item for item in ordered if item is not first)]


def _audio_groups(index: PresentationIndex) -> list[str]:
    """Returns the groups, those that every device plays (AAC) first; one empty name if there is no sound."""
    groups = dict.fromkeys(audio_group(track) for track in index.plan.audio)
    return sorted(groups, key=lambda group: ("aac" not in group, group)) or [""]


def _media_tags(index: PresentationIndex) -> list[str]:
    audio, text = index.plan.audio, index.plan.text
    names = {**menu_names(audio), **menu_names(text)}
    sound = [_list("#EXT-X-MEDIA", _audio_attributes(index, track, names[track.name])) for track in audio]
    return sound + [_list("#EXT-X-MEDIA", _text_attributes(index, track, names[track.name])) for track in text]


def _audio_attributes(index: PresentationIndex, track: EncodedAudio, name: str) -> list[str]:
    role = audio_role(index.plan, track)
    return [
        "TYPE=AUDIO",
        f'GROUP-ID="{audio_group(track)}"',
        *_language(track),
        f'NAME="{name}"',
        f"DEFAULT={_yes(_is_group_default(index, track))}",
        # Nobody gets a commentary without choosing it; described video only who has asked for it (CHARACTERISTICS).
        f"AUTOSELECT={_yes(role != 'commentary')}",
        *_characteristics(role),
        f'CHANNELS="{track.channels}"',
        f'URI="{track.name}/playlist.m3u8"',
    ]


def _text_attributes(index: PresentationIndex, track: TextTrack, name: str) -> list[str]:
    is_default = track.is_default and track is index.plan.text[0]
    return [
        "TYPE=SUBTITLES",
        f'GROUP-ID="{SUBTITLES}"',
        *_language(track),
        f'NAME="{name}"',
        f"DEFAULT={_yes(is_default)}",
        "AUTOSELECT=YES",
        f"FORCED={_yes(track.role == 'forced-subtitle')}",
        *_characteristics(track.role),
        f'URI="{track.name}/playlist.m3u8"',
    ]


def _language(track: EncodedAudio | TextTrack) -> list[str]:
    tag = language_tag(track)
    return [] if tag == UNDETERMINED else [f'LANGUAGE="{tag}"']


def _characteristics(role: str) -> list[str]:
    return [f'CHARACTERISTICS="{_CHARACTERISTICS[role]}"'] if role in _CHARACTERISTICS else []


def _is_group_default(index: PresentationIndex, track: EncodedAudio) -> bool:
    """Tells whether a track is the first of the default language in its group: the same one in every group."""
    group = [other for other in index.plan.audio if audio_group(other) == audio_group(track)]
    language = index.plan.audio[0].language
    return track is next((other for other in group if other.language == language), group[0])


def _variant(index: PresentationIndex, item: TrackFile, group: str) -> list[str]:
    peak_bps, mean_bps = _rates(index, item, group)
    audio = [index.tracks[track.name] for track in index.plan.audio if audio_group(track) == group]
    codecs = dict.fromkeys([index.tracks[item.name].header.codecs, *(track.header.codecs for track in audio)])
    attributes = [
        f"BANDWIDTH={peak_bps}",
        f"AVERAGE-BANDWIDTH={mean_bps}",
        *_score(index, item),
        f'CODECS="{",".join(codecs)}"',
        *_picture_attributes(index, item),
        f"FRAME-RATE={_rate_text(index.plan.frame_rate)}",
        *([f'AUDIO="{group}"'] if group else []),
        *([f'SUBTITLES="{SUBTITLES}"'] if index.plan.text else []),
        "CLOSED-CAPTIONS=NONE",
    ]
    return [_list("#EXT-X-STREAM-INF", attributes), f"{item.name}/playlist.m3u8"]


def _rates(index: PresentationIndex, item: TrackFile, group: str) -> tuple[int, int]:
    """Returns peak and mean rate: the largest sums over what can be played together (Apple 9.13)."""
    video = index.tracks[item.name]
    audio = [index.tracks[track.name] for track in index.plan.audio if audio_group(track) == group]
    peak = video.peak_bps(index.target_s) + max((track.peak_bps(index.target_s) for track in audio), default=0)
    return peak, video.mean_bps + max((track.mean_bps for track in audio), default=0)


def _picture_attributes(index: PresentationIndex, item: TrackFile) -> list[str]:
    resolution = item.track.resolution if isinstance(item.track, Rendition) else None
    level = _HDCP.get(key_label(resolution), "TYPE-1") if resolution else "NONE"
    return [
        f"RESOLUTION={resolution}",
        *([f"HDCP-LEVEL={level}"] if index.plan.is_encrypted else []),
        f"VIDEO-RANGE={index.range_of(item)}",
    ]


def _score(index: PresentationIndex, item: TrackFile) -> list[str]:
    """Returns the measured quality, for all variants or for none (Apple 9.19).

    For none where SDR stands beside HDR: they are measured against other pictures, and players compare all scores.
    """
    scores = [other.vmaf for other in _renditions(index)]
    is_one_scale = len({index.range_of(other) for other in _renditions(index)}) == 1
    return [f"SCORE={item.vmaf:.1f}"] if item.vmaf is not None and None not in scores and is_one_scale else []


def _iframe_tag(index: PresentationIndex, item: TrackFile) -> str:
    weights = iframe_weights(index.tracks[item.name])
    attributes = [
        f"BANDWIDTH={peak_rate_bps(weights, index.target_s)}",
        f"AVERAGE-BANDWIDTH={mean_rate_bps(weights)}",
        f'CODECS="{index.tracks[item.name].header.codecs}"',
        *_picture_attributes(index, item),
        f'URI="{item.name}/iframes.m3u8"',
    ]
    return _list("#EXT-X-I-FRAME-STREAM-INF", attributes)


def _image_tag(sheets: SheetIndex) -> str:
    attributes = [
        f"BANDWIDTH={sheets.peak_bps}",
        f"AVERAGE-BANDWIDTH={sheets.mean_bps}",
        f"RESOLUTION={sheets.track.tile}",
        'CODECS="jpeg"',
        f'URI="{sheets.track.name}/playlist.m3u8"',
    ]
    return _list("#EXT-X-IMAGE-STREAM-INF", attributes)


def _list(tag: str, attributes: list[str]) -> str:
    return f"{tag}:{','.join(attributes)}"


def _yes(truth: bool) -> str:  # noqa: FBT001 - a word for one value
    return "YES" if truth else "NO"


def _rate_text(rate: Fraction) -> str:
    """Returns frames per second with three decimals (RFC 8216bis, 4.4.6.2)."""
    thousandths = round(rate * 1000)
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"
