"""Results are checkpoints: the first writer wins, and all go on with what was kept. Against the real server."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest

from domain.files import StoredFile
from domain.values import Value, canonical_json
from storage.addresses import ObjectAddress, parse_address, result_key
from storage.errors import BrokenDocument, DigestMismatch
from storage.object_store import ObjectStore
from storage.results import ResultStore

pytestmark = pytest.mark.slow


class Measured(Value):
    """A result as the pipeline has them: references, exact fractions, long tuples."""

    file: StoredFile
    frame_rate: Fraction
    sizes_bytes: tuple[int, ...]


class Other(Value):
    """Another document."""

    name: str


@pytest.fixture
def results(store: ObjectStore) -> ResultStore:
    return ResultStore(store)


@pytest.fixture
def key() -> str:
    return secrets.token_hex(32)


def _measured(first: int = 1) -> Measured:
    file = StoredFile(uri="s3://work/x", sha256="a" * 64, size_bytes=1)
    return Measured(file=file, frame_rate=Fraction(24000, 1001), sizes_bytes=tuple(range(first, first + 1000)))


def test_what_was_never_kept_is_not_found(results: ResultStore, key: str) -> None:
    assert results.find("encodes", key, Measured) is None


def test_a_kept_result_is_found_as_it_was(results: ResultStore, store: ObjectStore, key: str) -> None:
    assert results.keep("encodes", key, _measured()) == _measured()
    assert results.find("encodes", key, Measured) == _measured()
    assert results.find("scores", key, Measured) is None
    facts = store.head(ObjectAddress(store.buckets.work, result_key("encodes", key)))
    assert facts is not None
    assert facts.content_type == "application/json"


def test_the_first_writer_wins(results: ResultStore, key: str) -> None:
    results.keep("encodes", key, _measured(1))
    assert results.keep("encodes", key, _measured(2)) == _measured(1)
    assert results.find("encodes", key, Measured) == _measured(1)


def test_many_writers_at_once_agree(results: ResultStore, key: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda index: results.keep("encodes", key, _measured(index)).sizes_bytes[0], range(24)))
    assert len(set(kept)) == 1


def test_a_result_that_is_another_document_is_named(results: ResultStore, key: str) -> None:
    results.keep("encodes", key, Other(name="x"))
    with pytest.raises(BrokenDocument, match=r"STO-007.*file: Field required.*a Measured document"):
        results.find("encodes", key, Measured)


def test_a_document_comes_back_and_lies_under_its_digest(results: ResultStore, store: ObjectStore) -> None:
    document = _measured(secrets.randbelow(1 << 40))
    stored = results.put_document(document)
    assert store.read_bytes(stored) == canonical_json(document)
    assert results.read_document(stored, Measured) == document
    assert results.put_document(document) == stored


def test_the_last_documents_are_remembered_and_older_ones_are_read_again(store: ObjectStore) -> None:
    results = ResultStore(store, remembered_documents=2)
    documents = [_measured(secrets.randbelow(1 << 40)) for _ in range(3)]
    stored = [results.put_document(document) for document in documents]
    read = [results.read_document(item, Measured) for item in stored]
    assert results.read_document(stored[1], Measured) is read[1]
    assert results.read_document(stored[2], Measured) is read[2]
    again = results.read_document(stored[0], Measured)
    assert again == read[0]
    assert again is not read[0]


def test_a_document_is_remembered_by_what_it_was_read_as(results: ResultStore) -> None:
    stored = results.put_document(Other(name=secrets.token_hex(8)))
    assert isinstance(results.read_document(stored, Other), Other)
    with pytest.raises(BrokenDocument):
        results.read_document(stored, Measured)


def test_a_changed_document_is_refused(results: ResultStore, store: ObjectStore) -> None:
    stored = results.put_document(Other(name=secrets.token_hex(8)))
    address = parse_address(stored.uri)
    store._client.put_object(Bucket=address.bucket, Key=address.key, Body=b'{"name":"changed"}')
    with pytest.raises(DigestMismatch):
        ResultStore(store).read_document(stored, Other)
