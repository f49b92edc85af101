"""Writes docs/error-codes.md, all codes that a source can get: ``python -m infra.findings_table``."""

from pathlib import Path

from domain.findings import CATALOGUE, FAMILIES
from infra.errors_table import REMEDIES, coded_errors, meaning_of

PAGE = Path(__file__).parents[1] / "docs" / "error-codes.md"
_NOTES = {
    "UPL": "The digest of every upload is checked anyway ([STO-002](errors.md), also where the server finds it wrong);"
    " a request may state it, too. A body that ended early or credentials that expired meanwhile are tried again"
    " ([STO-003](errors.md)). We hand out no signed addresses; whoever does so for studios sees the server's own"
    " answers.",
    "PKG": "IMF and other packages are not read yet; a source is one file. (`PKG-` codes in [errors.md](errors.md) are"
    " about what we package.)",
}
_HEAD = """# What inspection finds

Every source is inspected before anything is encoded: probed, decoded from end to end with every error fatal, every
picture counted, timed and hashed. In the same pass the pictures and the sound are looked at. Each thing found has
a code, a level, where it is (track and timecode, from the first picture), what was found, what was expected, and how
to fix it. `pertitle inspect FILE` shows them before anything is submitted; the report and `result.json` keep them.

| level | what it does |
|---|---|
| fatal | it ends the title with its code |
| overridable | the title stops until a named person waves it through, with a reason |
| warning | it is reported; somebody should look |
| info | it is reported |

An overridable finding is waved through in the request,

```json
{"overrides": [{"code": "VID-102", "by": "Kim Lee", "reason": "an audio description of a black picture"}]}
```

or while the title waits: `pertitle decide ID override --by NAME --reason TEXT` (or the Update `decide` in the Temporal
UI); `fail` instead of `override` ends the title with the code. With `"when_stuck": "fail"` it ends at once. Thresholds
and levels are the request's: `{"inspection": {"black_s": 5, "levels": {"VID-101": "overridable"}}}`; see `inspection`
in [title-request.schema.json](title-request.schema.json). `"content": false` leaves out what must be seen or heard.

Codes below 101 are errors: what cannot be encoded right at all, or would harm us. Their level is fixed. A code never
changes its meaning. What is said about flashes is a rough signal and certifies nothing; loudness is that of the whole
programme and not of its dialogue.

This page is written by `make errors` from the catalogue in `domain/findings.py` and the error classes; a test compares
it.
"""


def findings_page() -> str:
    """Returns docs/error-codes.md.

    Raises:
        KeyError: if an error class has a code without a remedy.
    """
    rows = {
        kind.code: ("fatal", meaning_of(kind), "", REMEDIES[kind.code])
        for kind in coded_errors()
        if kind.code.partition("-")[0] in FAMILIES.keys() - {"PKG"}
    }
    rows |= {code: (kind.level.value, kind.meaning, kind.expected, kind.fix) for code, kind in CATALOGUE.items()}
    parts = [_HEAD]
    for family, title in FAMILIES.items():
        parts.append(f"\n## {title}: {family}\n")
        if family in _NOTES:
            parts.append(f"\n{_NOTES[family]}\n")
        listed = [
            f"| `{code}` | {' | '.join(rows[code])} |\n" for code in sorted(rows) if code.startswith(f"{family}-")
        ]
        if listed:
            parts.append("\n| code | level | meaning | expected | how to fix |\n|---|---|---|---|---|\n")
        parts += listed
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(findings_page(), encoding="utf-8")
