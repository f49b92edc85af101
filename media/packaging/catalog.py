"""The catalog of a presentation, and manifests for some kinds of client beside the whole ones."""

from pathlib import Path

from domain.clients import CATALOG, ClientManifests, PresentationCatalog, TrackFacts, static_clients
from domain.tracks import EncodedAudio, Rendition, TextTrack, Thumbnails
from domain.values import canonical_json
from media.packaging.filtered import Manifests, filtered_manifests
from media.packaging.languages import language_tag
from media.packaging.plan import MANIFEST, MULTIVARIANT, TrackFile
from media.packaging.presentation_index import PresentationIndex


def write_catalog(index: PresentationIndex, out_dir: Path) -> None:
    """Writes ``presentation.json`` and the manifests that it names, over manifests that are there."""
    tracks = track_facts(index)
    whole = Manifests((out_dir / MANIFEST).read_text("utf-8"), (out_dir / MULTIVARIANT).read_text("utf-8"))
    clients = []
    for name, chosen in static_clients(tracks).items() if index.plan.recipe.client_manifests else ():
        made = ClientManifests(name=name, filter=chosen, dash=_named(MANIFEST, name), hls=_named(MULTIVARIANT, name))
        manifests = filtered_manifests(whole, tracks, chosen)
        (out_dir / made.dash).write_text(manifests.dash, "utf-8")
        (out_dir / made.hls).write_text(manifests.hls, "utf-8")
        clients.append(made)
    catalog = PresentationCatalog(dash=MANIFEST, hls=MULTIVARIANT, tracks=tracks, clients=tuple(clients))
    (out_dir / CATALOG).write_bytes(canonical_json(catalog))


def track_facts(index: PresentationIndex) -> tuple[TrackFacts, ...]:
    """Returns the facts of every track that manifests name, trick play included."""
    facts = [_facts(index, item) for item in index.plan.tracks]
    return (
        *facts,
        *(
            _facts(index, item).model_copy(update={"name": name, "kind": "trick", **_rates(index, name)})
            for name, item in index.plan.trick_tracks.items()
        ),
    )


def _facts(index: PresentationIndex, item: TrackFile) -> TrackFacts:
    label = item.label if index.plan.is_encrypted else None
    match item.track:
        case Rendition() as track:
            known = {"kind": "video", "codec": track.codec, "resolution": track.resolution, "label": label}
            known["dynamic_range"] = index.range_of(item)
            return TrackFacts(name=item.name, frame_rate=track.frame_rate, **known, **_rates(index, item.name))
        case EncodedAudio() as track:
            known = {"kind": "audio", "language": language_tag(track), "label": label}
            return TrackFacts(name=item.name, **known, **_rates(index, item.name))
        case TextTrack() as track:
            return TrackFacts(name=item.name, kind="text", language=language_tag(track), **_rates(index, item.name))
        case Thumbnails() as track:
            sheets = index.sheets[item.name]
            rates = {"peak_bps": sheets.peak_bps, "mean_bps": sheets.mean_bps}
            return TrackFacts(name=item.name, kind="image", resolution=track.tile, **rates)


def _rates(index: PresentationIndex, name: str) -> dict[str, int]:
    track = index.tracks[name]
    return {"peak_bps": track.peak_bps(index.target_s), "mean_bps": track.mean_bps}


def _named(path: str, client: str) -> str:
    stem, _, suffix = path.rpartition(".")
    return f"{stem}.{client}.{suffix}"
