"""The proof that an HDR title has SDR rungs beside its HDR ones: in the manifests, in the pictures, in what is said."""

from pathlib import Path

import av
import numpy as np

from activities.tone_mapping import KIND
from domain.mezzanine import MezzaninePiece
from domain.release import ReleaseManifest, TitleReceipt
from domain.result import ResultLadder, TitleResult
from media.packaging.plan import MANIFEST, MULTIVARIANT
from media.packaging.segment_index import TRACK_FILE
from media.rules.check import check_folder
from storage.addresses import ObjectAddress, parse_address
from storage.object_store import ObjectStore
from storage.release_reader import read_release

LUMA_TOLERANCE = 1.0
"""Mean luma of a decoded rung against that of the tone-mapped pictures, in steps of 8 bits."""


def fetch_release(store: ObjectStore, receipt: TitleReceipt, folder: Path) -> ReleaseManifest:
    """Copies a release into a folder and returns its seal."""
    release = read_release(store, receipt.release)
    for item in release.objects:
        path = folder / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        found = store.get(parse_address(f"{receipt.release.release_uri}/{item.path}"))
        assert found is not None
        path.write_bytes(found[0])
    return release


def require_sdr_manifests(folder: Path, sdr: list[str], hdr: list[str]) -> None:
    """Makes sure that each range has sets and variants of its own, SDR clients see no HDR, and no rule is broken."""
    assert check_folder(folder).broken("must") == ()
    mpd, playlist = (folder / MANIFEST).read_text(), (folder / MULTIVARIANT).read_text()
    for video_set in mpd.split("<AdaptationSet")[1:]:
        names = [name for name in (*sdr, *hdr) if f'id="{name}"' in video_set]
        is_hdr = 'EssentialProperty schemeIdUri="urn:mpeg:mpegB:cicp:TransferCharacteristics" value="16"' in video_set
        assert {name in hdr for name in names} <= {is_hdr}
    ranges = {}
    for line, uri in zip(playlist.splitlines(), playlist.splitlines()[1:], strict=False):
        if line.startswith("#EXT-X-STREAM-INF"):
            assert "SCORE=" not in line
            ranges[uri.partition("/")[0]] = line.partition("VIDEO-RANGE=")[2].partition(",")[0]
    assert ranges == dict.fromkeys(sdr, "SDR") | dict.fromkeys(hdr, "PQ")
    for path in ("manifest.sdr.mpd", "multivariant.sdr.m3u8"):
        told = (folder / path).read_text()
        assert all(name in told for name in sdr)
        assert not [name for name in hdr if name in told]


def require_sdr_pictures(folder: Path, ladder: ResultLadder, reference: list[float]) -> None:
    """Makes sure that every rung decodes as BT.709 with 8 bits, frame by frame as bright as what it was made of.

    Args:
        folder: The release, in the clear, one file for each track.
        ladder: A tone-mapped ladder.
        reference: Mean luma of each tone-mapped picture, in steps of 8 bits.
    """
    for rung in ladder.rungs:
        with av.open(str(folder / rung.name / TRACK_FILE)) as container:
            frames = list(container.decode(video=0))
        said = {(f.format.name, int(f.color_primaries), int(f.color_trc), int(f.colorspace)) for f in frames}
        assert said == {("yuv420p", 1, 1, 1)}
        brightness = [mean_luma(frame) for frame in frames]
        assert len(brightness) == len(reference)
        assert np.abs(np.subtract(brightness, reference)).max() < LUMA_TOLERANCE
        assert rung.delivered.vmaf_mean > 60


def reference_luma(store: ObjectStore, folder: Path) -> list[float]:
    """Returns the mean luma of each tone-mapped picture, in steps of 8 bits, where one title has any."""
    work = store.buckets.work
    listed = [ObjectAddress(work, item.key) for item in store.list_objects(work, f"results/{KIND}/")]
    kept = [MezzaninePiece.model_validate_json((store.get(address) or (b"",))[0]) for address in listed]
    levels = []
    for piece in sorted(kept, key=lambda item: item.shot_index):
        path = folder / f"{piece.shot_index}.mov"
        path.write_bytes(store.read_bytes(piece.file))
        with av.open(str(path)) as container:
            levels += [mean_luma(frame) / 4 for frame in container.decode(video=0)]
    return levels


def mean_luma(frame: av.VideoFrame) -> float:
    """Returns the mean of the luma samples, in their own steps."""
    plane, wide = frame.planes[0], frame.format.name.endswith("10le")
    samples = np.frombuffer(bytes(plane), "<u2" if wide else "u1").reshape(plane.height, -1)
    return float(samples[:, : plane.width].mean())


def require_sdr_is_said(result: TitleResult, release: ReleaseManifest, report: str) -> None:
    """Makes sure that result, seal and report say which rungs are tone-mapped and by what chain."""
    ladders = [ladder for ladder in result.ladders if ladder.tone_mapping]
    assert release.tone_mapped is not None
    assert list(release.tone_mapped.names) == [rung.name for ladder in ladders for rung in ladder.rungs]
    for ladder in ladders:
        assert ladder.tone_mapping == release.tone_mapped.tone_mapping
        assert f'id="ladder-{ladder.name}"' in report
    chain = release.tone_mapped.tone_mapping.filters
    assert any(chain in note for note in result.notes)
    assert "tonemap=mobius" in chain
