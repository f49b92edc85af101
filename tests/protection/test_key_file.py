"""The file of the key-encryption key: made once, ours alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from protection.errors import UnsafeKeyFile
from protection.key_file import load_key, load_or_create_key


def test_a_missing_file_is_made_with_32_bytes_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "kek"
    key = load_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key.reveal() == path.read_bytes()
    assert len(key) == 32
    assert [item.name for item in path.parent.iterdir()] == ["kek"]


def test_the_second_call_reads_the_same_key(tmp_path: Path) -> None:
    assert load_or_create_key(tmp_path / "kek") == load_or_create_key(tmp_path / "kek")


def test_many_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda _: load_or_create_key(tmp_path / "kek").reveal(), range(32)))
    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "kek"
    load_or_create_key(path)
    path.chmod(mode)
    with pytest.raises(UnsafeKeyFile, match=f"KEY-001.*mode is {mode:04o}.*chmod 600"):
        load_or_create_key(path)


@pytest.mark.parametrize("size_bytes", [0, 16, 31, 33])
def test_a_file_of_another_size_is_refused(tmp_path: Path, size_bytes: int) -> None:
    path = tmp_path / "kek"
    path.touch(mode=0o600)
    path.write_bytes(b"k" * size_bytes)
    with pytest.raises(UnsafeKeyFile, match=f"it has {size_bytes} bytes"):
        load_or_create_key(path)


def test_a_link_is_refused_also_where_it_leads_nowhere(tmp_path: Path) -> None:
    load_or_create_key(tmp_path / "kek")
    (tmp_path / "link").symlink_to(tmp_path / "kek")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("link", "dangling"):
        with pytest.raises(UnsafeKeyFile, match="cannot be opened"):
            load_or_create_key(tmp_path / name)
    assert not (tmp_path / "nowhere").exists()


def test_a_missing_file_is_not_made_by_loading(tmp_path: Path) -> None:
    with pytest.raises(UnsafeKeyFile, match="No such file"):
        load_key(tmp_path / "kek")
    assert list(tmp_path.iterdir()) == []
