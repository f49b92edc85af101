"""Manifests for one kind of client, over the files of a real presentation."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clients import CATALOG, ClientFilter, PresentationCatalog, static_clients
from domain.tracks import KeyLabel
from domain.video import Codec
from media.errors import PresentationInvalid
from media.packaging.dash import dash_tag, parse_mpd
from media.packaging.filtered import Manifests, filtered_manifests
from media.packaging.plan import MANIFEST, MULTIVARIANT
from media.packaging.playlists import parse_stream_tags
from media.rules.check import check_folder
from tests.media.packaging.conftest import Packaged

pytestmark = pytest.mark.slow

LABELS: tuple[KeyLabel, ...] = ("SD", "HD", "AUDIO")
FILTERS = st.builds(
    ClientFilter,
    codecs=st.none() | st.lists(st.sampled_from(list(Codec)), min_size=1, unique=True).map(tuple),
    max_height_px=st.none() | st.sampled_from([180, 720, 1080]),
    max_hdcp=st.none() | st.sampled_from(["NONE", "TYPE-0", "TYPE-1"]),
    languages=st.none() | st.lists(st.sampled_from(["en", "fr", "de"]), min_size=1, unique=True).map(tuple),
    key_labels=st.none() | st.lists(st.sampled_from(LABELS), min_size=1, unique=True).map(tuple),
)


def catalog_of(packaged: Packaged) -> PresentationCatalog:
    return PresentationCatalog.model_validate_json((packaged.folder / CATALOG).read_bytes())


def whole(packaged: Packaged) -> Manifests:
    return Manifests(*((packaged.folder / name).read_text("utf-8") for name in (MANIFEST, MULTIVARIANT)))


def filtered(packaged: Packaged, **fields: object) -> Manifests:
    return filtered_manifests(whole(packaged), catalog_of(packaged).tracks, ClientFilter.model_validate(fields))


def representations(mpd: str) -> set[str]:
    return {element.get("id", "") for element in parse_mpd(mpd).iter(dash_tag("Representation"))}


def variants(hls: str) -> list[str]:
    return [tag.uri.partition("/")[0] for tag in parse_stream_tags(hls) if tag.tag == "STREAM-INF"]


def test_a_filter_that_lets_everything_through_changes_nothing(cbcs: Packaged) -> None:
    assert filtered(cbcs) == whole(cbcs)


def test_a_client_of_one_codec_is_told_of_no_other(cbcs: Packaged) -> None:
    made = filtered(cbcs, codecs=["h264"])
    sound = {"audio_eng_2ch", "audio_fra_2ch"}
    assert representations(made.dash) == {
        "video_h264_180p", "video_h264_720p", "trick_video_h264_180p", *sound,
    }  # fmt: skip
    assert set(variants(made.hls)) == {"video_h264_180p", "video_h264_720p"}
    assert "av01" not in made.dash + made.hls
    assert "hvc1" not in made.dash + made.hls


def test_no_adaptation_set_links_to_one_that_is_gone(cbcs: Packaged) -> None:
    root = parse_mpd(filtered(cbcs, codecs=["h264"], max_hdcp="NONE").dash)
    ids = {element.get("id") for element in root.iter(dash_tag("AdaptationSet"))}
    links = [
        number
        for kind in ("SupplementalProperty", "EssentialProperty")
        for element in root.iter(dash_tag(kind))
        if element.get("schemeIdUri", "").endswith(("adaptation-set-switching:2016", "trickmode"))
        for number in element.get("value", "").replace(",", " ").split()
    ]
    assert links
    assert set(links) <= ids


def test_a_display_without_protection_gets_sd_and_a_client_without_the_key_of_hd_too(cbcs: Packaged) -> None:
    for fields in ({"max_hdcp": "NONE"}, {"key_labels": ["SD", "AUDIO"]}, {"max_height_px": 576}):
        assert set(variants(filtered(cbcs, **fields).hls)) == {
            "video_h264_180p", "video_hevc_180p", "video_av1_180p",
        }  # fmt: skip


def test_the_first_sound_that_is_left_is_what_players_start_with(cbcs: Packaged) -> None:
    made = filtered(cbcs, languages=["fr"])
    sounds = [tag.attributes for tag in parse_stream_tags(made.hls) if tag.tag == "MEDIA"]
    assert [(sound["LANGUAGE"], sound["DEFAULT"]) for sound in sounds] == [("fr", "YES")]
    assert re.search(r'lang="fr".*?<Role [^>]*value="main"', made.dash, re.DOTALL)
    assert "audio_eng" not in made.dash + made.hls


def test_without_sound_no_variant_speaks_of_it(cbcs: Packaged) -> None:
    made = filtered(cbcs, languages=["de"])
    assert "AUDIO" not in made.hls
    assert "mp4a" not in made.hls + made.dash


def test_rates_are_those_of_what_is_left(cbcs: Packaged) -> None:
    tracks = {track.name: track for track in catalog_of(cbcs).tracks}
    for tag in parse_stream_tags(filtered(cbcs, languages=["fr"], codecs=["h264"]).hls):
        if tag.tag == "STREAM-INF":
            video, sound = tracks[tag.uri.partition("/")[0]], tracks["audio_fra_2ch"]
            assert int(tag.attributes["BANDWIDTH"]) == video.peak_bps + sound.peak_bps
            assert int(tag.attributes["AVERAGE-BANDWIDTH"]) == video.mean_bps + sound.mean_bps


def test_a_filter_that_leaves_no_picture_is_refused(cbcs: Packaged) -> None:
    with pytest.raises(PresentationInvalid, match="no video track passes"):
        filtered(cbcs, max_height_px=90)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=FILTERS)
def test_filtered_manifests_keep_the_rules(cbcs: Packaged, tmp_path: Path, chosen: ClientFilter) -> None:
    try:
        made = filtered_manifests(whole(cbcs), catalog_of(cbcs).tracks, chosen)
    except PresentationInvalid:
        return
    folder = Path(shutil.copytree(cbcs.folder, tmp_path / "copy", dirs_exist_ok=True))
    for path in (*folder.glob("*.mpd"), *folder.glob("*.m3u8")):
        path.unlink()
    (folder / MANIFEST).write_text(made.dash, "utf-8")
    (folder / MULTIVARIANT).write_text(made.hls, "utf-8")
    assert [(rule.rule, rule.findings) for rule in check_folder(folder).broken("must")] == []


def test_a_release_serves_each_choice_of_codecs_and_displays_without_protection(cbcs: Packaged) -> None:
    catalog = catalog_of(cbcs)
    assert [client.name for client in catalog.clients] == ["h264", "h264-hevc", "h264-av1", "sd"]
    assert {client.name: client.filter for client in catalog.clients} == static_clients(catalog.tracks)
    for client in catalog.clients:
        made = Manifests(*((cbcs.folder / name).read_text("utf-8") for name in (client.dash, client.hls)))
        assert made == filtered_manifests(whole(cbcs), catalog.tracks, client.filter)


def test_a_clear_title_has_no_set_for_displays_without_protection(clear: Packaged) -> None:
    assert [client.name for client in catalog_of(clear).clients] == ["h264", "h264-hevc", "h264-av1"]
