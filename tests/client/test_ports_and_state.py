import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from client.local_stack.control import stack_status
from client.local_stack.credentials import ensure_secrets, read_access_keys
from client.local_stack.errors import BrokenState, StackBusy
from client.local_stack.locks import hold_lock
from client.local_stack.parts import ALL_PARTS, build_parts, s3_command, temporal_command
from client.local_stack.ports import HOST, PORT_NAMES, choose_ports, is_free
from client.local_stack.processes import identify_process, is_alive, signal_process
from client.local_stack.state import PartState, StackState, read_stack, write_stack


def _state(folder: Path, **changes: object) -> StackState:
    given = {"state_dir": folder, "ports": choose_ports({}), "part_names": ALL_PARTS}
    return StackState.model_validate({**given, **changes})


def test_ports_are_different_free_and_kept() -> None:
    first = choose_ports({})
    assert set(first) == set(PORT_NAMES)
    assert len(set(first.values())) == len(PORT_NAMES)
    assert choose_ports(first) == first


def test_only_a_taken_port_is_chosen_again() -> None:
    kept = choose_ports({})
    with socket.create_server((HOST, kept["s3"])):
        assert not is_free(kept["s3"])
        chosen = choose_ports(kept)
    changed = {name for name in PORT_NAMES if chosen[name] != kept[name]}
    assert changed == {"s3"}


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = _state(tmp_path, worker_env={"PERTITLE_ENCODE_SLOTS": "1"})
    write_stack(state)
    assert read_stack(tmp_path) == state


def test_a_moved_folder_is_where_it_is_now(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    write_stack(_state(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    state = read_stack(tmp_path / "new")
    assert state is not None
    assert state.credentials_file.parent == tmp_path / "new" / "secrets"


def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(BrokenState, match=r"STK-005 .*stack\.json"):
        read_stack(tmp_path)


def test_no_state_is_no_error(tmp_path: Path) -> None:
    assert read_stack(tmp_path) is None
    assert stack_status(tmp_path) is None


def test_secrets_are_private_and_made_once(tmp_path: Path) -> None:
    state = _state(tmp_path)
    ensure_secrets(state)
    made = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    ensure_secrets(state)
    assert {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()} == made
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_no_secret_stands_in_an_environment_or_a_command_line(tmp_path: Path) -> None:
    state = _state(tmp_path)
    ensure_secrets(state)
    secrets = {*read_access_keys(state.credentials_file), state.kek_file.read_bytes().hex()}
    shown = [*state.environment().values()]
    for part in build_parts(state):
        shown += [*part.argv, *part.environment.values()]
    assert not [text for text in shown if any(secret in text for secret in secrets)]


def test_servers_bind_loopback_only_and_phone_nobody(tmp_path: Path) -> None:
    state = _state(tmp_path)
    s3, temporal = s3_command("weed", state), temporal_command("temporal", state)
    assert "-ip.bind=127.0.0.1" in s3
    assert "-master.telemetry=false" in s3
    assert temporal[temporal.index("--ip") + 1] == "127.0.0.1"
    assert "--ui-disable-news-fetch" in temporal


def test_worker_settings_reach_every_worker_and_nobody_else(tmp_path: Path) -> None:
    parts = {part.name: part for part in build_parts(_state(tmp_path, worker_env={"PERTITLE_IO_SLOTS": "1"}))}
    have = {name for name, part in parts.items() if "PERTITLE_IO_SLOTS" in part.environment}
    assert have == {"orchestrate", "io", "encode-cpu", "measure"}
    metrics = [parts[name].environment["PERTITLE_METRICS_PORT"] for name in sorted(have)]
    assert len(set(metrics)) == 4


def test_a_process_number_used_again_is_another_process() -> None:
    me = identify_process(os.getpid())
    assert me is not None
    assert is_alive(me)
    other = me.model_copy(update={"started_ticks": me.started_ticks - 1})
    assert not is_alive(other)
    assert not signal_process(other, signal.SIGKILL)
    assert not is_alive(me.model_copy(update={"boot_id": "before the reboot"}))


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identify_process(child.pid) is None
    child.wait()


def test_status_forgets_processes_of_an_earlier_boot(tmp_path: Path) -> None:
    me = identify_process(os.getpid())
    assert me is not None
    stale = me.model_copy(update={"boot_id": "before the reboot"})
    write_stack(_state(tmp_path, supervisor=stale, parts={"s3": PartState(name="s3", process=stale)}))
    status = stack_status(tmp_path)
    assert status is not None
    assert not status.is_running
    assert status.pids == {}


def test_a_lock_is_held_by_one_process(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "lock"), pytest.raises(StackBusy, match="STK-003"), hold_lock(tmp_path / "lock"):
        pass
    with hold_lock(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()
