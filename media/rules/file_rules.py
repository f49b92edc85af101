"""Rules on files: what manifests name is there and readable, what is there they name, and nothing leads outside."""

from collections.abc import Iterator

from domain.clients import CATALOG
from media.rules.model import PresentationOnDisk
from media.rules.rule import BMFF, DASH, RFC, Finding, Rule, rule

_SEAL = "release.json"
"""What a release of ours is sealed with; it names the files, not they it."""
_MEDIA = (".mp4", ".m4s", ".m4v", ".m4a", ".cmfv", ".cmfa", ".cmft")


@rule(
    "FILE-001",
    "every file that a manifest names is there",
    source=f"{RFC}, 4.1; {DASH}, 5.3.9",
    fix="package again, or take the missing file's entry out of the manifest",
)
def named_files_are_there(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields named files that are missing."""
    named = {item.path: item.manifest for item in presentation.mentions if item.path is not None}
    for path in sorted(set(named) - set(presentation.files)):
        yield Finding(path, "no such file", f"a file, because {named[path]} names it")


@rule(
    "FILE-002",
    "every file reads as what it is",
    source=f"{BMFF}, 4.2; {DASH}, 5.3.1; {RFC}, 4.1",
    fix="the file is damaged or cut off: package again",
)
def files_are_readable(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields damaged files, and byte ranges that end behind their file."""
    for damage in presentation.damages:
        yield Finding(damage.path, damage.found, damage.expected)
    for playlist in presentation.playlists.values():
        for entry in playlist.entries:
            size = presentation.files.get(entry.span.path)
            if size is not None and entry.span.length is not None and entry.span.offset + entry.span.length > size:
                yield Finding(playlist.path, f"the range {entry.span}", f"a range inside {size} bytes")


@rule(
    "FILE-003",
    "all addresses are relative and stay inside the presentation",
    source=f"{RFC}, 4.1; RFC 3986, 5.2",
    fix="write addresses relative to the manifest; a presentation can then be served from anywhere",
)
def addresses_stay_inside(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields absolute and escaping addresses."""
    found = {(item.manifest, item.uri) for item in presentation.mentions if item.path is None}
    for manifest, uri in sorted(found):
        yield Finding(manifest, f"the address {uri!r}", "a relative address inside the presentation")


@rule(
    "FILE-004",
    "no file lies there that no manifest names",
    source=f"{RFC}, 4.1; {DASH}, 5.3.9",
    fix="remove the file: what is not named may be a leftover, and is published all the same",
    severity="should",
)
def no_file_is_stray(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields files that nothing names; WebVTT sprite tracks and a catalog of the tracks need no manifest."""
    named = {item.path for item in presentation.mentions}
    roots = {item.path for item in presentation.mpds} | {item.path for item in presentation.multivariants}
    if not presentation.multivariants:
        roots |= set(presentation.playlists)
    damaged = {damage.path for damage in presentation.damages}
    for path in sorted(set(presentation.files) - named - roots - damaged):
        if path in {CATALOG, _SEAL} or "#xywh=" in presentation.texts.get(path, ""):
            continue
        yield Finding(path, "no manifest names it", "a named file, or none")


@rule(
    "FILE-005",
    "DASH and HLS name the same media files",
    source="ISO/IEC 23000-19, 6 (one set of media for both manifests)",
    fix="point both manifests at one set of files; two sets cost storage and cache",
    severity="should",
    needs="both",
)
def manifests_share_media(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields media files that only one kind of manifest names, but those of text and of trick play."""
    by_dash = {item.path for item in presentation.mentions if item.manifest.lower().endswith(".mpd")}
    by_hls = {item.path for item in presentation.mentions if not item.manifest.lower().endswith(".mpd")}
    sounding = _sounding_files(presentation)
    for path in sorted(sounding & (by_dash ^ by_hls)):
        other = "HLS" if path in by_dash else "DASH"
        yield Finding(path, f"not named by {other}", "a file that both name")


def _sounding_files(presentation: PresentationOnDisk) -> set[str]:
    """Returns the files of ordinary audio and video tracks."""
    tracks = [*presentation.video, *(track for track in presentation.tracks if track.init.handler == "soun")]
    found = {segment.span.path for track in tracks for segment in track.segments} | {track.name for track in tracks}
    return {path for path in found if path.lower().endswith(_MEDIA)}


@rule(
    "FILE-006",
    "tile pictures are as large as the manifests say, and cover the title",
    source=f"{DASH}, DASH-IF thumbnail tiles; HLS image playlists 0.4",
    fix="state the size of one tile and the layout as the pictures have them, and one entry for each picture",
)
def pictures_have_their_size(presentation: PresentationOnDisk) -> Iterator[Finding]:
    """Yields tile pictures of another size, and image playlists that are shorter than the title."""
    longest = max((track.end_s for track in presentation.tracks), default=0)
    for playlist in presentation.playlists.values():
        if playlist.kind != "images":
            continue
        for entry in playlist.entries:
            wanted = _times(entry.tiles.get("RESOLUTION", ""), entry.tiles.get("LAYOUT", ""))
            size = presentation.images.get(entry.span.path)
            if size is not None and size != wanted:
                yield Finding(f"{playlist.path} {entry.span.path}", f"a picture of {size[0]}x{size[1]}", f"{wanted}")
        if playlist.duration_s + 1 < longest:
            yield Finding(playlist.path, f"pictures for {float(playlist.duration_s):.3f} s", f"{float(longest):.3f} s")
    yield from _dash_pictures(presentation)


def _dash_pictures(presentation: PresentationOnDisk) -> Iterator[Finding]:
    for mpd in presentation.mpds:
        for item in (one for found in mpd.sets_of("image") for one in found.representations):
            stated = (item.attributes.get("width", ""), item.attributes.get("height", ""))
            for reference in item.references:
                size = presentation.images.get(reference.span.path)
                if size is not None and stated != (str(size[0]), str(size[1])):
                    expected = f"width and height of {reference.span.path}: {size[0]}x{size[1]}"
                    yield Finding(item.where, "x".join(stated), expected)
                    break


def _times(resolution: str, layout: str) -> tuple[int, int] | None:
    numbers = [part for text in (resolution, layout) for part in text.split("x")]
    if len(numbers) != 4 or not all(part.isascii() and part.isdigit() for part in numbers):
        return None
    width, height, columns, rows = map(int, numbers)
    return width * columns, height * rows


RULES: tuple[Rule, ...] = (
    named_files_are_there,
    files_are_readable,
    addresses_stay_inside,
    no_file_is_stray,
    manifests_share_media,
    pictures_have_their_size,
)
