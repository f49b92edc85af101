"""The search benchmark as a command: replayed from a table, and once with ffmpeg."""

import asyncio
import json
import shutil
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.oracle.build import FailedGrid
from benchmarks.oracle.table import BenchShot
from benchmarks.page import ROOT, TEXT, Run, write_page
from benchmarks.page import main as write_pages
from benchmarks.search.__main__ import _ceilings as measured_ceilings
from benchmarks.search.__main__ import main
from benchmarks.search.ceilings import ShotCeilings
from benchmarks.search.judging import Case, judge_setting
from benchmarks.search.records import SettingRecord
from benchmarks.search.summary import SEARCH_SOURCES, frozen_digest, summarize_setting
from benchmarks.search.titles import TrialSource
from media.errors import ToolFailed
from sample_media.clips import make_clip
from tests.benchmarks.tables import write_oracle

REPLAY = ["--replay", "--settings", "h264/medium,h264/veryfast"]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bench")
    write_oracle(out)
    assert main(["clips", str(out), *REPLAY]) == 0
    return out


def test_the_summary_holds_every_number_for_each_setting(replayed: Path) -> None:
    summary = json.loads((replayed / "summary.json").read_text())

    assert list(summary) == ["h264/medium", "h264/veryfast", "about"]
    numbers = summary["h264/medium"]
    assert (numbers["shots"], numbers["clips"], numbers["shots_per_clip"]) == (3, 2, [2, 1])
    for key in ("mean", "median", "p95", "max"):
        low, high = numbers["hull_loss"][f"{key}_interval"]
        assert low <= numbers["hull_loss"][key] <= high
    assert len(numbers["bd_rate_per_clip"]) == 2
    known = [rates["fixed_ladder"] for rates in numbers["bd_rate_per_clip"].values() if rates["fixed_rungs"]]
    assert numbers["bd_rate"]["fixed_ladder"] == pytest.approx(sum(known) / len(known), abs=1e-6)
    pooled = summary["about"]["all_settings"]["warm"]
    assert pooled["searches"] == 6
    means = [summary[name]["hull_loss"]["mean"] for name in ("h264/medium", "h264/veryfast")]
    assert pooled["hull_loss"]["mean"] == pytest.approx(sum(means) / 2, abs=1e-6)
    assert set(numbers["bd_rate"]) == {"fixed_ladder", "one_crf", "per_title"}
    assert numbers["hull_loss_refined"] == pytest.approx(numbers["hull_loss"]["mean"], abs=0.005)
    # A replay looks up what it would encode.
    assert numbers["hull_loss_looked_up"] == pytest.approx(numbers["hull_loss"]["mean"], abs=0.005)
    assert 0 < numbers["cpu_ratio"] < 1.5
    assert 0 < numbers["trials_ratio"] < 1
    assert numbers["rungs_within_half_vmaf_uncorrected"] <= numbers["rungs_within_half_vmaf"] <= 1.0
    peers = numbers["baselines"].values()
    assert all(set(found) == {"hull_loss_mean", "hull_loss_refined", "cpu_ratio"} for found in peers)
    # The refined hull holds what the grid's does.
    assert all(found["hull_loss_refined"] > found["hull_loss_mean"] - 0.005 for found in peers)
    assert "cheap_preset_grid" in numbers["baselines"]
    assert "cheap_preset_grid" not in summary["h264/veryfast"]["baselines"]


def test_detection_trials_and_choosing_them_are_charged_to_the_search(replayed: Path) -> None:
    record = SettingRecord.model_validate_json((replayed / "records.jsonl").read_text().splitlines()[0])
    numbers = json.loads((replayed / "summary.json").read_text())["h264/medium"]

    thinking = [shot.warm.model_copy(update={"deciding_cpu_s": 2.0}) for shot in record.shots]
    assert sum(more.cpu_s - shot.warm.cpu_s for more, shot in zip(thinking, record.shots, strict=True)) == 6.0
    spent = sum(shot.warm.cpu.total_s + shot.warm.detection_cpu_s for shot in record.shots)

    assert numbers["cpu_split"]["search"]["detection_s"] == pytest.approx(1.5)
    assert numbers["cpu_split"]["search"]["deciding_s"] == 0, "a replay counts no time of its own"
    assert numbers["cpu_ratio"] == pytest.approx(spent / sum(shot.grid_cpu.total_s for shot in record.shots), abs=1e-6)


