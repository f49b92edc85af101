"""What inspection found in the source, and who waved what through."""

from domain.findings import Finding
from domain.result import TitleResult
from reports.ladder_tables import Table, head_cell
from reports.markup import Markup, element


def draw_findings(result: TitleResult) -> Markup | None:
    """Returns the section on findings; nothing where nobody looked."""
    inspection = result.inspection
    if not inspection.checks:
        return None
    looked = element("p", f"Looked for: {', '.join(inspection.checks)}.", class_="small")
    content = element("p", "Nothing was found.")
    if inspection.findings:
        names = ("Code", "Level", "Where", "Found", "Expected")
        head = element("tr", [head_cell(name, css_class="words") for name in names])
        rows = [_row(finding) for finding in inspection.findings]
        content = Table(
            "Findings of the inspection; docs/error-codes.md explains the codes", "Findings", head, rows
        ).draw()
    return element("section", element("h2", "Inspection"), content, looked, id="inspection")


def _row(finding: Finding) -> Markup:
    waved = finding.override
    level = f"{finding.level.value}, waved through by {waved.by}: {waved.reason}" if waved else finding.level.value
    cells = (level, finding.where, finding.found, finding.expected.replace("`", ""))
    return element(
        "tr",
        head_cell(finding.code, scope="row", css_class="words"),
        [element("td", text, class_="words") for text in cells],
    )
