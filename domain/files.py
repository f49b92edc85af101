"""How payloads point at media: by reference, never by bytes or local path."""

from pydantic import Field

from domain.values import Sha256, Value


class StoredFile(Value):
    """An object in the store, with what proves that it is the right one."""

    uri: str = Field(pattern=r"^s3://[^/]+/.+$")
    """``s3://bucket/key``."""
    sha256: Sha256
    size_bytes: int = Field(ge=0)
