"""SPEKE 2.0 over HTTPS: sends a CPIX document and returns the answer, and nothing else on any other terms.

Certificates are always verified, redirects never followed, proxies and ``.netrc`` never consulted, answers limited in
size. Source: SPEKE API v2; authentication: SigV4 in AWS's cloud, basic or digest over TLS elsewhere.
"""

import random
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from protection.errors import (
    KeyAnswerInvalid,
    KeyServiceFailed,
    KeyServiceForeign,
    KeyServiceRefused,
    KeysNotConfigured,
    ProtectionError,
)

VERSION = "2.0"
USER_AGENT = "pertitle"
LARGEST_ANSWER_BYTES = 1 << 20
PAUSES_S = (0.5, 2.0)
"""Before the second and third try, with jitter; after that the workflow engine tries again, later."""
_PLAIN_WORDS = re.compile(rb"[A-Za-z0-9 @,.:_'()/-]{1,120}\Z")
AuthKind = Literal["basic", "digest", "sigv4"]


@dataclass(frozen=True, slots=True)
class SpekeEndpoint:
    """Where the key server is."""

    url: str
    """``https://…/speke/v2.0/copyProtection``, without credentials and query."""
    ca_file: Path | None = None
    """Certificates of the authorities that we trust; without it: the system's."""
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        """Checks that nothing goes in the clear and nothing secret stands in an address."""
        url = httpx.URL(self.url)
        if url.scheme != "https" or not url.host or url.userinfo or url.query:
            raise KeysNotConfigured(
                "PERTITLE_SPEKE_URL", found=f"{url.scheme or 'no'} address", expected="https://host/path, nothing else"
            )


class SpekeClient:
    """Talks to one key server."""

    def __init__(
        self, endpoint: SpekeEndpoint, auth: httpx.Auth, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Takes the endpoint and what signs requests.

        Raises:
            KeysNotConfigured: if the CA file does not hold certificates.
        """
        self._endpoint = endpoint
        self._pause = pause
        self._client = httpx.Client(
            verify=_context(endpoint.ca_file),
            auth=auth,
            timeout=endpoint.timeout_s,
            follow_redirects=False,
            trust_env=False,
            headers={
                "Content-Type": "application/xml",
                "X-Speke-Version": VERSION,
                "X-Speke-User-Agent": USER_AGENT,
                "User-Agent": USER_AGENT,
            },
        )

    def exchange(self, document: bytes) -> bytes:
        """Sends a document and returns the answer's body; a silent server is asked up to three times.

        Raises:
            KeyServiceFailed: if it does not answer in time, or is overloaded.
            KeyServiceForeign: if its certificate is not one that we trust.
            KeyServiceRefused: if it refuses us or the document.
            KeyAnswerInvalid: if the answer is no SPEKE 2.0 answer.
        """
        for pause_s in PAUSES_S:
            try:
                return self._ask(document)
            except KeyServiceFailed:
                self._pause(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
        return self._ask(document)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _ask(self, document: bytes) -> bytes:
        with _coded(), self._client.stream("POST", self._endpoint.url, content=document) as answer:
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > LARGEST_ANSWER_BYTES:
                    raise _invalid(f"an answer of more than {LARGEST_ANSWER_BYTES} bytes")
        if answer.status_code != httpx.codes.OK:
            raise _refusal(answer.status_code, body)
        if answer.headers.get("X-Speke-Version") != VERSION:
            raise _invalid("no X-Speke-Version 2.0 in the answer")
        return body


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise KeysNotConfigured(f"CA file {ca_file}", found=str(error), expected="PEM certificates") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def _coded() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise KeyServiceFailed("key server", found="no answer in time", expected="an answer") from error
    except httpx.HTTPError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise KeyServiceForeign(
                "key server",
                found="a certificate that no authority of ours signed for this host",
                expected="a certificate that we trust",
                fix="give its authority in PERTITLE_SPEKE_CA_FILE",
            ) from error
        raise KeyServiceFailed("key server", found=type(error).__name__, expected="an answer") from error


def _refusal(status: int, body: bytes) -> ProtectionError:
    # Error texts of the SPEKE documents are plain words; anything else could be an echo of key material.
    words = body.strip()[:121]
    said = f", {words.decode()!r}" if _PLAIN_WORDS.match(words) else ""
    if status >= 500 or status in {408, 429}:
        return KeyServiceFailed("key server", found=f"HTTP {status}{said}", expected="an answer")
    fix = "check the credentials" if status in {401, 403} else "show this to whoever runs the key server"
    return KeyServiceRefused("key server", found=f"HTTP {status}{said}", expected="HTTP 200", fix=fix)


def _invalid(found: str) -> KeyAnswerInvalid:
    return KeyAnswerInvalid("key server", found=found, expected="a SPEKE 2.0 answer")
