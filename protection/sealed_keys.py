"""Random keys, sealed, kept as records that the first writer wins: what local and KMS providers have in common."""

import re
import secrets
from collections.abc import Callable, Collection

from pydantic import ValidationError

from domain.tracks import KeyLabel, RecordedLabel
from domain.values import canonical_json
from protection.errors import BadKeySetName, BrokenRecord, SchemeMismatch
from protection.key_set import LABELS, KeyOrigin, KeySet, Scheme
from protection.provider import SealedRecords
from protection.sealing import SealedKey, SealedKeySet, SecretSealer, place_of_iv_seed, place_of_key
from protection.secret_bytes import ContentKey, SecretBytes

IV_SEED_BYTES = 32
LABELS_BEFORE: tuple[RecordedLabel, ...] = ("SD", "HD", "UHD", "AUDIO")
"""Labels of a v1 record. Its ``UHD`` key goes on to protect all video above HD of that title."""
_LABELS_OF: dict[str, tuple[RecordedLabel, ...]] = {"pertitle/key-set/v1": LABELS_BEFORE, "pertitle/key-set/v2": LABELS}
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{7,127}"


class SealedKeyProvider:
    """Makes key sets and opens them again; a sealer of the provider's own kind closes them."""

    def __init__(
        self, records: SealedRecords, sealer: SecretSealer, *, draw: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Takes where sealed key sets are kept, what seals them, and the source of random bytes.

        Another source than the system's is for tests only, which need a release to come out the same twice.
        """
        self._records = records
        self._sealer = sealer
        self._draw = draw

    @property
    def provider_name(self) -> str:
        """Which kind of provider this is."""
        return self._sealer.provider_name

    def open_or_create_key_set(self, name: str, scheme: Scheme, labels: Collection[KeyLabel] = LABELS) -> KeySet:
        """Returns the key set of a name; it is made at the first call, and the same for ever after.

        A step that runs twice, also at the same time, gets the same keys: the first record counts, and everybody
        reads it back.

        Args:
            name: Derived from the content that is protected, so that other content gets other keys (see
                :class:`protection.key_set.KeySet`). Letters, digits, ``-`` and ``_``, 8 to 128 characters.
            scheme: ``cbcs`` or ``cenc``.
            labels: Does not matter: a sealed set has every key, so that a second look never adds one.

        Raises:
            BadKeySetName: if the name is no such name.
            WrongKey: if the record was sealed under another key-encryption key.
            TamperedRecord: if the record was changed or moved.
            BrokenRecord: if the record does not parse or lacks keys.
            SchemeMismatch: if the key set was made for the other scheme.
            KeyServiceFailed: if the sealer needs a service, and that does not answer.
        """
        del labels
        address = record_address("key-sets", name)
        content = self._records.get(address)
        if content is None:
            self._records.put_if_absent(address, canonical_json(self._new_record(name, scheme)))
            content = self._records.get(address)
        return self._opened(_parsed(content, name), name, scheme)

    def _new_record(self, name: str, scheme: Scheme) -> SealedKeySet:
        seed = SecretBytes(self._draw(IV_SEED_BYTES))
        return SealedKeySet(
            name=name,
            scheme=scheme,
            sealing_key=self._sealer.fingerprint,
            keys=tuple(self._new_key(name, scheme, label) for label in LABELS),
            iv_seed=self._sealer.seal(seed, place_of_iv_seed(name, scheme)),
        )

    def _new_key(self, name: str, scheme: Scheme, label: KeyLabel) -> SealedKey:
        kid = self._draw(16).hex()
        key = ContentKey(self._draw(ContentKey.SIZE_BYTES))
        return SealedKey(label=label, kid=kid, sealed=self._sealer.seal(key, place_of_key(name, scheme, label, kid)))

    def _opened(self, record: SealedKeySet, name: str, scheme: Scheme) -> KeySet:
        self._sealer.require_ours(record)
        if sorted(item.label for item in record.keys) != sorted(_LABELS_OF[record.schema_name]):
            raise _broken(name, "not one key for each label")
        # Opened with the name asked for and the scheme recorded: the additional data proves both before we use them.
        opened = {item.label: self._open_key(item, name, record.scheme) for item in record.keys}
        seed = self._sealer.open(record.iv_seed, place_of_iv_seed(name, record.scheme))
        if record.scheme != scheme:
            raise SchemeMismatch(
                f"key set {name}",
                found=record.scheme,
                expected=scheme,
                fix="a key set serves one scheme: make the scheme a part of its name",
            )
        kids = {item.label: item.kid for item in record.keys}
        recorded = {label: recorded_label(label, opened) for label in LABELS}
        return KeySet(
            name,
            scheme,
            keys={label: opened[was] for label, was in recorded.items()},
            kids={label: kids[was] for label, was in recorded.items()},
            iv_seed=seed,
            origin=KeyOrigin(self.provider_name),
        )

    def _open_key(self, item: SealedKey, name: str, scheme: Scheme) -> ContentKey:
        secret = self._sealer.open(item.sealed, place_of_key(name, scheme, item.label, item.kid))
        if len(secret) != ContentKey.SIZE_BYTES:
            raise _broken(name, f"a content key of {len(secret)} bytes")
        return ContentKey(secret.reveal())


def recorded_label(label: KeyLabel, recorded: Collection[RecordedLabel]) -> RecordedLabel:
    """Returns the label under which a record holds the key of a label."""
    return label if label in recorded else "UHD"


def record_address(folder: str, name: str) -> str:
    """Returns where the record of a key set is kept.

    Raises:
        BadKeySetName: if the name is no such name.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise BadKeySetName("key set", found=repr(name[:140]), expected=f"a name like {NAME_PATTERN}")
    return f"{folder}/{name}.json"


def _parsed(content: bytes | None, name: str) -> SealedKeySet:
    try:
        return SealedKeySet.model_validate_json(content or b"")
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in fault["loc"]) or "record" for fault in error.errors())
        raise _broken(name, f"it does not parse at {places}") from None


def _broken(name: str, found: str) -> BrokenRecord:
    return BrokenRecord(
        f"key set {name}",
        found=found,
        expected="a pertitle/key-set record as it was written",
        fix="restore the record from a backup; if there is none, publish the title anew under new keys",
    )
