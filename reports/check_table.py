"""How the release keeps the rules for presentations: what is broken first, all rules folded below."""

from domain.checks import CheckReport, RuleVerdict
from reports.ladder_tables import Table, head_cell
from reports.markup import Child, Markup, element
from reports.numerals import write_count

_SHOWN_FINDINGS = 3


def draw_checks(report: CheckReport) -> Markup:
    """Returns the section of the checks."""
    broken = [*report.broken("must"), *report.broken("should")]
    return element(
        "section",
        element("h2", "Checks"),
        element("p", _words(report)),
        _broken_table(broken) if broken else None,
        element("details", element("summary", f"All {write_count(len(report.rules), 'rule')}"), _all_table(report)),
        id="checks",
    )


def _words(report: CheckReport) -> str:
    applicable = [rule for rule in report.rules if rule.verdict != "not applicable"]
    must = "No MUST is broken" if not report.broken("must") else f"{len(report.broken('must'))} MUST broken"
    return (
        f"{len(report.passed())} of {write_count(len(applicable), 'rule')} that apply are kept, on {report.files} "
        f"files with {write_count(report.segments, 'segment')}, read back before they were published. {must}."
    )


def _broken_table(broken: list[RuleVerdict]) -> Markup:
    names = ("Rule", "Severity", "What must hold", "Where", "Found", "Expected")
    rows = []
    for rule in broken:
        for number, finding in enumerate(rule.findings[:_SHOWN_FINDINGS]):
            more = f" … {rule.count} in all" if number == _SHOWN_FINDINGS - 1 and rule.count > _SHOWN_FINDINGS else ""
            head = ("", "", "") if number else (rule.rule, rule.severity.upper(), f"{rule.title} ({rule.source})")
            rows.append(_row(*head, finding.where + more, finding.found, finding.expected))
    return Table("Rules that are not kept", "Broken rules", _head(names), rows, "checks").draw()


def _all_table(report: CheckReport) -> Markup:
    rows = [_row(one.rule, one.severity.upper(), one.verdict, one.title, one.source) for one in report.rules]
    names = ("Rule", "Severity", "Verdict", "What must hold", "Source")
    return Table("Every rule with its source", "All rules", _head(names), rows, "checks").draw()


def _head(names: tuple[str, ...]) -> Markup:
    return element("tr", [head_cell(name, css_class="words") for name in names])


def _row(*cells: Child) -> Markup:
    first, *others = cells
    return element(
        "tr",
        head_cell(first, scope="row", css_class="words"),
        [element("td", cell, class_="words") for cell in others],
    )
