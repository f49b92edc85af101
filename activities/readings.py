"""Reading measured facts back from the store: points, deliveries, scores."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from activities.faults import ScoresMissing
from activities.heartbeats import Pulse
from activities.measures import find_encode
from activities.toolbox import Toolbox
from activities.trial_shelf import KeptTrial, TrialShelf
from domain.encodes import ShotScores
from domain.ladder import RateQualityPoint, Rung, ShotPoints
from domain.mezzanine import Mezzanine
from domain.values import Sha256
from domain.video import Codec, Resolution
from ladders.pooling import PooledScores, pool_scores
from ladders.rung_moves import DeliveredShot
from ladders.search.calibration import Calibration, mean_of
from ladders.trial_design import tried_sizes

_READERS = 16


def read_points(toolbox: Toolbox, mezzanine: Mezzanine, codec: Codec, pulse: Pulse) -> list[ShotPoints]:
    """Returns every trial point of a codec that is in the store, shot by shot; failed trials are simply absent."""
    crfs = next(item.crfs for item in mezzanine.recipe.codecs if item.codec is codec)
    sizes = tried_sizes(mezzanine.display, mezzanine.recipe)
    cells = [(shot, size, crf) for shot in range(len(mezzanine.pieces)) for size in sizes for crf in crfs]

    def read(cell: tuple[int, Resolution, float]) -> RateQualityPoint | None:
        shot, size, crf = cell
        pulse(shot)
        return _read_point(toolbox, mezzanine, shot, codec, size=size, crf=crf)

    with ThreadPoolExecutor(_READERS) as readers:
        found = list(readers.map(read, cells))
    return [
        ShotPoints(
            shot_index=shot,
            duration_s=float(mezzanine.pieces[shot].frames / mezzanine.frame_rate),
            points=tuple(
                point for cell, point in zip(cells, found, strict=True) if cell[0] == shot and point is not None
            ),
        )
        for shot in range(len(mezzanine.pieces))
    ]


def read_delivered(
    toolbox: Toolbox, mezzanine: Mezzanine, codec: Codec, rung: Rung
) -> tuple[list[DeliveredShot], list[tuple[float, ...]]]:
    """Returns each shot of a rung as it was encoded and measured on every frame, and its frame scores.

    Raises:
        EncodeMissing, ScoresMissing: if something is not in the store.
    """
    keys = mezzanine.rung_keys(codec, rung)
    with ThreadPoolExecutor(_READERS) as readers:
        encodes = list(readers.map(lambda key: find_encode(toolbox, key), keys))
        scores = list(readers.map(lambda key: find_scores(toolbox, mezzanine, key), keys))
    shots = [
        DeliveredShot(
            shot_index=choice.shot_index,
            crf=choice.crf,
            bitrate_bps=encode.bitrate_bps,
            vmaf=pool_scores(score.frame_scores).mean,
            duration_s=float(encode.frames / encode.frame_rate),
            frame_sizes_bits=tuple(8 * size for size in encode.packet_sizes_bytes),
        )
        for choice, encode, score in zip(rung.shots, encodes, scores, strict=True)
    ]
    return shots, [score.frame_scores for score in scores]


def pool_title(frame_scores: Iterable[Sequence[float]]) -> PooledScores:
    """Pools the frame scores of all shots of a title as one."""
    return pool_scores([score for shot in frame_scores for score in shot])


def find_scores(toolbox: Toolbox, mezzanine: Mezzanine, key: Sha256) -> ShotScores:
    """Returns the full-rate scores of an encode.

    Raises:
        ScoresMissing: if they are not in the store.
    """
    scores = toolbox.results.find("scores", mezzanine.score_key(key, mezzanine.delivery_metric()), ShotScores)
    if scores is None:
        raise ScoresMissing(f"encode {key}", found="no scores in the store", expected="scores", fix="submit again")
    return scores


def _read_point(
    toolbox: Toolbox, mezzanine: Mezzanine, shot: int, codec: Codec, *, size: Resolution, crf: float
) -> RateQualityPoint | None:
    recipe = mezzanine.encode_recipe(codec, size, shot, crf=crf)
    kept = TrialShelf(toolbox, mezzanine, shot).find_trial(recipe, mezzanine.search_metric(shot))
    return None if kept is None else measured_point(kept)


def measured_point(kept: KeptTrial, calibration: Calibration | None = None) -> RateQualityPoint:
    """Returns a trial as a point: its rate, and its VMAF estimated from the scored frames."""
    encode, scores = kept
    return RateQualityPoint(
        resolution=encode.resolution,
        crf=encode.crf or 0.0,
        bitrate_bps=encode.bitrate_bps,
        vmaf=mean_of(scores.frame_scores, encode.frames, step=scores.metric.subsample, calibration=calibration),
    )
