"""From encodes to a release: assemble, package, publish."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from temporalio import activity

from activities.expectations import overrides_of, read_settled
from activities.faults import RenditionMissing
from activities.heartbeats import Pulse
from activities.ladder_sets import read_all_ladders, tone_mapped_tracks
from activities.measures import find_encode
from activities.needs import join_needs, package_needs, publish_needs
from activities.planning import rendition_name
from activities.readings import pool_title, read_delivered
from activities.sources import find_audio
from activities.toolbox import Toolbox
from activities.track_shelf import fetch_texts, fetch_thumbnails, find_texts, find_thumbnails
from activities.units import load_unit
from domain.encodes import EncodedShot
from domain.files import StoredFile
from domain.mezzanine import Mezzanine
from domain.release import KeyReference, Presentation, PresentationFile, ToneMappedTracks
from domain.steps import (
    LadderSet,
    PackagedTitle,
    PackageTask,
    PublishedTitle,
    PublishTask,
    SettledInspection,
    TextTracks,
)
from domain.tracks import EncodedAudio, KeyLabel, Rendition, Thumbnails
from domain.values import Sha256, digest_of
from domain.work import AssembleUnit, UnitOutcome, UnitReference
from ladders.leaky_bucket import peak_bitrate
from media.bench import Bench
from media.errors import ToolMissing
from media.joining import JoinPlan, join_shots
from media.packaging.package import PackagedTree, package_presentation
from media.packaging.plan import PresentationPlan, TrackFile, TrackKey
from protection.key_set import KeySet
from protection.leak_scan import LeakScanner
from storage.publisher import publish_release
from storage.release_keys import keep_key_set
from storage.release_layout import ReleaseDraft, release_id_of


@dataclass(frozen=True, slots=True)
class _FoundTracks:
    """What a title has to be packaged, all of it in the store."""

    media: tuple[Rendition | EncodedAudio, ...]
    vmaf: dict[str, float]
    """Name of a rendition → its mean VMAF."""
    texts: TextTracks
    thumbnails: Thumbnails | None
    tone_mapped: ToneMappedTracks | None

    @property
    def others(self) -> list[StoredFile]:
        """The files that the packager does not see."""
        sheets = self.thumbnails.sheets if self.thumbnails else ()
        return [*(track.file for track in self.texts.tracks), *sheets]


class DeliveryActivities:
    """Assembles renditions, packages and publishes them: the ``io`` queue."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def run_assemble_unit(self, reference: UnitReference) -> UnitOutcome:
        """Joins the shot encodes of one rung without re-encoding and checks the whole."""
        mezzanine, unit = await load_unit(self._box, reference, AssembleUnit)
        key = rendition_key(mezzanine, unit.name, unit.encode_keys)
        if await asyncio.to_thread(self._box.results.find, "renditions", key, Rendition):
            return UnitOutcome(reused=1)
        pulse = Pulse(unit.name)
        encodes = await asyncio.to_thread(lambda: [find_encode(self._box, key) for key in unit.encode_keys])
        async with self._box.roomy_bench(pulse, join_needs([encode.file for encode in encodes])) as bench:
            rendition = await self._assemble(mezzanine, unit.name, encodes, bench, pulse)
        await asyncio.to_thread(self._box.results.keep, "renditions", key, rendition)
        return UnitOutcome(made=1, cpu_s=rendition.cpu_s)

    @activity.defn
    async def package_title(self, task: PackageTask) -> PackagedTitle:
        """Packages and encrypts all tracks, checks the presentation, and proves that it decrypts."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        pulse = Pulse("package")
        found = await pulse.run(self._find_tracks, task, mezzanine, pulse)
        async with self._box.roomy_bench(pulse, package_needs(mezzanine, found.media, found.others)) as bench:
            tracks = await pulse.run(self._fetch_tracks, found, bench, pulse)
            keys = await asyncio.to_thread(self._open_keys, task.key_set, mezzanine, tracks)
            plan = presentation_plan(mezzanine, tracks, keys)
            folder = bench.scratch / "presentation"
            tree = await package_presentation(self._box.tools, plan, out_dir=folder, on_progress=pulse.step())
            tree = await pulse.run(scanned_tree, tree, folder, keys, pulse)
            kept = await pulse.run(self._keep_files, tree, folder, pulse)
            presentation = described_presentation(tree, kept, plan, keys).model_copy(
                update={"tone_mapped": found.tone_mapped}
            )
        key = checks_key(release_id_of(presentation.files))
        await asyncio.to_thread(self._box.results.keep, "checks", key, tree.checks)
        document = await asyncio.to_thread(self._box.results.put_document, presentation)
        return PackagedTitle(presentation=document, files=len(presentation.files), cpu_s=presentation.cpu_s)

    @activity.defn
    async def publish_title(self, task: PublishTask, settled: SettledInspection | None = None) -> PublishedTitle:
        """Publishes the presentation as an immutable release, verified, sealed, and then made current.

        Titles that were begun before seals named overrides give no settled inspection.
        """
        inspection = await asyncio.to_thread(read_settled, self._box, settled)
        presentation = await asyncio.to_thread(self._box.results.read_document, task.presentation, Presentation)
        draft = ReleaseDraft(
            title_id=task.title_id,
            presentation=presentation,
            source_sha256=task.source_sha256,
            recipe_sha256=task.recipe_sha256,
            provisional=task.provisional,
            waved_through=overrides_of(inspection),
        )
        began = time.process_time()
        pulse = Pulse("publish")
        async with self._box.roomy_bench(pulse, publish_needs(presentation)) as bench:
            release = await pulse.run(
                publish_release, self._box.store, draft, scratch=bench.scratch, on_step=pulse.step()
            )
        await asyncio.to_thread(keep_key_set, self._box.results, release, presentation.key_set)
        return PublishedTitle(release=release, cpu_s=time.process_time() - began)

    async def _assemble(
        self, mezzanine: Mezzanine, name: str, encodes: Sequence[EncodedShot], bench: Bench, pulse: Pulse
    ) -> Rendition:
        files: list[Path] = []
        for number, encode in enumerate(encodes):
            path = bench.scratch / f"part_{number:05d}.mp4"
            files.append(await pulse.run(self._box.cache.fetch_into, encode.file, path, on_progress=pulse))
        first = encodes[0]
        frames = mezzanine.source.video.frames
        plan = JoinPlan(
            first.codec,
            first.frame_rate,
            mezzanine.idr_frames,
            frames,
            name,
            color=mezzanine.color,
            hdr=mezzanine.source.video.hdr,
        )
        joined, packets, cpu_s = await join_shots(bench, files, plan)
        sizes_bits = [8 * size for size in packets.sizes_bytes]
        return Rendition(
            file=await pulse.run(self._box.store.put_file, joined, on_progress=pulse, on_read=pulse),
            name=name,
            codec=first.codec,
            resolution=first.resolution,
            frame_rate=first.frame_rate,
            frames=frames,
            bitrate_bps=sum(sizes_bits) / mezzanine.duration_s,
            peak_bitrate_bps=peak_bitrate(sizes_bits, first.frame_rate),
            tone_mapped=mezzanine.tone_mapping is not None,
            cpu_s=cpu_s,
        )

    def _open_keys(self, key_set: Sha256, mezzanine: Mezzanine, tracks: Sequence[TrackFile]) -> KeySet | None:
        """Returns the keys of the title; ``None`` for a clear one, which opens no key set."""
        scheme = mezzanine.recipe.packaging.scheme
        if scheme == "clear":
            return None
        if self._box.keys is None:
            raise ToolMissing(
                "key store",
                found="this worker has no key provider",
                expected="PERTITLE_KEY_PROVIDER and its settings, or PERTITLE_KEK_FILE",
                fix="set them for the io workers",
            )
        return self._box.keys.open_or_create_key_set(key_set, scheme, labels_of(tracks))

    def _find_tracks(self, task: PackageTask, mezzanine: Mezzanine, pulse: Pulse) -> _FoundTracks:
        every = read_all_ladders(self._box, mezzanine, task.ladders)
        renditions = [read_renditions(self._box, *made) for made in every]
        vmaf: dict[str, float] = {}
        for made in every:
            vmaf |= delivered_vmaf(self._box, *made, pulse) if made.ladders.is_measured else {}
        return _FoundTracks(
            media=(*(item for made in renditions for item in made), *find_audio(self._box, mezzanine)),
            vmaf=vmaf,
            texts=find_texts(self._box, mezzanine, task.title_key),
            thumbnails=find_thumbnails(self._box, mezzanine, renditions[0]),
            tone_mapped=tone_mapped_tracks(every[-1], renditions[-1]),
        )

    def _fetch_tracks(self, found: _FoundTracks, bench: Bench, pulse: Pulse) -> list[TrackFile]:
        fetched = []
        for track in found.media:
            path = self._box.cache.fetch_into(track.file, bench.scratch / f"{track.name}.mp4", on_progress=pulse)
            fetched.append(TrackFile(track, path, found.vmaf.get(track.name)))
        return [
            *fetched,
            *fetch_texts(self._box, found.texts, bench.scratch, pulse),
            *fetch_thumbnails(self._box, found.thumbnails, bench.scratch, pulse),
        ]

    def _keep_files(self, tree: PackagedTree, folder: Path, pulse: Pulse) -> tuple[PresentationFile, ...]:
        files = []
        for path, content_type in tree.files:
            stored = self._box.store.put_file(folder / path, on_progress=pulse, on_read=pulse)
            files.append(PresentationFile(path=path, file=stored, content_type=content_type))
        return tuple(files)


def scanned_tree(tree: PackagedTree, folder: Path, keys: KeySet | None, pulse: Pulse) -> PackagedTree:
    """Returns the packaged tree after a scan of every byte for key material; its CPU seconds count as packaging.

    Raises:
        KeyLeak: naming up to five places; nothing of the tree has left this machine then.
    """
    if keys is None:
        return tree
    began = time.thread_time()
    LeakScanner(keys.secrets()).require_none_in(folder, on_file=pulse.step())
    return replace(tree, cpu_s=tree.cpu_s + time.thread_time() - began)


def described_presentation(
    tree: PackagedTree, files: tuple[PresentationFile, ...], plan: PresentationPlan, keys: KeySet | None
) -> Presentation:
    """Returns the document of a presentation whose files are kept: of its keys, names and KIDs only."""
    return Presentation(
        files=files,
        dash=tree.dash,
        hls=tree.hls,
        scheme=plan.scheme,
        keys=tuple(KeyReference(label=key.label, kid=key.kid) for key in plan.keys),
        key_set=keys.name if keys else "",
        key_provider=keys.provider_name if keys else "",
        decrypted_md5=tree.decrypted_md5,
        checks=tree.checks,
        cpu_s=tree.cpu_s,
    )


def labels_of(tracks: Sequence[TrackFile]) -> list[KeyLabel]:
    """Returns the key labels that occur, sorted; none for a clear title's subtitles and pictures."""
    return sorted({track.label for track in tracks if track.label is not None})


