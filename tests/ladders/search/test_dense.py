"""The dense design, and CRFs that an encoder takes."""

import pytest

from ladders.search.dense import CRFS_PER_SIZE, dense_design, on_step, spread_crfs
from tests.support.synthetic_shots import SMOOTH

H264, AV1 = SMOOTH[0].task(), SMOOTH[4].task()


@pytest.mark.parametrize(
    ("wanted", "found"), [(30.0, 30.0), (30.2, 30.0), (30.3, 30.5), (30.7, 30.5), (3.0, 16.0), (77.0, 50.0)]
)
def test_a_crf_is_moved_to_the_nearest_one_of_the_encoder(wanted: float, found: float) -> None:
    assert on_step(H264, wanted) == found


def test_whole_steps_count_from_the_lowest_crf() -> None:
    assert on_step(AV1.model_copy(update={"crf_step": 1.0}), 41.4) == 41.0
    assert on_step(AV1, 41.4) == 41.5
    assert on_step(H264.model_copy(update={"crf_step": 3.0}), 20.0) == 19.0


def test_the_dense_design_has_both_ends_of_every_size() -> None:
    design = dense_design(AV1)
    assert len(design) == CRFS_PER_SIZE * len(AV1.sizes)
    for size in AV1.sizes:
        crfs = [ask.crf for ask in design if ask.resolution == size]
        assert (crfs[0], crfs[-1]) == (AV1.lowest_crf, AV1.highest_crf)
        assert crfs == sorted(set(crfs))


def test_a_narrow_range_has_fewer_crfs() -> None:
    assert spread_crfs(AV1.model_copy(update={"highest_crf": 21.0, "crf_step": 1.0}), 4) == (20.0, 21.0)
