"""One full decode of a track: every frame counted, timed and hashed, combing looked for, any error fatal."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from domain.video import VideoTrack
from media.command import Command, command
from media.errors import ToolOutputInvalid, VariableFrameRate
from media.looks import LookOrder, picture_looks, sound_looks
from media.probe import LocalSource, source_input
from media.progress import OPENING_ARGUMENTS, PROGRESS_ARGUMENTS
from media.retiming import STANDARD_RATES
from media.sandbox import Sandbox, read_sandbox

FieldLook = Literal["rows", "places"]
"""``rows``: a field's rows stand for the other's, too; a still slope of brightness then seems to move with each field.
``places``: each field is filled up to a whole picture, and what is still stays where it is; fine rows flicker then."""
FIELD_LOOKS: tuple[FieldLook, ...] = ("rows", "places")
STRICT = ("-xerror", "-err_detect", "explode")
"""Any decoding error ends the program. Without these, ffmpeg conceals damage and ends well."""
_JITTER = Fraction(3, 2000)
"""Containers round times to milliseconds: 1.5 ms may be missing or too much."""
_COMBED_SHARE = 0.2
"""Share of combed frames from which material may be interlaced; a progressive film trailer measured 0.04."""
_COMBED_FRAMES = 8
_MIXED_SHARE = 0.25
"""Share of the combed frames from which the rarer order of fields is no error of detection."""
_FLAGGED_MOTION = 0.6
"""Motion inside frames against motion between them: interlaced material measured 0.86 to 1.03, ffmpeg's testsrc2, whose
fine rows the idet filter takes for combing in every frame, 0.06 to 0.27."""
_UNFLAGGED_MOTION = 0.4
"""The same where no container says that pictures are interlaced, and both looks must agree. Interlaced: traffic and
patterns 0.86 to 1.03, with orders that change on the way 0.56, smooth slopes anything from 0.1 (an encoder soon takes
their combing away: 10 of 36 were recognized, as many as by the limit above). Progressive: fine rows 0.30, slopes whose
slow motion is visible (and taken for combing by the filter, too) up to 0.36."""
_VISIBLE_MOTION = 0.2
"""Gray levels of 8 bits for each field, in the mean: below that the contours of a slope's levels are all that moves (in
progressive pictures, 0.4 to 0.7 of it inside frames). Interlaced motorway traffic measured 1.3."""


@dataclass(frozen=True, slots=True)
class FieldReport:
    """What the idet filter counted."""

    top_first: int
    bottom_first: int
    progressive: int

    @property
    def combed(self) -> int:
        """Frames with combing."""
        return self.top_first + self.bottom_first

    @property
    def share(self) -> float:
        """Share of the frames that the filter was sure of."""
        return self.combed / max(1, self.combed + self.progressive)

    @property
    def is_suspicious(self) -> bool:
        """Whether the fields should be looked at."""
        return self.combed >= _COMBED_FRAMES and self.share > _COMBED_SHARE

    @property
    def is_mixed(self) -> bool:
        """Whether frames of both orders are there in earnest."""
        return min(self.top_first, self.bottom_first) >= max(_COMBED_FRAMES, _MIXED_SHARE * self.combed)

    @property
    def order(self) -> Literal["tff", "bff"]:
        """The likely order of fields, as ffmpeg's setfield filter names it."""
        return "tff" if self.top_first >= self.bottom_first else "bff"


@dataclass(slots=True)
class FrameLog:
    """Collects the lines of ffmpeg's framehash muxer as they come."""

    on_progress: Callable[[int], None] = lambda _frames: None
    time_base: Fraction = Fraction(0)
    times: list[int] = field(default_factory=list)
    """Presentation time of each frame in time base units."""
    sizes_bytes: list[int] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    """MD5 of each frame's samples, 32 hexadecimal digits."""

    def read(self, line: str) -> None:
        """Takes one line: ``stream, dts, pts, duration, size, hash``, or a comment."""
        if line.startswith("#tb 0:"):
            self.time_base = Fraction(line.partition(":")[2].strip())
        parts = line.split(",")
        if line.startswith("#") or len(parts) != 6:
            return
        self.times.append(int(parts[2]))
        self.sizes_bytes.append(int(parts[4]))
        self.hashes.append(parts[5].strip())
        self.on_progress(len(self.hashes))

    @property
    def seconds(self) -> tuple[Fraction, ...]:
        """Presentation time of each frame in seconds, counted from the container's start."""
        return tuple(time * self.time_base for time in self.times)


