"""Makes all sample clips: ``python -m sample_media OUT_DIR [NAME …]``."""

import asyncio
import sys
from pathlib import Path

from sample_media.clips import make_clip
from sample_media.recipes import CLIPS


def main(arguments: list[str]) -> int:
    """Makes the clips named (all without names) in a folder; returns the exit code."""
    if not arguments or arguments[0].startswith("-"):
        print(f"usage: python -m sample_media OUT_DIR [NAME …]; names: {', '.join(CLIPS)}", file=sys.stderr)
        return 2
    out_dir, names = Path(arguments[0]), arguments[1:] or list(CLIPS)
    if unknown := [name for name in names if name not in CLIPS]:
        print(f"unknown clip {', '.join(unknown)}; names: {', '.join(CLIPS)}", file=sys.stderr)
        return 2
    for name in names:
        print(asyncio.run(make_clip(name, out_dir)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
