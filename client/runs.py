"""One title from a command line to its receipt: upload, submit, watch, wait."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.live_view import LiveView
from client.output import notes, print_json_line
from client.requests import prepare_request
from client.session import Session
from client.titles import Handle, Submission, receipt_of, submit_title
from client.watching import watch_title
from domain.progress import TitleProgress
from domain.release import TitleReceipt
from domain.request import TitleRequest


@dataclass(frozen=True, slots=True)
class SubmittedTitle:
    """A request and what became of it."""

    request: TitleRequest
    submission: Submission


async def upload_and_submit(session: Session, source: str, content: dict[str, Any]) -> SubmittedTitle:
    """Uploads the source where it is a local file, and submits the title.

    Raises:
        BadRequest: if the request breaks a rule.
        SourceNotFound: if there is no such file.
        StorageError: if the upload fails.
    """
    size_bytes = 0 if source.startswith("s3://") else await asyncio.to_thread(_size_of, Path(source))
    with LiveView() as view:
        request = await prepare_request(
            session, source, content, on_progress=lambda done: view.show_upload(done, size_bytes)
        )
    return SubmittedTitle(request, await submit_title(session.temporal, request))


async def watch_to_end(session: Session, handle: Handle, title_id: str, *, json_lines: bool = False) -> TitleReceipt:
    """Shows how far a title is until it has ended, and returns what it made.

    Raises:
        TitleFailed: if it failed.
        TitleCanceled: if somebody canceled it.
    """
    last: TitleProgress | None = None
    with LiveView() as view:
        async for progress in watch_title(session.temporal, handle, title_id):
            if json_lines and progress != last:
                print_json_line(progress.model_dump(mode="json"))
            last = progress
            view.show(progress)
    return await receipt_of(handle, title_id)


def say_what_submission_did(submitted: SubmittedTitle) -> None:
    """Tells a person whether the title started now or had been submitted before."""
    title_id = submitted.request.title_id
    words = "submitted" if submitted.submission.is_new else "joined (the same request was submitted before)"
    notes().print(f"{title_id}: {words}", markup=False)


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
