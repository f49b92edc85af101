"""Another pair of eyes: npm's mp4box reads the same facts in the same boxes."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from media.rules.media_model import Segment, Track
from media.rules.reader import read_presentation
from tests.media.packaging.conftest import Packaged
from tests.players.browser import MODULES, absent

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "players" / "boxes.mjs"
NAMES = ("video_h264_720p", "video_av1_180p", "audio_eng_2ch")


def mp4box(paths: list[Path]) -> dict[str, Any]:
    """Returns path → what mp4box reads in it."""
    if not (MODULES / ".lock-installed").is_file():
        absent("mp4box (`make players`)")
    shown = subprocess.run(["node", str(SCRIPT), *map(str, paths)], capture_output=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


@pytest.mark.parametrize("scheme", ["cbcs", "cenc"])
def test_mp4box_reads_what_our_reader_reads(scheme: str, request: pytest.FixtureRequest) -> None:
    made: Packaged = request.getfixturevalue(scheme)
    tracks = {track.name.partition("/")[0]: track for track in read_presentation(made.folder).tracks}
    chosen = [tracks[name] for name in NAMES]
    paths = [made.folder / path for track in chosen for path in _paths(track)]
    read = {Path(path).relative_to(made.folder).as_posix(): facts for path, facts in mp4box(paths).items()}
    assert len(read) == len(paths) == 3 * 7
    for track in chosen:
        _compare_header(track, read[track.name], scheme)
        for segment in track.segments:
            _compare_segment(made.folder, segment, read[segment.span.path])


def _paths(track: Track) -> list[str]:
    return [track.name, *(segment.span.path for segment in track.segments)]


def _compare_header(track: Track, theirs: dict[str, Any], scheme: str) -> None:
    protection = track.init.protection
    assert protection is not None
    assert theirs["schm"] == [protection.scheme] == [scheme]
    assert theirs["tenc"] == [
        {
            "kid": protection.kid,
            "iv_bytes": protection.iv_bytes,
            "pattern": list(protection.pattern),
            "constant_iv": protection.constant_iv.hex(),
        }
    ]
    assert theirs["pssh"] == [header.system for header in track.init.pssh]
    assert len(theirs["pssh"]) >= 2


def _compare_segment(folder: Path, segment: Segment, theirs: dict[str, Any]) -> None:
    path, ours = segment.span.path, segment.fragments[0]
    assert len(segment.fragments) == len(theirs["trun"]) == len(theirs["senc"]) == 1
    run = theirs["trun"][0]
    assert theirs["tfdt"] == [ours.decode_start]
    assert (run["samples"], run["sizes"][0]) == (ours.samples, ours.first_sample[1])
    assert ours.senc_samples == ours.samples
    if run["durations"]:
        assert sum(run["durations"]) == ours.duration
    assert theirs["saiz"] == ([] if ours.saiz_samples is None else [ours.saiz_samples])
    if ours.saio_is_right is None:
        assert theirs["saio"] == []
    else:
        # Auxiliary information stands inside senc, behind its header of 16 bytes.
        at = ours.offset + theirs["saio"][0][0]
        assert (folder / path).read_bytes()[at - 12 : at - 8] == b"senc"
        assert ours.saio_is_right
