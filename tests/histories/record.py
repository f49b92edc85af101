"""Records the histories of a finished title: ``python -m tests.histories.record WORKFLOW_ID [STATE]`` beside its stack.

With ``--sdr`` at the end: those that only an HDR title with SDR ladders has.

Run it when the order of a title's steps has changed on purpose; commit what it writes and say so in the changelog.
"""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from client.local_stack.state import DEFAULT_STATE
from client.session import open_session

FOLDER = Path(__file__).parent
KINDS = ("trial", "search", "baseline", "encode", "measure", "assemble")
"""Kinds of units; a title has searches or a grid of trials, and what it has not keeps its older recording."""


async def record(workflow_id: str, state: Path = DEFAULT_STATE, *, has_sdr_ladders: bool = False) -> None:
    """Writes the title's history and that of the first batch of each kind.

    Args:
        workflow_id: The title.
        state: Folder of its stack.
        has_sdr_ladders: It is an HDR title that asked for them; only what no other title has is written.
    """
    session = await open_session(state)
    wanted = {"encode_title": workflow_id, **{f"batch_{kind}": f"{workflow_id}/{kind}-0001" for kind in KINDS}}
    if has_sdr_ladders:
        wanted = {"encode_title_sdr": workflow_id, "batch_tone-map": f"{workflow_id}/sdr-tone-map-0001"}
    for name, run in wanted.items():
        try:
            history = await session.temporal.get_workflow_handle(run).fetch_history()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            continue
        content = {"workflow_id": run, "history": without_host(history.to_json_dict())}
        (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def without_host(content: Any) -> Any:
    """Returns the history without the names of the machine and processes that made it."""
    if isinstance(content, dict):
        return {key: "somewhere" if key == "identity" else without_host(value) for key, value in content.items()}
    if isinstance(content, list):
        return [without_host(value) for value in content]
    # A worker's own task queue is named by its process and machine.
    return "somewhere" if isinstance(content, str) and re.match(r"\d+@", content) else content


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--sdr"]
    asyncio.run(record(arguments[0], *map(Path, arguments[1:2]), has_sdr_ladders="--sdr" in sys.argv))
