"""ClearKey stands in test copies, and in no published manifest."""

import pytest

from media.errors import PresentationInvalid
from media.packaging.clearkey import COMMON, DASHIF, SYSTEM, with_clearkey
from media.packaging.dash import DASH, parse_mpd
from media.packaging.plan import MANIFEST
from tests.media.packaging.conftest import Packaged

_PROTECTION = f"{{{DASH}}}ContentProtection"
BARE = f'<MPD xmlns="{DASH}"><Period><AdaptationSet>%s</AdaptationSet></Period></MPD>'


@pytest.mark.slow
def test_a_published_mpd_says_nothing_of_clearkey_and_its_copy_says_it_in_every_protected_set(
    packaged: Packaged,
) -> None:
    published = (packaged.folder / MANIFEST).read_text("utf-8")
    assert SYSTEM not in published
    copied = with_clearkey(published, "http://127.0.0.1:8000/license")
    before, after = parse_mpd(published), parse_mpd(copied)
    holders = [element for element in after.iter() if element.findall(_PROTECTION)]
    assert len(holders) == sum(1 for element in before.iter() if element.findall(_PROTECTION)) > 0
    for holder in holders:
        systems = [item.get("schemeIdUri") for item in holder.findall(_PROTECTION)]
        assert systems[:2] == [COMMON, SYSTEM]
        assert holder.findall(_PROTECTION)[1][0].tag == f"{{{DASHIF}}}Laurl"
    assert with_clearkey(copied, "http://127.0.0.1:8000/license") == copied
    for holder in holders:
        holder.remove(holder.findall(_PROTECTION)[1])
    assert [(e.tag, e.attrib) for e in after.iter()] == [(e.tag, e.attrib) for e in before.iter()]


def test_a_clear_mpd_stays_clear() -> None:
    assert "ContentProtection" not in with_clearkey(BARE % "")


def test_without_an_address_there_is_no_license_element() -> None:
    copied = with_clearkey(BARE % f'<ContentProtection schemeIdUri="{COMMON}" value="cenc"/>')
    assert SYSTEM in copied
    assert "Laurl" not in copied


@pytest.mark.parametrize("text", ["", "<MPD/>", BARE % '<ContentProtection schemeIdUri="urn:other"/>'])
def test_what_is_no_protected_mpd_is_refused(text: str) -> None:
    with pytest.raises(PresentationInvalid, match="PKG-"):
        with_clearkey(text)
