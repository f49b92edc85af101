"""Which sealed key set a release was packaged with: public, and kept apart from the release, which players read."""

from domain.release import ReleaseReference
from domain.values import Sha256, Value, digest_of
from storage.results import ResultStore

_KIND = "release-keys"


class KeySetPointer(Value):
    """The name of a key set in the keys bucket."""

    key_set: str


def keep_key_set(results: ResultStore, release: ReleaseReference, key_set: str) -> None:
    """Notes the key set of a release; a clear one (an empty name) has none."""
    if key_set:
        results.keep(_KIND, _release_key(release.title_id, release.release_id), KeySetPointer(key_set=key_set))


def find_key_set(results: ResultStore, title_id: str, release_id: str) -> str | None:
    """Returns the name of the key set of a release, or ``None`` if nobody noted it.

    Raises:
        BrokenDocument: if the note was written by another version.
    """
    found = results.find(_KIND, _release_key(title_id, release_id), KeySetPointer)
    return None if found is None else found.key_set


def _release_key(title_id: str, release_id: str) -> Sha256:
    return digest_of({"title_id": title_id, "release_id": release_id})