def presentation_plan(mezzanine: Mezzanine, tracks: list[TrackFile], keys: KeySet | None) -> PresentationPlan:
    """Returns what is to be packaged, with the keys of exactly the labels that occur."""
    labels = labels_of(tracks) if keys is not None else []
    return PresentationPlan(
        tracks=tuple(tracks),
        keys=tuple(_track_key(keys, label) for label in labels if keys is not None),
        recipe=mezzanine.recipe.packaging,
        frame_rate=mezzanine.frame_rate,
        segment_starts=mezzanine.segment_starts,
    )


def delivered_vmaf(toolbox: Toolbox, mezzanine: Mezzanine, ladders: LadderSet, pulse: Pulse) -> dict[str, float]:
    """Returns name of a rendition → its mean VMAF over every frame of the title.

    Raises:
        ScoresMissing: if something is not in the store: measurement has not ended.
    """
    found = {}
    for ladder in ladders.ladders:
        for index, rung in enumerate(ladder.rungs):
            _, scores = read_delivered(toolbox, mezzanine, ladder.codec, rung)
            found[rendition_name(mezzanine, ladder, index)] = pool_title(scores).mean
            pulse(len(found))
    return found


def _track_key(keys: KeySet, label: KeyLabel) -> TrackKey:
    key, iv = keys.key_for(label).reveal(), keys.iv_for(label)
    return TrackKey(label, keys.kid_for(label), key, iv, keys.signals_for(label))


