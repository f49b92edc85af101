"""The second mezzanine of an HDR title: planned, made once for each shot, gathered; none for SDR."""

import pytest
from temporalio.testing import ActivityEnvironment

from activities.faults import PieceMissing
from activities.tone_mapping import ToneMapActivities, sdr_piece_key
from domain.hdr import HdrMetadata
from domain.mezzanine import Mezzanine
from domain.recipe import HdrRecipe
from domain.steps import LadderSet, LadderTask
from domain.video import Codec, Color
from domain.work import UnitOutcome, UnitReference
from media.tone_mapping import tone_mapping_of
from tests.activities.conftest import FRAMES, StoredTitle

pytestmark = pytest.mark.slow
PQ = Color(primaries="bt2020", transfer="smpte2084", matrix="bt2020nc")


@pytest.fixture
def hdr_title(stored_title: StoredTitle) -> StoredTitle:
    """The tiny title, taken for PQ."""
    plain = stored_title.mezzanine
    video = plain.source.video.model_copy(update={"color": PQ, "hdr": HdrMetadata()})
    codecs = tuple(item.model_copy(update={"codec": Codec.HEVC}) for item in plain.recipe.codecs)
    recipe = plain.recipe.model_copy(update={"codecs": codecs, "hdr": HdrRecipe(sdr_rungs=True)})
    source = plain.source.model_copy(update={"video": video})
    mezzanine = plain.model_copy(update={"source": source, "color": PQ, "recipe": recipe})
    return StoredTitle(stored_title.box, mezzanine, stored_title.box.results.put_document(mezzanine))


async def test_the_sdr_mezzanine_has_the_same_shots_in_pictures_of_its_own(
    hdr_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    steps, results = ToneMapActivities(hdr_title.box), hdr_title.box.results
    work = await environment.run(steps.plan_tone_mapping, hdr_title.reference)
    assert work.count == len(FRAMES)
    with pytest.raises(PieceMissing, match="STO-015 shot 0 in SDR"):
        await environment.run(steps.gather_sdr_mezzanine, hdr_title.reference)
    units = [UnitReference(plan=work.plan, index=index) for index in range(work.count)]
    made = [await environment.run(steps.run_tone_map_unit, unit) for unit in units]
    assert [outcome.made for outcome in made] == [1, 1]
    assert min(outcome.cpu_s for outcome in made) > 0
    assert await environment.run(steps.run_tone_map_unit, units[0]) == UnitOutcome(reused=1)

    reference = await environment.run(steps.gather_sdr_mezzanine, hdr_title.reference)
    whole, sdr = hdr_title.mezzanine, results.read_document(reference.mezzanine, Mezzanine)
    assert (sdr.shots, sdr.idr_frames, sdr.segment_starts) == (whole.shots, whole.idr_frames, whole.segment_starts)
    assert [piece.frames for piece in sdr.pieces] == list(FRAMES)
    assert not {piece.pictures_sha256 for piece in sdr.pieces} & {piece.pictures_sha256 for piece in whole.pieces}
    assert (sdr.color, sdr.source.video.hdr, sdr.source.video.color) == (Color(), None, Color())
    assert [item.codec for item in sdr.recipe.codecs] == [Codec.H264, Codec.HEVC]
    assert sdr.tone_mapping == tone_mapping_of(whole.source.video)


async def test_an_sdr_title_needs_no_tone_mapping(stored_title: StoredTitle, environment: ActivityEnvironment) -> None:
    work = await environment.run(ToneMapActivities(stored_title.box).plan_tone_mapping, stored_title.reference)
    assert work.count == 0


async def test_sdr_ladders_stand_beside_the_hdr_ones(hdr_title: StoredTitle, environment: ActivityEnvironment) -> None:
    results = hdr_title.box.results
    ladders = LadderSet(ladders=(), pictures=hdr_title.reference)
    hdr = LadderTask(mezzanine=hdr_title.reference, ladders=results.put_document(ladders))
    joined = await environment.run(ToneMapActivities(hdr_title.box).add_sdr_ladders, hdr, hdr)
    assert results.read_document(joined, LadderSet) == ladders.model_copy(update={"sdr": hdr})
    assert "sdr" not in ladders.model_dump(mode="json")


def test_another_chain_or_another_picture_is_another_key(hdr_title: StoredTitle) -> None:
    whole = hdr_title.mezzanine
    mapping = tone_mapping_of(whole.source.video)
    assert mapping is not None
    other = mapping.model_copy(update={"filters": mapping.filters.replace("param=0.3", "param=0.4")})
    keys = [sdr_piece_key(whole, 0, mapping), sdr_piece_key(whole, 0, other), sdr_piece_key(whole, 1, mapping)]
    assert len(set(keys)) == 3
