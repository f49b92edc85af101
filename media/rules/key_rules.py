"""Rules on the key tags of playlists, and on groups, ranges of brightness and output protection."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from media.rules.hls_model import Playlist, Stream
from media.rules.model import PresentationOnDisk
from media.rules.protection_headers import parse_playready_object, parse_pssh_base64
from media.rules.rule import APPLE, CENC, RFC, Finding, Rule, rule

FAIRPLAY = "com.apple.streamingkeydelivery"
_WIDEVINE = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
_PLAYREADY = "com.microsoft.playready"
_METHODS = {"cbcs": "SAMPLE-AES", "cenc": "SAMPLE-AES-CTR"}
_HD_LINES, _FULL_HD_LINES = 720, 1080
_Keys = tuple[Mapping[str, str], ...]


def _key_sets(playlist: Playlist) -> list[_Keys]:
    """Returns the different sets of key tags that apply somewhere in a playlist."""
    found: list[_Keys] = []
    for entry in playlist.entries:
        if entry.keys not in found:
            found.append(entry.keys)
    return found


@rule(
    "KEY-001",
    "encrypted segments have key tags, of the method of their scheme",
    source=f"{RFC}, 4.4.4.4; {APPLE}, 13.2",
    fix="name the protection systems when packaging; METHOD is SAMPLE-AES for cbcs, SAMPLE-AES-CTR for cenc",
    needs="encrypted hls",
)
def encrypted_segments_have_keys(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists of protected tracks with segments without key, or with keys of another method."""
    for path, playlist in presentation.playlists.items():
        protection = playlist.track.init.protection if playlist.track else None
        if protection is None:
            continue
        for entry in playlist.entries:
            is_encrypted = entry.segment is not None and any(
                fragment.senc_samples is not None for fragment in entry.segment.fragments
            )
            if is_encrypted and not entry.keys:
                yield Finding(path, f"no EXT-X-KEY for {entry.span}", "key tags of the protection systems")
                break
        wanted = _METHODS.get(protection.scheme, "")
        methods = sorted({key.get("METHOD", "") for keys in _key_sets(playlist) for key in keys} - {wanted})
        if methods:
            yield Finding(path, f"METHOD {', '.join(methods)}", f"{wanted} for {protection.scheme}")


