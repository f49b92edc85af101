"""How we prove to a key server who we are. Secrets come from a file that only we can read, or from AWS's chain."""

from collections.abc import Generator
from pathlib import Path

import botocore.session
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from protection.errors import KeysNotConfigured
from protection.key_file import read_private_file

SIGNED_SERVICE = "execute-api"
"""Key servers in AWS's cloud stand behind API Gateway. Source: SPEKE, "Authentication for AWS cloud"."""


class SigV4(httpx.Auth):
    """Signs requests with AWS Signature Version 4."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._signer = SigV4Auth(credentials, SIGNED_SERVICE, region)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Adds the signature's headers."""
        headers = {"Content-Type": request.headers["Content-Type"], "Host": request.url.netloc.decode()}
        signed = AWSRequest(method=request.method, url=str(request.url), data=request.content, headers=headers)
        self._signer.add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request


def basic_auth(credentials_file: Path) -> httpx.Auth:
    """Returns basic authentication (RFC 7617) from a file with one line, ``user:password``.

    Raises:
        UnsafeKeyFile: if others can read the file.
        KeysNotConfigured: if it does not hold such a line.
    """
    return httpx.BasicAuth(*_user_and_password(credentials_file))


def digest_auth(credentials_file: Path) -> httpx.Auth:
    """Returns digest authentication (RFC 7616) from a file with one line, ``user:password``.

    Raises:
        UnsafeKeyFile: if others can read the file.
        KeysNotConfigured: if it does not hold such a line.
    """
    return httpx.DigestAuth(*_user_and_password(credentials_file))


def sigv4_auth(region: str) -> httpx.Auth:
    """Returns AWS signatures with the credentials of the standard AWS chain (role, file, environment).

    Raises:
        KeysNotConfigured: if the chain has none.
    """
    credentials = botocore.session.get_session().get_credentials()
    if credentials is None:
        raise KeysNotConfigured("SPEKE with SigV4", found="no AWS credentials", expected="a role or credentials file")
    return SigV4(credentials, region)


def _user_and_password(path: Path) -> tuple[bytes, bytes]:
    user, colon, password = read_private_file(path).reveal().strip().partition(b":")
    if not (user and colon and password) or b"\n" in password:
        raise KeysNotConfigured(str(path), found="no such line", expected="one line, user:password")
    return user, password
