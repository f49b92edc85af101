"""The pictures of a source, decoded from end to end: counted, timed and hashed, then brought into the title's form.

A source that is progressive, upright, of constant rate and of even size with square samples is decoded once. Any other
is decoded again through its normalization, and the hashes are those of the normalized pictures: pieces are checked
against what they must be, not against what was delivered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from domain.normalization import Fields, Normalization
from domain.video import VideoTrack
from media.decode_check import (
    FIELD_LOOKS,
    FieldLook,
    FieldReport,
    FrameLog,
    are_fields_apart,
    decode_video_command,
    exact_rate,
    field_motion_command,
    hash_normalized_command,
    parse_change_of_form,
    parse_field_report,
)
from media.errors import (
    DamagedSource,
    InterlacedSource,
    ToolFailed,
    ToolOutputInvalid,
    UnsupportedPicture,
    VariableFrameRate,
)
from media.geometry import Geometry
from media.looks import LookOrder
from media.normalization import check_size, normalization_filters
from media.probe import LocalSource, ProbedTrack
from media.process import ToolRun, run_tool
from media.retiming import USUAL_REPEATS, ConstantRate, plan_constant_rate
from media.threats import refuse_long_clock
from media.tools import ToolPaths


@dataclass(frozen=True, slots=True)
class DecodedPictures:
    """What a track shows, in the form of the title."""

    video: VideoTrack
    frame_hashes: tuple[str, ...]
    start_s: Fraction
    """Time of the first picture from the container's start."""
    cpu_s: float


@dataclass(frozen=True, slots=True)
class PictureTrack:
    """A track of a local file, to be decoded."""

    source: LocalSource
    probed: ProbedTrack
    draft: VideoTrack
    """What the container says of it."""
    geometry: Geometry
    where: str
    """Name of the track for people."""
    looks: LookOrder | None = None
    """What to look for while it is decoded."""
    repeats: int = USUAL_REPEATS
    """Frames that one picture may become in the mean."""


async def decode_pictures(tools: ToolPaths, track: PictureTrack, on_progress: Callable[[int], None]) -> DecodedPictures:
    """Decodes all of a track and decides what its pictures need.

    Raises:
        DamagedSource: if not all of it decodes.
        InterlacedSource: if the order of its fields changes.
        VariableFrameRate: if its frames come so that no constant rate can show them.
        ResourceBomb: if they span more hours than any title has, or few of them would become very many frames.
        UnsupportedPicture: if size or colors change, or the pictures are too small.
    """
    log = FrameLog(on_progress)
    build = decode_video_command(
        tools.ffmpeg,
        track.source,
        stream_index=track.draft.stream_index,
        filters=normalization_filters(track.draft),
        looks=track.looks,
    )
    try:
        run = await run_tool(build, on_line=log.read)
    except ToolFailed as error:
        if was_killed(error):
            raise
        raise DamagedSource(
            f"{track.where}, after frame {max(0, len(log.hashes) - 1)}",
            found=last_line(error, track.source.path),
            expected="every frame to decode without error",
            fix="export the title again; the file was damaged or cut off",
        ) from None
    _check_pictures(log, track.where)
    _check_form(parse_change_of_form(run.stderr_tail), track.where)
    fields, motion_cpu_s = await _read_fields(tools, track, parse_field_report(run.stderr_tail))
    rate = _constant_rate(log, track)
    _check_length(log, track, rate)
    video = _normalized(track, fields, rate, frames=len(log.hashes))
    cpu_s = run.cpu_s + motion_cpu_s
    if video.normalization is None:
        return DecodedPictures(video, tuple(log.hashes), log.seconds[0], cpu_s)
    hashes, again_cpu_s = await _hash_normalized(tools, track.source, video, on_progress)
    return DecodedPictures(video, hashes, log.seconds[0], cpu_s + again_cpu_s)


def was_killed(error: ToolFailed) -> bool:
    """A program ended by a signal (out of memory, cancel) says nothing about the source."""
    return error.found.startswith("exit code -")


def last_line(error: ToolFailed, path: Path) -> str:
    """Returns the most telling line of what the program said, without our scratch path."""
    lines = [line for line in error.found.replace(f"file:{path}", "the file").splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line or "nvalid" in line or "not found" in line or "missing" in line]
    return (telling or lines or ["no message"])[0].rpartition("] ")[2][:200]


def _check_pictures(log: FrameLog, where: str) -> None:
    if not log.hashes:
        raise DamagedSource(where, found="no frame decodes", expected="at least one", fix="export the title again")
    changed = next((n for n, size in enumerate(log.sizes_bytes) if size != log.sizes_bytes[0]), None)
    if changed is not None:
        raise UnsupportedPicture(
            f"{where}, frame {changed}",
            found="the picture size changes",
            expected="one size throughout",
            fix="export the title in one size",
        )


def _check_form(changed_to: str, where: str) -> None:
    if changed_to:
        raise UnsupportedPicture(
            where,
            found=f"pictures change on the way, to {changed_to}",
            expected="one pixel format and one set of colors throughout",
            fix="export the title with one set of colors",
        )


