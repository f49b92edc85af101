"""Cuts a source into one lossless file for each shot: one decode, then every frame compared with the source's.

Pieces are lossless H.264 (x264 at QP 0) in MOV, or FFV1 (RFC 9043) for depths other than 8 and 10 bits. A
piece is decoded once by every trial unit, measurement and fixed rung, so its decode is what counts: on film-like 720p
pictures FFV1 takes 32 ms of CPU a frame, more than scoring it, and lossless H.264 4 ms, at a sixth of the size
(docs/decisions/0007). MOV keeps times as exact multiples of the frame duration, where Matroska would round them to
milliseconds. Frame ``n`` of a piece has the time ``n / frame_rate``, whatever the source's times, edit lists and start
were: frames are counted, not timed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from domain.shots import Shot, ShotList
from domain.values import Sha256, digest_of
from domain.video import VideoTrack
from media.command import Command, command
from media.decode_check import STRICT, FrameLog, hash_output
from media.encoders.arguments import key_frame_times
from media.errors import ToolOutputInvalid
from media.normalization import bit_depth_of, mezzanine_pixel_format, normalization_filters
from media.probe import LocalSource, hardened_options, local_name
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS, frame_reader
from media.sandbox import write_sandbox
from media.tools import ToolPaths

_PATTERN = "shot_%06d.mov"
X264_DEPTHS = (8, 10)
"""Bits per sample that x264 codes without loss."""


@dataclass(frozen=True, slots=True)
class SourcePictures:
    """The facts of an inspection that the pieces are checked against."""

    video: VideoTrack
    frame_hashes: tuple[str, ...]
    """MD5 of each frame, in the pixel format of the pieces."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One shot of the mezzanine as a local file."""

    shot_index: int
    path: Path
    frames: int
    pictures_sha256: Sha256
    """Digest of pixel format, size and the hash of each frame: what the shot *is*, however it was delivered."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """All shots of a title, each checked against the source."""

    pieces: tuple[Piece, ...]
    cpu_s: float


async def split_source(
    tools: ToolPaths,
    source: LocalSource,
    *,
    pictures: SourcePictures,
    shots: ShotList,
    out_dir: Path,
    on_progress: Callable[[int], None],
) -> Pieces:
    """Splits a source at its shots and proves that no frame was lost, added, moved or changed.

    Args:
        tools: Programs.
        source: The source on local disk.
        pictures: What inspection found in it.
        shots: The shots; they cover all frames.
        out_dir: Empty folder for the pieces.
        on_progress: Called with frames done, rising to the number of frames; writing and checking count half each.

    Raises:
        ToolOutputInvalid: naming the shot and frame that is not the source's.
        ToolFailed: if the decode or an encoder fails.
    """
    video, frame_hashes = pictures.video, pictures.frame_hashes
    if not shots.frames == len(frame_hashes) == video.frames:
        raise ToolOutputInvalid(
            "split",
            found=f"shots of {shots.frames} frames, {len(frame_hashes)} frame hashes",
            expected=f"{video.frames} frames, as inspected",
        )
    write = split_command(tools.ffmpeg, source, video=video, shots=shots, out_dir=out_dir)
    written = await run_tool(write, on_line=frame_reader(_halfway(on_progress, 0)))
    cpu_s, pieces = written.cpu_s, []
    for shot in shots.shots:
        place = out_dir / (_PATTERN % shot.index)
        log = FrameLog(_halfway(on_progress, video.frames + shot.range.start_frame))
        cpu_s += (await run_tool(hash_piece_command(tools.ffmpeg, place, f"shot {shot.index}"), on_line=log.read)).cpu_s
        expected = frame_hashes[shot.range.start_frame : shot.range.end_frame]
        check_piece(log, shot, expected)
        pieces.append(Piece(shot.index, place, shot.frames, pictures_digest(video, expected)))
    return Pieces(tuple(pieces), cpu_s)


def _halfway(on_progress: Callable[[int], None], done: int) -> Callable[[int], None]:
    return lambda frames: on_progress((done + frames) // 2)


def split_command(
    ffmpeg_program: str, source: LocalSource, *, video: VideoTrack, shots: ShotList, out_dir: Path
) -> Command:
    """Builds the one decode that writes all pieces."""
    frame_s = 1 / video.frame_rate
    whole = {"xerror": None, "err_detect": "explode", "noautorotate": None, "apply_cropping": "codec"}
    opened = ffmpeg.input(local_name(source.path), **whole, **hardened_options(source.demuxer))
    written = ffmpeg.output(
        opened[str(video.stream_index)],
        str(out_dir / _PATTERN),
        # The index becomes the time, so that nothing of the source's clock survives.
        vf=f"{normalization_filters(video)},settb={frame_s},setpts=N",
        fps_mode="passthrough",
        enc_time_base=str(frame_s),
        noautoscale=None,
        f="segment",
        segment_frames=",".join(str(shot.range.start_frame) for shot in shots.shots[1:]) or str(shots.frames),
        reset_timestamps=1,
        segment_format="mov",
        segment_format_options=f"video_track_timescale={video.frame_rate.numerator}",
        **_lossless(video, shots),
    )
    argv = ffmpeg.compile(written, cmd=[ffmpeg_program, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS])
    return command(argv, purpose=f"{len(shots.shots)} mezzanine pieces", sandbox=write_sandbox(source.path, out_dir))


def _lossless(video: VideoTrack, shots: ShotList) -> dict[str, str | int]:
    """Returns the coding of the pieces; the frame hashes prove afterwards that it lost nothing."""
    exact = {"flags:v": "+bitexact", "fflags": "+bitexact"}
    if bit_depth_of(video.pixel_format) not in X264_DEPTHS:
        # Every frame by itself, a checksum for each slice, and slices enough to use cores (8K refuses few).
        pixels = video.resolution.pixels
        slices = 4 if pixels <= 1920 * 1088 else 16 if pixels <= 4096 * 2304 else 64
        return {"c:v": "ffv1", "level": 3, "g": 1, "slices": slices, "slicecrc": 1, **exact}
    starts = key_frame_times([shot.range.start_frame for shot in shots.shots], video.frame_rate)
    # Each piece starts with an IDR of its own; between them predicted frames make decoding cheap.
    return {"c:v": "libx264", "qp": 0, "preset": "ultrafast", "g": 250, "force_key_frames": starts, **exact}


def hash_piece_command(ffmpeg_program: str, path: Path, label: str) -> Command:
    """Builds the decode of a piece with a hash of every frame."""
    source = [*OPENING_ARGUMENTS, *STRICT, "-i", local_name(path)]
    honest = ["-fps_mode", "passthrough", "-enc_time_base:v", "demux"]
    argv = [ffmpeg_program, *source, "-map", "0:v:0", *honest, "-c:v", "rawvideo", *hash_output()]
    return command(argv, purpose=f"check of the piece of {label}")


def check_piece(log: FrameLog, shot: Shot, expected: tuple[str, ...]) -> None:
    """Compares a piece's frames one by one with the source's.

    Args:
        log: What the piece decodes to.
        shot: The shot.
        expected: The source's frame hashes of that range.

    Raises:
        ToolOutputInvalid: naming the first frame that differs.
    """
    where = f"shot {shot.index}"
    if len(log.hashes) != len(expected):
        raise ToolOutputInvalid(
            where, found=f"{len(log.hashes)} frames in its piece", expected=f"{len(expected)} frames"
        )
    for frame, (found, wanted) in enumerate(zip(log.hashes, expected, strict=True)):
        if found != wanted:
            raise ToolOutputInvalid(
                f"{where}, frame {frame} (frame {shot.range.start_frame + frame} of the title)",
                found=f"picture {found}",
                expected=f"the source's picture {wanted}",
            )


def pictures_digest(video: VideoTrack, frame_hashes: tuple[str, ...]) -> Sha256:
    """Returns the digest of what pictures are: pixel format, size, frames."""
    return digest_of(
        {
            "pixel_format": mezzanine_pixel_format(video),
            "width_px": video.width_px,
            "height_px": video.height_px,
            "frames": list(frame_hashes),
        }
    )
