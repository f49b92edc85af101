"""Looks at the content of a source while it is decoded anyway: a side branch of the one decode that hashes its frames.

The branch works on a sample of each picture (every n-th sample of a row and column, 320 wide), so that it costs little
beside the decode. Black, still pictures and flashes are looked for in every frame; bars and levels twice a second.
What the filters find leaves them as metadata, through files, because standard output belongs to the hashes.

Flashes: ffmpeg's ``photosensitivity`` filter sums changes of brightness over 30 frames and finds the sum bad above
the square root of their number. It is a rough signal and certifies nothing.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.inspection_policy import InspectionPolicy

_WIDTH_PX = 320
_SAMPLED_EVERY = 12
_FLASH_FRAMES = 30
_BAD_FLASHES = math.sqrt(_FLASH_FRAMES)
"""libavfilter/vf_photosensitivity.c: the threshold is the square root of the number of frames."""
_SILENCE_DB = -60
_HEADER = re.compile(r"^frame:\s*\d+\s+pts:\s*\S+\s+pts_time:\s*(\S+)")


@dataclass(frozen=True, slots=True)
class LookOrder:
    """What to look for, and a folder of our own that the filters may write into."""

    policy: InspectionPolicy
    folder: Path


Span = tuple[float, float]
"""Start and end in seconds of the container's clock; the end is infinite where the file ends first."""


@dataclass(frozen=True, slots=True)
class PictureLooks:
    """What was seen in the pictures; times in seconds of the container's clock."""

    black: tuple[Span, ...] = ()
    """Every run of black pictures, however short."""
    still: tuple[Span, ...] = ()
    flashes: tuple[Span, ...] = ()
    illegal_share: float = 0.0
    """Mean share of samples outside the legal range."""
    active: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom of what is ever not black, as shares of width and height; ``None`` if all is."""


@dataclass(frozen=True, slots=True)
class SoundLooks:
    """What was heard in one audio track."""

    silence: tuple[Span, ...] = ()
    integrated_lufs: float | None = None
    end_s: float = 0.0
    """Start of the last measured tenth of a second; the sound ends at most so much later."""


@dataclass(frozen=True, slots=True)
class ContentLooks:
    """What was seen and heard in a source."""

    pictures: PictureLooks
    sound: dict[int, SoundLooks]
    """Stream index → what was heard."""


def look_order(scratch: Path, policy: InspectionPolicy) -> LookOrder | None:
    """Returns the order to look at a source's content, with a new folder for the notes; ``None`` if none is wanted."""
    if not policy.content:
        return None
    folder = scratch / "looks"
    folder.mkdir()
    return LookOrder(policy, folder)


def picture_looks(order: LookOrder) -> str:
    """Returns the filters that look at pictures in a side branch; what they pass on is the picture as it was."""
    changes, samples = (
        f"metadata=print:file={escaped(order.folder / name)}" for name in ("changes.txt", "samples.txt")
    )
    small = f"scale={_WIDTH_PX}:-2:flags=neighbor"
    each = f"blackdetect=d=0.01,freezedetect=d={order.policy.freeze_s},photosensitivity=f={_FLASH_FRAMES}:bypass=1"
    sampled = f"framestep={_SAMPLED_EVERY},cropdetect=skip=0:round=2,signalstats=stat=brng"
    return (
        f"split[whole][looks];[looks]{small},split[each][sampled];[each]{each},{changes},nullsink;"
        f"[sampled]{sampled},{samples},nullsink;[whole]null"
    )


def sound_looks(order: LookOrder, stream_index: int) -> str:
    """Returns the filters that listen to an audio track."""
    names = (f"silence_{stream_index}.txt", f"loudness_{stream_index}.txt")
    silence, loudness = (escaped(order.folder / name) for name in names)
    return (
        f"silencedetect=n={_SILENCE_DB}dB:d={order.policy.silence_s},ametadata=print:file={silence},"
        f"ebur128=metadata=1:framelog=quiet,ametadata=print:key=lavfi.r128.I:file={loudness}"
    )


