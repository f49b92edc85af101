"""What a source really is: probed, then decoded from end to end. What we cannot encode right ends here, by name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from domain.files import StoredFile
from domain.hdr import HdrMetadata
from domain.video import AudioTrack, Color, DamagedTrack, SourceDescription, SubtitleTrack, VideoTrack
from media.bench import Bench
from media.decode_check import decode_audio_command
from media.encryption_marks import refuse_encrypted
from media.errors import ToolFailed, UnreadableSource, UnsupportedAudio
from media.geometry import read_geometry
from media.hdr import check_hdr, first_picture_command, hdr_notes, is_hdr, parse_first_picture, read_metadata
from media.looks import ContentLooks, LookOrder, read_picture_looks, read_sound_looks
from media.normalization import bit_depth_of, check_picture, read_color
from media.normalization_notes import normalization_notes
from media.pictures import PictureTrack, decode_pictures, last_line, was_killed
from media.probe import PROBE_S, LocalSource, Probe, ProbedTrack, choose_video_track, parse_probe, probe_command
from media.process import run_tool
from media.progress import sound_reader
from media.retiming import USUAL_REPEATS
from media.threats import refuse_bomb, refuse_disguise, refuse_greed
from media.tools import ToolPaths
from media.track_roles import audio_role_of, text_role_of

_WHERE = "source"


@dataclass(frozen=True, slots=True)
class Inspection:
    """A source that can be encoded."""

    description: SourceDescription
    frame_hashes: tuple[str, ...]
    """MD5 of every normalized picture, in the pixel format of the pieces."""
    start_s: Fraction
    """Time of the first frame, counted from the container's start: what audio must be cut by to stay in sync."""
    cpu_s: float
    looks: ContentLooks | None = None
    """What was seen and heard; ``None`` where nobody looked."""


async def inspect_source(
    tools: ToolPaths,
    path: Path,
    file: StoredFile,
    *,
    on_progress: Callable[[int], None],
    looks: LookOrder | None = None,
    repeats: int = USUAL_REPEATS,
) -> Inspection:
    """Inspects a source.

    Args:
        tools: Programs.
        path: The source on local disk.
        file: The same source in the store.
        on_progress: Called with the number of frames decoded so far.
        looks: What to look and listen for meanwhile.
        repeats: Frames of a constant rate that one picture may become in the mean.

    Raises:
        UnreadableSource: if it is not media.
        DisguisedPlaylist: if it is a list of other files.
        ResourceBomb: if it asks for far more than any title is worth.
        EncryptedSource: if tracks of it are encrypted.
        DamagedSource: if not all of its pictures decode.
        NoVideoTrack: if it has no moving pictures.
        InterlacedSource: if the order of its fields changes.
        VariableFrameRate: if its frames come so that no constant rate can show them.
        HighDynamicRange: if it is HDR and contradicts itself.
        UnsupportedPicture: if its pictures have a form that we cannot encode right yet.
        UnsupportedAudio: if a track has an audio codec that we cannot decode.
    """
    probe, probe_cpu_s = await _probe(tools, path, file)
    source = LocalSource.of_container(path, probe.container, where=_WHERE)
    if source.demuxer == "mov":
        refuse_encrypted(path, where=_WHERE)
    track = choose_video_track(probe, where=_WHERE)
    where = f"{_WHERE}, video track {track.index}"
    check_picture(track, where=where)
    hdr, hdr_cpu_s = await _read_hdr(tools, source, track, where)
    color, assumed = read_color(track, where=where)
    draft = _video_track(track, color, is_assumed=bool(assumed)).model_copy(update={"hdr": hdr})
    form = PictureTrack(source, track, draft, read_geometry(track, where=where), where, looks, repeats)
    pictures = await decode_pictures(tools, form, on_progress)
    sound = await _read_audio(Bench(tools, path.parent, on_progress), source, probe, looks)
    description = SourceDescription(
        file=file,
        container=probe.container,
        video=pictures.video,
        other_video_tracks=tuple(other.index for other in probe.of_kind("video") if other.index != track.index),
        audio=tuple(sound.tracks),
        damaged_audio=tuple(sound.damaged),
        subtitles=_subtitles(probe),
        notes=(
            *_notes(probe, track, color, assumed),
            *hdr_notes(track, hdr),
            *normalization_notes(pictures.video),
            *sound.notes,
        ),
    )
    cpu_s = probe_cpu_s + hdr_cpu_s + pictures.cpu_s + sound.cpu_s
    seen = _read_looks(looks, description)
    return Inspection(description, pictures.frame_hashes, pictures.start_s, cpu_s, seen)


def _read_looks(looks: LookOrder | None, source: SourceDescription) -> ContentLooks | None:
    if looks is None:
        return None
    done, video = source.video.normalization, source.video
    width_px, height_px = (done.coded_width_px, done.coded_height_px) if done else (video.width_px, video.height_px)
    seen = read_picture_looks(looks.folder, width_px=width_px, height_px=height_px)
    heard = {track.stream_index: read_sound_looks(looks.folder, track.stream_index) for track in source.audio}
    return ContentLooks(seen, heard)


