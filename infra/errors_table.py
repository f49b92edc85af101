"""Writes docs/errors.md from the error classes of all rooms: ``python -m infra.errors_table``."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from domain.errors import PertitleError

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
ROOMS = (
    "domain", "ladders", "media", "storage", "protection", "reports", "activities", "workflows", "workers", "client",
    "portal",
)  # fmt: skip
FAMILIES = {
    "REQ": "The request",
    "UPL": "The upload",
    "CNT": "The source as a file",
    "VID": "The pictures of the source",
    "AUD": "The sound of the source",
    "SEC": "Sources that would harm us",
    "TXT": "Subtitles",
    "LAD": "The maths of ladders",
    "TOOL": "Programs",
    "PKG": "The packaged presentation",
    "STO": "The store",
    "KEY": "Keys",
    "REL": "Releases",
    "TTL": "Titles, as the command sees them",
    "PLAY": "The preview",
    "STK": "The local stack",
    "PERT": "Defects",
}
REMEDIES = {
    "REQ-001": "Correct the fields that the message names; all of them are listed at once. The rules stand in"
    " [title-request.schema.json](title-request.schema.json).",
    "REQ-002": "Name `h264`, `hevc` or `av1`.",
    "REQ-003": "Rename the title: letters, digits, `-` and `_`, 1 to 64 characters.",
    "REQ-004": "Give `s3://bucket/key` of an uploaded source, or upload with `pertitle submit FILE`.",
    "REQ-005": "Upload the source to the incoming bucket.",
    "REQ-006": "See `pertitle status` for the titles that there are; check `--state`.",
    "REQ-007": "Give a file with one JSON object, such as `sample_media/demo_recipe.json`.",
    "REQ-008": "Check the path.",
    "REQ-009": "Write lines of a bandwidth in bits per second and a weight, such as `5000000,0.2`.",
    "REQ-010": "See what waits and what it offers with `pertitle attention`; somebody else may have decided already.",
    "UPL-001": "Upload the file again from its beginning; remove the open upload if your client does not.",
    "UPL-002": "Upload in parts of 5 MiB at least; only the last may be smaller.",
    "UPL-003": "Upload in parts (one PUT takes 5 GiB at most, an object 5 TiB), or deliver a smaller file.",
    "CNT-001": "Check the address; let the upload end before the title is submitted.",
    "CNT-002": "Export the title again and check that the upload is complete.",
    "CNT-003": "Export the title again; the message says after which frame it is damaged.",
    "CNT-004": "Deliver the title unencrypted; it is encrypted anew when it is packaged.",
    "VID-001": "Deliver a file with a video track.",
    "VID-002": "Deliver the progressive master, or one order of fields throughout.",
    "VID-003": "Deliver the title at a constant frame rate.",
    "VID-004": "Correct the color description; ask for hevc or av1; or deliver an SDR version of the title.",
    "VID-005": "Convert the source as the message says (square samples, upright, even size, planar YUV).",
    "AUD-001": "Deliver PCM, AAC, AC-3, FLAC or Opus.",
    "SEC-001": "Deliver the media itself, not a list of it.",
    "SEC-002": "Check how the file was exported; the message says what it asks for and what is the most.",
    "TXT-001": "Correct the line that the message names, or export the subtitles again, as UTF-8.",
    "TXT-002": "Deliver a file with cues, or leave it out.",
    "TXT-003": "Check that the subtitles are of this title; if their times begin at an hour, say so with `offset_s`.",
    "TXT-004": "Deliver plain subtitles: at most 16 MB (SCC and TTML 4 MB) and 20,000 cues.",
    "LAD-001": "Look at the failed trial encodes in the Temporal UI and submit the title again.",
    "LAD-002": "None needed: the result then states no BD-rate.",
    "LAD-003": "Change the recipe's `policy` as the message says.",
    "LAD-004": "A defect: report it.",
    "LAD-005": "Name `netflix-2015` or `none` as the baseline.",
    "LAD-006": "A defect: report it.",
    "LAD-007": "Change the recipe's `policy.fixed_rungs` as the message says.",
    "TOOL-001": "Run `make setup`. If the message speaks of another ffmpeg: let workers of the old build finish, or"
    " submit the title again.",
    "TOOL-002": "The message holds the end of what the program said, and a line to run it by hand.",
    "TOOL-003": "Look at the machine: out of memory, a stuck disk?",
    "TOOL-004": "It is tried again; if it stays, it is a defect: report it with the message.",
    "TOOL-005": "Install bubblewrap and util-linux, and allow user name spaces; or set `PERTITLE_SANDBOX=prefer`.",
    "TOOL-007": "Make room in the scratch folder; the unit is tried again, on any worker, after half a minute.",
    "TOOL-008": "Give the worker more memory, or fewer slots (`PERTITLE_ENCODE_SLOTS`); the unit is tried again, on any"
    " worker.",
    "TOOL-009": "Make the folder that the message names writable for the worker, with room on its disk; the worker does"
    " not poll before.",
    "TOOL-010": "Look for what kills the worker, then submit again, or decide `retry`.",
    "TOOL-006": "Export the source again; the message says which limit was reached.",
    "PKG-001": "The message names the rule and its clause. A defect, unless the recipe asks for something odd: report"
    " it.",
    "PKG-002": "Nothing was published. A defect: report it.",
    "PKG-003": "Name the folder that holds the MPD or the HLS playlists.",
    "STO-001": "If the work bucket was cleaned while the title ran, submit the title again.",
    "STO-002": "If it stays, an object was damaged or replaced: remove it and submit the title again.",
    "STO-003": "Wait, or look at the S3 server; `pertitle status`.",
    "STO-004": "Give the identity of the workers access to the four buckets.",
    "STO-005": "Check bucket names and region in [settings.md](settings.md).",
    "STO-006": "Set the clock of the worker or of the server.",
    "STO-007": "The document was written by another version: remove it, or use another work bucket.",
    "STO-008": "Make room in the scratch and cache folders, or lower `PERTITLE_CACHE_MAX_BYTES`.",
    "STO-009": "Let the upload end before the title is submitted.",
    "STO-010": "Submit the title again; what is missing is encoded again.",
    "STO-011": "Submit the title again; what is missing is measured again.",
    "STO-012": "Submit the title again; what is missing is joined again.",
    "STO-013": "Submit the title again; the audio is encoded again.",
    "STO-014": "Submit the title again: subtitles and thumbnails are made anew.",
    "STO-015": "Submit the title again: the SDR pictures are made anew.",
    "STO-020": "It is tried again.",
    "STO-021": "It is tried again, more slowly. If it stays: raise the store's limits, or run fewer workers.",
    "STO-022": "Give the worker a larger scratch disk, more memory or fewer slots. It is tried again on any worker.",
    "KEY-001": "`chmod 600` the key file, or restore it from its backup.",
    "KEY-002": "Restore the key file that sealed the record.",
    "KEY-003": "Restore the record in the keys bucket from its backup.",
    "KEY-004": "Restore the record in the keys bucket from its backup.",
    "KEY-005": "A defect: report it.",
    "KEY-006": "A defect: report it.",
    "KEY-007": "Stop publishing, remove what holds the key, and report it.",
    "KEY-008": "A defect: report it.",
    "KEY-009": "It is tried again; see whether the key service is up and reachable.",
    "KEY-010": "Check the credentials and permissions of the worker, and that the key is enabled.",
    "KEY-011": "Give the right CA file, or find out who answers in the key server's place.",
    "KEY-012": "Show the message to whoever runs the key server; nothing was packaged.",
    "KEY-013": "Choose a contract whose tracks our labels can tell apart.",
    "KEY-014": "Ask whoever runs the key server why; raise `key_generation` to publish under the new keys.",
    "KEY-016": "Give this process the deployment's key file in PERTITLE_PAYLOAD_KEY_FILE.",
    "KEY-015": "Set what the message names (docs/settings.md).",
    "REL-001": "Find out who wrote into the release, remove the unsealed release, and submit again.",
    "REL-002": "It is tried again; the last one becomes current.",
    "REL-003": "Wait for the title, or submit it.",
    "REL-004": "A defect: report it.",
    "REL-005": "Give `--out` an empty folder, or one that holds an earlier release of ours.",
    "REL-006": "Nothing: the provisional release is not needed.",
    "TTL-001": "Read the message and the workflow in the Temporal UI. The code shown is that of the cause.",
    "TTL-002": "Submit it again; what is encoded is reused.",
    "TTL-003": "`pertitle watch ID`.",
    "STK-001": "`pertitle up`.",
    "STK-002": "The message holds the end of the part's log; all of it is in `.pertitle/logs/`.",
    "STK-003": "Wait for the other command.",
    "STK-004": "`pertitle down`, then `pertitle up`.",
    "STK-005": "Remove `stack.json`; stored results are not touched by that.",
    "STK-006": "Run `make setup`.",
    "STK-007": "Look at the processes that the message names.",
    "STK-008": "Check `TEMPORAL_ADDRESS` and the cluster.",
    "STK-009": "Install Node 20 or newer and connect the machine once, or copy the file that the message names from a"
    " machine that has it.",
    "PLAY-001": "Play the title where its keys are: on the machine (or with the store and key file) that published it;"
    " a release of before this version is to be published anew.",
    "PLAY-002": "Play it by its title id: `pertitle play ID`.",
    "PLAY-003": "Give a folder with `manifest.mpd`, such as `presentation/` of `pertitle encode`.",
    "PERT-000": "An error without a code of its own, most likely a defect: report it.",
    "PERT-001": "A stored or sent value does not fit its type, most likely two versions at work: report it.",
    "PERT-002": "A defect: report it.",
}
_UNCLASSED = {
    "PERT-000": "Something failed that has no name of its own.",
    "PERT-001": "A value is not what its type says.",
}
_HEAD = """# Errors

