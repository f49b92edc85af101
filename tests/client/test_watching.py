import io

import pytest
from rich.console import Console

from client.live_view import LiveView
from client.tables import kbps, ladder_table, saved_text
from client.watching import RemainingTime, add_batches, percent_done, remaining_text
from domain.progress import STAGES, BatchProgress, TitleProgress
from domain.release import FirstPlayable
from domain.result import ResultLadder
from domain.work import UnitKind


def test_open_batches_are_added_to_what_the_title_counts() -> None:
    title = TitleProgress(title_id="a", trials_done=10, trials_total=40, made=8, reused=2)
    batches = [
        BatchProgress(kind=UnitKind.TRIAL, made=3, reused=2, failed=1),
        BatchProgress(kind=UnitKind.BASELINE, made=4),
        BatchProgress(kind=UnitKind.MEASURE, made=5),
        BatchProgress(kind=UnitKind.ASSEMBLE, reused=1),
    ]
    now = add_batches(title, batches)
    assert (now.trials_done, now.encodes_done, now.rungs_done) == (16, 4, 1)
    assert (now.made, now.reused, now.failed) == (20, 5, 1)


def test_percent_rises_with_stages_and_with_counts() -> None:
    nothing = TitleProgress(title_id="a")
    half = TitleProgress(title_id="a", stage="trials", stages_done=STAGES[:2], trials_done=5, trials_total=10)
    more = half.model_copy(update={"trials_done": 6})
    everything = TitleProgress(title_id="a", stages_done=STAGES)
    found = [percent_done(progress) for progress in (nothing, half, more, everything)]
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (0.0, 100.0)


def test_searches_are_counted_by_shots_because_nobody_knows_how_many_trials_they_need() -> None:
    title = TitleProgress(
        title_id="a", stage="trials", stages_done=STAGES[:2], searches_done=4, searches_total=10, trials_done=50
    )
    now = add_batches(title, [BatchProgress(kind=UnitKind.SEARCH, made=2, reused=1, trials=40)])
    assert (now.searches_done, now.trials_done) == (7, 90)
    before, after = (percent_done(title.model_copy(update={"searches_done": done})) for done in (4, 7))
    assert percent_done(now) == after > before


def test_counts_of_a_stage_that_is_not_reached_do_not_count() -> None:
    fixed_ladder = TitleProgress(
        title_id="a", stage="trials", stages_done=STAGES[:2], encodes_done=4, encodes_total=4, trials_total=10
    )
    assert percent_done(fixed_ladder) == percent_done(fixed_ladder.model_copy(update={"encodes_done": 0}))


def test_a_steady_pace_gives_the_exact_rest() -> None:
    remaining = RemainingTime()
    for second in range(31):
        remaining.note(100.0 + second, float(second))
    assert remaining.seconds == pytest.approx(70.0)


def test_nothing_is_promised_before_something_was_seen() -> None:
    remaining = RemainingTime()
    assert remaining.seconds is None
    remaining.note(0.0, 0.0)
    remaining.note(30.0, 1.0)
    assert remaining.seconds is None


def test_only_the_last_minute_counts() -> None:
    remaining = RemainingTime()
    for second in range(11):  # half of it is found in the store, at once
        remaining.note(float(second), 5.0 * second)
    for second in range(11, 200):
        remaining.note(float(second), 50.0 + 0.1 * (second - 10))
    assert remaining.seconds == pytest.approx((100.0 - 68.9) / 0.1, rel=0.02)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (20, "less than a minute left"), (125, "about 2 min left"), (5 * 3600, "about 5 h left")],
)
def test_what_is_left_is_said_no_finer_than_it_is_known(seconds: float | None, text: str) -> None:
    assert remaining_text(seconds) == text


def test_away_from_a_terminal_there_is_a_line_per_stage_and_no_bar() -> None:
    written = io.StringIO()
    with LiveView(Console(file=written, width=120)) as view:
        view.show(TitleProgress(title_id="a", stage="trials", trials_done=1, trials_total=8))
        view.show(TitleProgress(title_id="a", stage="trials", trials_done=2, trials_total=8))
        view.show(TitleProgress(title_id="a", stage="plan", trials_done=8, trials_total=8, percent=60))
    assert written.getvalue() == "  0 %, trials, trial encodes 1/8\n 60 %, plan, trial encodes 8/8\n"


def test_a_person_is_told_once_when_something_can_be_played() -> None:
    playable = FirstPlayable(after_s=41.24, release_id="r0", duration_s=120.5, provisional=True)
    written = io.StringIO()
    with LiveView(Console(file=written, width=120)) as view:
        view.show(TitleProgress(title_id="a", stage="trials"))
        for _ in range(2):
            view.show(TitleProgress(title_id="a", stage="trials", first_playable=playable))
    assert written.getvalue().count("first playable after 41.2 s (provisional: the first 120.5 s)\n") == 1
    full = playable.model_copy(update={"provisional": False})
    assert full.words == "first playable after 41.2 s"


def test_on_a_terminal_there_are_bars_with_counts() -> None:
    written = io.StringIO()
    with LiveView(Console(file=written, width=140, force_terminal=True)) as view:
        view.show(TitleProgress(title_id="a", stage="trials", trials_done=3, trials_total=8))
    assert "trial encodes" in written.getvalue()
    assert "3/8" in written.getvalue()


def test_a_ladder_is_shown_as_promised_and_delivered() -> None:
    rung = {
        "name": "r",
        "width_px": 1280,
        "height_px": 720,
        "promised": {"bitrate_bps": 2_000_400, "vmaf": 92.0},
        "delivered": {
            "bitrate_bps": 2_010_000,
            "peak_bitrate_bps": 3_000_000,
            "vmaf_mean": 92.13,
            "vmaf_harmonic": 91.0,
            "vmaf_p5": 88.5,
            "vmaf_min": 80.0,
        },
        "shots": [],
    }
    baseline = {"name": "netflix-2015", "bd_rate": -0.273, "rungs": []}
    ladder = ResultLadder.model_validate({"codec": "h264", "rungs": [rung], "baseline": baseline})
    written = io.StringIO()
    Console(file=written, width=140).print(ladder_table(ladder))
    for text in ("1280x720", "2 000", "2 010", "92.00", "92.13", "27.3 % fewer bits at equal VMAF", "netflix-2015"):
        assert text in written.getvalue()


def test_savings_say_fewer_or_more_or_nothing() -> None:
    assert saved_text(-0.1) == "10.0 % fewer bits at equal VMAF"
    assert saved_text(0.05) == "5.0 % more bits at equal VMAF"
    assert "not comparable" in saved_text(None)
    assert kbps(1_234_567) == "1 235"
