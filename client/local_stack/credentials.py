"""Secrets of a state folder: random, made once, readable by their owner only."""

import json
import os
import secrets
from pathlib import Path

from client.local_stack.identities import IDENTITIES, KeyPair, server_identities
from client.local_stack.state import StackState
from protection.key_file import load_or_create_key


def ensure_secrets(state: StackState) -> None:
    """Makes the S3 server's credentials and the key-encryption key where they are missing."""
    folder = state.credentials_file.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [identities_file(state), state.credentials_file, *map(state.credentials_file_of, IDENTITIES)]
    if not all(path.exists() for path in files):
        _make_s3_credentials(state)
    load_or_create_key(state.kek_file)


def identities_file(state: StackState) -> Path:
    """Returns the file that tells the S3 server who may do what."""
    return state.credentials_file.parent / "identities.json"


def read_access_keys(credentials_file: Path) -> tuple[str, str]:
    """Returns the access key id and the secret of an AWS shared credentials file."""
    lines = credentials_file.read_text().splitlines()
    values = {name.strip(): value.strip() for name, equals, value in (line.partition("=") for line in lines) if equals}
    return values["aws_access_key_id"], values["aws_secret_access_key"]


def _make_s3_credentials(state: StackState) -> None:
    admin, others = _new_pair(), {name: _new_pair() for name in IDENTITIES}
    _write_private(identities_file(state), json.dumps(server_identities(admin, others)))
    _write_private(state.credentials_file, _shared_credentials(admin))
    for name, pair in others.items():
        _write_private(state.credentials_file_of(name), _shared_credentials(pair))


def _new_pair() -> KeyPair:
    return KeyPair(secrets.token_hex(10), secrets.token_urlsafe(30))


def _shared_credentials(pair: KeyPair) -> str:
    return f"[default]\naws_access_key_id = {pair.access_key}\naws_secret_access_key = {pair.secret_key}\n"


def _write_private(path: Path, text: str) -> None:
    """Writes by rename; the file is private from its first byte."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