async def _probe(tools: ToolPaths, path: Path, file: StoredFile) -> tuple[Probe, float]:
    refuse_disguise(path, where=_WHERE)
    lines: list[str] = []
    try:
        run = await run_tool(probe_command(tools.ffprobe, path), on_line=lines.append, stall_s=PROBE_S)
    except ToolFailed as error:
        if was_killed(error):
            raise
        refuse_greed(error, where=_WHERE)
        raise UnreadableSource(
            _WHERE,
            found=f"{file.size_bytes} bytes in which no media was found ({last_line(error, path)})",
            expected="a whole MOV, MP4, MXF, Matroska, WebM or MPEG file",
            fix="export the title again and check that the upload is complete",
        ) from None
    probe = parse_probe("\n".join(lines), where=_WHERE)
    refuse_bomb(probe, where=_WHERE)
    return probe, run.cpu_s


async def _read_hdr(
    tools: ToolPaths, source: LocalSource, track: ProbedTrack, where: str
) -> tuple[HdrMetadata | None, float]:
    """Returns the static metadata of an HDR track, ``None`` for SDR."""
    stated = read_metadata(track.fields.get("side_data_list", ()))
    if not is_hdr(track):
        check_hdr(track, stated, where=where)
        return None, 0.0
    lines: list[str] = []
    run = await run_tool(
        first_picture_command(tools.ffprobe, source, stream_index=track.index), on_line=lines.append, stall_s=PROBE_S
    )
    carried = read_metadata(parse_first_picture("\n".join(lines)))
    metadata = HdrMetadata(
        mastering_display=stated.mastering_display or carried.mastering_display,
        content_light=stated.content_light or carried.content_light,
    )
    check_hdr(track, metadata, where=where)
    return metadata, run.cpu_s


def _video_track(track: ProbedTrack, color: Color, *, is_assumed: bool) -> VideoTrack:
    return VideoTrack(
        stream_index=track.index,
        codec_name=track.codec_name,
        width_px=track.number("width"),
        height_px=track.number("height"),
        frames=1,
        frame_rate=Fraction(25),
        pixel_format=track.text("pix_fmt"),
        bit_depth=bit_depth_of(track.text("pix_fmt")),
        sample_aspect_ratio=track.ratio("sample_aspect_ratio") or Fraction(1),
        rotation_deg=track.rotation_deg,
        field_order=track.text("field_order", "progressive"),
        color=color,
        color_is_assumed=is_assumed,
    )


@dataclass(slots=True)
class _Sound:
    """The audio tracks of a source, sorted by what can be made of them."""

    tracks: list[AudioTrack] = field(default_factory=list)
    damaged: list[DamagedTrack] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cpu_s: float = 0.0


async def _read_audio(bench: Bench, source: LocalSource, probe: Probe, looks: LookOrder | None) -> _Sound:
    sound = _Sound()
    for track in probe.of_kind("audio"):
        if not track.number("channels") or track.codec_name == "unknown":
            sound.notes.append(f"audio track {track.index} left out: the file does not describe its coding")
            continue
        made = await _decode_audio(bench, source, track, looks)
        if isinstance(made, DamagedTrack):
            sound.damaged.append(made)
            continue
        sound.cpu_s += made
        sound.tracks.append(_audio_track(track))
    return sound


async def _decode_audio(
    bench: Bench, source: LocalSource, track: ProbedTrack, looks: LookOrder | None
) -> float | DamagedTrack:
    """Returns the CPU seconds, or what is wrong: a person may let the title go on without that track."""
    try:
        decode = decode_audio_command(bench.tools.ffmpeg, source, stream_index=track.index, looks=looks)
        return (await run_tool(decode, on_line=sound_reader(bench.on_progress))).cpu_s
    except ToolFailed as error:
        if was_killed(error):
            raise
        where = f"{_WHERE}, audio track {track.index} ({track.codec_name}, {track.language})"
        if "Decoder not found" in error.found or "no decoder found" in error.found:
            raise UnsupportedAudio(
                where, found="no decoder", expected="PCM, AAC, AC-3, FLAC, Opus or the like", fix="deliver PCM"
            ) from None
        said = last_line(error, source.path)
        return DamagedTrack(stream_index=track.index, codec_name=track.codec_name, language=track.language, found=said)


def _audio_track(track: ProbedTrack) -> AudioTrack:
    channels = track.number("channels")
    return AudioTrack(
        stream_index=track.index,
        codec_name=track.codec_name,
        channels=channels,
        channel_layout=track.text("channel_layout") or f"{channels}c",
        sample_rate_hz=track.number("sample_rate"),
        language=track.language,
        title=track.title,
        role=audio_role_of(track),
        is_default=track.is_default,
    )


def _subtitles(probe: Probe) -> tuple[SubtitleTrack, ...]:
    return tuple(
        SubtitleTrack(
            stream_index=track.index,
            codec_name=track.codec_name,
            language=track.language,
            title=track.title,
            role=text_role_of(track),
        )
        for track in probe.of_kind("subtitle")
    )


def _notes(probe: Probe, chosen: ProbedTrack, color: Color, assumed: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    if assumed:
        told = f"{color.primaries}/{color.transfer}/{color.matrix}"
        notes.append(f"color {', '.join(assumed)} not said by the source: {told} assumed for its size")
    if color.range == "pc":
        notes.append("full-range source converted to limited range")
    if chosen.text("color_transfer") not in {"", color.transfer}:
        notes.append(f"transfer {chosen.text('color_transfer')} treated as {color.transfer}")
    others = [str(other.index) for other in probe.of_kind("video") if other.index != chosen.index]
    if others:
        notes.append(f"video track {chosen.index} chosen, the largest; not used: {', '.join(others)}")
    return tuple(notes)