async def _read_fields(tools: ToolPaths, track: PictureTrack, seen: FieldReport) -> tuple[Fields, float]:
    """Decides whether frames are two moments in one: by what the container says and by how its fields move."""
    is_flagged = track.draft.field_order != "progressive"
    if not (is_flagged or seen.is_suspicious):
        return "progressive", 0.0
    order = seen.order if seen.combed else _flagged_order(track.draft.field_order)
    if is_flagged:
        _refuse_mixed(track, seen)
        run = await _look_at_fields(tools, track, order, "rows")
        apart = are_fields_apart(run.stdout, is_flagged=True) or seen.combed > 0
        return (order if apart else "woven"), run.cpu_s
    cpu_s = 0.0
    for look in FIELD_LOOKS:
        run = await _look_at_fields(tools, track, order, look)
        cpu_s += run.cpu_s
        if not are_fields_apart(run.stdout, is_flagged=False):
            return "progressive", cpu_s
    _refuse_mixed(track, seen)
    return order, cpu_s


async def _look_at_fields(tools: ToolPaths, track: PictureTrack, order: Fields, look: FieldLook) -> ToolRun:
    stream_index = track.draft.stream_index
    return await run_tool(
        field_motion_command(tools.ffmpeg, track.source, stream_index=stream_index, order=order, look=look)
    )


def _refuse_mixed(track: PictureTrack, seen: FieldReport) -> None:
    if seen.is_mixed:
        raise InterlacedSource(
            track.where,
            found=f"{seen.top_first} frames with the top field first, {seen.bottom_first} with the bottom field first",
            expected="one order of fields, or progressive pictures",
            fix="deliver the progressive master, or deinterlace it",
        )


def _flagged_order(field_order: str) -> Fields:
    """Returns the order in which fields are shown: ffprobe's first letter.

    Its documentation has it the other way round for ``tb`` and ``bt``, but MOV files of DV (always bottom first) say
    ``bt``, those of XDCAM HD (always top first) ``tb``, and ffmpeg itself writes ``tb`` where the top field is first.
    """
    return "bff" if field_order.startswith("b") else "tff"


def _constant_rate(log: FrameLog, track: PictureTrack) -> ConstantRate | Fraction:
    """Returns the rate at which all frames come, or how to put them on one."""
    refuse_long_clock(log.seconds, where=track.where)  # before anything counts in its frames
    declared = (track.probed.ratio("r_frame_rate"), track.probed.ratio("avg_frame_rate"))
    try:
        return exact_rate(log.seconds, declared, tick=log.time_base, where=track.where)
    except VariableFrameRate:
        return plan_constant_rate(log.seconds, declared, where=track.where, repeats=track.repeats)


def _check_length(log: FrameLog, track: PictureTrack, rate: ConstantRate | Fraction) -> None:
    """Compares with what the header says; it may count frames that an edit list hides, so that either may be right."""
    frames, per_second = (len(log.hashes), rate) if isinstance(rate, Fraction) else (rate.frames, rate.frame_rate)
    stated = round(track.probed.declared_duration_s * per_second)
    counts = [(len(log.hashes), track.probed.number("nb_frames")), (frames, stated)]
    said = [count for _, count in counts if count]
    if said and all(found < count - 1 for found, count in counts if count):
        raise DamagedSource(
            track.where,
            found=f"{len(log.hashes)} frames decode",
            expected=f"{min(said)} frames, as the header says",
            fix="upload the whole file again; its end is missing",
        )


def _normalized(track: PictureTrack, fields: Fields, rate: ConstantRate | Fraction, *, frames: int) -> VideoTrack:
    """Returns the track in the form of the title, with what has to be done to get there."""
    draft, geometry = track.draft, track.geometry
    done = Normalization(
        coded_width_px=draft.width_px,
        coded_height_px=draft.height_px,
        fields=fields,
        crop=geometry.crop,
        square_width_px=geometry.square_width_px,
        turn=geometry.turn,
        retiming=None if isinstance(rate, Fraction) else rate.retiming,
    )
    check_size(done.size_px, where=track.where)
    width, height = done.size_px
    return draft.model_copy(
        update={
            "width_px": width,
            "height_px": height,
            "frames": frames if isinstance(rate, Fraction) else rate.frames,
            "frame_rate": rate if isinstance(rate, Fraction) else rate.frame_rate,
            "normalization": None if done.is_trivial else done,
        }
    )


async def _hash_normalized(
    tools: ToolPaths, source: LocalSource, video: VideoTrack, on_progress: Callable[[int], None]
) -> tuple[tuple[str, ...], float]:
    log = FrameLog(on_progress)
    build = hash_normalized_command(tools.ffmpeg, source, video=video, filters=normalization_filters(video))
    run = await run_tool(build, on_line=log.read)
    if len(log.hashes) != video.frames:
        raise ToolOutputInvalid(
            f"source, video track {video.stream_index}",
            found=f"{len(log.hashes)} normalized pictures",
            expected=f"{video.frames} pictures",
        )
    return tuple(log.hashes), run.cpu_s
