"""All ladders of a title: those of its mezzanine, and the SDR ones beside them where an HDR title has both."""

from typing import NamedTuple

from activities.toolbox import Toolbox
from domain.files import StoredFile
from domain.mezzanine import Mezzanine
from domain.release import ToneMappedTracks
from domain.steps import LadderSet
from domain.tracks import Rendition


class MadeLadders(NamedTuple):
    """Ladders and the mezzanine that they are made of."""

    mezzanine: Mezzanine
    ladders: LadderSet


def read_all_ladders(toolbox: Toolbox, mezzanine: Mezzanine, ladders: StoredFile) -> tuple[MadeLadders, ...]:
    """Returns the ladders of a mezzanine, then those of its SDR pictures if there are any.

    Args:
        toolbox: Whose store.
        mezzanine: The title's own.
        ladders: Its ``LadderSet``.
    """
    main = MadeLadders(mezzanine, toolbox.results.read_document(ladders, LadderSet))
    if main.ladders.sdr is None:
        return (main,)
    sdr = toolbox.results.read_document(main.ladders.sdr.ladders, LadderSet)
    return main, MadeLadders(toolbox.read_mezzanine(main.ladders.sdr.mezzanine), sdr)


def tone_mapped_tracks(made: MadeLadders, renditions: list[Rendition]) -> ToneMappedTracks | None:
    """Returns what a release says of its tone-mapped tracks; ``None`` where these are none."""
    mapping = made.mezzanine.tone_mapping
    if mapping is None:
        return None
    return ToneMappedTracks(names=tuple(item.name for item in renditions), tone_mapping=mapping)
