"""The summary as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any


def write_tables(summary: Mapping[str, Any]) -> str:
    """Returns the summary as text: searches, titles, and peers' rules for every setting."""
    settings = {name: numbers for name, numbers in summary.items() if "/" in name}
    parts = [_together(summary["about"]["all_settings"]), _searches(settings), _intervals(settings), _titles(settings)]
    parts += [_clips(settings)] if any(numbers["clips"] > 1 for numbers in settings.values()) else []
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
            rows.append([
                name,
                kind,
                str(numbers["shots"]),
                *(percent(loss[key]) for key in ("mean", "median", "p95", "max")),
                percent(found["hull_loss_refined"]),
                percent(numbers["noise_floor"]),
                percent(numbers["encoding_floor"]),
                percent(found["cpu_ratio"], 1),
                percent(found["cpu_ratio_at_grid_speed"], 1),
                percent(found["trials_ratio"], 1),
            ])  # fmt: skip
    return rows


def together_rows(pooled: Mapping[str, Any]) -> list[list[str]]:
    """Returns the searches of all settings together, each beside the goal."""
    return [
        [
            kind,
            str(found["searches"]),
            *(percent(found["hull_loss"][key]) for key in ("mean", "median", "p95", "max")),
            percent(found["hull_loss_looked_up"]),
            percent(found["encoding_floor"]),
            percent(found["cpu_ratio"], 1),
            percent(found["cpu_ratio_at_grid_speed"], 1),
            GOALS[kind],
        ]
        for kind, found in pooled.items()
    ]


def interval_rows(settings: Mapping[str, Any]) -> list[list[str]]:
    """Returns the bootstrap intervals of each setting's losses, and of its CPU as a title."""
    return [
        [
            name,
            kind,
            *(_span(found["hull_loss"][f"{key}_interval"]) for key in ("mean", "median", "p95", "max")),
            _span(numbers["cpu_ratio_interval"], 1) if kind == "warm" else "-",
            f"{found['uncovered_targets']} of {numbers['targets']}",
        ]
        for name, numbers in settings.items()
        for kind, found in (("warm", numbers), ("cold", numbers["cold"]))
    ]


def clip_rows(settings: Mapping[str, Any]) -> list[list[str]]:
    """Returns each clip's BD-rates at each setting."""
    return [
        [
            clip,
            name,
            str(shots),
            percent(rates["fixed_ladder"], 1),
            str(rates["fixed_rungs"]),
            percent(rates["one_crf"], 1),
            percent(rates["per_title"], 1),
        ]
        for name, numbers in settings.items()
        for (clip, rates), shots in zip(numbers["bd_rate_per_clip"].items(), numbers["shots_per_clip"], strict=True)
    ]


def _span(interval: Sequence[float], digits: int = 2) -> str:
    low, high = interval
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f} %"


GOALS = {"warm": "0.8 % (p95 2.5 %) at 8 %", "cold": "0.5 % (median 0.3 %, p95 1.5 %) at 15 %"}
"""Mean hull loss and CPU, over all settings."""
TOGETHER_HEAD = (
    "all settings",
    "searches",
    "mean",
    "median",
    "p95",
    "max",
    "looked up",
    "floor",
    "CPU",
    "at the grid's speed",
    "goal",
)
INTERVAL_HEAD = ("95 % intervals", "prior", "mean", "median", "p95", "max", "CPU", "uncovered")
CLIP_HEAD = ("clip", "setting", "shots", "fixed ladder", "its rungs compared", "one CRF", "per title")
SEARCH_HEAD = (
    "setting",
    "prior",
    "shots",
    "mean",
    "median",
    "p95",
    "max",
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

RULE_HEAD = ("rule", "encoded again", "looked up", "refined", "CPU")


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
        (
            name,
            found["hull_loss"]["mean"],
            found["hull_loss_looked_up"],
            found["hull_loss_refined"],
            found["cpu_ratio"],
        )
        for name, found in (("this search, warm", numbers), ("this search, cold", numbers["cold"]))
    ]
    rules += [
        (rule, None, found["hull_loss_mean"], found["hull_loss_refined"], found["cpu_ratio"])
        for rule, found in numbers["baselines"].items()
    ]
    return [
        [name, percent(again), percent(looked_up), percent(refined), percent(ratio, 1)]
        for name, again, looked_up, refined, ratio in sorted(rules, key=lambda row: row[-1])
    ]


def _together(pooled: Mapping[str, Any]) -> str:
    return "hull loss over all settings\n" + columns(TOGETHER_HEAD, together_rows(pooled))


def _intervals(settings: Mapping[str, Any]) -> str:
    return "bootstrap over the shots; targets beyond all measured points\n" + columns(
        INTERVAL_HEAD, interval_rows(settings)
    )


def _clips(settings: Mapping[str, Any]) -> str:
    return "BD-rate of ours by clip\n" + columns(CLIP_HEAD, clip_rows(settings))


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
