"""``pertitle demo``, as ``make demo`` runs it: everything a newcomer is promised, checked on what lies on disk."""

import base64
import hashlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from client.local_stack.state import read_stack
from client.session import Session, local_session
from client.titles import receipt_of, submit_title
from domain.recipe import Recipe
from domain.request import TitleRequest
from domain.result import TitleResult
from ladders.bd_rate import bd_rate
from media.packaging.segment_index import read_track
from media.rules.check import check_folder
from protection.leak_scan import LeakScanner
from protection.secret_bytes import ContentKey
from tests.support.leaks import ProcessSampler, leaks_in, server_texts
from tests.support.stacks import known_keys

# The fixture runs the whole demo twice; on a busy machine that takes far longer than on an idle one.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Demo:
    """A finished demo."""

    state: Path
    first: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]
    digests_before: dict[str, str]
    sampled: ProcessSampler

    @property
    def folder(self) -> Path:
        return self.state / "demo"

    @property
    def result(self) -> TitleResult:
        return TitleResult.model_validate_json((self.folder / "result.json").read_bytes())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, run twice on a stack of its own; command lines and environments are sampled meanwhile."""
    state = tmp_path_factory.mktemp("demo") / "state"
    sampler = ProcessSampler()
    try:
        with sampler.running():
            first = run_demo(state)
        assert first.returncode == 0, first.stderr
        digests = digests_of(state / "demo")
        second = run_demo(state)
        yield Demo(state, first, second, digests, sampler)
    finally:
        subprocess.run([sys.executable, "-m", "client", "down", "--state", str(state)], cwd=ROOT, check=False)


def run_demo(state: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "client", "demo", "--state", str(state)]
    with (
        (state.parent / "out.txt").open("w+") as out,
        (state.parent / "err.txt").open("w+") as err,
        subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=err, stdin=subprocess.DEVNULL) as running,
    ):
        running.wait()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, running.returncode, out.read(), err.read())


def digests_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_it_leaves_result_report_and_presentation_and_says_where(demo: Demo) -> None:
    for name in ("result.json", "report.html", "presentation/manifest.mpd", "presentation/multivariant.m3u8"):
        assert (demo.folder / name).is_file()
    for word in ("report.html", "result.json", "presentation", "Temporal UI", "h264", "av1", "fewer bits"):
        assert word in demo.first.stdout


def test_the_second_time_nothing_is_encoded_and_every_file_is_the_same(demo: Demo) -> None:
    assert demo.second.returncode == 0, demo.second.stderr
    assert "Nothing had to be encoded" in demo.second.stdout
    assert digests_of(demo.folder) == demo.digests_before


def test_the_known_cuts_are_found_exactly(demo: Demo) -> None:
    truth = json.loads(next(demo.folder.glob("source/*.shots.json")).read_text())
    assert [shot.start_frame for shot in demo.result.shots] == [0, *truth["hard_cuts"]]
    assert demo.result.shots[-1].end_frame == truth["frames"]


def test_ladders_rise_and_every_number_is_measured(demo: Demo) -> None:
    result = demo.result
    assert [ladder.codec.value for ladder in result.ladders] == ["h264", "av1"]
    for ladder in result.ladders:
        rates = [rung.delivered.bitrate_bps for rung in ladder.rungs]
        scores = [rung.delivered.vmaf_mean for rung in ladder.rungs]
        heights = [rung.height_px for rung in ladder.rungs]
        assert len(rates) >= 3
        assert rates == sorted(set(rates))
        assert scores == sorted(set(scores))
        assert heights == sorted(heights)
        for rung in ladder.rungs:
            delivered = rung.delivered
            assert 0 <= delivered.vmaf_min <= delivered.vmaf_p5 <= delivered.vmaf_mean <= 100
            assert delivered.vmaf_harmonic <= delivered.vmaf_mean
            assert delivered.peak_bitrate_bps >= delivered.bitrate_bps
            assert len(rung.shots) == len(result.shots)


def test_the_fixed_ladder_was_really_encoded_and_ours_needs_fewer_bits(demo: Demo) -> None:
    for ladder in demo.result.ladders:
        assert ladder.baseline is not None
        assert len(ladder.baseline.rungs) == 8
        again = bd_rate(
            [(rung.bitrate_bps, rung.vmaf_mean) for rung in ladder.baseline.rungs],
            [(rung.delivered.bitrate_bps, rung.delivered.vmaf_mean) for rung in ladder.rungs],
        )
        assert ladder.baseline.bd_rate == pytest.approx(again)
        assert again < -0.2


def test_every_released_byte_is_sealed(demo: Demo) -> None:
    folder = demo.folder / "presentation"
    seal = json.loads((folder / "release.json").read_bytes())
    digests = digests_of(folder)
    assert {item["path"]: item["sha256"] for item in seal["objects"]} == {
        path: digest for path, digest in digests.items() if path != "release.json"
    }
    assert seal["release_id"] == demo.result.release_id


def test_the_release_keeps_every_must_and_the_result_says_so(demo: Demo) -> None:
    checks = demo.result.checks
    assert checks is not None
    assert checks.broken("must") == ()
    again = check_folder(demo.folder / "presentation")
    assert [(rule.rule, rule.verdict) for rule in again.rules] == [(rule.rule, rule.verdict) for rule in checks.rules]
    assert "rules that apply are kept" in (demo.folder / "report.html").read_text("utf-8")


def test_renditions_are_aligned_to_the_frame_and_weigh_what_the_result_says(demo: Demo) -> None:
    folder = demo.folder / "presentation"
    tracks = {rung.name: read_track(folder / rung.name) for ladder in demo.result.ladders for rung in ladder.rungs}
    starts = {track.starts_s for track in tracks.values()}
    assert len(starts) == 1
    segments = list(next(iter(starts)))
    shots = [Fraction(shot.start_frame) / 24 for shot in demo.result.shots]
    assert segments == [start for start in shots if start in segments], "segments of this clip follow its shots"
    assert max(end - start for start, end in pairwise([*segments, Fraction(12)])) <= 4
    for ladder in demo.result.ladders:
        for rung in ladder.rungs:
            coded = sum(path.stat().st_size for path in (folder / rung.name).glob("*.m4s"))
            container_bps = 8 * coded / demo.result.source.duration_s
            assert container_bps == pytest.approx(rung.delivered.bitrate_bps, rel=0.25)


async def test_content_keys_are_nowhere(demo: Demo) -> None:
    """Not in argv, environments, logs, histories, Temporal's database, stored objects, output, result or report."""
    session = await session_of(demo)
    assert session.stack is not None
    keys = await known_keys(session, session.stack, request_of(demo.result))
    seal = json.loads((demo.folder / "presentation" / "release.json").read_bytes())
    assert {item["kid"] for item in seal["keys"]} == {keys.kid_for(item["label"]) for item in seal["keys"]}
    scanner = LeakScanner(keys.secrets())
    assert len(demo.sampled.commands) > 50
    assert any(b"packager" in command for command in demo.sampled.commands)
    texts = {
        "command lines": list(demo.sampled.commands),
        "environments": list(demo.sampled.environments),
        **await server_texts(session.temporal, session.store),
    }
    assert sum(name.startswith("history ") for name in texts) > 3  # the title and its batches
    assert leaks_in(scanner, texts) == []
    for folder in folders_of(demo):
        assert scanner.scan_folder(folder) == ()


