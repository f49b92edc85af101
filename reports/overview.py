"""The head of the report: what a person must know in the first minute."""

from collections.abc import Iterable

from domain.result import ResultLadder, TitleResult
from reports.ladder_tables import TOLERANCE_VMAF, missed_by
from reports.markup import Child, Markup, element, join
from reports.numerals import (
    write_bitrate,
    write_count,
    write_frame_rate,
    write_ladder,
    write_rate_change,
    write_score,
    write_seconds,
    write_time,
)

_PROTECTION = {
    "cbcs": "encrypted, cbcs",
    "cenc": "encrypted, cenc",
    "clear": "none: published in the clear, as the request asks",
}


def draw_overview(result: TitleResult) -> Markup:
    """Returns title, release, the sentence about the ladders, verdicts and key facts."""
    return element(
        "header",
        element("p", "Title report", class_="kicker"),
        element("h1", result.title_id),
        element("p", ["Release ", element("code", result.release_id)], class_="release"),
        element("p", headline(result), class_="lede"),
        element("ul", [element("li", verdict) for verdict in _verdicts(result)], class_="verdicts"),
        _facts(result),
        _addresses(result),
    )


def headline(result: TitleResult) -> Markup:
    """Returns the report in one sentence: how many rungs, and how many bits fewer than the fixed ladder."""
    counts = [
        join(element("strong", write_count(len(ladder.rungs), "rung")), " of ", write_ladder(ladder))
        for ladder in result.ladders
    ]
    changes = [change for ladder in result.ladders if (change := _change(ladder))]
    if not changes:
        return join(_listed(counts), ".")
    return join(_listed(counts), "; ", _listed(changes), " than the fixed ladder at equal VMAF.")


def _change(ladder: ResultLadder) -> Markup | None:
    if ladder.baseline is None or ladder.baseline.bd_rate is None:
        return None
    return join(element("strong", write_rate_change(ladder.baseline.bd_rate)), " in ", write_ladder(ladder))


def _listed(parts: list[Markup]) -> Markup:
    if len(parts) < 2:
        return join(*parts)
    return join([[part, ", "] for part in parts[:-2]], parts[-2], " and ", parts[-1])


def _verdicts(result: TitleResult) -> Iterable[Markup]:
    rungs = [(ladder, number, rung) for ladder in result.ladders for number, rung in enumerate(ladder.rungs, start=1)]
    misses = [(ladder, number, miss) for ladder, number, rung in rungs if (miss := missed_by(rung)) is not None]
    yield _promise_verdict(len(rungs), len(misses))
    for ladder, number, miss in misses:
        sign, side = ("▲", "above") if miss > 0 else ("▼", "below")
        place = f"{sign} Rung {number} of {write_ladder(ladder)} missed its promise"
        yield element("span", f"{place}: {abs(miss):.2f} VMAF {side}.", class_="miss")
    corrected = sum(rung.corrected for _, _, rung in rungs)
    if corrected:
        yield join(f"{write_count(corrected, 'rung')} corrected once, by encoding guilty shots again.")
    for ladder in result.ladders:
        if ladder.rungs:
            yield _reach(ladder)


def _promise_verdict(count: int, misses: int) -> Markup:
    if misses == 0:
        kept = f"All {write_count(count, 'rung')} kept the promise" if count != 1 else "The rung kept its promise"
        return element("span", f"✓ {kept} within {TOLERANCE_VMAF} VMAF.", class_="kept")
    return join(f"{count - misses} of {write_count(count, 'rung')} kept the promise within {TOLERANCE_VMAF} VMAF.")


def _reach(ladder: ResultLadder) -> Markup:
    first, last = ladder.rungs[0].delivered, ladder.rungs[-1].delivered
    ends = f"VMAF {write_score(first.vmaf_mean)} at {write_bitrate(first.bitrate_bps)}"
    if len(ladder.rungs) > 1:
        ends += f" to {write_score(last.vmaf_mean)} at {write_bitrate(last.bitrate_bps)}"
    return join(f"{write_ladder(ladder)} reaches from {ends}.")


def _facts(result: TitleResult) -> Markup:
    source, trials = result.source, result.trials
    facts = [
        ("Duration", write_time(source.frames, source.frame_rate), write_count(source.frames, "frame")),
        ("Picture", f"{source.width_px}×{source.height_px}", write_frame_rate(source.frame_rate)),
        ("Shots", f"{len(result.shots)}", _mean_length(result)),
        ("Trial encodes", f"{trials.count}", f"{trials.reused} reused, {trials.failed} failed"),
        ("Wall time", write_seconds(result.wall_s), f"{write_seconds(cpu_total(result))} of CPU"),
    ]
    if playable := result.first_playable:
        what = f"provisional: {write_seconds(playable.duration_s)}" if playable.provisional else "the full release"
        facts.append(("First playable after", write_seconds(playable.after_s), what))
    items = [
        element("div", element("dt", name), element("dd", element("b", number), element("span", more)))
        for name, number, more in facts
    ]
    return element("dl", items, class_="facts")


def cpu_total(result: TitleResult) -> float:
    """Returns the CPU seconds of all stages together."""
    return sum(float(seconds) for seconds in result.cpu_s.model_dump().values())


def _mean_length(result: TitleResult) -> str:
    if not result.shots:
        return "no shots"
    return f"{write_seconds(result.source.duration_s / len(result.shots))} on average"


def _addresses(result: TitleResult) -> Markup:
    lines: tuple[tuple[str, Child], ...] = (
        ("DASH", result.manifests.dash),
        ("HLS", result.manifests.hls),
        ("Release", result.release_uri),
        ("Source", result.source.uri),
        ("Protection", _PROTECTION[result.manifests.scheme]),
    )
    items = [element("div", element("dt", name), element("dd", element("code", text))) for name, text in lines]
    return element("dl", items, class_="addresses")
