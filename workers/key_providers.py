"""The key provider that the settings name."""

from pathlib import Path

import boto3
import httpx
from botocore.config import Config

from protection.cpix_delivery import load_delivery_key
from protection.encryption_contract import EncryptionContract
from protection.errors import KeysNotConfigured
from protection.kms_keys import KmsSealer
from protection.local_keys import LocalKeyProvider
from protection.provider import KeyProvider, SealedRecords
from protection.sealed_keys import SealedKeyProvider
from protection.speke_auth import basic_auth, digest_auth, sigv4_auth
from protection.speke_client import SpekeClient, SpekeEndpoint
from protection.speke_keys import SpekeKeyProvider
from workers.key_settings import KeySettings

_KMS_CALLS = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})


def open_key_provider(settings: KeySettings, records: SealedRecords) -> KeyProvider | None:
    """Returns the key provider of this worker, ``None`` if it is the local one and has no key file.

    Raises:
        UnsafeKeyFile: if others can read a secret file.
        KeysNotConfigured: if a setting is missing or wrong.
        ContractUnmet: if the two encryption contracts do not go together.
    """
    if settings.key_provider == "kms":
        return _kms(settings, records)
    if settings.key_provider == "speke":
        return _speke(settings, records)
    return LocalKeyProvider(records, settings.kek_file) if settings.kek_file else None


def _kms(settings: KeySettings, records: SealedRecords) -> KeyProvider:
    if not settings.kms_key_id:
        raise _missing("PERTITLE_KMS_KEY_ID")
    kms = boto3.client(
        "kms", region_name=settings.kms_region, endpoint_url=settings.kms_endpoint_url, config=_KMS_CALLS
    )
    return SealedKeyProvider(records, KmsSealer(kms, settings.kms_key_id))


def _speke(settings: KeySettings, records: SealedRecords) -> KeyProvider:
    if not settings.speke_url:
        raise _missing("PERTITLE_SPEKE_URL")
    endpoint = SpekeEndpoint(settings.speke_url, settings.speke_ca_file, settings.speke_timeout_s)
    key_file = settings.speke_delivery_key_file
    return SpekeKeyProvider(
        SpekeClient(endpoint, _auth(settings)),
        records,
        EncryptionContract(settings.speke_video_contract, settings.speke_audio_contract),
        delivery_key=load_delivery_key(key_file) if key_file else None,
    )


def _auth(settings: KeySettings) -> httpx.Auth:
    if settings.speke_auth == "sigv4":
        return sigv4_auth(settings.speke_region)
    file = _required(settings.speke_credentials_file, "PERTITLE_SPEKE_CREDENTIALS_FILE")
    return digest_auth(file) if settings.speke_auth == "digest" else basic_auth(file)


def _required(path: Path | None, name: str) -> Path:
    if path is None:
        raise _missing(name)
    return path


def _missing(name: str) -> KeysNotConfigured:
    return KeysNotConfigured("key provider", found=f"{name} is not set", expected="what docs/settings.md says")
