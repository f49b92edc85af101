"""The plan of a provisional release: a part of the title whose encodes are those of the whole."""

import asyncio
import secrets

import pytest
from temporalio.testing import ActivityEnvironment

from activities.provisional import ProvisionalActivities, provisional_mezzanine
from domain.mezzanine import Mezzanine
from domain.steps import LadderSet, ProvisionalTask
from domain.video import SubtitleTrack
from domain.work import EncodeUnit, WorkPlan
from storage.publisher import publish_release
from tests.activities.conftest import FRAMES, StoredTitle
from tests.storage.releases import draft_of

pytestmark = pytest.mark.slow
FIRST_S = FRAMES[0] / 24


async def test_the_plan_holds_the_first_shots_in_two_rungs_that_promise_nothing(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    plan = ProvisionalActivities(stored_title.box).plan_provisional
    task = ProvisionalTask(title_id=f"new-{secrets.token_hex(6)}", mezzanine=stored_title.reference, first_s=FIRST_S)
    planned = await environment.run(plan, task)
    assert planned is not None
    results = stored_title.box.results
    part = results.read_document(planned.mezzanine, Mezzanine)
    ladders = results.read_document(planned.ladders, LadderSet)
    units = results.read_document(planned.encodes.plan, WorkPlan).units
    assert (len(part.pieces), part.source.video.frames, part.idr_frames) == (1, FRAMES[0], (0,))
    assert planned.duration_s == pytest.approx(FIRST_S, abs=0.001)
    assert not ladders.is_measured
    (ladder,) = ladders.ladders
    assert len(ladder.rungs) == planned.rungs == len({rung.resolution for rung in ladder.rungs})
    assert {rung.promised.vmaf for rung in ladder.rungs} == {0.0}
    assert planned.encodes.encodes == planned.rungs
    assert [unit.shot for unit in units if isinstance(unit, EncodeUnit)] == [0]
    for rung in ladder.rungs:
        (recipe,) = part.rung_recipes(ladder.codec, rung)
        assert part.rung_keys(ladder.codec, rung) == (stored_title.mezzanine.encode_key(0, recipe),)


async def test_there_is_no_plan_where_a_full_release_is_current(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    title_id = f"old-{secrets.token_hex(6)}"
    box = stored_title.box
    draft = draft_of(title_id, {"manifest.mpd": b"d", "multivariant.m3u8": b"h"}, box.store)
    plan = ProvisionalActivities(box).plan_provisional
    task = ProvisionalTask(title_id=title_id, mezzanine=stored_title.reference, first_s=FIRST_S)
    await asyncio.to_thread(publish_release, box.store, draft.model_copy(update={"provisional": True}))
    assert await environment.run(plan, task) is not None
    await asyncio.to_thread(
        publish_release, box.store, draft_of(title_id, {"manifest.mpd": b"e", "multivariant.m3u8": b"i"}, box.store)
    )
    assert await environment.run(plan, task) is None


def test_it_has_the_first_codec_stereo_and_nothing_beside(stored_title: StoredTitle) -> None:
    whole = stored_title.mezzanine
    text = SubtitleTrack(stream_index=1, codec_name="mov_text")
    whole = whole.model_copy(update={"source": whole.source.model_copy(update={"subtitles": (text,)})})
    part = provisional_mezzanine(whole, 900.0)
    assert len(part.pieces) == len(whole.pieces)
    assert part.source.subtitles == ()
    assert part.recipe.audio.surround == "none"
    assert not part.recipe.packaging.thumbnails
    assert part.recipe.packaging.scheme == whole.recipe.packaging.scheme
    assert part.recipe.codecs == whole.recipe.codecs[:1]
