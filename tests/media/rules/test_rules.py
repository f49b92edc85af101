"""Each rule, shown to fire on a copy that breaks it."""

from pathlib import Path

import pytest

from domain.checks import CheckReport
from media.rules.check import RULES, check_folder
from tests.media.packaging.conftest import Packaged
from tests.media.rules.breaks import Break, both, copied, cut, edit, patch, remove, write

pytestmark = pytest.mark.slow

SD, HD, AUDIO = "video_h264_180p", "video_h264_720p", "audio_eng_2ch"
MPD, HLS = "manifest.mpd", "multivariant.m3u8"
LIST, STILLS = f"{HD}/playlist.m3u8", f"{HD}/iframes.m3u8"
_TWO_SETS = edit(
    MPD, r"(?s)</AdaptationSet>\s*<AdaptationSet id=\"2\".*?(<Representation id=\"video_h264_720p\")", r"\1"
)
BREAKS: dict[str, tuple[str, Break, str]] = {
    "a missing segment": ("FILE-001", remove(f"{HD}/00003.m4s"), "no such file"),
    "a cut segment": ("FILE-002", cut(f"{HD}/00002.m4s", 9), "a box of"),
    "a segment of noise": ("FILE-002", write(f"{HD}/00002.m4s", "noise"), "00002"),
    "a malformed MPD": ("FILE-002", edit(MPD, "</Period>", ""), "mismatched tag"),
    "entities in the MPD": ("FILE-002", edit(MPD, "<MPD", "<!DOCTYPE a [<!ENTITY b 'c'>]><MPD"), "document type"),
    "another document": ("FILE-002", write(MPD, "<html/>"), "html"),
    "a playlist that is no text": ("FILE-002", lambda f: (f / LIST).write_bytes(b"\xff\xfe\xff"), "no UTF-8"),
    "a range behind the end": ("FILE-002", edit(STILLS, r"BYTERANGE:\d+@84", "BYTERANGE:99999999@84"), "range"),
    "an absolute address": ("FILE-003", edit(LIST, "00001.m4s", "https://example.com/00001.m4s"), "example.com"),
    "a rooted address": ("FILE-003", edit(MPD, 'media="', 'media="/'), "/video"),
    "an escaping address": ("FILE-003", edit(LIST, "00001.m4s", "../../../etc/passwd"), "passwd"),
    "an escaping address, escaped": ("FILE-003", edit(LIST, "00001.m4s", "%2e%2e/%2e%2e/x.m4s"), "%2e"),
    "a foreign file": ("FILE-004", write(f"{HD}/keys.txt", "x"), "no manifest names it"),
    "a track of HLS only": (
        "FILE-005",
        edit(MPD, r'(?s)<AdaptationSet id="4".*?</AdaptationSet>', ""),
        "not named by DASH",
    ),
    "no CMAF brand": ("BOX-001", patch(f"{HD}/init.mp4", b"cmfc", -4, b"abcd"), "brands"),
    "a gap": ("BOX-002", patch(f"{HD}/00003.m4s", b"tfdt", 4, (96001).to_bytes(4, "big")), "96001"),
    "no sync sample": ("BOX-003", patch(f"{HD}/00002.m4s", b"trun", 16, b"\0\1\0\0"), "dependent"),
    "another edit list": (
        "BOX-005",
        both(_TWO_SETS, patch(f"{HD}/init.mp4", b"elst", 12, (3000).to_bytes(4, "big"))),
        "0.125000 s",
    ),
    "short audio": ("BOX-006", remove(f"{AUDIO}/00006.m4s"), "0.000000 to 10.0"),
    "parameter sets in band": ("BOX-007", patch(f"{HD}/init.mp4", b"frma", 0, b"avc3"), "avc3"),
    "offsets from the file": ("BOX-009", patch(f"{HD}/00002.m4s", b"tfhd", 1, b"\0"), "start of the file"),
    "a scheme of its own": ("ENC-001", patch(f"{HD}/init.mp4", b"schm", 4, b"cens"), "cens"),
    "two schemes": ("ENC-001", patch(f"{HD}/init.mp4", b"schm", 4, b"cenc"), "cenc"),
    "a wrong pattern": ("ENC-003", patch(f"{HD}/init.mp4", b"tenc", 5, b"\x28"), "2:8"),
    "not protected": ("ENC-004", patch(f"{AUDIO}/init.mp4", b"tenc", 6, b"\0"), "not protected"),
    "an IV size": ("ENC-004", patch(f"{HD}/init.mp4", b"tenc", 7, b"\x08"), "8 bytes with each"),
    "no senc": ("ENC-005", patch(f"{HD}/00004.m4s", b"senc", -4, b"free"), "senc of 0"),
    "a short saiz": ("ENC-005", patch(f"{HD}/00004.m4s", b"saiz", 5, (3).to_bytes(4, "big")), "saiz of 3"),
    "saio elsewhere": ("ENC-005", patch(f"{HD}/00004.m4s", b"saio", 8, (7).to_bytes(4, "big")), "saio"),
    "a clear sample": ("ENC-006", patch(f"{HD}/00001.m4s", b"senc", 12, bytes(4)), "1 of 48 samples"),
    "an old PlayReady header": (
        "ENC-008",
        patch(f"{HD}/init.mp4", "4.3.".encode("utf-16-le"), -4, b"4\0.\0000"),
        "4.0",
    ),
    "a wrong KID": ("ENC-009", patch(f"{HD}/init.mp4", b"tenc", 8, b"\7" * 16), "KIDs"),
    "no PSSH": ("ENC-011", patch(f"{HD}/init.mp4", b"pssh", -4, b"free"), "1 PSSH"),
    "children out of order": (
        "MPD-001",
        edit(MPD, r"(?s)(<AdaptationSet [^>]*>)(.*?)(<Role [^>]*/>)", r"\1\3\2"),
        "after",
    ),
    "an unknown element": ("MPD-001", edit(MPD, "<Period", "<Bogus/><Period"), "Bogus"),
    "no profiles": ("MPD-002", edit(MPD, r'profiles="[^"]*"', ""), "no profiles"),
    "a bandwidth in words": ("MPD-002", edit(MPD, r'bandwidth="\d+"', 'bandwidth="fast"'), "fast"),
    "a frame rate with a point": ("MPD-002", edit(MPD, 'frameRate="24"', 'frameRate="23.976"'), "23.976"),
    "no duration": ("MPD-002", edit(MPD, r'mediaPresentationDuration="[^"]*"', ""), "no duration"),
    "an id twice": ("MPD-003", edit(MPD, f'id="{HD}"', f'id="{SD}"'), "2 times"),
    "another timeline": ("MPD-004", edit(MPD, 'd="10000"', 'd="9000"'), "stated"),
    "two time scales": ("MPD-005", both(_TWO_SETS, edit(MPD, 'timescale="24000"', 'timescale="12000"')), "12000"),
    "no initialization": ("MPD-006", edit(MPD, r'initialization="[^"]*"', ""), "without initialization"),
    "alignment not stated": ("MPD-007", both(_TWO_SETS, edit(MPD, 'segmentAlignment="true"', "")), "no segmentAl"),
    "bandwidth": ("MPD-008", edit(MPD, r'bandwidth="\d+"', 'bandwidth="1000"'), "1000"),
    "codecs": ("MPD-009", edit(MPD, 'codecs="avc1.4d401f"', 'codecs="avc1.640028"'), "640028"),
    "a size": ("MPD-010", edit(MPD, 'width="1280"', 'width="1282"'), "1282x720"),
    "a frame rate": ("MPD-010", edit(MPD, 'frameRate="24"', 'frameRate="25"'), "frameRate 25"),
    "no access points": ("MPD-011", edit(MPD, 'startWithSAP="1"', ""), "no startWithSAP"),
    "maxima": ("MPD-012", edit(MPD, 'par="16:9"', 'par="16:9" maxWidth="1280"'), "maxWidth"),
    "no language": ("MPD-013", edit(MPD, 'lang="fr"', ""), "no lang"),
    "no channels": ("MPD-013", edit(MPD, r"<AudioChannelConfiguration[^>]*/>", ""), "AudioChannelConfiguration"),
    "too long": ("MPD-014", edit(MPD, r'mediaPresentationDuration="[^"]*"', 'mediaPresentationDuration="PT9M"'), "540"),
    "another scheme stated": ("MPD-016", edit(MPD, 'value="cbcs"', 'value="cenc"'), "cenc"),
    "another KID stated": ("MPD-016", edit(MPD, r'default_KID="\w{8}', 'default_KID="00000000'), "00000000"),
    "two KIDs in a set": ("MPD-017", _TWO_SETS, "KIDs"),
    "PSSH of another KID": ("MPD-018", patch(f"{SD}/init.mp4", b"tenc", 8, b"\7" * 16), "cenc:pssh"),
    "trick play of nothing": (
        "MPD-019",
        edit(
            MPD, "<Role ", '<EssentialProperty schemeIdUri="http://dashif.org/guidelines/trickmode" value="9"/><Role '
        ),
        "trickmode of 9",
    ),
    "no first line": ("HLS-001", edit(LIST, "#EXTM3U\n", ""), "first line"),
    "no end": ("HLS-001", edit(LIST, "#EXT-X-ENDLIST\n", ""), "ENDLIST"),
    "no map": ("HLS-001", edit(LIST, "#EXT-X-MAP[^\n]*\n", ""), "without EXT-X-MAP"),
    "a low version": ("HLS-002", edit(LIST, "VERSION:6", "VERSION:5"), "version 5"),
    "no version": ("HLS-002", edit(STILLS, "#EXT-X-VERSION:6\n", ""), "version 1"),
    "no version of all": ("HLS-003", edit(HLS, "#EXT-X-VERSION:6\n", ""), "no #EXT-X-VERSION"),
    "another target": ("HLS-004", edit(f"{AUDIO}/playlist.m3u8", "DURATION:2", "DURATION:3"), "3"),
    "a low target": ("HLS-005", edit(LIST, "TARGETDURATION:2", "TARGETDURATION:1"), "EXTINF 2.0"),
    "untrue durations": ("HLS-006", edit(LIST, "2.000000", "2.050000"), "0.05"),
    "milliseconds": ("HLS-007", edit(f"{AUDIO}/playlist.m3u8", r"EXTINF:(\d\.\d{3})\d+", r"EXTINF:\g<1>"), "ms off"),
    "a short playlist": ("HLS-008", edit(LIST, r"#EXTINF:0[^\n]*\n00006.m4s\n", ""), "10.000000 s"),
    "a discontinuity": (
        "HLS-009",
        edit(LIST, r"(2.000000,\n00003)", r"2.000000,\n#EXT-X-DISCONTINUITY\n00003"),
        "none",
    ),
    "dependent segments": ("HLS-010", patch(f"{HD}/00002.m4s", b"trun", 16, b"\0\1\0\0"), "1 dependent"),
    "I-frames from elsewhere": ("HLS-012", edit(STILLS, r"@84\n00002", r"@184\n00002"), "no moof"),
    "an I-frame cut off": (
        "HLS-012",
        edit(STILLS, r"BYTERANGE:\d+@84\n00002", r"BYTERANGE:900@84\n00002"),
        "before its",
    ),
    "no attributes": ("HLS-020", edit(HLS, r'CODECS="[^"]*",', ""), "no CODECS"),
    "another codec": ("HLS-021", edit(HLS, "avc1.4d401f,", "avc1.640028,"), "640028"),
    "a codec of no group": ("HLS-021", edit(HLS, "mp4a.40.2", "mp4a.40.2,ec-3"), "ec-3"),
    "another size": ("HLS-022", edit(HLS, "=1280x720", "=1280x722"), "1280x722"),
    "another rate": ("HLS-022", edit(HLS, "FRAME-RATE=24.000", "FRAME-RATE=25.000"), "25.000"),
    "BANDWIDTH": ("HLS-023", edit(HLS, r":BANDWIDTH=\d+", ":BANDWIDTH=9000000"), "9000000"),
    "AVERAGE-BANDWIDTH": ("HLS-023", edit(HLS, r"AVERAGE-BANDWIDTH=\d+", "AVERAGE-BANDWIDTH=1000"), "1000"),
    "a rate of 2 %": ("HLS-024", edit(HLS, r"AVERAGE-BANDWIDTH=2\d{6}", "AVERAGE-BANDWIDTH=2290000"), "2290000"),
    "a peak": ("HLS-025", edit(HLS, r"AVERAGE-BANDWIDTH=\d+", "AVERAGE-BANDWIDTH=1000"), "times the mean"),
    "no I-frames": ("HLS-028", edit(HLS, r"#EXT-X-I-FRAME[^\n]*\n", "", 0), "no EXT-X-I-FRAME"),
    "I-frames of one codec": ("HLS-027", edit(HLS, r"avc1[^,]*,mp4a", "vp09.0,mp4a"), "in vp09"),
    "one SCORE": ("HLS-030", edit(HLS, "STREAM-INF:BANDWIDTH", "STREAM-INF:SCORE=1.0,BANDWIDTH"), "1 of 4"),
    "no group": ("HLS-031", edit(HLS, 'AUDIO="audio_aac_2ch"', 'AUDIO="missing"'), "not declared"),
    "two defaults": ("HLS-031", edit(HLS, "DEFAULT=NO", "DEFAULT=YES"), "2 defaults"),
    "a name twice": ("HLS-031", edit(HLS, 'NAME="Fran[^"]*"', 'NAME="English (stereo)"'), "names"),
    "no LANGUAGE": ("HLS-032", edit(HLS, 'LANGUAGE="fr",', ""), "no LANGUAGE"),
    "no key": ("KEY-001", edit(LIST, r"#EXT-X-KEY[^\n]*\n", "", 0), "no EXT-X-KEY"),
    "another method": ("KEY-001", edit(LIST, "METHOD=SAMPLE-AES", "METHOD=AES-128"), "AES-128"),
    "an identity key": (
        "KEY-002",
        edit(LIST, "#EXT-X-KEY", '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="x"\n#EXT-X-KEY'),
        "key x",
    ),
    "one address": (
        "KEY-003",
        both(*(edit(f"{n}/playlist.m3u8", r"skd://\w+", "skd://a") for n in (HD, SD))),
        "2 KIDs",
    ),
    "no skd": ("KEY-003", edit(LIST, "skd://", "https://a/"), "https"),
    "a foreign KEYID": ("KEY-004", edit(LIST, "KEYFORMATVERSIONS", "KEYID=0x00,KEYFORMATVERSIONS"), "KEYID"),
    "PSSH of others": ("KEY-004", patch(f"{HD}/init.mp4", b"tenc", 8, b"\7" * 16), "KEYID e217"),
    "one system fewer": ("KEY-005", edit(LIST, r"#EXT-X-KEY[^\n]*edef8ba9[^\n]*\n", ""), "com.apple"),
    "an IV beside FairPlay": ("KEY-006", edit(LIST, 'URI="skd', 'IV=0x01,URI="skd'), "IV=0x01"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_copy_is_found(name: str, cbcs: Packaged, whole: CheckReport, tmp_path: Path) -> None:
    rule_id, break_it, words = BREAKS[name]
    assert words not in _found(whole, rule_id)
    folder = copied(cbcs.folder, tmp_path / "copy")
    break_it(folder)
    assert words in _found(check_folder(folder), rule_id)


@pytest.fixture(scope="module")
def whole(cbcs: Packaged) -> CheckReport:
    return check_folder(cbcs.folder)


def _found(report: CheckReport, rule_id: str) -> str:
    rule = next(rule for rule in report.rules if rule.rule == rule_id)
    return "; ".join(f"{item.where} {item.found}" for item in rule.findings)


def test_an_iv_that_another_track_has_is_found_in_cenc(cenc: Packaged, tmp_path: Path) -> None:
    folder = copied(cenc.folder, tmp_path / "copy")
    other = (folder / "video_hevc_180p" / "00001.m4s").read_bytes()
    at = other.index(b"senc") + 12
    patch(f"{SD}/00001.m4s", b"senc", 8, other[at : at + 8])(folder)
    assert "an IV of" in _found(check_folder(folder), "ENC-007")


IN_RAW_OUTPUT = {"ENC-002", "ENC-010", "BOX-004", "MPD-015", "HLS-011", "HLS-026", "HLS-029", "KEY-007"}
ELSEWHERE = {"ENC-007", "KEY-008", "FILE-006", "BOX-008"}


def test_every_rule_has_a_test_that_breaks_it() -> None:
    broken = {rule_id for rule_id, _, _ in BREAKS.values()} | IN_RAW_OUTPUT | ELSEWHERE
    assert {rule.rule_id for rule in RULES} == broken
