"""SDR and HDR tracks of one codec and the same sizes: told apart in both manifests, and by clients."""

from fractions import Fraction

import pytest

from domain.clients import ClientFilter, static_clients
from domain.hdr import DynamicRange
from domain.tracks import Rendition
from domain.video import Codec
from media.packaging.dash import dash_tag, parse_mpd
from media.packaging.filtered import Manifests, filtered_manifests
from media.packaging.plan import MANIFEST, MULTIVARIANT, TrackFile
from media.packaging.playlists import parse_stream_tags
from media.rules.check import check_folder
from media.tools import ToolPaths
from tests.media.packaging.conftest import Packaged, make_rendition, package, plan_of
from tests.media.packaging.test_filtered import catalog_of, representations, variants, whole

pytestmark = pytest.mark.slow
SDR, HDR = ["video_hevc_180p", "video_hevc_216p"], ["video_hdr_hevc_180p", "video_hdr_hevc_216p"]
TRICK = {"trick_video_hevc_180p", "trick_video_hdr_hevc_180p"}


@pytest.fixture(scope="module")
async def both(tools: ToolPaths, tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """Two sizes of HEVC in HLG, listed first, and the same in SDR; each with a score; PQ is in tests/end_to_end."""
    folder = tmp_path_factory.mktemp("two_ranges")
    sizes, rate = ((320, 180), (384, 216)), Fraction(24)
    hdr = [make_rendition(tools, folder, (Codec.HEVC, *size), rate, transfer="arib-std-b67") for size in sizes]
    sdr = [as_tone_mapped(make_rendition(tools, folder, (Codec.HEVC, *size), rate)) for size in sizes]
    tracks = tuple(item._replace(vmaf=90.0) for item in (*hdr, *sdr))
    return await package(tools, plan_of(tracks, "cbcs"), folder / "presentation")


def as_tone_mapped(item: TrackFile) -> TrackFile:
    assert isinstance(item.track, Rendition)
    return item._replace(track=item.track.model_copy(update={"tone_mapped": True}))


def test_each_range_has_one_set_and_fast_play_of_its_own(both: Packaged) -> None:
    groups = [
        [representation.get("id") for representation in element.iter(dash_tag("Representation"))]
        for element in parse_mpd(whole(both).dash).iter(dash_tag("AdaptationSet"))
    ]
    assert groups[:2] == [SDR, HDR]
    assert {name for group in groups[2:] for name in group} == TRICK
    trick = list(parse_mpd(whole(both).dash).iter(dash_tag("EssentialProperty")))
    linked = [item.get("value") for item in trick if item.get("schemeIdUri", "").endswith("trickmode")]
    assert sorted(value or "" for value in linked) == ["1", "2"]
    assert [(rule.rule, rule.findings) for rule in check_folder(both.folder).broken("must")] == []


def test_variants_say_their_range_sdr_first_and_no_score(both: Packaged) -> None:
    tags = [tag for tag in parse_stream_tags(whole(both).hls) if tag.tag == "STREAM-INF"]
    found = {tag.uri.partition("/")[0]: tag.attributes["VIDEO-RANGE"] for tag in tags}
    assert {name: found[name] for name in SDR} == dict.fromkeys(SDR, "SDR")
    assert {name: found[name] for name in HDR} == dict.fromkeys(HDR, "HLG")
    assert set(variants(whole(both).hls)[:2]) == set(SDR)
    assert not [tag for tag in tags if "SCORE" in tag.attributes]


def test_a_client_of_one_range_is_told_of_no_other(both: Packaged) -> None:
    tracks = catalog_of(both).tracks
    for chosen, names in ((DynamicRange.SDR, SDR), (DynamicRange.HLG, HDR)):
        made = filtered_manifests(whole(both), tracks, ClientFilter(dynamic_ranges=(chosen,)))
        assert set(variants(made.hls)) == set(names)
        assert representations(made.dash) == {*names, f"trick_{names[0]}"}


def test_sdr_clients_have_manifests_of_their_own(both: Packaged) -> None:
    catalog = catalog_of(both)
    (client,) = catalog.clients
    assert (client.name, client.filter.dynamic_ranges) == ("sdr", (DynamicRange.SDR,))
    told = Manifests(*((both.folder / path).read_text("utf-8") for path in (client.dash, client.hls)))
    assert told == filtered_manifests(whole(both), catalog.tracks, client.filter)
    assert (client.dash, client.hls) == (MANIFEST.replace(".", ".sdr."), MULTIVARIANT.replace(".", ".sdr."))
    sdr_only = [track for track in catalog.tracks if track.dynamic_range is DynamicRange.SDR]
    assert "sdr" not in static_clients(sdr_only)
