"""Drops ``opencv-python`` from a compiled requirements file; ``opencv-python-headless`` stays and serves.

PySceneDetect asks for ``opencv-python``, whose wheel needs a desktop's libGL; the headless wheel has the same
module and runs on a bare machine (docs/decisions/0002).
"""

import re
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
sys.stdout.write(re.sub(r"^opencv-python==.*\n(?:    --hash=.*\n)+", "", text, flags=re.MULTILINE))