def escaped(path: Path) -> str:
    r"""Returns a path as the value of a filter's option: quoted for the option, then for the graph.

    Source: ffmpeg-filters(1), "Notes on filtergraph escaping".
    """
    once = re.sub(r"([\\':])", r"\\\1", str(path))
    return re.sub(r"([\\'\[\],;])", r"\\\1", once)


def read_picture_looks(folder: Path, *, width_px: int, height_px: int) -> PictureLooks:
    """Returns what the side branch wrote about pictures of a size."""
    small_height_px = 2 * round(height_px * _WIDTH_PX / width_px / 2)
    changes = list(_records(folder / "changes.txt"))
    samples = list(_records(folder / "samples.txt"))
    shares = [float(fields["signalstats.BRNG"]) for _, fields in samples if "signalstats.BRNG" in fields]
    return PictureLooks(
        black=_spans(changes, "black_start", "black_end"),
        still=_spans(changes, "freezedetect.freeze_start", "freezedetect.freeze_end"),
        flashes=_flashes(changes),
        illegal_share=sum(shares) / len(shares) if shares else 0.0,
        active=_active(samples[-1][1], small_height_px) if samples else None,
    )


def read_sound_looks(folder: Path, stream_index: int) -> SoundLooks:
    """Returns what was heard in a track."""
    silence = list(_records(folder / f"silence_{stream_index}.txt"))
    heard = list(_records(folder / f"loudness_{stream_index}.txt"))
    loudness = float(heard[-1][1]["r128.I"]) if heard else -math.inf
    return SoundLooks(
        silence=_spans(silence, "silence_start", "silence_end"),
        # -70 LUFS is the absolute gate (ITU-R BS.1770): nothing quieter has a loudness.
        integrated_lufs=loudness if loudness > -70 else None,
        end_s=heard[-1][0] if heard else 0.0,
    )


Record = tuple[float, dict[str, str]]


def _records(path: Path) -> Iterator[Record]:
    """Yields time and metadata of each frame that the ``metadata`` filter printed."""
    if not path.exists():
        return
    time_s, fields = 0.0, dict[str, str]()
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            header = _HEADER.match(line)
            if header:
                if fields:
                    yield time_s, fields
                time_s, fields = _number(header[1]), {}
            elif line.startswith("lavfi."):
                name, _, value = line.removeprefix("lavfi.").rstrip("\n").partition("=")
                fields[name] = value
    if fields:
        yield time_s, fields


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _spans(records: Iterable[Record], start: str, end: str) -> tuple[Span, ...]:
    found: list[Span] = []
    began: float | None = None
    for _, fields in records:
        if end in fields and began is not None:
            found.append((began, _number(fields[end])))
            began = None
        if start in fields:
            began = _number(fields[start])
    return tuple(found) if began is None else (*found, (began, math.inf))


def _flashes(records: Iterable[Record]) -> tuple[Span, ...]:
    """Joins frames with too many flashes before them to spans; each begins where its frames began."""
    found: list[Span] = []
    last = -math.inf
    for time_s, fields in records:
        if _number(fields.get("photosensitivity.badness", "0")) > _BAD_FLASHES:
            if found and time_s - last < 1.0:
                found[-1] = (found[-1][0], time_s)
            else:
                found.append((time_s, time_s))
            last = time_s
    return tuple(found)


def _active(fields: dict[str, str], height_px: int) -> tuple[float, float, float, float] | None:
    """Returns the area that cropdetect found last; it only grows."""
    names = ("x1", "y1", "x2", "y2")
    if any(f"cropdetect.{name}" not in fields for name in names):
        return None
    left, top, right, bottom = (float(fields[f"cropdetect.{name}"]) for name in names)
    if right <= left or bottom <= top:
        return None
    return left / _WIDTH_PX, top / height_px, min(1.0, (right + 1) / _WIDTH_PX), min(1.0, (bottom + 1) / height_px)
