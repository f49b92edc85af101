"""The even scale of CRFs: what the last ones of SVT-AV1 are apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ladders.interpolation import RateQualityCurve
from ladders.quantizer import crfs_of_even, even_crfs
from tests.ladders.titles import point

INDEX = {0.0: 0, 30.5: 122, 61.0: 244, 61.75: 247, 62.0: 249, 62.25: 250, 62.5: 251, 62.75: 252, 63.0: 255}


def test_a_quarter_of_a_crf_is_one_quantizer_index_but_at_the_end() -> None:
    assert 4 * even_crfs(np.asarray([*INDEX])) == pytest.approx([*INDEX.values()])


def test_of_other_codecs_the_scale_is_the_crf_to_the_last_bit() -> None:
    crfs = np.arange(0.0, 61.75, 0.125)
    assert even_crfs(crfs).tolist() == crfs.tolist()
    assert crfs_of_even(crfs).tolist() == crfs.tolist()


@given(st.floats(0.0, 63.0))
def test_there_and_back(crf: float) -> None:
    assert float(crfs_of_even(even_crfs(np.asarray(crf)))) == pytest.approx(crf, abs=1e-9)


def test_a_curve_falls_off_at_the_last_quarter_of_av1() -> None:
    points = [point(26_800, 42.0, crf=63.0), point(60_000, 61.0, crf=59.0)]
    curve = RateQualityCurve.fit(points)
    quarter, last = (curve.vmaf_at_crf(crf) - curve.vmaf_at_crf(crf + 0.25) for crf in (62.5, 62.75))
    assert last == pytest.approx(3 * quarter, rel=0.1)
