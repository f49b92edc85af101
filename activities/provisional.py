"""The plan of a provisional release: the first shots of a title as a title of their own; the ``io`` queue."""

import asyncio

from temporalio import activity

from activities.planning import SLOWNESS, encode_units, longest_shot_s
from activities.toolbox import Toolbox
from domain.mezzanine import Mezzanine
from domain.result import PictureSet
from domain.steps import LadderSet, PlannedProvisional, ProvisionalTask
from domain.work import UnitKind, WorkList, WorkPlan
from ladders.provisional_ladder import count_first_shots, provisional_ladder
from storage.release_reader import read_pointer


class ProvisionalActivities:
    """Plans provisional releases."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def plan_provisional(self, task: ProvisionalTask) -> PlannedProvisional | None:
        """Cuts the mezzanine behind its first shots and chooses two rungs; ``None`` if a full release is current.

        Nobody is served by the first minutes of a title that can be played as a whole.
        """
        current = await asyncio.to_thread(read_pointer, self._box.store, task.title_id)
        if current is not None and not current.provisional:
            return None
        whole = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        part = provisional_mezzanine(whole, task.first_s)
        return await asyncio.to_thread(self._keep, part)

    def _keep(self, part: Mezzanine) -> PlannedProvisional:
        ladder, results = provisional_ladder(part), self._box.results
        mezzanine = results.put_document(part)
        units = tuple(encode_units(part, [ladder], lambda _codec, _rung, _shot: True))
        ladders = LadderSet(
            ladders=(ladder,), pictures=results.put_document(PictureSet(pictures=())), is_measured=False
        )
        encodes = WorkList(
            kind=UnitKind.ENCODE,
            plan=results.put_document(WorkPlan(mezzanine=mezzanine, units=units)),
            count=len(units),
            encodes=sum(len(unit.recipes) for unit in units),
            longest_unit_s=max(60.0, SLOWNESS * longest_shot_s(part)),
        )
        return PlannedProvisional(
            mezzanine=mezzanine,
            ladders=results.put_document(ladders),
            encodes=encodes,
            rungs=len(ladder.rungs),
            duration_s=round(part.duration_s, 3),
        )


def provisional_mezzanine(whole: Mezzanine, first_s: float) -> Mezzanine:
    """Returns the first shots of a title, in its first codec, with stereo sound, without subtitles and thumbnails."""
    part = whole.first_shots(count_first_shots(whole.shots, whole.frame_rate, first_s))
    recipe = part.recipe
    # A subtitle file that begins after the first minutes would be refused as another title's.
    source = part.source.model_copy(update={"subtitles": ()})
    lean = {
        "codecs": recipe.codecs[:1],
        "audio": recipe.audio.model_copy(update={"surround": "none"}),
        "packaging": recipe.packaging.model_copy(update={"thumbnails": False}),
        "baseline": "none",
    }
    return part.model_copy(update={"source": source, "recipe": recipe.model_copy(update=lean)})
