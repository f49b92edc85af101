"""A rule: a small pure function with a stable id, the clause it comes from, and how to mend what it finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from domain.checks import MOST_FINDINGS, RuleFinding, RuleVerdict, Severity
from media.rules.model import PresentationOnDisk

Subject = Literal["any", "dash", "hls", "both", "encrypted", "encrypted hls", "encrypted dash"]
"""What a presentation must have for a rule to apply."""
APPLE = "Apple HLS authoring specification 2025-06"
RFC = "RFC 8216bis"
IOP = "DASH-IF IOP 5"
DASH = "ISO/IEC 23009-1"
CMAF = "ISO/IEC 23000-19"
CENC = "ISO/IEC 23001-7"
BMFF = "ISO/IEC 14496-12"


class Finding(NamedTuple):
    """One place where a rule is broken."""

    where: str
    found: str
    expected: str


Check = Callable[[PresentationOnDisk], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    rule_id: str
    title: str
    source: str
    fix: str
    severity: Severity
    needs: Subject
    find: Check

    def verdict(self, presentation: PresentationOnDisk) -> RuleVerdict:
        """Returns how a presentation keeps the rule."""
        applies = presentation.has(self.needs)
        findings = list(self.find(presentation)) if applies else []
        return RuleVerdict(
            rule=self.rule_id,
            title=self.title,
            source=self.source,
            severity=self.severity,
            verdict="broken" if findings else "passed" if applies else "not applicable",
            fix=self.fix if findings else "",
            findings=tuple(RuleFinding(**found._asdict()) for found in findings[:MOST_FINDINGS]),
            count=len(findings),
        )


def rule(
    rule_id: str, title: str, *, source: str, fix: str, severity: Severity = "must", needs: Subject = "any"
) -> Callable[[Check], Rule]:
    """Makes a rule of a function that yields what breaks it."""

    def made(find: Check) -> Rule:
        return Rule(rule_id, title, source, fix, severity, needs, find)

    return made
