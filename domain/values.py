"""Frozen pydantic values, their canonical JSON and their digests."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""


class Value(BaseModel):
    """An immutable value; unknown fields are tolerated so that older code reads newer documents."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        populate_by_name=True,
        serialize_by_alias=True,
    )


class StrictValue(BaseModel):
    """An immutable value written by people: an unknown field is an error, because it is a typing mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def canonical_json(content: BaseModel | dict[str, Any] | list[Any]) -> bytes:
    """Returns the one JSON text of a value: sorted keys, no spaces, UTF-8."""
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(content: BaseModel | dict[str, Any] | list[Any]) -> str:
    """Returns the SHA-256 of a value's canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(content)).hexdigest()