def read_renditions(toolbox: Toolbox, mezzanine: Mezzanine, ladders: LadderSet) -> list[Rendition]:
    """Returns the assembled renditions of all ladders.

    Raises:
        RenditionMissing: if one is not there: assembly has not ended.
    """
    found = []
    for ladder in ladders.ladders:
        for index, rung in enumerate(ladder.rungs):
            name = rendition_name(mezzanine, ladder, index)
            key = rendition_key(mezzanine, name, mezzanine.rung_keys(ladder.codec, rung))
            rendition = toolbox.results.find("renditions", key, Rendition)
            if rendition is None:
                raise RenditionMissing(name, found="nothing in the store", expected="a rendition", fix="submit again")
            found.append(rendition)
    return found


def checks_key(release_id: str) -> Sha256:
    """Returns the content key of the rules' verdicts on a release: the same files are judged the same."""
    return digest_of({"checks": release_id, "version": 1})


def rendition_key(mezzanine: Mezzanine, name: str, encode_keys: tuple[Sha256, ...]) -> Sha256:
    """Returns the content key of a rendition: its name, its shot encodes in order, the IDR plan, the build."""
    return digest_of(
        {
            "name": name,
            "encodes": list(encode_keys),
            "idr_frames": list(mezzanine.idr_frames),
            "tools": mezzanine.tools_digest,
            "version": 1,
        }
    )
