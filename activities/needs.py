"""What units need, from sizes that are known before anything is fetched. Estimates, on the careful side."""

import itertools
from collections.abc import Sequence

from activities.admission import Needs
from domain.files import StoredFile
from domain.mezzanine import Mezzanine
from domain.release import Presentation
from domain.shots import ShotList
from domain.subtitles import Sidecar
from domain.tracks import EncodedAudio, Rendition
from domain.video import Resolution
from ladders.search_design import searched_sizes
from media.stills import StillPlan
from media.unpacking import Unpacking
from storage.side_by_side import THREADS

SAFETY = 1.5
"""What is announced is larger by this than what was measured (``benchmarks.unit_memory``, decision 0031): presets, long
lookaheads and pictures that were not."""
PROCESS_BYTES = 100_000_000
"""What a program takes by itself."""
SMALL_PROGRAM_BYTES = int(SAFETY * PROCESS_BYTES)
TRACK_BYTES = 10_000_000
"""What the packager takes for each track,"""
SEGMENTS_HELD = 3.5
"""and how many segments of it it holds."""
ENCODER_BYTES = 40_000_000
"""What each encoder takes beside its pictures."""
BYTES_PER_CODED_PIXEL = 300
"""For each pixel of each encode of 8 bits a sample: the pictures that it looks ahead at, and those it refers to."""
BYTES_PER_SCORED_PIXEL = 160
"""For each pixel of the display and each encode that is scored."""
BYTES_PER_READ_PIXEL = 60
"""For each pixel of a source."""
BYTES_PER_UNPACKED_PIXEL = 70
"""For each pixel of a shot that is decoded and scaled to six sizes at once (2160p of 10 bits: 633 MB)."""
BYTES_PER_MAPPED_PIXEL = 200
"""Of tone mapping, for each pixel: a dozen pictures of three planes of floats on their way (an estimate)."""
UNKNOWN_SIZE = Resolution(width_px=3840, height_px=2160)
"""Of a source that nobody has looked at."""
AUDIO_BYTES_A_SECOND = 128_000
"""More than any sound that we encode."""


def encode_needs(mezzanine: Mezzanine, shot: int, sizes: Sequence[Resolution]) -> Needs:
    """Returns what one process needs that encodes a shot at some sizes, one item for each encode.

    On disk the lossless piece, and as much again for what is made of it: encodes together stay below that.
    """
    memory_bytes = encode_memory_bytes(sizes, mezzanine.color.delivered_bits)
    return Needs(2 * mezzanine.pieces[shot].file.size_bytes, memory_bytes)


def shot_needs(mezzanine: Mezzanine, shot: int, sizes: Sequence[Resolution]) -> Needs:
    """Returns what one process needs that encodes a shot and scores its encodes, as trials do."""
    memory_bytes = trial_memory_bytes(sizes, mezzanine.color.delivered_bits, mezzanine.display)
    return Needs(2 * mezzanine.pieces[shot].file.size_bytes, memory_bytes)


def search_needs(mezzanine: Mezzanine, shot: int) -> Needs:
    """Returns what a search needs on disk; its trials are not known yet, so it takes memory process by process.

    Beside the lossless piece and its encodes there lie the shot's raw pictures at all sizes, if they are not too large.
    """
    pictures = mezzanine.pixel_format, mezzanine.display, mezzanine.pieces[shot].frames
    plan = Unpacking.of(*pictures, searched_sizes(mezzanine), mezzanine.color)
    return Needs(2 * mezzanine.pieces[shot].file.size_bytes + plan.raw_bytes + plan.scaled_bytes)


def unpack_needs(mezzanine: Mezzanine) -> Needs:
    """Returns the memory of the process that decodes a shot into raw pictures, and scales them."""
    return Needs(memory_bytes=int(SAFETY * (PROCESS_BYTES + BYTES_PER_UNPACKED_PIXEL * mezzanine.display.pixels)))


def ceiling_needs(mezzanine: Mezzanine) -> Needs:
    """Returns the memory of one process that scores a shot at its candidate sizes, but the display's own, unencoded."""
    scored = sum(size != mezzanine.display for size in searched_sizes(mezzanine))
    together = min(scored, mezzanine.delivery_metric().most_together)
    return Needs(memory_bytes=score_memory_bytes(together, mezzanine.display))


def measure_needs(mezzanine: Mezzanine, shot: int, encodes: int) -> Needs:
    """Returns what one process needs that scores encodes of a shot."""
    return Needs(2 * mezzanine.pieces[shot].file.size_bytes, score_memory_bytes(encodes, mezzanine.display))


def encode_memory_bytes(sizes: Sequence[Resolution], bits: int) -> int:
    """Returns the memory of one process that encodes a shot.

    Args:
        sizes: One for each encode.
        bits: Bits per sample, 8 or 10.
    """
    coded = BYTES_PER_CODED_PIXEL * sum(size.pixels for size in sizes) * (1 if bits == 8 else 2)
    return int(SAFETY * (PROCESS_BYTES + ENCODER_BYTES * len(sizes) + coded))


def trial_memory_bytes(sizes: Sequence[Resolution], bits: int, display: Resolution) -> int:
    """Returns the memory of one process that also scores each encode at the size of the display."""
    scored = int(SAFETY * BYTES_PER_SCORED_PIXEL * len(sizes) * display.pixels)
    return encode_memory_bytes(sizes, bits) + scored


