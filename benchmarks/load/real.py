"""A load of real titles, as tiny as titles get: every program of the pipeline runs for each, on a whole local stack."""

import asyncio
import time
from pathlib import Path
from typing import Any

from benchmarks.load.runs import LoadOutcome, requests_of, run_requests
from client.local_stack.control import start_stack, stop_stack
from client.session import Session, local_session
from media.command import command
from media.process import run_tool
from media.tools import find_tools

RECIPE: dict[str, Any] = {
    "codecs": [{"codec": "h264", "preset": "ultrafast"}],
    "heights_px": [160],
    "policy": {"max_rungs": 2, "min_bitrate_bps": 20_000},
}
PICTURES = "testsrc2=s=216x160:r=24,noise=alls=10:allf=t:all_seed="
FRAMES = 36
"""One shot of 1.5 s."""


async def run_real_load(state_dir: Path, titles: int) -> tuple[float, LoadOutcome]:
    """Runs one title alone, and then many at once, on a stack of their own.

    Returns:
        The seconds of the title alone, and what the load came to.
    """
    stack = await start_stack(state_dir)
    try:
        session = await local_session(stack)
        sources = [await _uploaded(session, state_dir, number) for number in range(titles + 1)]
        began = time.monotonic()
        alone = requests_of("alone", 1, sources[:1], recipe=RECIPE)
        await run_requests(session.temporal, alone, None, {})
        alone_s = round(time.monotonic() - began, 1)
        requests = requests_of("real", titles, sources[1:], recipe=RECIPE)
        return alone_s, await run_requests(session.temporal, requests, None, stack.pids)
    finally:
        await stop_stack(state_dir)


async def _uploaded(session: Session, folder: Path, number: int) -> str:
    """Makes a source that no other title has, for what is known is not encoded again, and uploads it."""
    path = folder / f"source-{number:04d}.mov"
    sound = f"sine=frequency={200 + number}:sample_rate=48000:duration={FRAMES / 24}"
    argv = [find_tools().ffmpeg, "-v", "error", "-f", "lavfi", "-i", f"{PICTURES}{number}", "-f", "lavfi", "-i", sound]
    argv += ["-frames:v", str(FRAMES), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "12"]
    await run_tool(command([*argv, "-c:a", "pcm_s16le", str(path)], purpose=path.name))
    uploaded = await asyncio.to_thread(session.sources.upload_source, path)
    path.unlink()
    return uploaded.uri
