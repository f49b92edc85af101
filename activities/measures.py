"""Measurements: the units of the ``measure`` queue."""

import asyncio

from temporalio import activity

from activities.faults import EncodeMissing
from activities.heartbeats import Pulse
from activities.needs import measure_needs
from activities.toolbox import Toolbox
from activities.units import load_unit
from domain.encodes import EncodedShot, ShotScores
from domain.files import StoredFile
from domain.mezzanine import Mezzanine
from domain.steps import CheckedPairing
from domain.values import Sha256
from domain.work import MeasureUnit, UnitOutcome, UnitReference
from media.bench import Bench
from media.measuring import DistortedFile, check_pairing, measure_encodes


class MeasureActivities:
    """Scores encodes on every frame."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def check_pairing(self, reference: StoredFile) -> CheckedPairing:
        """Proves on the title's most active shot that frames are paired by index, before any score counts."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, reference)
        shot = most_active_shot(mezzanine)
        if shot is None:
            return CheckedPairing(note="no shot with two frames: nothing to shift")
        pulse = Pulse("pairing")
        async with self._box.roomy_bench(pulse, measure_needs(mezzanine, shot, 2)) as bench:
            piece = await self._box.fetch_piece(mezzanine, shot, bench.scratch, pulse)
            seen = await check_pairing(
                bench, piece, mezzanine.delivery_metric(), still=mezzanine.shots.shots[shot].activity == 0
            )
        return CheckedPairing(
            shot=shot, aligned_vmaf=seen.aligned_vmaf, shifted_vmaf=seen.shifted_vmaf, cpu_s=seen.cpu_s
        )

    @activity.defn
    async def run_measure_unit(self, reference: UnitReference) -> UnitOutcome:
        """Scores several encodes of one shot against one decode of the reference."""
        mezzanine, unit = await load_unit(self._box, reference, MeasureUnit)
        missing = await asyncio.to_thread(self._without_scores, mezzanine, unit.encode_keys)
        if not missing:
            return UnitOutcome(reused=len(unit.encode_keys))
        pulse = Pulse(f"shot {unit.shot}")
        needs = measure_needs(mezzanine, unit.shot, len(missing))
        async with self._box.roomy_bench(pulse, needs) as bench:
            piece = await self._box.fetch_piece(mezzanine, unit.shot, bench.scratch, pulse)
            encodes = [await pulse.run(self._fetch_encode, key, bench, pulse) for key in missing]
            scores, cpu_s = await measure_encodes(bench, piece, encodes, mezzanine.delivery_metric())
        for key, frame_scores in zip(missing, scores, strict=True):
            await asyncio.to_thread(self._keep_scores, mezzanine, key, frame_scores)
        return UnitOutcome(made=len(missing), reused=len(unit.encode_keys) - len(missing), cpu_s=cpu_s)

    def _without_scores(self, mezzanine: Mezzanine, keys: tuple[Sha256, ...]) -> list[Sha256]:
        metric = mezzanine.delivery_metric()
        return [
            key
            for key in dict.fromkeys(keys)
            if self._box.results.find("scores", mezzanine.score_key(key, metric), ShotScores) is None
        ]

    def _fetch_encode(self, key: Sha256, bench: Bench, pulse: Pulse) -> DistortedFile:
        encoded = find_encode(self._box, key)
        path = self._box.cache.fetch_into(encoded.file, bench.scratch / f"{key}.mp4", on_progress=pulse)
        return DistortedFile(path, encoded.resolution)

    def _keep_scores(self, mezzanine: Mezzanine, key: Sha256, frame_scores: tuple[float, ...]) -> None:
        metric = mezzanine.delivery_metric()
        kept = ShotScores(encode_key=key, metric=metric, frame_scores=frame_scores)
        self._box.results.keep("scores", mezzanine.score_key(key, metric), kept)


def find_encode(toolbox: Toolbox, key: Sha256) -> EncodedShot:
    """Returns an encode that must be there.

    Raises:
        EncodeMissing: if it is not.
    """
    encoded = toolbox.results.find("encodes", key, EncodedShot)
    if encoded is None:
        raise EncodeMissing(f"encode {key}", found="nothing in the store", expected="the encode", fix="submit again")
    return encoded


def most_active_shot(mezzanine: Mezzanine) -> int | None:
    """Returns the shot whose pictures change most, among those of at least two frames."""
    candidates = [shot for shot in mezzanine.shots.shots if shot.frames >= 2]
    return max(candidates, key=lambda shot: (shot.activity, shot.frames)).index if candidates else None
