"""Bandwidth histograms as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bandwidth_histogram import BadBandwidthHistogram, parse_bandwidth_histogram
from domain.ladder_policy import LadderPolicy


@pytest.mark.parametrize(
    "text",
    [
        "bandwidth_bps,weight\n2000000,0.25\n5000000,0.75\n",
        "5e6;0.75\n2e6;0.25",
        "# from our player log\n\n2000000\t0.25\r\n5000000\t0.5\r\n5000000\t0.25",
        "bandwidth (bit per second), weight\n 2000000 , 0.25 \n5000000,0.75",
    ],
)
def test_two_columns_of_any_spreadsheet_are_read(text: str) -> None:
    pairs = parse_bandwidth_histogram(text)
    assert pairs == ((2_000_000, 0.25), (5_000_000, 0.75))
    assert LadderPolicy(bandwidth_histogram=pairs).bandwidth_histogram == pairs


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "bandwidth histogram"),
        ("bandwidth,weight\n", "bandwidth histogram"),
        ("2000000,0\n", "bandwidth histogram"),
        ("2000000,1\nfast,1\n", "line 2 of the bandwidth histogram"),
        ("2000000,1,1\n", "line 1 of the bandwidth histogram"),
        ("2000000\n", "line 1 of the bandwidth histogram"),
        ("2,1\n", "line 1 of the bandwidth histogram"),
        ("2000000,-1\n", "line 1 of the bandwidth histogram"),
        ("2000000,nan\n", "line 1 of the bandwidth histogram"),
        ("".join(f"{1000 + bandwidth},1\n" for bandwidth in range(101)), "bandwidth histogram"),
    ],
)
def test_what_is_no_histogram_is_refused_with_its_line(text: str, where: str) -> None:
    with pytest.raises(BadBandwidthHistogram) as caught:
        parse_bandwidth_histogram(text)
    assert caught.value.code == "REQ-009"
    assert caught.value.where == where
    assert all(caught.value.as_record().values())


@given(st.text() | st.text(alphabet='0123456789,.;e-\n\t# \x00"'))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        pairs = parse_bandwidth_histogram(text)
    except BadBandwidthHistogram:
        return
    assert LadderPolicy(bandwidth_histogram=pairs).bandwidth_histogram == pairs
