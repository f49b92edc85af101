"""What units need, from sizes that are known before anything is fetched. Estimates, on the careful side."""

from collections.abc import Sequence

from activities.admission import Needs
from domain.files import StoredFile
from domain.mezzanine import Mezzanine
from domain.release import Presentation
from domain.shots import ShotList
from domain.subtitles import Sidecar
from domain.video import Resolution
from ladders.trial_design import PIXELS_IN_MEMORY
from media.stills import StillPlan
from storage.side_by_side import THREADS

BYTES_PER_CODED_PIXEL = 500
"""Memory of one process for each pixel of each encode in it: 4 GB for ``PIXELS_IN_MEMORY`` pixels, see there."""
BYTES_PER_SCORED_PIXEL = 150
"""Memory for each pixel of each encode that is scored: some thirty planes of floats in libvmaf (an estimate)."""
BYTES_PER_MAPPED_PIXEL = 200
"""Memory of tone mapping for each pixel: a dozen pictures of three planes of floats on their way (an estimate)."""
PROCESS_BYTES = 200_000_000
"""What a process takes with small pictures."""
AUDIO_BYTES_A_SECOND = 128_000
"""More than any sound that we encode."""


def shot_needs(mezzanine: Mezzanine, shot: int, sizes: Sequence[Resolution]) -> Needs:
    """Returns what one process needs that encodes a shot at some sizes, one item for each encode.

    On disk the lossless piece, and as much again for what is made of it: encodes together stay below that.
    """
    pixels = min(sum(size.pixels for size in sizes), max(PIXELS_IN_MEMORY, mezzanine.display.pixels))
    piece_bytes = mezzanine.pieces[shot].file.size_bytes
    return Needs(2 * piece_bytes, PROCESS_BYTES + BYTES_PER_CODED_PIXEL * pixels)


def search_needs(mezzanine: Mezzanine, shot: int) -> Needs:
    """Returns what a search needs on disk; its trials are not known yet, so it takes memory process by process."""
    return Needs(2 * mezzanine.pieces[shot].file.size_bytes)


def measure_needs(mezzanine: Mezzanine, shot: int, encodes: int) -> Needs:
    """Returns what one process needs that scores encodes of a shot."""
    pixels = encodes * mezzanine.display.pixels
    return Needs(2 * mezzanine.pieces[shot].file.size_bytes, PROCESS_BYTES + BYTES_PER_SCORED_PIXEL * pixels)


def tone_map_needs(mezzanine: Mezzanine, shot: int) -> Needs:
    """Returns what making the SDR pictures of a shot needs: two lossless pieces, and some pictures in floats."""
    piece_bytes = mezzanine.pieces[shot].file.size_bytes
    return Needs(3 * piece_bytes, PROCESS_BYTES + BYTES_PER_MAPPED_PIXEL * mezzanine.display.pixels)


def title_needs(mezzanine: Mezzanine, size: Resolution) -> Needs:
    """Returns what one encode of the whole title needs: all lossless pieces, and an eighth for what is made of them."""
    pieces_bytes = sum(piece.file.size_bytes for piece in mezzanine.pieces)
    return Needs(pieces_bytes * 9 // 8, PROCESS_BYTES + BYTES_PER_CODED_PIXEL * size.pixels)


def source_needs(source: StoredFile) -> Needs:
    """Returns what reading a source needs: the source, which may lie in the cache and be linked."""
    return Needs(source.size_bytes, PROCESS_BYTES)


def audio_needs(mezzanine: Mezzanine) -> Needs:
    """Returns what encoding the sound needs: the source, and 1 Mb/s for each track."""
    tracks_bytes = int(mezzanine.duration_s * AUDIO_BYTES_A_SECOND) * len(mezzanine.source.audio)
    return Needs(mezzanine.source.file.size_bytes + tracks_bytes, PROCESS_BYTES)


def text_needs(mezzanine: Mezzanine, sidecars: Sequence[Sidecar]) -> Needs:
    """Returns what reading subtitles needs: their files, and the source if it has any inside."""
    source_bytes = mezzanine.source.file.size_bytes if mezzanine.source.subtitles else 0
    return Needs(source_bytes + sum(item.file.size_bytes for item in sidecars), PROCESS_BYTES)


def still_needs(rendition: StoredFile, plan: StillPlan) -> Needs:
    """Returns what taking stills needs: a rendition, and a byte for each pixel of each still."""
    return Needs(rendition.size_bytes + plan.stills * plan.tile.pixels, PROCESS_BYTES)


def join_needs(encodes: Sequence[StoredFile]) -> Needs:
    """Returns what joining encodes of shots needs: the encodes, and the whole."""
    return Needs(2 * sum(encode.size_bytes for encode in encodes), PROCESS_BYTES)


def package_needs(tracks: Sequence[StoredFile]) -> Needs:
    """Returns what packaging needs: the tracks, the presentation, and its fast-play tracks, together at most thrice."""
    return Needs(3 * sum(track.size_bytes for track in tracks), PROCESS_BYTES)


def publish_needs(presentation: Presentation) -> Needs:
    """Returns what publishing needs: the largest files that may be on their way at once."""
    sizes_bytes = sorted((item.file.size_bytes for item in presentation.files), reverse=True)
    return Needs(sum(sizes_bytes[:THREADS]), PROCESS_BYTES)


def split_needs(source: StoredFile, shots: ShotList, size: Resolution) -> Needs:
    """Returns what cutting a source into lossless pieces needs: the source, and its pictures at 12 bits a pixel."""
    return Needs(source.size_bytes + shots.frames * size.pixels * 3 // 2, PROCESS_BYTES)
