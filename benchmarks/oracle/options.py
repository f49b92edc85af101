"""Options that the oracle and the search benchmark share."""

import argparse
from pathlib import Path

from benchmarks.oracle.table import Setting
from domain.recipe import PRESETS
from domain.video import Codec

DEFAULT_SETTINGS = ("h264/medium", "h264/veryfast", "hevc/fast", "hevc/superfast", "av1/6", "av1/8")
"""Three encoders, two presets each."""


def add_grid_options(parser: argparse.ArgumentParser) -> None:
    """Adds the folder, what is cut from it, and which encoders are tried."""
    parser.add_argument("media", type=Path, help="folder of clips, or one clip")
    parser.add_argument("out", type=Path, help="folder for pieces, trials and results; a run goes on where one ended")
    parser.add_argument(
        "--settings",
        default=",".join(DEFAULT_SETTINGS),
        help="codec/preset, separated by commas (default: %(default)s)",
    )
    parser.add_argument("--crf-step", type=int, default=2, help="step of the exhaustive grid (default: %(default)s)")
    parser.add_argument("--shots", type=int, default=8, help="shots per clip, at most (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=48, help="frames per shot, at most (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=0, help="processes at once (default: one per core)")


def settings_of(options: argparse.Namespace) -> list[Setting]:
    """Returns the settings asked for.

    Raises:
        SystemExit: one is not a codec with one of its presets.
    """
    settings = []
    for text in str(options.settings).split(","):
        name, _, preset = text.strip().partition("/")
        codec = next((codec for codec in Codec if codec.value == name), None)
        if codec is None or preset not in PRESETS[codec]:
            known = "; ".join(f"{codec.value}/{{{', '.join(PRESETS[codec])}}}" for codec in Codec)
            raise SystemExit(f"--settings: {text!r} found, expected codec/preset of {known}")
        settings.append(Setting(codec, preset))
    return settings
