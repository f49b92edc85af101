"""The settings choose the key provider; what is missing is named at the start, and secrets are files."""

from pathlib import Path

import pytest

from protection.errors import ContractUnmet, KeysNotConfigured, UnsafeKeyFile
from protection.sealed_keys import SealedKeyProvider
from protection.speke_keys import SpekeKeyProvider
from tests.support.authority import Authority
from tests.support.key_server import PASSWORD, USER, running_key_server
from tests.support.records import RecordsInMemory
from workers.key_providers import open_key_provider
from workers.settings import load_settings

KMS = {"PERTITLE_KEY_PROVIDER": "kms", "PERTITLE_KMS_KEY_ID": "alias/pertitle"}
SPEKE = {"PERTITLE_KEY_PROVIDER": "speke", "PERTITLE_SPEKE_URL": "https://keys.example.org/speke/v2.0/copyProtection"}


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.touch(mode=0o600)
    path.write_text(f"{USER}:{PASSWORD}\n")
    return path


def test_the_local_provider_is_the_default_and_needs_its_file(tmp_path: Path) -> None:
    assert open_key_provider(load_settings({}), RecordsInMemory()) is None
    local = open_key_provider(load_settings({"PERTITLE_KEK_FILE": str(tmp_path / "kek")}), RecordsInMemory())
    assert local is not None
    assert local.provider_name == "local"


def test_kms_is_chosen_by_its_key() -> None:
    opened = open_key_provider(load_settings(KMS), RecordsInMemory())
    assert isinstance(opened, SealedKeyProvider)
    assert opened.provider_name == "kms"


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_a_key_server_is_asked_as_the_settings_say(auth: str, tmp_path: Path, credentials: Path) -> None:
    with running_key_server(tmp_path, Authority(), auth=auth) as server:
        given = {
            **SPEKE,
            "PERTITLE_SPEKE_URL": server.url,
            "PERTITLE_SPEKE_CA_FILE": str(server.ca_file),
            "PERTITLE_SPEKE_AUTH": auth,
            "PERTITLE_SPEKE_CREDENTIALS_FILE": str(credentials),
            "PERTITLE_SPEKE_VIDEO_CONTRACT": "VIDEO-2",
        }
        opened = open_key_provider(load_settings(given), RecordsInMemory())
        assert isinstance(opened, SpekeKeyProvider)
        keys = opened.open_or_create_key_set("title-0123456789", "cbcs")
        assert keys.kid_for("HD") == keys.kid_for("UHD2") != keys.kid_for("SD")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"PERTITLE_KEY_PROVIDER": "kms"}, "PERTITLE_KMS_KEY_ID"),
        ({"PERTITLE_KEY_PROVIDER": "speke"}, "PERTITLE_SPEKE_URL"),
        (SPEKE, "PERTITLE_SPEKE_CREDENTIALS_FILE"),
    ],
)
def test_a_missing_setting_is_named(given: dict[str, str], missing: str) -> None:
    with pytest.raises(KeysNotConfigured, match=rf"KEY-015.*{missing}"):
        open_key_provider(load_settings(given), RecordsInMemory())


def test_contracts_that_do_not_go_together_stop_the_worker(credentials: Path) -> None:
    given = {
        **SPEKE,
        "PERTITLE_SPEKE_CREDENTIALS_FILE": str(credentials),
        "PERTITLE_SPEKE_VIDEO_CONTRACT": "SHARED",
    }
    with pytest.raises(ContractUnmet, match="KEY-013"):
        open_key_provider(load_settings(given), RecordsInMemory())


def test_credentials_that_others_can_read_stop_the_worker(credentials: Path) -> None:
    credentials.chmod(0o640)
    with pytest.raises(UnsafeKeyFile, match="KEY-001"):
        open_key_provider(
            load_settings({**SPEKE, "PERTITLE_SPEKE_CREDENTIALS_FILE": str(credentials)}), RecordsInMemory()
        )
