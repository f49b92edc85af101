"""Who may do what on the local S3 server: the policies for AWS, word for word, which the server evaluates itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workers.roles import ROLES
from workflows.task_queues import IO, ORCHESTRATE

POLICIES = Path(__file__).parents[2] / "infra" / "policies"
"""One IAM policy for each identity, for buckets with the default names."""
IDENTITIES = ("studio", "encoder", "keeper", "publisher", "reader")
IDENTITY_OF_ROLE = {role: {IO: "publisher", ORCHESTRATE: "keeper"}.get(role, "encoder") for role in ROLES}
"""Which identity a worker has. The ``io`` worker publishes; ``orchestrate``, which touches no media, cleans the work
bucket; all others only keep results there."""


class KeyPair(NamedTuple):
    """An access key id and its secret."""

    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        return f"KeyPair({self.access_key!r}, redacted)"


def server_identities(admin: KeyPair, others: Mapping[str, KeyPair]) -> dict[str, Any]:
    """Returns the configuration of the S3 server: an administrator, and identities under their policies.

    Args:
        admin: Makes buckets; what the command line uses.
        others: Name of a policy → its key pair.
    """
    administrator = {
        "name": "pertitle",
        "credentials": [_credentials(admin)],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    limited = [
        {"name": name, "credentials": [_credentials(pair)], "policyNames": [name]} for name, pair in others.items()
    ]
    policies = [{"name": name, "content": json.dumps(json.loads(policy_text(name)))} for name in others]
    return {"identities": [administrator, *limited], "policies": policies}


def policy_text(name: str) -> str:
    """Returns an IAM policy document."""
    return (POLICIES / f"{name}.json").read_text("utf-8")


def _credentials(pair: KeyPair) -> dict[str, str]:
    return {"accessKey": pair.access_key, "secretKey": pair.secret_key}
