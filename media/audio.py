"""Sound: every track as AAC stereo, surround also as E-AC-3 or AAC; loudness set in two passes and then measured.

The programme starts with the first picture and ends with the last: sound before, after or missing is cut or filled with
silence, to the sample. Encoder delay is declared in the file's edit list, so that players skip it.
"""

import json
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import ffmpeg

from domain.recipe import AudioRecipe
from domain.video import AudioRole, AudioTrack
from media.bench import Bench
from media.command import Command, command
from media.errors import ToolOutputInvalid
from media.probe import LocalSource, hardened_options, local_name
from media.process import run_tool
from media.progress import PROGRESS_ARGUMENTS, sound_reader
from media.sandbox import Sandbox, read_sandbox, write_sandbox
from media.track_roles import default_track, label_of, roles_of

SAMPLE_RATE_HZ = 48_000
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
"""Layouts that AAC has a channel configuration for (ISO/IEC 14496-3, table 1.19)."""
_SURROUND_PER_PAIR = 1.5
_EAC3_FRAME = 1536
"""Samples of an E-AC-3 frame of six blocks (ETSI TS 102 366, annex E)."""
_EAC3_DELAY = 256
"""Samples by which the encoder delays; it does not write out what is then left over (measured)."""
# loudnorm refuses to work linearly above this loudness range; 50 LU is its largest value.
_LOUDNESS_RANGE_LU = 50
_SILENCE_LUFS = -70.0
"""Absolute gate of the measurement (ITU-R BS.1770): nothing quieter has a loudness."""


