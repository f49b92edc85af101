"""The summary as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any


def write_tables(summary: Mapping[str, Any]) -> str:
    """Returns the summary as text: searches, titles, and peers' rules for every setting."""
    settings = {name: numbers for name, numbers in summary.items() if "/" in name}
    parts = [_searches(settings), _titles(settings)]
    parts += [f"{name}: peers' rules\n{_rules(numbers)}" for name, numbers in settings.items()]
    return "\n\n".join(parts) + "\n"


def percent(fraction: float | None, digits: int = 2) -> str:
    """Returns a fraction in percent, or a dash where there is none."""
    return "-" if fraction is None else f"{100 * fraction:.{digits}f} %"


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table in columns: the first left, the others right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )


def search_rows(settings: Mapping[str, Any]) -> list[list[str]]:
    """Returns a row for each setting's search, warm and cold."""
    rows = []
    for name, numbers in settings.items():
        for kind, found in (("warm", numbers), ("cold", numbers["cold"])):
            loss = found["hull_loss"]
            low, high = loss["mean_interval"]
            rows.append([
                name,
                kind,
                str(numbers["shots"]),
                *(percent(loss[key]) for key in ("mean", "median", "p95", "max")),
                f"{100 * low:.2f} to {100 * high:.2f} %",
                percent(found["hull_loss_refined"]),
                percent(numbers["noise_floor"]),
                percent(numbers["encoding_floor"]),
                percent(found["cpu_ratio"], 1),
                percent(found["cpu_ratio_at_grid_speed"], 1),
                percent(found["trials_ratio"], 1),
            ])  # fmt: skip
    return rows


SEARCH_HEAD = (
    "setting",
    "prior",
    "shots",
    "mean",
    "median",
    "p95",
    "max",
    "95 % of mean",
    "refined",
    "noise",
    "floor",
    "CPU",
    "at the grid's speed",
    "trials",
)
TITLE_HEAD = (
    "setting",
    "rungs",
    "kept at once",
    "kept",
    "fixed ladder",
    "one CRF",
    "per title",
    "search loss",
    "from VMAF 85",
)

RULE_HEAD = ("rule", "mean hull loss", "refined", "CPU")


def title_rows(settings: Mapping[str, Any]) -> list[list[str]]:
    """Returns a row for each setting's titles."""
    return [
        [
            name,
            str(numbers["rungs"]),
            percent(numbers["rungs_within_half_vmaf_uncorrected"], 0),
            percent(numbers["rungs_within_half_vmaf"], 0),
            *(percent(numbers["bd_rate"][key], 1) for key in ("fixed_ladder", "one_crf", "per_title")),
            percent(numbers["title_search_loss"]),
            percent(numbers["title_search_loss_top"]),
        ]
        for name, numbers in settings.items()
    ]


def rule_rows(numbers: Mapping[str, Any]) -> list[list[str]]:
    """Returns a row for ours and for each peer's rule, cheapest first."""
    rules = [
        (name, found["hull_loss"]["mean"], found["hull_loss_refined"], found["cpu_ratio"])
        for name, found in (("this search, warm", numbers), ("this search, cold", numbers["cold"]))
    ]
    rules += [
        (rule, found["hull_loss_mean"], found["hull_loss_refined"], found["cpu_ratio"])
        for rule, found in numbers["baselines"].items()
    ]
    return [
        [name, percent(loss), percent(refined), percent(ratio, 1)]
        for name, loss, refined, ratio in sorted(rules, key=lambda row: row[3])
    ]


def _searches(settings: Mapping[str, Any]) -> str:
    return "hull loss, re-encoded and measured; CPU and trials of the exhaustive grid\n" + columns(
        SEARCH_HEAD, search_rows(settings)
    )


def _titles(settings: Mapping[str, Any]) -> str:
    return "titles: rungs within 0.5 VMAF of their promise; BD-rate of ours (negative: fewer bits)\n" + columns(
        TITLE_HEAD, title_rows(settings)
    )


def _rules(numbers: Mapping[str, Any]) -> str:
    return columns(RULE_HEAD, rule_rows(numbers))
