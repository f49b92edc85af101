"""Titles for the tests: measured ones, synthetic ones, and Hypothesis strategies for both."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from domain.ladder import RateQualityPoint, ShotPoints
from domain.video import Resolution
from ladders.shot_allocation import OperatingPoint

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
HEIGHTS_PX = (720, 540, 360)


def size(height_px: int) -> Resolution:
    return Resolution(width_px=2 * round(height_px * 8 / 9), height_px=height_px)


def point(bitrate_bps: float, vmaf: float, *, crf: float, height_px: int = 720) -> RateQualityPoint:
    return RateQualityPoint(resolution=size(height_px), crf=crf, bitrate_bps=bitrate_bps, vmaf=vmaf)


def operating_point(bitrate_bps: float, vmaf: float, height_px: int = 720) -> OperatingPoint:
    one = np.asarray([1.0])
    return OperatingPoint(size(height_px), bitrate_bps, vmaf, crfs=one, bitrates_bps=one, vmafs=one)


def dense_hull(low_bps: float, high_bps: float) -> list[OperatingPoint]:
    """Quality that saturates as rate rises, a point every 2 %."""
    rates = np.exp(np.arange(np.log(low_bps), np.log(high_bps), 0.02))
    return [operating_point(float(rate), 96 - 3e4 / (float(rate) / 1e3 + 500)) for rate in rates]


def pilot_title() -> list[ShotPoints]:
    """Six measured shots at five heights and four CRFs; one of them is heavy grain."""
    document = json.loads((Path(__file__).parent / "pilot_points.json").read_text())
    return [
        ShotPoints(
            shot_index=index,
            duration_s=32 / 24,
            points=tuple(
                point(rate, vmaf, crf=crf, height_px=int(height))
                for height, rows in heights.items()
                for crf, rate, vmaf in rows
            ),
        )
        for index, heights in enumerate(document["shots"].values())
    ]


def shared_rows(name: str) -> list[Any]:
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"{path.name}: the shared data folder is not beside this checkout")
    return [json.loads(line) for line in path.read_text().splitlines()]


def smooth_shot(index: int, complexity: float, softness: float, duration_s: float) -> ShotPoints:
    """A shot whose rate doubles every 6 CRF and whose quality saturates: concave at every resolution."""
    points = []
    for height in HEIGHTS_PX:
        ceiling = 100 - 12 * (1 - softness) * math.log2(720 / height)
        for crf in (16, 25, 34, 43):
            rate = complexity * 8e6 * (height / 720) ** 1.4 * 2 ** (-(crf - 16) / 6)
            vmaf = ceiling - 45 * ((crf - 10) / 33) ** 2 * (1 + 0.35 * math.log2(720 / height))
            points.append(point(rate, max(0.0, vmaf), crf=crf, height_px=height))
    return ShotPoints(shot_index=index, duration_s=duration_s, points=tuple(points))


@st.composite
def smooth_titles(draw: st.DrawFn, *, max_shots: int = 5) -> list[ShotPoints]:
    """Titles of well-behaved shots of very unequal difficulty."""
    count = draw(st.integers(1, max_shots))
    return [
        smooth_shot(index, draw(st.floats(0.05, 6.0)), draw(st.floats(0.0, 1.0)), draw(st.floats(0.5, 10.0)))
        for index in range(count)
    ]


@st.composite
def wild_titles(draw: st.DrawFn) -> list[ShotPoints]:
    """Titles of anything that could be measured: noise, saturation, knees, missing points."""
    heights = draw(st.lists(st.sampled_from(HEIGHTS_PX), min_size=1, max_size=3, unique=True))
    shots = []
    for index in range(draw(st.integers(1, 4))):
        points = []
        for height in heights:
            crfs = draw(st.lists(st.integers(10, 51), min_size=2, max_size=5, unique=True))
            for crf in crfs:
                rate = draw(st.floats(500.0, 5e7))
                vmaf = draw(st.floats(0.0, 110.0) | st.sampled_from([97.4, 100.0]))
                points.append(point(rate, vmaf, crf=crf, height_px=height))
        duration_s = draw(st.floats(0.04, 600.0))
        shots.append(ShotPoints(shot_index=index, duration_s=duration_s, points=tuple(points)))
    return shots
