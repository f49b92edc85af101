"""What a finished title leaves on disk: ``result.json``, ``report.html`` and ``presentation/``, every byte proved."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from client.session import Session
from domain.files import StoredFile
from domain.release import TitleReceipt
from domain.result import TitleResult
from storage.object_store import ObjectStore
from storage.release_reader import fetch_release


@dataclass(frozen=True, slots=True)
class FetchedTitle:
    """A title on the local disk."""

    result_file: Path
    report_file: Path
    presentation_dir: Path
    result: TitleResult


async def fetch_title(session: Session, receipt: TitleReceipt, out_dir: Path) -> FetchedTitle:
    """Fetches everything that a title made into a folder; the release's every object is checked by digest.

    Raises:
        StorageError: if something is missing, or is not what the release says.
    """
    return await asyncio.to_thread(_fetch_title, session.store, receipt, out_dir)


def read_result(store: ObjectStore, receipt: TitleReceipt) -> TitleResult:
    """Returns the result document of a title.

    Raises:
        StorageError: if it is missing or damaged.
    """
    return TitleResult.model_validate_json(store.read_bytes(receipt.result))


def fetch_file(store: ObjectStore, stored: StoredFile, path: Path) -> Path:
    """Writes an object to a path, whole or not at all; what lies there is replaced.

    Raises:
        StorageError: if it is missing or damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(store.read_bytes(stored))
    return partial.replace(path)


def _fetch_title(store: ObjectStore, receipt: TitleReceipt, out_dir: Path) -> FetchedTitle:
    fetch_release(store, receipt.release, out_dir / "presentation")
    report = fetch_file(store, receipt.report, out_dir / "report.html")
    # The result comes last: where it lies, everything else does too.
    path = fetch_file(store, receipt.result, out_dir / "result.json")
    return FetchedTitle(path, report, out_dir / "presentation", TitleResult.model_validate_json(path.read_bytes()))
