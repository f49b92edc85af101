"""What a container says, and which track is chosen."""

import json
from pathlib import Path
from typing import Any

import pytest

from media.errors import NoVideoTrack, UnreadableSource
from media.probe import Probe, choose_video_track, parse_probe, probe_command


def described(*streams: dict[str, Any]) -> Probe:
    document = {"format": {"format_name": "mov"}, "streams": [{"index": i, **s} for i, s in enumerate(streams)]}
    return parse_probe(json.dumps(document), where="source")


def video(width: int, **fields: Any) -> dict[str, Any]:
    return {"codec_type": "video", "codec_name": "h264", "width": width, "height": width // 2, **fields}


def test_untrusted_media_is_opened_as_a_local_file_with_white_lists_and_limits() -> None:
    argv = probe_command("ffprobe", Path("/in/-y.mp4")).argv
    assert argv[argv.index("-protocol_whitelist") + 1] == "file"
    assert "hls" not in argv[argv.index("-format_whitelist") + 1].split(",")
    assert "concat" not in argv[argv.index("-format_whitelist") + 1].split(",")
    assert int(argv[argv.index("-max_pixels") + 1]) == 8192 * 4352
    assert argv[-1] == "file:/in/-y.mp4"


def test_the_largest_picture_wins_then_the_default_track_then_the_first() -> None:
    assert choose_video_track(described(video(1280), video(1920)), where="source").index == 1
    flagged = video(1280, disposition={"default": 1})
    assert choose_video_track(described(video(1280), flagged), where="source").index == 1
    assert choose_video_track(described(video(1280), video(1280)), where="source").index == 0


def test_cover_art_is_never_chosen() -> None:
    cover = video(4000, disposition={"attached_pic": 1})
    assert choose_video_track(described(cover, video(640)), where="source").index == 1
    with pytest.raises(NoVideoTrack, match=r"VID-001 source: tracks: video \(h264\)"):
        choose_video_track(described(cover), where="source")


def test_unknown_fields_read_as_absent() -> None:
    (track,) = described(video(640, color_range="unknown", sample_aspect_ratio="0:1", tags={"LANGUAGE": "fra"})).tracks
    assert track.text("color_range") == ""
    assert track.ratio("sample_aspect_ratio") == 0
    assert track.ratio("r_frame_rate") == 0
    assert track.language == "fra"


def test_an_answer_that_is_no_description_is_an_unreadable_source() -> None:
    for text in ("", "{}", "[]", '{"format": {}}'):
        with pytest.raises(UnreadableSource, match="CNT-002"):
            parse_probe(text, where="source")