@dataclass(frozen=True, slots=True)
class Programme:
    """The stretch of time that sound must fill."""

    start_s: Fraction
    """Time of the first picture from the container's start (``Inspection.start_s``)."""
    duration_s: Fraction
    """Exact length of the pictures."""

    @property
    def samples(self) -> int:
        """Length in samples per channel."""
        return round(self.duration_s * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class AudioFile:
    """One encoded track, measured."""

    path: Path
    name: str
    language: str
    channels: int
    codec: Literal["aac", "eac3"]
    bitrate_bps: int
    loudness_lufs: float | None
    """Integrated loudness of the file as a player hears it; ``None`` for silence."""
    true_peak_dbtp: float | None
    normalization: Literal["linear", "dynamic", "none"]
    """One gain for all; or loudness followed over time, because one gain would exceed the true peak; or silence."""
    is_default: bool
    role: AudioRole
    label: str
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Version:
    """One delivery of a track: a layout at a rate."""

    layout: str
    channels: int
    bitrate_bps: int
    codec: Literal["aac", "eac3"] = "aac"

    def coded_samples(self, samples: int) -> int:
        """Returns how many samples to hand to the encoder so that nothing is lost: for E-AC-3 up to 257 more."""
        if self.codec == "aac" or 0 < samples % _EAC3_FRAME <= _EAC3_FRAME - _EAC3_DELAY:
            return samples
        return -(-samples // _EAC3_FRAME) * _EAC3_FRAME + 1


@dataclass(frozen=True, slots=True)
class Loudness:
    """What loudnorm's first pass measured, in its own words."""

    fields: dict[str, str]

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to normalize."""
        integrated = float(self.fields["input_i"])
        return not math.isfinite(integrated) or integrated <= _SILENCE_LUFS


async def encode_audio(
    bench: Bench, source: LocalSource, *, tracks: tuple[AudioTrack, ...], programme: Programme, recipe: AudioRecipe
) -> tuple[AudioFile, ...]:
    """Encodes all tracks of a source into the bench's scratch folder; one stereo version is the default.

    Raises:
        ToolFailed: if a track does not decode or encode.
        ToolOutputInvalid: if a file has another length than the pictures.
    """
    files: list[AudioFile] = []
    for number, (track, role) in enumerate(zip(tracks, roles_of(tracks), strict=True), start=1):
        is_default = number - 1 == default_track(tracks)
        for version in versions_of(track, recipe):
            order = Order(track, version, programme, recipe, number, role, is_default)
            files.append(await encode_version(bench, source, order))
    return tuple(files)


@dataclass(frozen=True, slots=True)
class Order:
    """One version of one track to be made."""

    track: AudioTrack
    version: Version
    programme: Programme
    recipe: AudioRecipe
    number: int
    """Place of the track among the source's audio tracks, from 1."""
    role: AudioRole = "main"
    is_default: bool = True
    """Whether the track plays unless a person chooses; of its versions only stereo does."""

    @property
    def coded_samples(self) -> int:
        """Samples per channel of the finished file."""
        return self.version.coded_samples(self.programme.samples)

    @property
    def name(self) -> str:
        """Name in the presentation: ``audio_1_eng_stereo``."""
        language = re.sub(r"[^A-Za-z0-9-]", "", self.track.language) or "und"
        return f"audio_{self.number}_{language}_{self.version.layout.replace('.', '')}"


def versions_of(track: AudioTrack, recipe: AudioRecipe) -> tuple[Version, ...]:
    """Returns the deliveries of a track: stereo, and surround as the recipe wants it.

    E-AC-3 is 5.1 (all that the encoder has), AAC the track's own layout if AAC has it.
    """
    stereo = Version("stereo", 2, recipe.stereo_bitrate_bps)
    layout = _LAYOUTS.get(track.channels)
    if track.channels <= 2 or layout is None or recipe.surround == "none":
        return (stereo,)
    if recipe.surround == "eac3" and track.channels >= 6:
        return (stereo, Version("5.1", 6, recipe.surround_bitrate_bps, "eac3"))
    rate = round(recipe.stereo_bitrate_bps * _SURROUND_PER_PAIR * track.channels / 2)
    return (stereo, Version(layout, track.channels, rate))


async def encode_version(bench: Bench, source: LocalSource, order: Order) -> AudioFile:
    """Makes one version: measures, encodes, measures what came out.

    Raises:
        ToolFailed: if the track does not decode or encode.
        ToolOutputInvalid: if the file has another length than the pictures.
    """
    tools, out = bench.tools, bench.scratch / f"{order.name}.mp4"
    first = await run_tool(measure_command(tools.ffmpeg, source, order), on_line=sound_reader(bench.on_progress))
    loudness = parse_loudnorm(first.stderr_tail)
    encode = encode_command(tools.ffmpeg, source, order, loudness, out)
    second = await run_tool(encode, on_line=sound_reader(bench.on_progress))
    heard = await run_tool(meter_command(tools.ffmpeg, out), on_line=sound_reader(bench.on_progress))
    facts = await run_tool(facts_command(tools.ffprobe, out))
    integrated, peak = parse_meter(heard.stderr_tail)
    bitrate_bps = parse_facts(facts.stdout, order)
    kind = "none" if loudness.is_silent else parse_loudnorm(second.stderr_tail).fields["normalization_type"]
    return AudioFile(
        path=out,
        name=order.name,
        language=order.track.language,
        channels=order.version.channels,
        codec=order.version.codec,
        bitrate_bps=bitrate_bps,
        loudness_lufs=integrated,
        true_peak_dbtp=peak,
        normalization="none" if kind == "none" else "linear" if kind == "linear" else "dynamic",
        is_default=order.is_default and order.version.channels == 2,
        role=order.role,
        label=label_of(order.track.title),
        cpu_s=first.cpu_s + second.cpu_s + heard.cpu_s + facts.cpu_s,
    )


def measure_command(ffmpeg_program: str, source: LocalSource, order: Order) -> Command:
    """Builds the first pass: loudness of the track as it will be mixed and cut."""
    sound = _loudnorm(_programme_sound(source, order), order)
    return _compiled(
        ffmpeg_program, ffmpeg.output(sound, "-", f="null"), f"loudness of {order.name}", read_sandbox(source.path)
    )


def encode_command(ffmpeg_program: str, source: LocalSource, order: Order, loudness: Loudness, out: Path) -> Command:
    """Builds the second pass: one gain for all where the true peak allows it, then AAC or E-AC-3 in MP4."""
    sound = _programme_sound(source, order)
    if not loudness.is_silent:
        sound = _loudnorm(sound, order, loudness)
        # Where loudnorm works dynamically it answers at 192 kHz, and stamps what it flushes at the end up to 100 ms
        # late (measured with ffmpeg 9): samples are counted anew.
        sound = sound.filter("aresample", SAMPLE_RATE_HZ).filter("asetpts", "N/SR/TB")
        sound = sound.filter("atrim", end_sample=order.programme.samples)
    if order.coded_samples > order.programme.samples:
        sound = sound.filter("apad", whole_len=order.coded_samples)
    coded: dict[str, Any] = {"c:a": order.version.codec, "b:a": order.version.bitrate_bps, "ar": SAMPLE_RATE_HZ}
    if order.version.codec == "eac3":
        # What devices level by (ATSC A/52, 5.4.2.8): unset it states -31, and we would play 8 dB louder than others.
        coded["dialnorm"] = max(-31, min(-1, round(order.recipe.loudness_lufs)))
    language = {"metadata:s:a:0": f"language={order.track.language}"}
    exact = {"flags:a": "+bitexact", "fflags": "+bitexact", "movflags": "+faststart"}
    written = ffmpeg.output(sound, str(out), f="mp4", **coded, **language, **exact)
    return _compiled(ffmpeg_program, written, f"encode of {order.name}", write_sandbox(source.path, out.parent))


def meter_command(ffmpeg_program: str, path: Path) -> Command:
    """Builds the EBU R 128 measurement of a delivered file."""
    sound = ffmpeg.input(local_name(path)).audio.filter("ebur128", peak="true", framelog="quiet")
    return _compiled(ffmpeg_program, ffmpeg.output(sound, "-", f="null"), f"loudness of {path.name}")


def facts_command(ffprobe: str, path: Path) -> Command:
    """Builds the question for rate, length and channels of a delivered file."""
    shown = ["-show_entries", "stream=bit_rate,duration_ts,time_base,channels,start_pts", "-of", "json"]
    return command([ffprobe, "-v", "error", *shown, local_name(path)], purpose=f"probe of {path.name}")


def parse_loudnorm(stderr: str) -> Loudness:
    """Returns the JSON object that loudnorm prints at its end.

    Raises:
        ToolOutputInvalid: if there is none.
    """
    found = re.findall(r"\{[^{}]*\"input_i\"[^{}]*\}", stderr)
    if not found:
        raise ToolOutputInvalid("loudnorm", found=stderr[-200:], expected="a JSON object with input_i")
    return Loudness(json.loads(found[-1]))


def parse_meter(stderr: str) -> tuple[float | None, float | None]:
    """Returns integrated loudness (LUFS) and true peak (dBTP) of ebur128's summary; ``None`` for silence.

    Raises:
        ToolOutputInvalid: if there is no summary.
    """
    summary = stderr.rpartition("Summary:")[2]
    integrated = re.search(r"I:\s*(-?[\d.]+|-?inf|nan) LUFS", summary)
    peak = re.search(r"Peak:\s*(-?[\d.]+|-?inf|nan) dBFS", summary)
    if not integrated or not peak:
        raise ToolOutputInvalid("ebur128", found=stderr[-200:], expected="a summary with I and Peak")
    lufs, dbtp = float(integrated[1]), float(peak[1])
    is_silent = not math.isfinite(lufs) or lufs <= _SILENCE_LUFS
    return (None if is_silent else lufs), (dbtp if math.isfinite(dbtp) else None)


def parse_facts(text: str, order: Order) -> int:
    """Returns the rate of a delivered file in bits per second, after checking its channels and length.

    Raises:
        ToolOutputInvalid: if they are not what was ordered.
    """
    stream = json.loads(text)["streams"][0]
    samples = round(int(stream["duration_ts"]) * Fraction(stream["time_base"]) * SAMPLE_RATE_HZ)
    found = (int(stream["channels"]), samples)
    wanted = (order.version.channels, order.coded_samples)
    if found != wanted:
        raise ToolOutputInvalid(
            order.name,
            found=f"{found[0]} channels, {found[1]} samples",
            expected=f"{wanted[0]} channels, {wanted[1]} samples",
        )
    return int(stream["bit_rate"])


def _programme_sound(source: LocalSource, order: Order) -> Any:
    """The track from the first picture to the last, in the layout of delivery."""
    start = float(order.programme.start_s)
    opened = ffmpeg.input(local_name(source.path), **hardened_options(source.demuxer))
    return (
        opened[str(order.track.stream_index)]
        .filter("asetpts", f"PTS-{start:.9f}/TB")
        .filter("aformat", channel_layouts=order.version.layout)
        # async=1 fills gaps with silence and drops overlaps, but never stretches.
        .filter("aresample", SAMPLE_RATE_HZ, **{"async": 1, "first_pts": 0})
        .filter("apad", whole_len=order.programme.samples)
        .filter("atrim", end_sample=order.programme.samples)
    )


def _loudnorm(sound: Any, order: Order, loudness: Loudness | None = None) -> Any:
    target: dict[str, Any] = {"I": order.recipe.loudness_lufs, "TP": order.recipe.true_peak_dbtp}
    target |= {"LRA": _LOUDNESS_RANGE_LU, "print_format": "json"}
    if loudness:
        names = {"measured_I": "input_i", "measured_TP": "input_tp", "measured_LRA": "input_lra"}
        names |= {"measured_thresh": "input_thresh", "offset": "target_offset"}
        target |= {name: loudness.fields[field] for name, field in names.items()} | {"linear": "true"}
    return sound.filter("loudnorm", **target)


def _compiled(ffmpeg_program: str, stream: Any, purpose: str, sandbox: Sandbox | None = None) -> Command:
    # Loudness filters report at level info; their report is the end of standard error.
    opening = [ffmpeg_program, "-nostdin", "-hide_banner", *PROGRESS_ARGUMENTS, "-v", "info", "-y"]
    return command(ffmpeg.compile(stream, cmd=opening), purpose=purpose, sandbox=sandbox)
