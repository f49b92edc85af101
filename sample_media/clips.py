"""Makes a clip with its list of cuts beside it; an existing one with the right digest is reused."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domain.values import digest_of
from media.command import Command, command
from media.process import run_tool
from media.tools import ToolPaths, find_tools
from sample_media.pictures import PAGE_INPUT
from sample_media.recipes import CLIPS, Clip
from sample_media.sound import tones

_PAGE = """\
 ONE TITLE END TO END

 A title is cut into shots. Every shot is encoded at several sizes and
 several quantizers; every encode is decoded again and scored against
 the source. The points of one size make a curve, and the curves of all
 sizes make a hull: what no other size beats at any rate.

     shot   frames   looks like               hard because
     ----   ------   ----------------------   -----------------------
        0       53   flat animation           edges without texture
        1       79   stone, slowly turning    detail everywhere
        2       66   a dark room              grain, banding
        3       38   sparks                   no common motion
        4       52   this page                thin strokes

 The ladder takes a rung where the next bit buys the same quality in
 every shot, so that easy shots pay for hard ones. A rung keeps its
 promise or says so: 0.5 VMAF over the title, no peak above the cap.

 { "title_id": "demo", "rungs": [ 145, 365, 730, 1100, 2000, 3000 ] }

 The quick brown fox jumps over the lazy dog; SPHINX OF BLACK QUARTZ,
 JUDGE MY VOW. 0123456789 +-*/=<>()[]{}!?@#$%&

 Frames are counted, never timed. What is measured is what is stored.
 Good night, and good encoding.
"""


async def make_clip(name: str, out_dir: Path, *, tools: ToolPaths | None = None) -> Path:
    """Returns the path of a clip, made now unless it lies there already as this recipe makes it.

    Args:
        name: One of ``sample_media.recipes.CLIPS``.
        out_dir: Folder for ``NAME.mov`` and ``NAME.shots.json``; made if absent.
        tools: Programs; by default those of the wheels.

    Raises:
        KeyError: if there is no clip of that name.
        ToolError: if ffmpeg fails.
    """
    clip = CLIPS[name]
    if _is_made(clip, out_dir):
        return _path_of(clip, out_dir)
    with _scratch_in(out_dir) as scratch:
        page, made = scratch / "page.txt", scratch / f"{name}.mov"
        _write_page(page)
        await run_tool(clip_command((tools or find_tools()).ffmpeg, clip, page, made))
        return _keep(clip, made, out_dir)


def clip_command(ffmpeg: str, clip: Clip, page: Path, out: Path) -> Command:
    """Builds the command that makes a clip.

    Args:
        ffmpeg: The program.
        clip: What to make.
        page: Text file (ASCII, at most 30 lines of 80 columns) that the text shot shows.
        out: Where to.
    """
    # The ansi decoder draws with a glyph set of its own, so that no font is needed.
    typeset = ["-f", "tty", "-video_size", "640x480", "-framerate", "1", "-chars_per_frame", "6000", "-i", str(page)]
    maps = ["-map", "[v]", *(part for index in range(len(clip.languages)) for part in ("-map", f"[a{index}]"))]
    graph = ["-filter_complex", clip_graph(clip)]
    argv = [ffmpeg, "-nostdin", "-v", "error", "-y", *typeset, *graph, *maps, *_coding(clip), str(out)]
    return command(argv, purpose=f"sample clip {clip.name}")


def clip_graph(clip: Clip) -> str:
    """Returns the filter graph of a clip: shots, joined, and its sound; labels ``[v]``, ``[a0]``, ``[a1]``."""
    chains, labels = [], []
    for index, shot in enumerate(clip.shots):
        chain = _with_own_labels(shot.graph(clip.frame), index)
        end = f"trim=end_frame={shot.frames},setpts=N/({clip.frame_rate})/TB,format=yuv420p,setsar=1"
        chains.append(f"{chain},{end}[shot{index}]")
        labels.append(f"[shot{index}]")
    colors = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    chains.append(f"{''.join(labels)}concat=n={len(labels)},fps={clip.frame_rate},{colors}[v]")
    chains.extend(f"{tones(language, clip.duration_s)}[a{index}]" for index, language in enumerate(clip.languages))
    if f"[{PAGE_INPUT}]" not in "".join(chains):
        chains.append("[0:v]nullsink")
    return ";".join(chains).replace(f"[{PAGE_INPUT}]", "[0:v]")


def _with_own_labels(chain: str, index: int) -> str:
    """Two shots of one kind must not share labels: ``[ball]`` becomes ``[ball_3]``."""
    parts = chain.replace(f"[{PAGE_INPUT}]", "\0").replace("]", f"_{index}]")
    return parts.replace("\0", f"[{PAGE_INPUT}]")


def _coding(clip: Clip) -> tuple[str, ...]:
    languages = [
        part
        for index, language in enumerate(clip.languages)
        for part in (f"-metadata:s:a:{index}", f"language={language}")
    ]
    exact = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")
    return (*clip.codec, "-c:a", "pcm_s16le", *languages, *exact, "-video_track_timescale", "24000")


def _truth(clip: Clip) -> dict[str, Any]:
    return {
        "file": f"{clip.name}.mov",
        "fps": str(clip.frame_rate),
        "frame_rate": str(clip.frame_rate),
        "frames": clip.frames,
        "width": clip.size[0],
        "height": clip.size[1],
        "frame_numbers": "0-based; cut = first frame of the new shot",
        "hard_cuts": list(clip.hard_cuts),
        "transitions": [],
        "languages": list(clip.languages),
    }


@contextmanager
def _scratch_in(out_dir: Path) -> Iterator[Path]:
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir) as folder:
        yield Path(folder)


def _write_page(path: Path) -> None:
    path.write_bytes(_PAGE.replace("\n", "\r\n").encode("ascii"))


def _keep(clip: Clip, made: Path, out_dir: Path) -> Path:
    truth = {**_truth(clip), "recipe_sha256": _recipe_sha256(clip), "sha256": _sha256_of(made)}
    path = made.replace(_path_of(clip, out_dir))
    _truth_path_of(clip, out_dir).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return path


def _is_made(clip: Clip, out_dir: Path) -> bool:
    try:
        truth = json.loads(_truth_path_of(clip, out_dir).read_text(encoding="utf-8"))
        wanted = (_recipe_sha256(clip), _sha256_of(_path_of(clip, out_dir)))
        return bool((truth["recipe_sha256"], truth["sha256"]) == wanted)
    except (OSError, ValueError, KeyError):
        return False


def _path_of(clip: Clip, out_dir: Path) -> Path:
    return out_dir / f"{clip.name}.mov"


def _truth_path_of(clip: Clip, out_dir: Path) -> Path:
    return out_dir / f"{clip.name}.shots.json"


def _recipe_sha256(clip: Clip) -> str:
    return digest_of({"graph": clip_graph(clip), "page": _PAGE, "options": list(_coding(clip))})


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
