"""How to reach an S3 server: address, credentials, bucket names, and the one client configuration."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from pydantic import SecretStr

from domain.values import Value
from storage.throttling import AdaptiveLimit, limit_requests

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_CONNECTIONS = 32
"""Open connections per client: more threads than this wait for each other."""


class Buckets(Value):
    """The four buckets and what each holds."""

    work: str
    """Content-addressed objects and results: everything can be made again."""
    incoming: str
    """Sources as delivered."""
    releases: str
    """Published releases: immutable but for ``current.json``."""
    keys: str
    """Sealed key records."""

    @property
    def all(self) -> tuple[str, ...]:
        """All bucket names, each once."""
        return tuple(dict.fromkeys((self.work, self.incoming, self.releases, self.keys)))


class StoreConnection(Value):
    """Where the server is and who we are; empty fields leave it to the machine's own S3 configuration."""

    endpoint_url: str | None = None
    region: str = "us-east-1"
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None


def connect(connection: StoreConnection, limit: AdaptiveLimit | None = None) -> "S3Client":
    """Returns a client; it may be used by many threads at once, and slows down when the server asks for it.

    Checksums are sent where we compute them ourselves (SHA-256) and not added by the library, whose default
    CRC trailers some S3 servers do not know.
    """
    secret = connection.secret_access_key
    # A session of our own: the default one is not safe to create clients from in several threads.
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=connection.endpoint_url,
        region_name=connection.region,
        aws_access_key_id=connection.access_key_id,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=MAX_CONNECTIONS,
            # Tries with growing random pauses (up to 20 s), and a budget for them: 500 tokens, of which a throttled try
            # costs 5 and another one 14, and answers give back. Not "adaptive": that holds back single requests by
            # a rate that it guesses; we limit how many are under way (storage.throttling).
            retries={"mode": "standard", "total_max_attempts": 4},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if connection.endpoint_url else "auto"},
        ),
    )
    limit_requests(client, limit or AdaptiveLimit(MAX_CONNECTIONS))
    return client
