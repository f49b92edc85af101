"""CPU seconds by thread, of a real trial process."""

import os
from pathlib import Path

import pytest

from domain.video import Codec
from media.bench import ShotPiece
from media.command import command
from media.process import run_tool
from media.thread_cpu import ThreadWatch
from media.tools import find_tools
from media.trials import encode_and_score
from tests.support.pieces import DISPLAY, EVERY_FRAME, bench_in, recipe_of


@pytest.mark.parametrize("codec", Codec)
async def test_the_parts_of_a_trial_add_up_to_what_its_process_used(
    tmp_path: Path, tiny_pieces: tuple[ShotPiece, ...], codec: Codec
) -> None:
    # Many, so that the process lasts longer than a few looks.
    recipes = [recipe_of(codec, crf=crf, resolution=DISPLAY) for crf in range(18, 42, 2)]
    trial = await encode_and_score(bench_in(tmp_path), tiny_pieces[0], recipes, EVERY_FRAME)
    split, encode_s = trial.cost.split, trial.cost.encode_s

    assert len(encode_s) == len(recipes)
    assert sum(encode_s) == pytest.approx(split.encode_s)
    parts_s = split.decode_s + split.scale_s + split.encode_s + split.metric_s + split.other_s
    assert trial.cpu_s == pytest.approx(parts_s)
    shares_s = [trial.cost.share_of(number).total_s for number in range(len(recipes))]
    assert sum(shares_s) == pytest.approx(trial.cpu_s)
    assert split.other_s < trial.cpu_s, "some of it was seen while it ran"


async def test_threads_are_watched_only_when_asked_for(tmp_path: Path) -> None:
    argv = [find_tools().ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:d=2", "-f", "null", "-"]
    silent = await run_tool(command(argv, purpose="silent"))
    watched = await run_tool(command(argv, purpose="watched"), watch_threads=True)
    assert silent.threads == ()
    assert watched.threads
    ids = [thread.thread_id for thread in watched.threads]
    assert ids == sorted(ids)
    # Two clocks, two roundings: what was seen by thread is at most the whole.
    assert 0 < sum(thread.cpu_s for thread in watched.threads) <= watched.cpu_s + 0.05


def test_a_process_that_is_gone_keeps_what_was_seen_of_it() -> None:
    watch = ThreadWatch(os.getpid())
    watch.look()
    seen = watch.threads()
    assert any(thread.cpu_s > 0 for thread in seen)
    watch._tasks = Path("/proc/0/task")
    watch.look()
    assert watch.threads() == seen
