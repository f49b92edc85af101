"""How manifests name the key of a track: from the PSSH boxes of its initialization segment, so that all say the same.

What the provider of a key wants to be said for a license system stands instead.

Sources: ISO/IEC 23009-1, 5.8.4.1; ISO/IEC 23001-7, 11.2 (DASH); RFC 8216bis, 4.4.4.4; Apple's article on EXT-X-KEY;
Microsoft's "PlayReady header specification" (HLS and DASH signaling).
"""

import base64
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator

from domain.drm import FAIRPLAY, PLAYREADY, WIDEVINE
from media.packaging.plan import TrackKey
from media.packaging.pssh import WIDEVINE_SYSTEM, content_of, system_of, widevine_pssh
from media.packaging.track_header import TrackHeader

_CENC = "urn:mpeg:cenc:2013"
_MSPR = "urn:microsoft:playready"
_METHODS = {"cbcs": "SAMPLE-AES", "cenc": "SAMPLE-AES-CTR"}


def boxes_of(key: TrackKey, scheme: str) -> tuple[bytes, ...]:
    """Returns the PSSH boxes that go into the initialization segments of a key's tracks, instead of the packager's.

    What the key's provider gave comes first; Widevine's box is ours unless it gave one.
    """
    given = tuple(base64.b64decode(signal.pssh) for signal in key.signals if signal.pssh)
    is_given = WIDEVINE_SYSTEM in {system_of(pssh) for pssh in given}
    return given if is_given else (*given, widevine_pssh(key.kid, scheme))


def key_tags(header: TrackHeader, key: TrackKey, scheme: str) -> list[str]:
    """Returns the ``EXT-X-KEY`` tags of a track.

    Ours have no IV: in ``cbcs`` the file has it, and Apple forbids the attribute (13.4). None is an identity key:
    beside others it makes players ask for a key that is none (shaka-packager #1439).
    """
    lines = {
        system: _tag(scheme, uri, key_format, *more) for system, uri, key_format, *more in _uris(header, key, scheme)
    }
    for signal in key.signals:
        if signal.hls_media:
            lines[signal.system_id] = signal.hls_media
    return [line for system in sorted(lines) for line in lines[system].splitlines()]


def session_key_tags(keys: Iterable[TrackKey]) -> list[str]:
    """Returns the ``EXT-X-SESSION-KEY`` tags that providers want in the multivariant playlist, each once."""
    lines = [line for key in keys for signal in key.signals for line in signal.hls_multivariant.splitlines()]
    return list(dict.fromkeys(lines))


def content_protection(header: TrackHeader, key: TrackKey, scheme: str) -> list[ET.Element]:
    """Returns the ``ContentProtection`` elements of an adaptation set."""
    given = {signal.system_id: signal.content_protection for signal in key.signals if signal.content_protection}
    default_kid = {f"{{{_CENC}}}default_KID": _uuid_text(bytes.fromhex(key.kid))}
    found = [_protection("urn:mpeg:dash:mp4protection:2011", scheme, default_kid)]
    boxes = {_uuid_text(system_of(pssh)): pssh for pssh in header.pssh}
    for system in sorted({*boxes, *given}):
        element = _protection(f"urn:uuid:{system}", "MSPR 2.0" if system == PLAYREADY else "")
        if system in given:
            element.extend(ET.fromstring(f"<content>{given[system]}</content>"))  # noqa: S314 - parsed when it came
        else:
            ET.SubElement(element, f"{{{_CENC}}}pssh").text = _base64(boxes[system])
            if system == PLAYREADY:
                ET.SubElement(element, f"{{{_MSPR}}}pro").text = _base64(content_of(boxes[system]))
        found.append(element)
    return found


def _uris(header: TrackHeader, key: TrackKey, scheme: str) -> Iterator[tuple[str, ...]]:
    """Yields (system id, URI, KEYFORMAT, further attributes) of each system that we know how to name."""
    for pssh in header.pssh:
        system = _uuid_text(system_of(pssh))
        if system == PLAYREADY:
            uri = f"data:text/plain;charset=UTF-16;base64,{_base64(content_of(pssh))}"
            yield system, uri, "com.microsoft.playready"
        elif system == WIDEVINE:
            uri = f"data:text/plain;base64,{_base64(pssh)}"
            yield system, uri, f"urn:uuid:{WIDEVINE}", f"KEYID=0x{key.kid}"
    if scheme == "cbcs":  # FairPlay has no cenc
        yield FAIRPLAY, f"skd://{key.kid}", "com.apple.streamingkeydelivery"


def _tag(scheme: str, uri: str, key_format: str, *more: str) -> str:
    attributes = [f"METHOD={_METHODS[scheme]}", f'URI="{uri}"', *more, f'KEYFORMAT="{key_format}"']
    return f'#EXT-X-KEY:{",".join(attributes)},KEYFORMATVERSIONS="1"'


def _protection(scheme_uri: str, value: str, attributes: dict[str, str] | None = None) -> ET.Element:
    named = {"schemeIdUri": scheme_uri, **({"value": value} if value else {}), **(attributes or {})}
    return ET.Element("{urn:mpeg:dash:schema:mpd:2011}ContentProtection", named)


def _uuid_text(system: bytes) -> str:
    text = system.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
