"""From a release, or a folder, to what the preview serves."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from domain.release import ReleaseManifest
from domain.result import TitleResult
from portal.errors import FolderProtected, NotAPresentation
from portal.preview.facts import ShownFacts, shown_rungs
from portal.preview.files import FolderFiles, PresentationFiles, ReleaseFiles
from portal.preview.license_keys import LicenseKeys, open_license_keys
from storage.object_store import ObjectStore
from storage.release_layout import reference_to

_MPD, _MULTIVARIANT = "manifest.mpd", "multivariant.m3u8"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One presentation with what is known of it."""

    facts: ShownFacts
    files: PresentationFiles
    keys: LicenseKeys


def release_shelf(
    store: ObjectStore, manifest: ReleaseManifest, *, key_file: Path | None, folder: Path, result: TitleResult | None
) -> Shelf:
    """Returns a published release.

    Args:
        store: Where it lies.
        manifest: Its seal.
        key_file: The local key-encryption key.
        folder: For files that are fetched while they are played.
        result: The result document of this release, if there is one.

    Raises:
        ProtectionError: if the content keys cannot be opened.
        ReleaseKeysUnknown: if this key store does not have them.
        StorageError: if the MPD cannot be read.
        NotAPresentation: if the release has no MPD.
    """
    keys = open_license_keys(store, manifest, key_file)
    reference = reference_to(store.buckets.releases, manifest.title_id, manifest.release_id)
    files = ReleaseFiles(store, reference, manifest, folder)
    facts = ShownFacts(
        heading=manifest.title_id,
        release_id=manifest.release_id,
        release_uri=reference.release_uri,
        scheme=manifest.scheme,
        manifests={"dash": manifest.dash, "hls": manifest.hls},
        kids=tuple(item.kid for item in manifest.keys),
        metric=result.metric if result else "",
        rungs=shown_rungs(_mpd_text(files, manifest.dash, manifest.release_id), result),
    )
    return Shelf(facts, files, keys)


def holds_presentation(folder: Path) -> bool:
    """Tells whether a path is a folder that is meant as a presentation: it has a manifest, or its path says so."""
    return folder.is_dir() and (_root_of(folder) is not None or len(folder.parts) != 1)


def folder_shelf(folder: Path) -> Shelf:
    """Returns a presentation in the clear that lies in a folder, or in its ``presentation`` beside a ``result.json``.

    Raises:
        NotAPresentation: if there is no MPD.
        FolderProtected: if it is protected.
    """
    root = _root_of(folder)
    if root is None:
        raise NotAPresentation(str(folder), found=f"no {_MPD}", expected="a presentation", fix="name its folder")
    files = FolderFiles(root)
    mpd = _mpd_text(files, _MPD, str(folder))
    if "ContentProtection" in mpd:
        raise FolderProtected(
            str(folder),
            found="a protected presentation",
            expected="one in the clear",
            fix="play it by its title id: `pertitle play ID`",
        )
    result = _result_beside(root)
    hls = {"hls": _MULTIVARIANT} if (root / _MULTIVARIANT).is_file() else {}
    facts = ShownFacts(
        heading=result.title_id if result else folder.resolve().name,
        release_id=result.release_id if result else "",
        scheme="clear",
        manifests={"dash": _MPD, **hls},
        metric=result.metric if result else "",
        rungs=shown_rungs(mpd, result),
    )
    return Shelf(facts, files, LicenseKeys({}))


def _root_of(folder: Path) -> Path | None:
    return next((root for root in (folder, folder / "presentation") if (root / _MPD).is_file()), None)


def _result_beside(root: Path) -> TitleResult | None:
    try:
        return TitleResult.model_validate_json((root.parent / "result.json").read_bytes())
    except (OSError, ValidationError):
        return None


def _mpd_text(files: PresentationFiles, path: str, where: str) -> str:
    found = files.find(path)
    if found is None:
        raise NotAPresentation(where, found=f"no {path}", expected="an MPD")
    return found.path.read_text("utf-8")
