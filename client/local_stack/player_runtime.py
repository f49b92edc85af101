"""The player of the preview page: shaka-player from npm, once, its hash checked, into the state folder."""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

from client.local_stack.errors import PlayerMissing

LOCK_DIR = Path(__file__).parent / "player"
"""``package.json``, ``package-lock.json`` (with the SHA-512 of the package) and ``.npmrc`` (no scripts are run)."""
_BUILD = Path("node_modules/shaka-player/dist/shaka-player.compiled.js")
_SHOWN_CHARACTERS = 400


def player_file(state_dir: Path) -> Path:
    """Returns where the player's script lies in a state folder; another version has another name."""
    wanted = json.loads((LOCK_DIR / "package.json").read_text(encoding="utf-8"))["dependencies"]["shaka-player"]
    return state_dir / "player" / f"shaka-player-{wanted}.js"


async def ensure_player(state_dir: Path) -> Path:
    """Returns the player's script, fetched by npm when it is asked for first.

    npm compares the package with the hash of the lock file. Only the one script is kept.

    Raises:
        PlayerMissing: if there is no npm, or if it cannot get the package.
    """
    path = player_file(state_dir)
    if path.is_file():
        return path
    npm = shutil.which("npm")
    if npm is None:
        raise _missing(path, "no npm on this machine", "install Node 20 or newer (for npm)")
    with tempfile.TemporaryDirectory(prefix="pertitle-player-") as folder:
        for item in LOCK_DIR.iterdir():
            shutil.copy(item, folder)
        await _install(npm, folder, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        shutil.copyfile(Path(folder) / _BUILD, partial)
        partial.replace(path)
    return path


async def _install(npm: str, folder: str, path: Path) -> None:
    # npm keeps the person's environment: where packages come from and which proxy leads there is theirs to say.
    process = await asyncio.create_subprocess_exec(
        *(npm, "ci", "--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--prefer-offline"),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        reason = " ".join(said.decode(errors="replace").split())[:_SHOWN_CHARACTERS]
        raise _missing(path, f"npm could not install it: {reason}", "connect this machine once")


def _missing(path: Path, found: str, fix: str) -> PlayerMissing:
    return PlayerMissing(
        "player",
        found=found,
        expected=f"shaka-player in {path}",
        fix=f"{fix}, or copy that file from a machine that has it",
    )
