"""ffmpeg's progress lines."""

from hypothesis import given
from hypothesis import strategies as st

from media.progress import frame_reader, ignore_progress, null_outputs, pads


def test_frames_are_read_from_their_line_only() -> None:
    seen: list[int] = []
    read = frame_reader(seen.append)
    for line in ("frame=0", "fps=25.0", "frame= 12 ", "out_time_ms=9", "progress=continue", "frame=N/A", "", "frame"):
        read(line)
    assert seen == [0, 12]


@given(st.lists(st.integers(0, 1000)))
def test_progress_only_rises(frames: list[int]) -> None:
    seen: list[int] = []
    read = frame_reader(seen.append)
    for number in frames:
        read(f"frame={number}")
    assert seen == sorted(set(seen))
    assert not frames or seen[-1] == max(frames)


def test_pads_and_null_outputs_name_every_leg() -> None:
    assert pads("e", 3) == "[e0][e1][e2]"
    assert null_outputs(["[s0]", "[s1]"]) == ["-map", "[s0]", "-f", "null", "-", "-map", "[s1]", "-f", "null", "-"]
    assert ignore_progress(5) is None  # type: ignore[func-returns-value]  # that is what is tested
