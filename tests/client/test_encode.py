"""``pertitle encode`` as CI uses it: one command from a file to a verified release, on a stack of its own."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from client.exit_codes import ExitCode
from client.local_stack.control import stack_status
from client.local_stack.parts import ALL_PARTS
from client.local_stack.processes import identify_process
from domain.result import TitleResult
from sample_media.clips import make_clip

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RECIPE = {"codecs": [{"codec": "h264", "preset": "ultrafast"}], "heights_px": [180], "policy": {"max_rungs": 2}}


def _pertitle(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "client", *arguments, "--state", str(folder / "state"), "--json"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def test_encode_brings_up_fetches_verifies_and_takes_down(tmp_path: Path) -> None:
    clip = await make_clip("tiny_320x180p24", tmp_path)
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE))
    out = tmp_path / "out"
    arguments = ("encode", str(clip), "--recipe", str(tmp_path / "recipe.json"), "--out", str(out))
    ended = _pertitle(*arguments, folder=tmp_path)
    assert ended.returncode == ExitCode.OK, ended.stderr
    facts = json.loads(ended.stdout)
    assert Path(facts["result"]).parent == out
    found = TitleResult.model_validate_json((out / "result.json").read_bytes())
    assert found.release_id == facts["release_id"]
    seal = json.loads((out / "presentation" / "release.json").read_bytes())
    fetched = _digests(out / "presentation")
    assert {item["path"]: item["sha256"] for item in seal["objects"]}.items() <= fetched.items()

    # The stack that it started is gone.
    stack = stack_status(tmp_path / "state")
    assert stack is not None
    assert not stack.is_running
    assert stack.pids == {}

    # Once more: nothing is made again, and what is fetched is the same to the byte.
    before = _digests(out)
    again = _pertitle(*arguments, folder=tmp_path)
    assert again.returncode == ExitCode.OK, again.stderr
    assert "joined" in again.stderr
    assert _digests(out) == before


def test_encode_of_text_ends_with_the_code_of_the_refusal(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is not media\n" * 1000)
    ended = _pertitle("encode", str(text), "--out", str(tmp_path / "out"), folder=tmp_path)
    assert ended.returncode == ExitCode.REFUSED, ended.stderr
    assert json.loads(ended.stdout)["error"]["code"] == "CNT-002"
    assert not (tmp_path / "out").exists()
    stack = stack_status(tmp_path / "state")
    assert stack is not None
    assert not stack.is_running


async def test_a_terminated_encode_cancels_its_title_and_leaves_no_process(tmp_path: Path) -> None:
    clip = await make_clip("tiny_320x180p24", tmp_path)
    state_dir = tmp_path / "state"
    command = [
        sys.executable,
        "-m",
        "client",
        "encode",
        str(clip),
        "--out",
        str(tmp_path / "out"),
        "--state",
        str(state_dir),
    ]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        said: list[str] = []
        pids: dict[str, int] = {}
        for line in process.stderr:
            said.append(line)
            if "submitted" in line:
                running = stack_status(state_dir)
                assert running is not None
                pids = running.pids
                process.terminate()
    assert process.returncode == ExitCode.INTERRUPTED, said
    assert any("canceling" in line for line in said)
    assert len(pids) == len(ALL_PARTS)
    assert [identify_process(pid) for pid in pids.values()] == [None] * len(pids)
    assert not (tmp_path / "out").exists()
