"""Writes the table of rules in docs/checks.md from the rules themselves: ``python -m infra.rules_table``."""

from pathlib import Path

from media.rules.check import RULES

PAGE = Path(__file__).parents[1] / "docs" / "checks.md"
_MARK = "<!-- rules: written by `make rules` -->"


def rules_table() -> str:
    """Returns the table of all rules."""
    rows = [f"| {rule.rule_id} | {rule.severity} | {rule.title} | {rule.source} |" for rule in RULES]
    return "\n".join(["| rule | severity | what must hold | source |", "|---|---|---|---|", *rows])


def page_with_table(page: str) -> str:
    """Returns the page with the table as it is now."""
    return f"{page.partition(_MARK)[0]}{_MARK}\n\n{rules_table()}\n"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
