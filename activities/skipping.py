"""A person has decided to go on without what failed: the rungs that it belongs to leave their ladders."""

import asyncio

from temporalio import activity

from activities.faults import EncodeMissing
from activities.toolbox import Toolbox
from domain.encodes import EncodedShot
from domain.ladder import Ladder, Rung
from domain.mezzanine import Mezzanine
from domain.steps import LadderSet, LadderTask, TrimmedLadders


class SkipActivities:
    """Leaves out what a person waved through."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def drop_rungs(self, task: LadderTask) -> TrimmedLadders:
        """Returns the ladders without the rungs of which an encode is not in the store, and ladders without rungs.

        Raises:
            EncodeMissing: if no rung would be left.
        """
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        before = await asyncio.to_thread(self._box.results.read_document, task.ladders, LadderSet)
        after = await asyncio.to_thread(lambda: [self._whole_rungs(mezzanine, ladder) for ladder in before.ladders])
        left = tuple(ladder for ladder in after if ladder is not None)
        rungs = sum(len(ladder.rungs) for ladder in left)
        if not rungs:
            raise EncodeMissing(
                "ladders",
                found="no rung has all its encodes",
                expected="a rung to publish",
                fix="retry the failed units",
            )
        document = await asyncio.to_thread(self._box.results.put_document, before.model_copy(update={"ladders": left}))
        dropped = sum(len(ladder.rungs) for ladder in before.ladders) - rungs
        return TrimmedLadders(ladders=document, rungs=rungs, dropped=dropped)

    def _whole_rungs(self, mezzanine: Mezzanine, ladder: Ladder) -> Ladder | None:
        whole = []
        for rung in ladder.rungs:
            bare, *others = rung.ways()
            if self._is_whole(mezzanine, ladder, bare):
                # A rung can be delivered without its spares: those that failed are left out with their way.
                spares = [
                    choice
                    for way in others
                    if self._is_whole(mezzanine, ladder, way)
                    for choice in way.shots
                    if choice in rung.spares
                ]
                whole.append(rung.model_copy(update={"spares": tuple(spares)}))
        return ladder.model_copy(update={"rungs": tuple(whole)}) if whole else None

    def _is_whole(self, mezzanine: Mezzanine, ladder: Ladder, rung: Rung) -> bool:
        keys = mezzanine.rung_keys(ladder.codec, rung)
        return all(self._box.results.find("encodes", key, EncodedShot) for key in keys)
