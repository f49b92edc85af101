"""How manifests name the key of a track, all of it read from the PSSH boxes of its initialization segment.

What players find in the MPD, in the playlists and in the file is therefore the same.

Sources: ISO/IEC 23009-1, 5.8.4.1; ISO/IEC 23001-7, 11.2 (DASH); RFC 8216bis, 4.4.4.4; Apple's article on EXT-X-KEY;
Microsoft's "PlayReady header specification" (HLS and DASH signaling).
"""

import base64
import xml.etree.ElementTree as ET

from media.packaging.plan import TrackKey
from media.packaging.pssh import PLAYREADY_SYSTEM, WIDEVINE_SYSTEM, content_of, system_of, widevine_pssh
from media.packaging.track_header import TrackHeader

_CENC = "urn:mpeg:cenc:2013"
_MSPR = "urn:microsoft:playready"
_METHODS = {"cbcs": "SAMPLE-AES", "cenc": "SAMPLE-AES-CTR"}
_WIDEVINE_FORMAT = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"


def boxes_of(key: TrackKey, scheme: str) -> tuple[bytes, ...]:
    """Returns the PSSH boxes that go into the initialization segments of a key's tracks, instead of the packager's.

    What the key's provider gave comes first; Widevine's box is ours unless it gave one.
    """
    given = {system_of(pssh) for pssh in key.pssh}
    ours = () if WIDEVINE_SYSTEM in given else (widevine_pssh(key.kid, scheme),)
    return (*key.pssh, *ours)


def key_tags(header: TrackHeader, key: TrackKey, scheme: str) -> list[str]:
    """Returns the ``EXT-X-KEY`` tags of a track.

    None has an IV: in ``cbcs`` the file has it, and Apple forbids the attribute (13.4). None is an identity key: beside
    others it makes players ask for a key that is none (shaka-packager #1439).
    """
    tags = []
    for pssh in header.pssh:
        if system_of(pssh) == PLAYREADY_SYSTEM:
            uri = f"data:text/plain;charset=UTF-16;base64,{_base64(content_of(pssh))}"
            tags.append(_tag(scheme, uri, "com.microsoft.playready"))
        elif system_of(pssh) == WIDEVINE_SYSTEM:
            uri = f"data:text/plain;base64,{_base64(pssh)}"
            tags.append(_tag(scheme, uri, _WIDEVINE_FORMAT, f"KEYID=0x{key.kid}"))
    if scheme == "cbcs":  # FairPlay has no cenc
        tags.append(_tag(scheme, key.fairplay_uri or f"skd://{key.kid}", "com.apple.streamingkeydelivery"))
    return tags


def content_protection(header: TrackHeader, key: TrackKey, scheme: str) -> list[ET.Element]:
    """Returns the ``ContentProtection`` elements of an adaptation set."""
    uuid = "-".join((key.kid[:8], key.kid[8:12], key.kid[12:16], key.kid[16:20], key.kid[20:]))
    found = [_protection("urn:mpeg:dash:mp4protection:2011", scheme, {f"{{{_CENC}}}default_KID": uuid})]
    for pssh in header.pssh:
        system = system_of(pssh).hex()
        urn = f"urn:uuid:{system[:8]}-{system[8:12]}-{system[12:16]}-{system[16:20]}-{system[20:]}"
        element = _protection(urn, "MSPR 2.0" if system_of(pssh) == PLAYREADY_SYSTEM else "")
        ET.SubElement(element, f"{{{_CENC}}}pssh").text = _base64(pssh)
        if system_of(pssh) == PLAYREADY_SYSTEM:
            ET.SubElement(element, f"{{{_MSPR}}}pro").text = _base64(content_of(pssh))
        found.append(element)
    return found


def _tag(scheme: str, uri: str, key_format: str, *more: str) -> str:
    attributes = [f"METHOD={_METHODS[scheme]}", f'URI="{uri}"', *more, f'KEYFORMAT="{key_format}"']
    return f'#EXT-X-KEY:{",".join(attributes)},KEYFORMATVERSIONS="1"'


def _protection(scheme_uri: str, value: str, attributes: dict[str, str] | None = None) -> ET.Element:
    named = {"schemeIdUri": scheme_uri, **({"value": value} if value else {}), **(attributes or {})}
    return ET.Element("{urn:mpeg:dash:schema:mpd:2011}ContentProtection", named)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
