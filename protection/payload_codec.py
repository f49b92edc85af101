"""Temporal's converter and codec: what the server keeps, shows and logs is sealed; failures and their traces, too.

Not sealed, because Temporal itself reads them: workflow ids (with title ids), types, queues, search attributes (title
id, priority, stage, percent done), times, and error codes (the types of failures).
"""

from collections.abc import Sequence
from dataclasses import replace

from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from protection.payload_keys import PayloadKeys

ENCODING = b"binary/encrypted"
CIPHER = b"AES-256-GCM"


class SealedPayloads(PayloadCodec):
    """Seals payloads where there is a key; opens what is sealed and lets everything else pass.

    Payloads in the clear are read: so a system that runs can be switched on, and old histories stay readable.
    """

    def __init__(self, keys: PayloadKeys) -> None:
        """Takes the keys."""
        self._keys = keys

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Returns the payloads, sealed if there is a key."""
        key_id = self._keys.sealing_id
        return list(payloads) if key_id is None else [self._sealed(item, key_id) for item in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Returns the payloads, opened.

        Raises:
            PayloadUnreadable: if one is sealed under a key that we do not have, or was changed.
        """
        return [self._opened(item) for item in payloads]

    def _sealed(self, payload: Payload, key_id: str) -> Payload:
        metadata = {"encoding": ENCODING, "encryption-cipher": CIPHER, "encryption-key-id": key_id.encode()}
        return Payload(metadata=metadata, data=self._keys.seal(payload.SerializeToString()))

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get("encryption-key-id", b"").decode("ascii", "replace")
        return Payload.FromString(self._keys.open(key_id, payload.data))


def data_converter(keys: PayloadKeys) -> DataConverter:
    """Returns the converter of every client and worker: pydantic values, sealed if there is a key."""
    converter = replace(pydantic_data_converter, payload_codec=SealedPayloads(keys))
    if keys.sealing_id is None:
        return converter
    return replace(converter, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)
