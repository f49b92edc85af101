"""The SPEKE key provider: a DRM vendor's key server has the keys; we keep what tells whether they are still the same.

KIDs are ours and follow from the key set's name, so that a retry asks for the same keys; the key server answers the
same request with the same keys (SPEKE API v2). A small record with check values, which the first writer wins,
holds it to that: a release must not change its keys behind its name.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from typing import Literal, Protocol

from pydantic import Field, ValidationError

from domain.drm import DrmSystem
from domain.tracks import KeyLabel
from domain.values import Value, canonical_json
from protection.cpix import KeyRequest, WantedKey, write_request
from protection.cpix_answer import KeyAnswer, parse_answer
from protection.cpix_delivery import DeliveryKey
from protection.encryption_contract import EncryptionContract, TrackType
from protection.errors import BrokenRecord, KeysChanged, SchemeMismatch
from protection.key_set import LABELS, KeyOrigin, KeySet, Scheme
from protection.provider import SealedRecords
from protection.sealed_keys import record_address
from protection.secret_bytes import ContentKey, SecretBytes

DEFAULT_SYSTEMS: tuple[DrmSystem, ...] = ("widevine", "playready", "fairplay")


class SpekeCalls(Protocol):
    """What sends a document to a key server."""

    def exchange(self, document: bytes) -> bytes:
        """Returns the answer's body."""
        ...


class SpekeKeySet(Value):
    """The record of a key set that a key server has: public facts only."""

    schema_name: Literal["pertitle/speke-key-set/v1"] = Field(default="pertitle/speke-key-set/v1", alias="schema")
    name: str
    scheme: Scheme
    contract: str
    checks: dict[str, str]
    """KID → first 16 hexadecimal digits of an HMAC under its content key; tells nothing else about it."""


class SpekeKeyProvider:
    """Asks a key server for key sets."""

    provider_name = "speke"

    def __init__(
        self,
        client: SpekeCalls,
        records: SealedRecords,
        contract: EncryptionContract,
        *,
        systems: tuple[DrmSystem, ...] = DEFAULT_SYSTEMS,
        delivery_key: DeliveryKey | None = None,
    ) -> None:
        """Takes what sends, where records are kept, and what is asked for.

        Args:
            client: Sends documents.
            records: Where check values are kept.
            contract: Which tracks share a key.
            systems: License systems to ask signaling for.
            delivery_key: If given, content keys must come encrypted for it.
        """
        self._client = client
        self._records = records
        self._contract = contract
        self._systems = systems
        self._delivery_key = delivery_key

    def open_or_create_key_set(self, name: str, scheme: Scheme, labels: Collection[KeyLabel] = LABELS) -> KeySet:
        """Returns the keys of a name, as the key server has them.

        Args:
            name: Derived from the content that is protected; the key server gets it as content id.
            scheme: ``cbcs`` or ``cenc``.
            labels: Which keys are asked for.

        Raises:
            BadKeySetName: if the name is no such name.
            ContractUnmet: if the contract gives a label several keys, or none.
            KeyServiceFailed: if the server does not answer.
            KeyServiceForeign: if its certificate is not one that we trust.
            KeyServiceRefused: if it refuses us.
            KeyAnswerInvalid: if its answer is not what was asked for.
            KeysChanged: if it gave other keys for this name before.
            SchemeMismatch: if the key set was made for the other scheme.
        """
        address = record_address("speke-key-sets", name)
        groups = self._contract.types_of(labels)
        request = self._request(name, scheme, groups)
        self._require_scheme(self._recorded(address, name), scheme)
        answer = parse_answer(self._client.exchange(write_request(request)), request, self._delivery_key)
        self._require_same(address, request, answer)
        kids = {label: kid_of(name, scheme, group) for label, group in groups.items()}
        return KeySet(
            name,
            scheme,
            keys={label: answer.keys[kid] for label, kid in kids.items()},
            kids=kids,
            iv_seed=_iv_seed(answer.keys),
            origin=KeyOrigin(self.provider_name, answer.signals),
        )

    def _request(self, name: str, scheme: Scheme, groups: Mapping[KeyLabel, TrackType]) -> KeyRequest:
        wanted = [group for group in self._contract.track_types if group in groups.values()]
        keys = tuple(WantedKey(kid_of(name, scheme, group), group) for group in wanted)
        certificate = self._delivery_key.certificate if self._delivery_key else b""
        return KeyRequest(name, scheme, keys, self._systems, certificate)

    def _recorded(self, address: str, name: str) -> SpekeKeySet | None:
        content = self._records.get(address)
        try:
            return None if content is None else SpekeKeySet.model_validate_json(content)
        except ValidationError:
            raise BrokenRecord(
                f"key set {name}", found="it does not parse", expected="a pertitle/speke-key-set/v1 record"
            ) from None

    def _require_scheme(self, record: SpekeKeySet | None, scheme: Scheme) -> None:
        if record is not None and record.scheme != scheme:
            raise SchemeMismatch(
                f"key set {record.name}",
                found=record.scheme,
                expected=scheme,
                fix="a key set serves one scheme: make the scheme a part of its name",
            )

    def _require_same(self, address: str, request: KeyRequest, answer: KeyAnswer) -> None:
        checks = {kid: _check_value(key) for kid, key in answer.keys.items()}
        ours = SpekeKeySet(name=request.content_id, scheme=request.scheme, contract=str(self._contract), checks=checks)
        self._records.put_if_absent(address, canonical_json(ours))
        first = self._recorded(address, request.content_id)
        if first is None or first.checks != checks:
            raise KeysChanged(
                f"key set {request.content_id}",
                found="other keys than the first time",
                expected="the same answer to the same request",
                fix="ask whoever runs the key server, or publish under a new key_generation",
            )


def kid_of(name: str, scheme: Scheme, group: TrackType) -> str:
    """Returns the KID of a group of tracks: a UUID of version 8 (RFC 9562) that follows from its place."""
    digest = bytearray(hashlib.sha256(canonical_json(["pertitle/kid/v1", name, scheme, group.name])).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def _check_value(key: ContentKey) -> str:
    return hmac.new(key.reveal(), b"pertitle/key-check/v1", hashlib.sha256).hexdigest()[:16]


def _iv_seed(keys: Mapping[str, ContentKey]) -> SecretBytes:
    """Returns a seed that is the same for the same keys; it tells nothing about them."""
    together = hashlib.sha256(b"".join(keys[kid].reveal() for kid in sorted(keys))).digest()
    return SecretBytes(hmac.new(together, b"pertitle/iv-seed/v1", hashlib.sha256).digest())