async def test_a_key_that_is_planted_in_any_of_these_places_is_found(demo: Demo, tmp_path: Path) -> None:
    """The gate's own test: each place is read as above, after somebody spoiled it with a key that nobody uses."""
    key = ContentKey(secrets.token_bytes(16))
    scanner, spoiled = LeakScanner([key]), key.reveal_hex()
    session = await session_of(demo)
    sampler = ProcessSampler()
    waiting = "import sys; print('here', flush=True); sys.stdin.read()"
    argv, environ = [sys.executable, "-c", waiting, spoiled], {"SPOILED": spoiled}
    with (
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as in_argv,
        subprocess.Popen(argv[:-1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as in_environ,
    ):
        for process in (in_argv, in_environ):  # between fork and its first line a process may show no command line yet
            assert process.stdout is not None
            assert process.stdout.readline() == b"here\n"
        sampler.sample()
        for process in (in_argv, in_environ):
            process.communicate()
    handle = await session.temporal.start_workflow("Nobody", spoiled, id="spoiled", task_queue="nobody")
    await handle.terminate()
    session.store.put_bytes(f"key={spoiled}".encode())
    texts = await server_texts(session.temporal, session.store)
    found = {leak.where.partition("/")[0].partition(" ")[0] for leak in leaks_in(scanner, texts)}
    assert found == {"history", "s3:"}
    assert leaks_in(scanner, {"command lines": list(sampler.commands)})
    assert leaks_in(scanner, {"environments": list(sampler.environments)})
    assert scanner.scan_folder(demo.state / "temporal")
    for folder in (demo.folder, demo.state / "logs"):
        planted = folder / f"planted-{secrets.token_hex(4)}.txt"
        planted.write_text(base64.b64encode(b"x" + key.reveal()).decode())
        assert scanner.scan_folder(folder)
        planted.unlink()


async def session_of(demo: Demo) -> Session:
    stack = read_stack(demo.state)
    assert stack is not None
    return await local_session(stack)


def folders_of(demo: Demo) -> tuple[Path, ...]:
    return (demo.folder, demo.state / "logs", demo.state / "temporal", demo.state / "s3")


async def test_a_rerun_on_a_fresh_temporal_server_finds_all_work_in_the_store(demo: Demo) -> None:
    """The store alone remembers: another title id, the same film; not one encode is made again."""
    stack = read_stack(demo.state)
    assert stack is not None
    session = await local_session(stack)
    request = request_of(demo.result).model_copy(update={"title_id": "demo-again"})
    handle = (await submit_title(session.temporal, request)).handle
    receipt = await receipt_of(handle, "demo-again")
    result = TitleResult.model_validate_json(session.store.read_bytes(receipt.result))
    assert result.trials.count == result.trials.reused == demo.result.trials.count
    assert result.cpu_s.trials == result.cpu_s.encode == result.cpu_s.baseline == 0
    assert [ladder.rungs for ladder in result.ladders] == [ladder.rungs for ladder in demo.result.ladders]


def request_of(result: TitleResult) -> TitleRequest:
    recipe = Recipe.model_validate_json((ROOT / "sample_media" / "demo_recipe.json").read_bytes())
    return TitleRequest(title_id="demo", source=result.source.uri, recipe=recipe)
