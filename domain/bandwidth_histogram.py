"""A bandwidth histogram as text: two columns, as any spreadsheet writes them."""

import csv
from typing import ClassVar

from domain.request import BadRequest

LARGEST_HISTOGRAM = 100
"""Pairs of a policy's ``bandwidth_histogram``: it travels in the request."""

LARGEST_NUMBER = 1e12
"""Bits per second; nothing is faster. Weights may be a thousandth of it, so that their sums fit the policy too."""


class BadBandwidthHistogram(BadRequest):
    """A bandwidth histogram is not a table of bandwidths and weights."""

    code: ClassVar[str] = "REQ-009"


def parse_bandwidth_histogram(text: str) -> tuple[tuple[int, float], ...]:
    """Returns (bandwidth in bits per second, weight) in rising bandwidth, for a policy's ``bandwidth_histogram``.

    Args:
        text: lines ``bandwidth_bps,weight`` (or with semicolons or tabs between), in any order. A first line of words,
            empty lines and lines that begin with ``#`` are skipped; equal bandwidths are added up.

    Raises:
        BadBandwidthHistogram: a line is not two numbers, a number is out of range, or there are none or too many.
    """
    weights: dict[int, float] = {}
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    filled = [(number, line) for number, line in lines if line and not line.startswith("#")]
    for position, (number, line) in enumerate(filled):
        pair = _pair(line)
        if pair is None:
            if position == 0 and not any(character.isdigit() for character in line):
                continue
            raise _fault(f"line {number} of the bandwidth histogram", repr(line[:80]))
        weights[pair[0]] = weights.get(pair[0], 0.0) + pair[1]
    if not 1 <= len(weights) <= LARGEST_HISTOGRAM or not sum(weights.values()) > 0:
        raise _fault(
            "bandwidth histogram", f"{len(weights)} bandwidths with a total weight of {sum(weights.values()):g}"
        )
    return tuple(sorted(weights.items()))


def _pair(line: str) -> tuple[int, float] | None:
    """Returns bandwidth and weight of a line, or ``None`` if they are not there or out of range."""
    delimiter = next((mark for mark in ("\t", ";") if mark in line), ",")
    try:
        bandwidth_bps, weight = (float(cell) for cell in next(csv.reader([line], delimiter=delimiter)))
    except ValueError:
        return None
    # A number that is none compares as False.
    fits = 1_000 <= bandwidth_bps <= LARGEST_NUMBER and 0 <= weight <= LARGEST_NUMBER / 1_000
    return (round(bandwidth_bps), weight) if fits else None


def _fault(where: str, found: str) -> BadBandwidthHistogram:
    return BadBandwidthHistogram(
        where,
        found=found,
        expected=f"1 to {LARGEST_HISTOGRAM} lines of a bandwidth in bits per second (1000 or more) and a weight "
        "(0 or more), such as 5000000,0.2",
        fix="correct the line, or merge neighboring bandwidths",
    )
