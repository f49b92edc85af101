"""``pertitle play`` as a process, and a visit to its page."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.players.browser import HERE, chromium

ROOT = Path(__file__).parents[2]


@contextmanager
def playing(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Runs ``pertitle play`` and gives the process and what it printed; Ctrl-C ends it, with code 0."""
    command = [sys.executable, "-m", "client", "play", "--no-browser", "--json", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        assert text, process.stderr.read()
        yield process, json.loads(text)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)
    assert (process.returncode, said[1]) == (0, "")


def visit(url: str, picture: Path | None = None) -> dict[str, Any]:
    """Opens the page as a person would and plays every rung."""
    environment = {**os.environ, "CHROMIUM": chromium()}
    done = subprocess.run(
        ["node", str(HERE / "preview.mjs")],
        input=json.dumps({"url": url, "picture": str(picture or "")}) + "\n",
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
