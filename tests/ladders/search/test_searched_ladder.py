"""From trials to a ladder: equal inputs give equal trials and an equal ladder, byte for byte, in any process."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from domain.ladder_policy import LadderPolicy
from domain.search import CRF_STEP, PriorShot, TitlePrior
from domain.search_recipe import SearchRecipe
from domain.video import Codec
from ladders.rung_selection import plan_ladder_from
from ladders.search.waves import plan_waves, prior_of, start_of
from ladders.searched_title import SearchedShot, SearchedTitle
from tests.support.searches import run_search
from tests.support.synthetic_shots import BUMPY, GRAIN, SMOOTH

ROOT = Path(__file__).parents[3]
SHOTS = [replace(shot, codec=Codec.H264, noise=0.01, seed=index) for index, shot in enumerate((*SMOOTH, BUMPY, GRAIN))]


def ladder_text() -> str:
    """Returns every trial of a title that was searched in waves as it ships, and its ladder with error bars."""
    recipe, policy = SearchRecipe(), LadderPolicy()
    difficulties = [shot.complexity for shot in SHOTS]
    finished: dict[int, PriorShot] = {}
    found: dict[int, SearchedShot] = {}
    lines = []
    for wave in plan_waves(difficulties):
        known = [finished[index] for index in sorted(finished)]
        start = start_of(len(SHOTS), len(known))
        made: dict[int, PriorShot] = {}
        for index in wave:
            shot, sizes = SHOTS[index], len(SHOTS[index].sizes)
            task = shot.task(
                max_trials=recipe.most_trials(sizes, start),
                patience=recipe.patience(sizes, start),
                more_if_dense=recipe.more_if_dense(sizes, start),
                stop_regret=recipe.stop_regret,
            )
            prior = prior_of(difficulties[index], known) if known else TitlePrior()
            search = run_search(task, shot.trial, prior)
            lines += [trial.model_dump_json() for trial in search.seen]
            found[index] = SearchedShot.fit(index, 2.0 + index, task, search.seen, prior)
            made[index] = PriorShot(difficulty=difficulties[index], ceilings=task.ceilings, seen=search.seen)
        finished |= made
    title = SearchedTitle(tuple(found[index] for index in range(len(SHOTS))))
    ladder = plan_ladder_from(Codec.H264, title.shots, title.titles(), policy, crf_step=CRF_STEP[Codec.H264])
    return "\n".join((*lines, title.with_errors(ladder).model_dump_json()))


def in_a_process_of_its_own(hash_seed: str) -> str:
    script = "from tests.ladders.search.test_searched_ladder import ladder_text; print(ladder_text())"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def test_the_same_title_gives_the_same_trials_and_the_same_ladder_byte_for_byte() -> None:
    first, second = in_a_process_of_its_own("1"), in_a_process_of_its_own("2")
    assert '"rungs"' in first
    assert first == second == ladder_text()
