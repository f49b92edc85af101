"""What the rules said about a presentation: every rule with its verdict, and what breaks it."""

from typing import Literal

from pydantic import Field

from domain.values import Value

Severity = Literal["must", "should"]
Verdict = Literal["passed", "broken", "not applicable"]
MOST_FINDINGS = 20
"""Findings kept for each rule; a title with a thousand bad segments is told by twenty of them and the count."""


class RuleFinding(Value):
    """One place where a rule is broken."""

    where: str
    """Path in the presentation, with the element where one is meant."""
    found: str
    expected: str


class RuleVerdict(Value):
    """One rule and how the presentation keeps it."""

    rule: str = Field(pattern=r"^[A-Z]{3,4}-[0-9]{3}$")
    """Stable id."""
    title: str
    source: str
    """Standard and clause."""
    severity: Severity
    verdict: Verdict
    fix: str
    findings: tuple[RuleFinding, ...] = Field(default=(), max_length=MOST_FINDINGS)
    count: int = 0
    """All findings, also those that are not kept."""


class CheckReport(Value):
    """The verdicts of all rules on one presentation."""

    rules: tuple[RuleVerdict, ...]
    files: int = 0
    """Files of the presentation."""
    segments: int = 0
    """Media segments that were read."""

    def broken(self, severity: Severity) -> tuple[RuleVerdict, ...]:
        """Returns the broken rules of one severity."""
        return tuple(rule for rule in self.rules if rule.verdict == "broken" and rule.severity == severity)

    def passed(self) -> tuple[RuleVerdict, ...]:
        """Returns the rules that were kept."""
        return tuple(rule for rule in self.rules if rule.verdict == "passed")
