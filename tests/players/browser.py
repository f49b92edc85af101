"""One browser session: a Node process that takes cases on its standard input and answers on its standard output."""

import base64
import io
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import av
import numpy as np
import pytest

from tests.media.packaging.conftest import CONTENT_KEYS

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
Step = tuple[str, dict[str, Any]]


def chromium() -> str:
    """Returns the browser; where there is none, or no players, the test is skipped, but fails in CI."""
    found = shutil.which("chromium")
    if found is None:
        absent("Chromium (Debian's package chromium)")
    if shutil.which("node") is None:
        absent("Node 20 or newer")
    if not (MODULES / ".lock-installed").is_file():
        absent("the players of tests/players/package-lock.json (`make players`)")
    return found


def absent(what: str) -> NoReturn:
    """Skips the test, or fails it in CI, where everything has to be there."""
    reason = f"{what} is not on this machine"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Played:
    """What one case did, step by step."""

    steps: tuple[dict[str, Any], ...]
    error: str | None
    missing: tuple[str, ...]
    """Paths that were asked for and are not there."""
    fetched: tuple[str, ...]
    """Paths that were asked for, in that order."""

    def picture(self, step: int = -1) -> np.ndarray:
        """Returns the screenshot of a step as luma, height x width, 0 to 255."""
        png = base64.b64decode(self.steps[step]["png"])
        with av.open(io.BytesIO(png), "r", format="png_pipe") as container:
            return luma(next(container.decode(video=0)))

    def still(self, step: int = -1) -> np.ndarray:
        """Returns the thumbnail of a step as luma, cut out of its sheet."""
        found = self.steps[step]
        with av.open(io.BytesIO(base64.b64decode(found["jpeg"])), "r", format="jpeg_pipe") as container:
            sheet = luma(next(container.decode(video=0)))
        x, y = int(found["x"]), int(found["y"])
        return sheet[y : y + int(found["height"]), x : x + int(found["width"])]


class BrowserSession:
    """Chromium with a page for each case, over a folder of presentations."""

    def __init__(self, media: Path) -> None:
        command = ["node", str(HERE / "session.mjs"), str(media)]
        environment = {**os.environ, "CHROMIUM": chromium()}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def play(self, player: str, url: str, *steps: Step, keys: dict[str, str] | None = None) -> Played:
        """Runs one case; content keys go through standard input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        case = {"player": player, "url": f"/media/{url}", "keys": keys or None, "steps": steps}
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        asked = answer["requests"]
        return Played(
            steps=tuple(answer["steps"]),
            error=answer["error"],
            missing=tuple(item["path"] for item in asked if item["status"] == 404 and "favicon" not in item["path"]),
            fetched=tuple(item["path"] for item in asked),
        )

    def plays(self, player: str, url: str, *steps: Step, keys: dict[str, str] | None = None) -> Played:
        """Runs one case that has to go through to its end, without asking for anything that is not there."""
        played = self.play(player, url, *steps, keys=keys)
        assert (played.error, played.missing) == (None, ()), played.steps
        return played


def luma(frame: av.VideoFrame) -> np.ndarray:
    """Returns the luma of a picture in full range, height x width, 0 to 255; colors are BT.709's."""
    rgb = frame.to_ndarray(format="rgb24", src_colorspace="ITU709").astype(np.float64)
    seen: np.ndarray = rgb @ np.array([0.2126, 0.7152, 0.0722])
    return seen


def source_picture(path: Path, number: int, *, width_px: int | None = None) -> np.ndarray:
    """Returns the luma of one frame of a clear track, decoded by FFmpeg; scaled if a width is given."""
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == number and width_px:
                return luma(frame.reformat(width=width_px, height=width_px * frame.height // frame.width))
            if index == number:
                return luma(frame)
    raise AssertionError(f"{path} has no frame {number}")


def psnr_db(one: np.ndarray, other: np.ndarray) -> float:
    """Returns how alike two pictures of one size are, in dB; 100 for equal ones."""
    error = float(np.mean((one - other) ** 2))
    return 100.0 if error == 0 else min(100.0, 10 * float(np.log10(255**2 / error)))


def keys_of(kids: dict[str, str], *, without: str = "", wrong: bool = False) -> dict[str, str]:
    """Returns KID → content key, both hexadecimal: what a license would bring.

    Args:
        kids: Label → KID.
        without: A label whose key is withheld.
        wrong: Give keys that are not those of the presentation.
    """
    return {
        kid: "00" * 15 + "ad" if wrong else CONTENT_KEYS[label].hex()  # type: ignore[index]
        for label, kid in kids.items()
        if label != without
    }