def score_memory_bytes(encodes: int, display: Resolution) -> int:
    """Returns the memory of one process that scores encodes of a shot."""
    return int(SAFETY * (PROCESS_BYTES + BYTES_PER_SCORED_PIXEL * encodes * display.pixels))


def reading_memory_bytes(size: Resolution) -> int:
    """Returns the memory of one process that decodes a source of some size, and more."""
    return int(SAFETY * (PROCESS_BYTES + BYTES_PER_READ_PIXEL * size.pixels))


def package_memory_bytes(segments_bytes: Sequence[float]) -> int:
    """Returns the memory of the packager, which holds segments of all tracks at once.

    Args:
        segments_bytes: For each track, the size of its largest segment.
    """
    held = sum(TRACK_BYTES + SEGMENTS_HELD * size_bytes for size_bytes in segments_bytes)
    return int(SAFETY * (PROCESS_BYTES + held))


def tone_map_needs(mezzanine: Mezzanine, shot: int) -> Needs:
    """Returns what making the SDR pictures of a shot needs: two lossless pieces, and some pictures in floats."""
    piece_bytes = mezzanine.pieces[shot].file.size_bytes
    memory_bytes = int(SAFETY * (PROCESS_BYTES + BYTES_PER_MAPPED_PIXEL * mezzanine.display.pixels))
    return Needs(3 * piece_bytes, memory_bytes)


def title_needs(mezzanine: Mezzanine, size: Resolution) -> Needs:
    """Returns what one encode of the whole title needs: all lossless pieces, and an eighth for what is made of them."""
    pieces_bytes = sum(piece.file.size_bytes for piece in mezzanine.pieces)
    return Needs(pieces_bytes * 9 // 8, trial_memory_bytes([size], mezzanine.color.delivered_bits, mezzanine.display))


def source_needs(source: StoredFile, size: Resolution = UNKNOWN_SIZE) -> Needs:
    """Returns what reading a source needs: the source, which may lie in the cache and be linked."""
    return Needs(source.size_bytes, reading_memory_bytes(size))


def audio_needs(mezzanine: Mezzanine) -> Needs:
    """Returns what encoding the sound needs: the source, and 1 Mb/s for each track."""
    tracks_bytes = int(mezzanine.duration_s * AUDIO_BYTES_A_SECOND) * len(mezzanine.source.audio)
    return Needs(mezzanine.source.file.size_bytes + tracks_bytes, SMALL_PROGRAM_BYTES)


def text_needs(mezzanine: Mezzanine, sidecars: Sequence[Sidecar]) -> Needs:
    """Returns what reading subtitles needs: their files, and the source if it has any inside."""
    source_bytes = mezzanine.source.file.size_bytes if mezzanine.source.subtitles else 0
    return Needs(source_bytes + sum(item.file.size_bytes for item in sidecars), SMALL_PROGRAM_BYTES)


def still_needs(rendition: StoredFile, plan: StillPlan) -> Needs:
    """Returns what taking stills needs: a rendition, and a byte for each pixel of each still."""
    return Needs(rendition.size_bytes + plan.stills * plan.tile.pixels, SMALL_PROGRAM_BYTES)


def join_needs(encodes: Sequence[StoredFile]) -> Needs:
    """Returns what joining encodes of shots needs: the encodes, and the whole."""
    return Needs(2 * sum(encode.size_bytes for encode in encodes), SMALL_PROGRAM_BYTES)


def package_needs(
    mezzanine: Mezzanine, media: Sequence[Rendition | EncodedAudio], others: Sequence[StoredFile]
) -> Needs:
    """Returns what packaging needs: the tracks, the presentation, and its fast-play tracks, together at most thrice."""
    longest_s = _longest_segment_s(mezzanine)
    segments = [min(track.file.size_bytes, _peak_bps(track) * longest_s / 8) for track in media]
    files_bytes = sum(file.size_bytes for file in (*(track.file for track in media), *others))
    return Needs(3 * files_bytes, package_memory_bytes(segments))


def publish_needs(presentation: Presentation) -> Needs:
    """Returns what publishing needs: the largest files that may be on their way at once."""
    sizes_bytes = sorted((item.file.size_bytes for item in presentation.files), reverse=True)
    return Needs(sum(sizes_bytes[:THREADS]), SMALL_PROGRAM_BYTES)


def split_needs(source: StoredFile, shots: ShotList, size: Resolution) -> Needs:
    """Returns what cutting a source into lossless pieces needs: the source, and its pictures at 12 bits a pixel."""
    return Needs(source.size_bytes + shots.frames * size.pixels * 3 // 2, reading_memory_bytes(size))


def _peak_bps(track: Rendition | EncodedAudio) -> float:
    return track.peak_bitrate_bps if isinstance(track, Rendition) else track.bitrate_bps


def _longest_segment_s(mezzanine: Mezzanine) -> float:
    """Returns the seconds of the longest segment, or of a usual one where all have one length."""
    starts = (*mezzanine.segment_starts, mezzanine.source.video.frames)
    longest = max((end - start for start, end in itertools.pairwise(starts)), default=0)
    return max(float(longest / mezzanine.frame_rate), float(mezzanine.recipe.packaging.segment_s))
