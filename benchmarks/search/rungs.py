"""Rungs planned from the searched curves, really encoded and measured on every frame: is the promise kept?"""

from collections.abc import Mapping, Sequence

from benchmarks.oracle.table import BenchShot, Setting, Trial
from benchmarks.search.driver import Search
from benchmarks.search.titles import TrialSource, make_trials
from benchmarks.together import together
from domain.errors import PertitleError
from domain.ladder import Rung
from domain.ladder_policy import LadderPolicy
from domain.search import CRF_STEP, FINEST_CRF_STEP, TrialAsk
from domain.values import Value
from ladders.correction import OFF_PROMISE_VMAF, corrected_rung, judge_rung
from ladders.pooling import pool_scores
from ladders.rung_moves import CrfSteps, DeliveredShot
from ladders.rung_selection import plan_ladder_from
from ladders.searched_title import SearchedShot, SearchedTitle
from ladders.settling import settled_rung

POLICY = LadderPolicy(floor_vmaf=30.0, min_bitrate_bps=10_000, lowest_bitrate_bps=10_000, min_gain_vmaf=0.0)
"""The default policy, but down to VMAF 30 whatever it brings the viewers: each rung is one more promise to test."""


class KeptRungs(Value):
    """How well the rungs of a clip keep their promise of mean VMAF; the leaky bucket is not judged here."""

    clip: str
    rungs: int
    at_once: int
    """Within 0.5 VMAF as first encoded."""
    corrected: int
    """Within 0.5 VMAF after one correction of those that were not."""
    misses: tuple[float, ...] = ()
    """Delivered minus promised VMAF of each rung at the end."""
    why_none: str = ""
    """Why there is no ladder."""


async def keep_rungs(
    source: TrialSource, shots: Sequence[BenchShot], setting: Setting, searches: Mapping[str, Search]
) -> KeptRungs:
    """Plans a clip's ladder, encodes and measures its rungs, and corrects once what misses."""
    clip = shots[0].clip
    title = SearchedTitle(
        tuple(
            SearchedShot.fit(number, shot.duration_s, found.task, found.seen, found.prior)
            for number, shot in enumerate(shots)
            for found in [searches[shot.name]]
        )
    )
    try:
        ladder = plan_ladder_from(setting.codec, title.shots, title.titles(), POLICY, crf_step=CRF_STEP[setting.codec])
    except PertitleError as error:
        return KeptRungs(clip=clip, rungs=0, at_once=0, corrected=0, why_none=str(error))
    first = await _deliver(source, shots, setting, ladder.rungs)
    missed = [index for index, rung in enumerate(ladder.rungs) if abs(_miss(rung, first[index])) > OFF_PROMISE_VMAF]
    steps = CrfSteps(CRF_STEP[setting.codec], FINEST_CRF_STEP[setting.codec])
    verdicts = {index: judge_rung(ladder.rungs[index], first[index], known=title, crf_steps=steps) for index in missed}
    again = [corrected_rung(ladder.rungs[index], verdicts[index]) for index in missed]
    final = list(first)
    made = await together(*(_deliver(source, shots, setting, rung.ways()) for rung in again))
    for index, rung, delivered in zip(missed, again, made, strict=True):
        final[index] = _settled((ladder.rungs[index], *rung.ways()), (first[index], *delivered))
    misses = tuple(_miss(rung, delivered) for rung, delivered in zip(ladder.rungs, final, strict=True))
    return KeptRungs(
        clip=clip,
        rungs=len(ladder.rungs),
        at_once=len(ladder.rungs) - len(missed),
        corrected=sum(abs(miss) <= OFF_PROMISE_VMAF for miss in misses),
        misses=misses,
    )


def _miss(rung: Rung, delivered: Sequence[DeliveredShot]) -> float:
    total_s = sum(shot.duration_s for shot in delivered)
    return sum(shot.vmaf * shot.duration_s for shot in delivered) / total_s - rung.promised.vmaf


def _settled(ways: Sequence[Rung], delivered: Sequence[Sequence[DeliveredShot]]) -> list[DeliveredShot]:
    """Returns the shots that are delivered in the end, each as it was planned, corrected, or encoded to spare."""
    return [
        next(shots[number] for way, shots in zip(ways, delivered, strict=True) if way.shots[number].crf == choice.crf)
        for number, choice in enumerate(settled_rung(ways, delivered).shots)
    ]


async def _deliver(
    source: TrialSource, shots: Sequence[BenchShot], setting: Setting, rungs: Sequence[Rung]
) -> list[list[DeliveredShot]]:
    """Returns each rung's shots as they were encoded and measured on every frame, without rate caps."""
    asks = [
        [TrialAsk(resolution=rung.resolution, crf=rung.shots[number].crf) for rung in rungs]
        for number in range(len(shots))
    ]
    trials = await together(
        *(make_trials(source, shot, setting, asks[number], subsample=1) for number, shot in enumerate(shots) if rungs)
    )
    return [
        [_delivered(number, shots[number], made[place]) for number, made in enumerate(trials)]
        for place in range(len(rungs))
    ]


def _delivered(number: int, shot: BenchShot, trial: Trial) -> DeliveredShot:
    # The table keeps no packet sizes: bits are spread evenly over a shot, so that quality alone is judged, unless a
    # whole shot is too much for its rung's cap.
    bits = max(1, round(trial.bitrate_bps * shot.duration_s / shot.frames))
    return DeliveredShot(
        shot_index=number,
        crf=trial.crf,
        bitrate_bps=trial.bitrate_bps,
        vmaf=pool_scores(trial.frame_scores).mean,
        duration_s=shot.duration_s,
        frame_sizes_bits=(bits,) * shot.frames,
    )