def test_a_machine_that_was_slower_than_when_the_grid_was_made_is_corrected_for(replayed: Path) -> None:
    record = SettingRecord.model_validate_json((replayed / "records.jsonl").read_text().splitlines()[0])
    numbers = summarize_setting(record)
    assert numbers["cpu_ratio_at_grid_speed"] == numbers["cpu_ratio"], "a replay takes its CPU from the grid"

    slower = [
        shot.model_copy(update={"warm": shot.warm.model_copy(update={"cpu": shot.warm.cpu.times(2)})})
        for shot in record.shots
    ]
    found = summarize_setting(record.model_copy(update={"shots": tuple(slower)}))

    assert found["cpu_ratio"] > 1.5 * numbers["cpu_ratio"]
    # Detection and ceilings, measured once and kept as the grid is, were not slower.
    assert found["cpu_ratio_at_grid_speed"] == pytest.approx(numbers["cpu_ratio"], abs=1e-6)
    assert found["cold"]["cpu_ratio_at_grid_speed"] == found["cold"]["cpu_ratio"]


def test_a_setting_whose_search_fails_is_named_and_the_others_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def judged(source: TrialSource, case: Case) -> SettingRecord:
        if case.setting.preset == "medium":
            raise ToolFailed("trial", found="exit code 1", expected="exit code 0", fix="look at the log")
        return await judge_setting(source, case)

    monkeypatch.setattr("benchmarks.search.__main__.judge_setting", judged)
    write_oracle(tmp_path)
    assert main(["clips", str(tmp_path), *REPLAY]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert list(summary) == ["h264/veryfast", "about"]
    assert [(item["setting"], item["code"]) for item in summary["about"]["failed"]] == [("h264/medium", "TOOL-002")]
    assert "failed h264/medium: TOOL-002" in capsys.readouterr().err


def test_a_shot_whose_ceilings_fail_is_named_and_counts_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def without_the_first(
        options: Namespace, shots: tuple[BenchShot, ...]
    ) -> tuple[dict[str, ShotCeilings], tuple[FailedGrid, ...]]:
        failed = FailedGrid(shot=shots[0].name, setting="ceilings", code="TOOL-002", why="exit code 1")
        return (await measured_ceilings(options, shots))[0], (failed,)

    monkeypatch.setattr("benchmarks.search.__main__._ceilings", without_the_first)
    write_oracle(tmp_path)
    assert main(["clips", str(tmp_path), *REPLAY]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert [summary[name]["shots"] for name in ("h264/medium", "h264/veryfast")] == [2, 2]
    assert [item["setting"] for item in summary["about"]["failed"]] == ["ceilings"]


def test_equal_tables_give_equal_bytes(replayed: Path, tmp_path: Path) -> None:
    again = tmp_path / replayed.name
    write_oracle(again)
    assert main(["clips", str(again), *REPLAY]) == 0

    for name in ("summary.json", "records.jsonl"):
        assert (again / name).read_bytes() == (replayed / name).read_bytes()


def test_the_summary_names_no_folder_of_this_machine(replayed: Path) -> None:
    assert str(replayed.parent) not in (replayed / "summary.json").read_text()


def test_a_folder_without_clips_is_an_error_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()

    assert main([str(tmp_path / "empty"), str(tmp_path / "out")]) == 2
    assert "no clip there that the pipeline would take" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_an_error_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 2
    assert "no such folder or clip" in capsys.readouterr().err


def test_nothing_to_replay_is_an_error_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clips", str(tmp_path), "--replay"]) == 2
    assert "no shots.json" in capsys.readouterr().err


def test_the_page_shows_tables_and_pictures_that_are_there(replayed: Path, tmp_path: Path) -> None:
    run = Run.read(replayed)
    summary = run.summary

    write_page(tmp_path, run, [replace(run, name="other")])

    page = (tmp_path / "docs" / "benchmarks.md").read_text()
    assert "{{" not in page
    assert "Replayed from a table" in page
    pictures = sorted((tmp_path / "docs" / "images").glob("bench-*.svg"))
    assert len(pictures) == 4
    for picture in pictures:
        assert f"images/{picture.name}" in page
        assert ET.fromstring(picture.read_text()).tag.endswith("svg")  # noqa: S314 - our own file
    kept = json.loads((tmp_path / "benchmarks" / "results" / "h264-medium.json").read_text())
    assert kept == summary["h264/medium"]
    assert json.loads((tmp_path / "benchmarks" / "results" / "other.json").read_text()) == summary
    assert (
        page.count("| all settings |") == page.count("| 95 % intervals |") == page.count("| its rungs compared |") == 2
    )


def test_runs_that_would_overwrite_each_other_are_refused(
    replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("h264-medium", "old"):
        shutil.copytree(replayed, tmp_path / name)
    assert write_pages([str(replayed), str(tmp_path / "h264-medium")]) == 2
    assert "folders of different names expected" in capsys.readouterr().err
    summary = json.loads((tmp_path / "old" / "summary.json").read_text())
    del summary["about"]["all_settings"]
    (tmp_path / "old" / "summary.json").write_text(json.dumps(summary))
    assert write_pages([str(replayed), str(tmp_path / "old")]) == 2
    assert "old: of an earlier version" in capsys.readouterr().err


def test_the_page_names_what_failed_and_what_has_no_ladder(replayed: Path, tmp_path: Path) -> None:
    run = Run.read(replayed)
    summary, records = dict(run.summary), run.records
    summary["about"]["failed"] = [{"shot": "a.mov#7", "setting": "h264/medium", "code": "TOOL-002", "why": "…"}]
    (first, *rest), why = records[0].rungs, "no rung fits"
    without = records[0].model_copy(update={"rungs": (first.model_copy(update={"why_none": why}), *rest)})

    write_page(tmp_path, Run(run.name, summary, [without, *records[1:]]))

    page = (tmp_path / "docs" / "benchmarks.md").read_text()
    assert "Failed: a.mov#7, h264/medium (TOOL-002)." in page
    assert f"No ladder: {first.clip}, h264/medium: no rung fits" in page


@pytest.mark.slow
async def test_a_tiny_clip_is_searched_against_its_own_oracle(tmp_path: Path) -> None:
    await make_clip("tiny_320x180p24", tmp_path / "media")
    out = tmp_path / "out"
    arguments = ["--settings", "h264/ultrafast", "--crf-step", "16", "--shots", "1", "--frames", "8", "--jobs", "1"]
    command = [str(tmp_path / "media"), str(out), *arguments]

    # In a thread of its own: the command starts an event loop, and the test runs inside one.
    assert await asyncio.to_thread(main, command) == 0
    made = (out / "trials.jsonl").read_bytes()
    numbers = json.loads((out / "summary.json").read_text())["h264/ultrafast"]
    assert numbers["shots"] == 1
    assert numbers["cpu_ratio"] > 0
    split = numbers["cpu_split"]["search"]
    # Encoders of eight tiny frames may end before a thread is looked at: what they used is then in "other".
    assert sum(split.values()) > split["detection_s"] + split["ceilings_s"]
    assert split["deciding_s"] > 0

    assert await asyncio.to_thread(main, command) == 0
    assert (out / "trials.jsonl").read_bytes() == made, "nothing is made again"
    again = json.loads((out / "summary.json").read_text())["h264/ultrafast"]
    assert (again["hull_loss"], again["cold"]["hull_loss"]) == (numbers["hull_loss"], numbers["cold"]["hull_loss"])


def test_the_page_that_is_kept_says_what_its_text_says() -> None:
    before, after = TEXT.read_text(encoding="utf-8").split("{{results}}")
    between, last = after.split("{{more}}")
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")

    assert page.startswith(before), "make bench writes the page; its text stands in benchmarks/page.md"
    assert between in page
    assert page.endswith(last)


def test_the_digest_changes_with_what_a_search_asks_for_and_sees(tmp_path: Path) -> None:
    sources = ("ladders/search/wave.py", "ladders/pooling.py", "domain/search_recipe.py", "domain/mezzanine.py")
    for name in (*sources, "ladders/hull.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("A = 1\n")
    before = frozen_digest(tmp_path)
    (tmp_path / "ladders/hull.py").write_text("A = 2\n")
    assert frozen_digest(tmp_path) == before
    for name in sources:
        (tmp_path / name).write_text("A = 2\n")
        assert frozen_digest(tmp_path) != before
        before = frozen_digest(tmp_path)


def test_every_source_of_the_digest_is_there() -> None:
    assert all(list(ROOT.glob(pattern)) for pattern in SEARCH_SOURCES)
