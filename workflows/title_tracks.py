"""Sound, subtitles and thumbnails of a title: which steps make them, and beside what they run."""

from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.sources import SourceActivities
    from activities.tracks import TrackActivities
    from domain.files import StoredFile
    from domain.steps import LadderTask, TextTask
    from domain.values import Sha256
    from workflows.activity_options import ActivityOptions
    from workflows.side_by_side import side_by_side
    from workflows.task_queues import IO
    from workflows.title_log import TitleLog

Options = Callable[[str, str], ActivityOptions]
"""Queue and summary → options of an activity of this title."""


async def make_tracks(mezzanine: StoredFile, title_key: Sha256, options: Options, log: TitleLog) -> None:
    """Makes sound and subtitles side by side; they need nothing but the source."""
    audio, texts = await side_by_side(
        workflow.execute_activity_method(
            SourceActivities.encode_audio, mezzanine, **options(IO, "encode the audio tracks")
        ),
        workflow.execute_activity_method(
            TrackActivities.make_texts,
            TextTask(mezzanine=mezzanine, title_key=title_key),
            **options(IO, "read the subtitles"),
        ),
    )
    log.spend("audio", audio.cpu_s + texts.cpu_s)
    if texts.count:
        log.note(f"{texts.count} subtitle tracks")


async def make_thumbnails(task: LadderTask, options: Options, log: TitleLog) -> None:
    """Makes thumbnails from a finished rendition."""
    made = await workflow.execute_activity_method(
        TrackActivities.make_thumbnails, task, **options(IO, "stills for seeking")
    )
    log.spend("package", made.cpu_s)
