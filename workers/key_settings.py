"""Settings of key providers; a part of :class:`workers.settings.Settings`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from protection.encryption_contract import AudioContract, VideoContract
from protection.speke_client import AuthKind


class KeySettings(BaseSettings):
    """Who has the content keys, and how to reach them. Secrets are files that only we can read, never values."""

    model_config = SettingsConfigDict(frozen=True, use_attribute_docstrings=True)

    key_provider: Literal["local", "kms", "speke"] = "local"
    """Who has the content keys: ``local`` (``PERTITLE_KEK_FILE``), ``kms`` (AWS KMS) or ``speke`` (a key server). For
    the ``io`` worker."""
    payload_key_file: Path | None = None
    """File (mode 0600) with the keys that seal what Temporal keeps, one ``ID HEX`` a line; the first seals, all open.
    The same for all workers, clients and the portal. Without it nothing is sealed."""
    kek_file: Path | None = None
    """File with the local key-encryption key that seals content keys. Needed by the ``io`` worker if keys are local."""
    kms_key_id: str = ""
    """Id, ARN or alias of the symmetric KMS key that seals content keys. Credentials come from the AWS chain."""
    kms_region: str = "us-east-1"
    """Region of the KMS key."""
    kms_endpoint_url: str | None = None
    """Address of the KMS. Without it: AWS."""
    speke_url: str = ""
    """Address of the key server, ``https://host/path`` without credentials and query."""
    speke_ca_file: Path | None = None
    """Certificates (PEM) of the authorities that may vouch for the key server. Without it: the system's."""
    speke_auth: AuthKind = "basic"
    """How the key server knows us: ``basic`` or ``digest`` (a user), or ``sigv4`` (the AWS chain)."""
    speke_credentials_file: Path | None = None
    """File with one line, ``user:password``, for ``basic`` and ``digest``; mode 0600."""
    speke_region: str = "us-east-1"
    """Region that requests are signed for, with ``sigv4``."""
    speke_delivery_key_file: Path | None = None
    """File (PEM, mode 0600) with certificate and RSA key; if set, content keys must come encrypted for it."""
    speke_video_contract: VideoContract = "VIDEO-4"
    """Which pictures share a key: a preset's name. Ours tell SD, HD, UHD1 and UHD2 apart, so ``VIDEO-1`` to ``VIDEO-4``
    and ``SHARED`` fit."""
    speke_audio_contract: AudioContract = "AUDIO-1"
    """Which sounds share a key: ``AUDIO-1``, or ``SHARED`` with ``SHARED``."""
    speke_timeout_s: float = Field(default=10.0, gt=0, le=120)
    """Seconds to wait for the key server to connect, and for each part of its answer."""
