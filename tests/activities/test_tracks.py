"""Subtitles as a worker makes them: kept once, refused by line, and what is wrong inside a source left out."""

from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.track_shelf import find_texts, keep_sidecars
from activities.tracks import TrackActivities
from domain.mezzanine import Mezzanine
from domain.steps import TextTask
from domain.subtitles import Sidecar, SubtitleRequest
from domain.values import digest_of
from domain.video import SubtitleTrack
from media.errors import TextTooLarge, UnreadableText
from tests.activities.conftest import StoredTitle

pytestmark = pytest.mark.slow
SRT = b"1\n00:00:00,500 --> 00:00:01,000\nHello\n"


def task_of(title: StoredTitle, content: bytes, *tracks: SubtitleTrack) -> tuple[TextTask, Mezzanine]:
    said = SubtitleRequest(source="s3://incoming/film.srt", language="en")
    key = digest_of({"test": title.mezzanine.pieces[0].pictures_sha256})
    keep_sidecars(title.box, key, (Sidecar(file=title.box.store.put_bytes(content), request=said),))
    source = title.mezzanine.source.model_copy(update={"subtitles": tracks})
    mezzanine = title.mezzanine.model_copy(update={"source": source})
    return TextTask(mezzanine=title.box.results.put_document(mezzanine), title_key=key), mezzanine


async def test_subtitles_are_made_once_and_a_track_that_does_not_decode_is_left_out(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    missing = SubtitleTrack(stream_index=7, codec_name="subrip", language="deu")
    task, mezzanine = task_of(stored_title, SRT, missing, SubtitleTrack(stream_index=8, codec_name="dvd_subtitle"))
    made = TrackActivities(stored_title.box)
    first = await environment.run(made.make_texts, task)
    again = await environment.run(made.make_texts, task)
    assert (first.count, again.count, again.cpu_s) == (1, 1, 0.0)
    found = find_texts(stored_title.box, mezzanine, task.title_key)
    (text,) = found.tracks
    written = stored_title.box.store.read_bytes(text.file).decode()
    assert written == "WEBVTT\n\n00:00:00.500 --> 00:00:01.000\nHello\n"
    assert [note.partition(" left out")[0] for note in found.notes] == [
        "subtitle track 8 (dvd_subtitle, und)",
        "subtitle track 7 (subrip, deu)",
    ]


@pytest.mark.parametrize(("content", "kind"), [(SRT + b"\nlost\n", UnreadableText), (b"x" * 17_000_000, TextTooLarge)])
async def test_a_file_that_cannot_be_published_fails_the_title(
    content: bytes, kind: type[Exception], stored_title: StoredTitle, environment: ActivityEnvironment, tmp_path: Path
) -> None:
    task, _ = task_of(stored_title, content)
    with pytest.raises(kind, match=r"subtitles en \(film\.srt\)"):
        await environment.run(TrackActivities(stored_title.box).make_texts, task)
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file()]
