"""What units need, from sizes that are known before anything is fetched. Estimates, on the careful side."""

from collections.abc import Sequence

from activities.admission import Needs
from domain.files import StoredFile
from domain.mezzanine import Mezzanine
from domain.shots import ShotList
from domain.video import Resolution
from ladders.trial_design import PIXELS_IN_MEMORY

BYTES_PER_CODED_PIXEL = 500
"""Memory of one process for each pixel of each encode in it: 4 GB for ``PIXELS_IN_MEMORY`` pixels, see there."""
BYTES_PER_SCORED_PIXEL = 150
"""Memory for each pixel of each encode that is scored: some thirty planes of floats in libvmaf (an estimate)."""
PROCESS_BYTES = 200_000_000
"""What a process takes with small pictures."""


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


def title_needs(mezzanine: Mezzanine, size: Resolution) -> Needs:
    """Returns what one encode of the whole title needs: all lossless pieces, and an eighth for what is made of them."""
    pieces_bytes = sum(piece.file.size_bytes for piece in mezzanine.pieces)
    return Needs(pieces_bytes * 9 // 8, PROCESS_BYTES + BYTES_PER_CODED_PIXEL * size.pixels)


def source_needs(source: StoredFile) -> Needs:
    """Returns what reading a source needs: the source, which may lie in the cache and be linked."""
    return Needs(source.size_bytes, PROCESS_BYTES)


def split_needs(source: StoredFile, shots: ShotList, size: Resolution) -> Needs:
    """Returns what cutting a source into lossless pieces needs: the source, and its pictures at 12 bits a pixel."""
    return Needs(source.size_bytes + shots.frames * size.pixels * 3 // 2, PROCESS_BYTES)
