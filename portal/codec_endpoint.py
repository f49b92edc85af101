"""Opens and seals payloads for the Temporal UI and CLI, which do not have our keys.

It stands on loopback, answers to loopback's names only, and its address has a secret part that follows from the key
file: whoever cannot read the keys cannot guess it. Of web pages, only those of the Temporal UI may read its answers.
Source: Temporal, "Codec Server" (``POST /encode`` and ``/decode``, a JSON list of payloads).
"""

import hmac
from typing import Literal
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Request, Response
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from starlette.middleware.cors import CORSMiddleware
from temporalio.api.common.v1 import Payloads

from protection.errors import PayloadUnreadable
from protection.payload_codec import SealedPayloads
from protection.payload_keys import PayloadKeys

LARGEST_BODY_BYTES = 8 << 20
"""The UI sends a page of a history at once; payloads are below 1 KB each."""


def create_codec_endpoint(keys: PayloadKeys, ui_url: str) -> FastAPI:
    """Returns the endpoint, to be mounted at ``/codec``; ``/codec/TOKEN`` is what the UI is given as its address.

    Args:
        keys: At least one key.
        ui_url: The Temporal UI's address; empty for no pages at all.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=_origins(ui_url),
        allow_methods=["POST"],
        allow_headers=["content-type", "x-namespace", "authorization"],
        allow_credentials=False,
    )
    codec = SealedPayloads(keys)

    @app.post("/{token}/{direction}")
    async def convert(token: str, direction: Literal["encode", "decode"], request: Request) -> Response:
        if not hmac.compare_digest(token.encode(), keys.endpoint_token.encode()):
            raise HTTPException(404)
        payloads = await _payloads_of(request)
        try:
            converted = await (codec.encode if direction == "encode" else codec.decode)(list(payloads.payloads))
        except PayloadUnreadable as error:
            raise HTTPException(422, str(error)) from None
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(MessageToJson(Payloads(payloads=converted)), media_type="application/json", headers=headers)

    return app


async def _payloads_of(request: Request) -> Payloads:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY_BYTES:
            raise HTTPException(413)
    try:
        return Parse(body, Payloads())
    except (ParseError, UnicodeDecodeError):
        raise HTTPException(400, "no JSON list of payloads") from None


def _origins(ui_url: str) -> list[str]:
    """Returns the UI's origin, under both of loopback's names."""
    if not ui_url:
        return []
    parts = urlsplit(ui_url)
    names = (
        {parts.hostname, "127.0.0.1", "localhost"} if parts.hostname in {"127.0.0.1", "localhost"} else {parts.hostname}
    )
    port = f":{parts.port}" if parts.port else ""
    return sorted(f"{parts.scheme}://{name}{port}" for name in names)