@rule(
    "KEY-002",
    "no identity key stands beside protection systems",
    source="Apple, Using content protection systems with HLS (Identity); shaka-packager #1439, #760",
    fix="package without CommonSystem, or remove the tag: players fetch the URI as a key file",
    needs="hls",
)
def no_identity_key(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists with a key tag of format identity whose track is protected by CENC, or that names a DRM too."""
    for path, playlist in presentation.playlists.items():
        for keys in _key_sets(playlist):
            identity = [key for key in keys if key.get("KEYFORMAT", "identity") == "identity"]
            is_cenc = playlist.track is not None and playlist.track.init.protection is not None
            if identity and (is_cenc or len(identity) < len(keys)):
                yield Finding(path, f"an identity key {identity[0].get('URI', '')[:60]}", "keys of real systems only")
                break


@rule(
    "KEY-003",
    "FairPlay has one skd:// address for each KID",
    source=f"{APPLE}, 13.3; Apple, Using content protection systems with HLS (FairPlay); shaka-packager #470",
    fix="leave --hls_key_uri unset and write skd:// addresses with the KID",
    needs="encrypted hls",
)
def fairplay_has_an_address_per_kid(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields FairPlay keys of no ``skd://`` address, and addresses that stand for several KIDs."""
    kids: dict[str, set[str]] = defaultdict(set)
    places: dict[str, str] = {}
    for path, playlist in presentation.playlists.items():
        for key in (key for keys in _key_sets(playlist) for key in keys if key.get("KEYFORMAT") == FAIRPLAY):
            uri = key.get("URI", "")
            places.setdefault(uri, path)
            kids[uri].add(playlist.track.kid if playlist.track else "")
            if not uri.startswith("skd://"):
                yield Finding(path, f"FairPlay URI {uri[:60]}", "skd://")
    for uri, found in kids.items():
        if len(found - {""}) > 1:
            yield Finding(places[uri], f"{uri} for {len(found)} KIDs", "one address for each KID")


@rule(
    "KEY-004",
    "key tags are for the track's KID",
    source=f"{RFC}, 4.4.4.4; {CENC}, 8.2",
    fix="write KEYID, PSSH and PlayReady header of the KID in tenc",
    needs="encrypted hls",
)
def keys_are_for_the_kid(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields key tags whose KEYID, PSSH box or PlayReady header names other KIDs than the track's tenc."""
    for path, playlist in presentation.playlists.items():
        kid = playlist.track.kid if playlist.track else ""
        for key in (key for keys in _key_sets(playlist) for key in keys if kid):
            stated = key.get("KEYID", "").lower().removeprefix("0x")
            kids = _kids_of(key)
            if stated and stated != kid:
                yield Finding(path, f"KEYID {stated}", kid)
            elif kids and kid not in kids:
                yield Finding(path, f"{key.get('KEYFORMAT')} for {', '.join(kids)}", kid)


def _kids_of(key: Mapping[str, str]) -> tuple[str, ...]:
    content = key.get("URI", "").rpartition("base64,")[2]
    if key.get("KEYFORMAT") == _WIDEVINE:
        return tuple(kid for box in parse_pssh_base64(content) for kid in box.kids)
    header = parse_playready_object(content) if key.get("KEYFORMAT") == _PLAYREADY else None
    return header.kids if header else ()


@rule(
    "KEY-005",
    "all encrypted playlists name the same systems",
    source="Apple, Using content protection systems with HLS (Overview)",
    fix="write key tags of the same systems into every playlist",
    needs="encrypted hls",
)
def systems_are_equal(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields playlists with other KEYFORMATs than most have."""
    found = {
        path: tuple(sorted(key.get("KEYFORMAT", "identity") for key in keys))
        for path, playlist in presentation.playlists.items()
        for keys in _key_sets(playlist)
        if keys
    }
    usual = Counter(found.values()).most_common(1)
    for path, systems in found.items():
        if systems != usual[0][0]:
            yield Finding(path, ", ".join(systems), ", ".join(usual[0][0]))


@rule(
    "KEY-006",
    "no IV attribute beside FairPlay",
    source=f"{APPLE}, 13.4",
    fix="leave IV away: it comes with the key",
    severity="should",
    needs="encrypted hls",
)
def fairplay_has_no_iv(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields FairPlay key tags with IV."""
    for path, playlist in presentation.playlists.items():
        for key in (key for keys in _key_sets(playlist) for key in keys):
            if key.get("KEYFORMAT") == FAIRPLAY and "IV" in key:
                yield Finding(path, f"IV={key['IV']}", "no IV")


@rule(
    "KEY-007",
    "encrypted HD asks for output protection",
    source=f"{APPLE}, 13.5 and 13.6",
    fix="write HDCP-LEVEL=TYPE-0 from 720 lines on, TYPE-1 above 1080 lines",
    severity="should",
    needs="encrypted hls",
)
def hd_asks_for_hdcp(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields variant streams and I-frame streams of encrypted HD with another HDCP-LEVEL."""
    for root in presentation.multivariants:
        for stream in (*root.of("STREAM-INF"), *root.of("I-FRAME-STREAM-INF")):
            playlist = presentation.playlists.get(stream.path or "")
            if playlist is None or playlist.track is None or not playlist.track.kid:
                continue
            lines = _lines(stream)
            wanted = "TYPE-1" if lines > _FULL_HD_LINES else "TYPE-0" if lines >= _HD_LINES else ""
            found = stream.attributes.get("HDCP-LEVEL", "")
            if wanted and found != wanted:
                where = f"{root.path} {stream.tag} {stream.uri}"
                yield Finding(where, f"HDCP-LEVEL {found or 'missing'}", f"{wanted} for {lines} lines")


def _lines(stream: Stream) -> int:
    """Returns the shorter side of the picture, so that upright pictures count as what they are."""
    sides = [int(side) for side in stream.attributes.get("RESOLUTION", "").split("x") if side.isdigit()]
    return min(sides, default=0)


@rule(
    "KEY-008",
    "Apple devices can decrypt it",
    source=f"{APPLE}, 13.11",
    fix="package as cbcs; SAMPLE-AES-CTR (cenc) plays on no Apple device",
    severity="should",
    needs="encrypted hls",
)
def apple_can_decrypt(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields one finding where HLS is encrypted with ``cenc``."""
    for path, playlist in presentation.playlists.items():
        if any(key.get("METHOD") == "SAMPLE-AES-CTR" for keys in _key_sets(playlist) for key in keys):
            yield Finding(path, "SAMPLE-AES-CTR", "SAMPLE-AES (cbcs)")
            return


@rule(
    "HLS-031",
    "groups are there and consistent",
    source=f"{RFC}, 4.4.6.1.1 and 4.4.6.2; {APPLE}, 4.7 and 8.10",
    fix="declare each group that a variant names; unique NAME, LANGUAGE, one DEFAULT and the same set in each group",
    needs="hls",
)
def groups_are_consistent(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields missing groups, groups with a name twice or two defaults, and HLS renditions without name or language."""
    for root in presentation.multivariants:
        for stream in root.of("STREAM-INF"):
            for kind in ("AUDIO", "VIDEO", "SUBTITLES"):
                name = stream.attributes.get(kind)
                if name and not root.group(kind, name):
                    yield Finding(f"{root.path} {stream.uri}", f"{kind} group {name!r} is not declared", "EXT-X-MEDIA")
        groups = {(one.attributes.get("TYPE", ""), one.attributes.get("GROUP-ID", "")) for one in root.of("MEDIA")}
        for kind, name in sorted(groups):
            yield from (Finding(f"{root.path} {kind} {name}", *said) for said in _group_faults(root.group(kind, name)))


def _group_faults(members: list[Stream]) -> Iterator[tuple[str, str]]:
    names = [one.attributes.get("NAME", "") for one in members]
    if "" in names or len(set(names)) < len(names):
        yield f"names {', '.join(names)}", "a name for each, none twice"
    defaults = [one for one in members if one.attributes.get("DEFAULT") == "YES"]
    if len(defaults) > 1:
        yield f"{len(defaults)} defaults", "one at most"
    for one in defaults:
        if one.attributes.get("AUTOSELECT", "YES") == "NO":
            yield f"{one.attributes.get('NAME')}: DEFAULT=YES, AUTOSELECT=NO", "AUTOSELECT=YES"


@rule(
    "HLS-032",
    "HLS renditions say their language",
    source=f"{APPLE}, 4.7 and 8.10",
    fix="write LANGUAGE, und where it is not known",
    severity="should",
    needs="hls",
)
def renditions_say_their_language(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields HLS renditions without LANGUAGE."""
    for root in presentation.multivariants:
        for stream in root.of("MEDIA"):
            if stream.attributes.get("TYPE") != "VIDEO" and not stream.attributes.get("LANGUAGE"):
                yield Finding(f"{root.path} {stream.attributes.get('NAME', '?')}", "no LANGUAGE", "a language tag")


RULES: tuple[Rule, ...] = (
    encrypted_segments_have_keys,
    no_identity_key,
    fairplay_has_an_address_per_kid,
    keys_are_for_the_kid,
    systems_are_equal,
    fairplay_has_no_iv,
    hd_asks_for_hdcp,
    apple_can_decrypt,
    groups_are_consistent,
    renditions_say_their_language,
)