def decode_video_command(
    ffmpeg: str, source: LocalSource, *, stream_index: int, filters: str, looks: LookOrder | None = None
) -> Command:
    """Builds the strict decode of a video track with a hash of every frame on standard output.

    Args:
        ffmpeg: The program.
        source: Local file.
        stream_index: The track.
        filters: What makes the source's frames those of the pieces (``normalization_filters``).
        looks: What to look for beside that.
    """
    # What the container wants cropped or turned is done by our own filters, or not at all.
    opening = [*STRICT, "-noautorotate", "-apply_cropping", "codec", *source_input(source)]
    aside = f"{picture_looks(looks)}," if looks else ""
    # Times must be the source's own, and a change of size must not be scaled away.
    honest = ["-fps_mode", "passthrough", "-enc_time_base:v", "demux", "-noautoscale"]
    picture = ["-map", f"0:{stream_index}", "-vf", f"idet,{aside}{filters}", *honest, "-c:v", "rawvideo"]
    argv = [ffmpeg, "-nostdin", "-hide_banner", "-nostats", "-v", "info", *opening, *picture, *hash_output()]
    return command(argv, purpose=f"full decode of video track {stream_index}", sandbox=_sandbox(source, looks))


def hash_normalized_command(ffmpeg: str, source: LocalSource, *, video: VideoTrack, filters: str) -> Command:
    """Builds the strict decode of a video track through its normalization, with a hash of every frame."""
    frame_s = 1 / video.frame_rate
    argv: list[str] = [ffmpeg, *OPENING_ARGUMENTS, *STRICT, "-noautorotate", "-apply_cropping", "codec"]
    argv += [*source_input(source), "-map", f"0:{video.stream_index}", "-vf", f"{filters},settb={frame_s},setpts=N"]
    argv += ["-fps_mode", "passthrough", "-enc_time_base:v", str(frame_s), "-noautoscale", "-c:v", "rawvideo"]
    purpose = f"normalized pictures of video track {video.stream_index}"
    return command([*argv, *hash_output()], purpose=purpose, sandbox=read_sandbox(source.path))


def decode_audio_command(
    ffmpeg: str, source: LocalSource, *, stream_index: int, looks: LookOrder | None = None
) -> Command:
    """Builds the strict decode of an audio track, to nowhere; what to listen for stands in ``looks``."""
    argv = [ffmpeg, *OPENING_ARGUMENTS, *PROGRESS_ARGUMENTS, *STRICT, *source_input(source)]
    heard = ["-af", sound_looks(looks, stream_index)] if looks else []
    argv += ["-map", f"0:{stream_index}", *heard, "-f", "null", "-"]
    return command(argv, purpose=f"full decode of audio track {stream_index}", sandbox=_sandbox(source, looks))


def _sandbox(source: LocalSource, looks: LookOrder | None) -> Sandbox:
    return read_sandbox(source.path, notes=looks.folder if looks else None)


def hash_output() -> list[str]:
    """Returns the options that write one MD5 for each frame to standard output."""
    return ["-f", "framehash", "-hash", "MD5", "-"]


def parse_field_report(stderr: str) -> FieldReport:
    """Returns what the idet filter says at its end.

    Raises:
        ToolOutputInvalid: if it said nothing.
    """
    found = re.findall(r"Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)", stderr)
    if not found:
        raise ToolOutputInvalid("full decode", found="no idet report", expected="a count of combed frames")
    return FieldReport(*map(int, found[-1]))


def parse_change_of_form(stderr: str) -> str:
    """Returns into what the pictures change on the way, ``yuv420p(tv, bt470bg), 320x180``; empty if they do not.

    Filters start anew at such a change, and count frames and times from zero.
    """
    found = re.search(r"Reconfiguring filter graph because video parameters changed to (.*)", stderr)
    return found[1].removesuffix(", unspecified alpha") if found else ""