Every error that a person may see has a code, and says where it is, what was found, what was expected, and how to fix
it. In the Temporal UI the code is the failure's type. The command prints the same parts and ends with an
[exit code](cli.md#exit-codes).

*Tried again* means that Temporal repeats the step (up to 10 times, with growing pauses) before the title fails; the
other errors fail at once, because another try would give the same answer. A failed **trial encode** does not fail the
title: the ladder is planned from the points that are there, as long as one resolution has two for every shot.

This page is written by `make errors` from the classes; a test compares it.
"""


def errors_page() -> str:
    """Returns docs/errors.md.

    Raises:
        KeyError: if a class has a code without a remedy here.
    """
    rows = {code: (meaning, "no") for code, meaning in _UNCLASSED.items()}
    rows |= {kind.code: (meaning_of(kind), "yes" if kind.retryable else "no") for kind in coded_errors()}
    parts = [_HEAD]
    for family, title in FAMILIES.items():
        parts.append(f"\n## {title}: {family}\n\n| code | meaning | tried again | what to do |\n|---|---|---|---|\n")
        for code in sorted(rows):
            if code.startswith(f"{family}-"):
                meaning, again = rows[code]
                parts.append(f"| `{code}` | {meaning} | {again} | {REMEDIES[code]} |\n")
    return "".join(parts)


def coded_errors() -> list[type[PertitleError]]:
    """Returns every class with a code of its own; roots of families (``-000``) are never raised."""
    for room in ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    kinds = {kind for kind in _below(PertitleError) if "code" in vars(kind) and not kind.code.endswith("-000")}
    return sorted(kinds, key=lambda kind: (kind.code, kind.__name__))


def _below(kind: type[PertitleError]) -> Iterator[type[PertitleError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def meaning_of(kind: type[PertitleError]) -> str:
    """Returns the first line of an error class's docstring, as Markdown."""
    return (kind.__doc__ or "").partition("\n")[0].replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(errors_page(), encoding="utf-8")
