"""Reads a folder into the model: finds the manifests, follows every reference, reads each file once."""

from pathlib import Path

from media.errors import NoPresentation
from media.rules.hls_model import Playlist
from media.rules.media_library import MediaLibrary
from media.rules.media_model import Track
from media.rules.model import Mpd, PresentationOnDisk
from media.rules.mpd_reader import MpdReader
from media.rules.playlist_reader import PlaylistReader, is_multivariant


def read_presentation(folder: Path) -> PresentationOnDisk:
    """Reads a presentation.

    Raises:
        NoPresentation: if the folder is missing or holds no manifest.
    """
    library = MediaLibrary(folder, _files_of(folder))
    mpd_paths = [path for path in library.files if path.lower().endswith(".mpd")]
    hls_paths = [path for path in library.files if path.lower().endswith(".m3u8")]
    if not mpd_paths and not hls_paths:
        raise NoPresentation(
            str(folder),
            found=f"{len(library.files)} files, none of them an MPD or a playlist",
            expected="a presentation: a folder with an .mpd or .m3u8 file",
            fix="name the folder that holds the manifests",
        )
    mpd_reader, hls_reader = MpdReader(library), PlaylistReader(library)
    mpds = [mpd for path in mpd_paths if (mpd := mpd_reader.mpd(path, library.read_text(path)))]
    texts = {path: library.read_text(path) for path in hls_paths}
    multivariants = [hls_reader.multivariant(path, text) for path, text in texts.items() if is_multivariant(text)]
    playlists = {path: hls_reader.playlist(path, text) for path, text in texts.items() if not is_multivariant(text)}
    for path in library.files:  # sprite tracks stand beside the manifests, for players that show them by themselves
        if path.lower().endswith(".vtt"):
            library.note(path)
    return PresentationOnDisk(
        files=library.files,
        mentions=(*mpd_reader.mentions, *hls_reader.mentions),
        damages=tuple(library.damages[path] for path in sorted(library.damages)),
        mpds=tuple(mpds),
        multivariants=tuple(multivariants),
        playlists=playlists,
        tracks=_tracks_of(mpds, playlists),
        trick=frozenset(track.name for track in _trick(mpds, playlists))
        - {track.name for track in _ordinary(mpds, playlists)},
        texts=library.texts,
        images=library.images,
    )


def _files_of(folder: Path) -> dict[str, int]:
    """Returns the files of a folder, in order; links that lead out of it are left out.

    Raises:
        NoPresentation: if there is no such folder.
    """
    if not folder.is_dir():
        raise NoPresentation(
            str(folder), found="no such folder", expected="a folder with a presentation", fix="check the path"
        )
    root = folder.resolve()
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.resolve().is_relative_to(root)
    }


def _tracks_of(mpds: list[Mpd], playlists: dict[str, Playlist]) -> tuple[Track, ...]:
    """Returns each track once, in the order of the manifests: the one with most segments where they differ."""
    best: dict[str, Track] = {}
    for track in [*_ordinary(mpds, playlists), *_trick(mpds, playlists)]:
        if track.name not in best or len(track.segments) > len(best[track.name].segments):
            best[track.name] = track
    return tuple(best.values())


def _ordinary(mpds: list[Mpd], playlists: dict[str, Playlist]) -> list[Track]:
    found = [track for mpd in mpds for item in mpd.sets if not item.is_trick for track in item.tracks]
    return found + [item.track for item in playlists.values() if item.track is not None and item.kind == "media"]


def _trick(mpds: list[Mpd], playlists: dict[str, Playlist]) -> list[Track]:
    found = [track for mpd in mpds for item in mpd.sets if item.is_trick for track in item.tracks]
    return found + [item.track for item in playlists.values() if item.track is not None and item.kind == "iframes"]