def field_motion_command(
    ffmpeg: str, source: LocalSource, *, stream_index: int, order: str, look: FieldLook
) -> Command:
    """Builds a decode that prints how much each field differs from the one before, on pictures without fine detail.

    Args:
        ffmpeg: The program.
        source: Local file.
        stream_index: The track.
        order: Which field comes first, ``tff`` or ``bff``.
        look: How fields are told apart.
    """
    even = "crop=iw:floor(ih/2)*2:0:0"
    split = {"rows": "separatefields", "places": f"estdif=mode=field:parity={order}:deint=all"}[look]
    fields = f"format=gray12,{even},setfield={order},{split},scale=160:64:flags=area"
    shown = "signalstats,metadata=mode=print:key=lavfi.signalstats.YDIF:file=-"
    argv = [ffmpeg, "-nostdin", "-hide_banner", "-nostats", "-v", "error", "-noautorotate"]
    argv += ["-apply_cropping", "codec", *source_input(source)]
    argv += ["-map", f"0:{stream_index}", "-vf", f"{fields},{shown}", "-f", "null", "-"]
    purpose = f"motion between the fields of video track {stream_index}"
    return command(argv, purpose=purpose, sandbox=read_sandbox(source.path))


def are_fields_apart(stdout: str, *, is_flagged: bool) -> bool:
    """Tells whether the two fields of a frame were taken at different times.

    In progressive pictures both fields show the same moment, so all motion lies between frames; in interlaced ones half
    of it lies inside them.

    Args:
        stdout: What ``field_motion_command`` printed, in gray levels of 12 bits.
        is_flagged: Whether the container says so; if it does not, hardly visible motion is none.
    """
    steps = [float(value) / 16 for value in re.findall(r"YDIF=([\d.]+)", stdout)]
    inside, between = sum(steps[1::2]), sum(steps[2::2])
    if is_flagged:
        return inside > _FLAGGED_MOTION * between > 0
    return inside + between >= _VISIBLE_MOTION * len(steps) and inside > _UNFLAGGED_MOTION * between > 0


def exact_rate(
    seconds: tuple[Fraction, ...], declared: tuple[Fraction, ...], *, tick: Fraction, where: str
) -> Fraction:
    """Returns the one rate at which all frames come.

    Args:
        seconds: Time of each frame.
        declared: Rates that the container states; 0 where it does not. Used for rates that are not standard.
        tick: The container's time base, the smallest error its times have.
        where: The source's name for people.

    Raises:
        VariableFrameRate: if no constant rate explains the times.
    """
    likely = [rate for rate in declared if rate > 0]
    if len(seconds) == 1:
        return next((rate for rate in likely if _is_sane(rate)), Fraction(25))
    by_error = sorted((worst_error(seconds, rate)[0], rate) for rate in STANDARD_RATES)
    fitting = [(error, rate) for error, rate in by_error if error <= _tolerance(rate, tick)]
    if fitting:
        # A short clip fits 24 and 23.976 alike: then the container's word decides.
        return next((rate for rate in likely if any(rate == fit for _, fit in fitting)), fitting[0][1])
    for rate in likely:
        if _is_sane(rate) and worst_error(seconds, rate)[0] <= _tolerance(rate, tick):
            return rate
    raise _irregular(seconds, likely, where)


def worst_error(seconds: tuple[Fraction, ...], rate: Fraction) -> tuple[Fraction, int]:
    """Returns the largest distance in seconds between a frame's time and its place at a rate, and that frame."""
    return max((abs(time - seconds[0] - index / rate), index) for index, time in enumerate(seconds))


def _is_sane(rate: Fraction) -> bool:
    """A rate that nobody would set (2505000/83831) is the mean of irregular frames."""
    return 5 <= rate <= 120 and rate.denominator <= 1001


def _tolerance(rate: Fraction, tick: Fraction) -> Fraction:
    return min(max(_JITTER, tick), 1 / (4 * rate))


def _irregular(seconds: tuple[Fraction, ...], declared: list[Fraction], where: str) -> VariableFrameRate:
    steps = [after - before for before, after in pairwise(seconds)]
    usual = sorted(steps)[len(steps) // 2]
    frame = next((index for index, step in enumerate(steps) if abs(step - usual) > usual / 20), 0)
    span = seconds[-1] - seconds[0]
    mean = (len(seconds) - 1) / float(span) if span > 0 else 0.0
    near = next((rate for rate in declared if rate in STANDARD_RATES), None) or min(
        STANDARD_RATES, key=lambda rate: abs(1 / rate - usual)
    )
    return VariableFrameRate(
        f"{where}, frame {frame}",
        found=f"it lasts {float(steps[frame]) * 1000:.2f} ms, most last {float(usual) * 1000:.2f} ms "
        f"(mean {mean:.3f} frames per second, {float(min(steps)) * 1000:.2f} to {float(max(steps)) * 1000:.2f} ms)",
        expected=f"a constant frame rate, such as {near}",
        fix="convert the source to a constant frame rate",
    )
