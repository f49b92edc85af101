"""From source to mezzanine, and the audio: the first steps of a title."""

import asyncio
import sys
from typing import Any

from temporalio import activity

from activities.expectations import keep_expectations, read_expectations, refuse_upload, settled_key
from activities.faults import AudioMissing
from activities.heartbeats import Pulse
from activities.needs import audio_needs, source_needs, split_needs
from activities.toolbox import Toolbox
from activities.track_shelf import describe_sidecars, keep_sidecars
from domain.files import StoredFile
from domain.findings import wave_through
from domain.mezzanine import Mezzanine, MezzaninePiece, planned_idr_frames
from domain.recipe import Recipe
from domain.release import TitleReceipt
from domain.request import TitleRequest, parse_title_request
from domain.shots import ShotList
from domain.steps import (
    AudioTracks,
    DetectedShotList,
    EncodedTracks,
    InspectedSource,
    InspectionOrder,
    MezzanineReference,
    OpenedTitle,
    SettledInspection,
    ShotTask,
    SourceInspection,
    SplitTask,
)
from domain.subtitles import Sidecar
from domain.tracks import EncodedAudio
from domain.values import Sha256, digest_of
from media.audio import AudioFile, Programme, encode_audio
from media.findings import judge_source, stops_of, unused_overrides, write_report
from media.hdr import left_out_codecs
from media.inspection import inspect_source
from media.looks import look_order
from media.normalization import mezzanine_color, mezzanine_pixel_format
from media.shot_detection import detect_shots
from media.split import Piece, SourcePictures, split_source
from storage.release_reader import is_sealed


class SourceActivities:
    """Opens, inspects, cuts; the ``io`` queue."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def open_title(self, content: dict[str, Any]) -> OpenedTitle:
        """Finds the source, and the finished release if exactly this was made before.

        Takes the request as it was pasted, without the defaults: payloads stay small.
        """
        request = parse_title_request(content)
        pulse = Pulse("read source")
        source = await pulse.run(self._box.sources.describe_source, request.source, on_progress=pulse)
        sidecars = await pulse.run(describe_sidecars, self._box.sources, request)
        key = title_key(request, source, self._box.tools_digest, sidecars)
        finished = await asyncio.to_thread(self._box.results.find, "titles", key, TitleReceipt)
        if finished and not await asyncio.to_thread(is_sealed, self._box.store, finished.release):
            finished = None
        recipe = await asyncio.to_thread(self._box.results.put_document, request.recipe)
        await asyncio.to_thread(keep_sidecars, self._box, key, sidecars)
        opened = OpenedTitle(
            source=source,
            recipe=recipe,
            title_key=key,
            finished=finished,
            is_settled=finished is None or await asyncio.to_thread(self._is_settled, settled_key(key, request)),
            heartbeat_timeout_s=self._box.heartbeat_timeout_s,
        )
        return await asyncio.to_thread(keep_expectations, self._box, request, opened)

    @activity.defn
    async def inspect_source(self, source: StoredFile, order: InspectionOrder | None = None) -> InspectedSource:
        """Probes the source and decodes all of it; what we cannot encode right ends here with a code."""
        pulse, order = Pulse("inspect"), await asyncio.to_thread(read_expectations, self._box, order)
        refuse_upload(source, order)
        async with self._box.roomy_bench(pulse, source_needs(source)) as bench:
            path = await self._box.fetch_source(source, bench, pulse)
            found = await inspect_source(
                bench.tools,
                path,
                source,
                on_progress=pulse,
                looks=look_order(bench.scratch, order.policy),
                repeats=order.policy.repeats,
            )
        findings = judge_source(found.description, found.start_s, found.looks, order.policy)
        findings = (
            *wave_through(findings, order.overrides),
            *unused_overrides(findings, order.overrides, order.policy),
        )
        report = write_report(found.description, findings, found.looks, name=source.uri)
        document = SourceInspection(
            description=found.description, frame_hashes=found.frame_hashes, start_s=found.start_s
        )
        return InspectedSource(
            inspection=await asyncio.to_thread(self._box.results.put_document, document),
            frames=found.description.video.frames,
            cpu_s=found.cpu_s,
            report=await asyncio.to_thread(self._box.results.put_document, report),
            stops=stops_of(findings),
        )

    @activity.defn
    async def detect_shots(self, task: ShotTask) -> DetectedShotList:
        """Finds the cuts, exact to the frame."""
        inspection = await self._read_inspection(task.inspection)
        recipe = await asyncio.to_thread(self._box.results.read_document, task.recipe, Recipe)
        pulse = Pulse("shots")
        async with self._box.roomy_bench(
            pulse, source_needs(inspection.description.file, inspection.description.video.resolution)
        ) as bench:
            found = await detect_shots(
                sys.executable,
                await self._box.open_source(inspection.description, bench, pulse),
                recipe=recipe.shots,
                track=inspection.description.video,
                on_progress=pulse,
            )
        return DetectedShotList(
            shots=await asyncio.to_thread(self._box.results.put_document, found.shots),
            count=len(found.shots.shots),
            cpu_s=found.cpu_s,
        )

    @activity.defn
    async def split_source(self, task: SplitTask) -> MezzanineReference:
        """Cuts the source into a lossless piece for each shot and proves every picture."""
        inspection = await self._read_inspection(task.inspection)
        shots = await asyncio.to_thread(self._box.results.read_document, task.shots, ShotList)
        recipe = await asyncio.to_thread(self._box.results.read_document, task.recipe, Recipe)
        left_out = left_out_codecs(recipe, inspection.description.video)
        pulse = Pulse("split")
        description = inspection.description
        needs = split_needs(description.file, shots, description.video.resolution)
        async with self._box.roomy_bench(pulse, needs) as bench:
            local = await self._box.open_source(inspection.description, bench, pulse)
            folder = bench.scratch / "pieces"
            folder.mkdir()
            split = await split_source(
                bench.tools,
                local,
                pictures=SourcePictures(inspection.description.video, inspection.frame_hashes),
                shots=shots,
                out_dir=folder,
                on_progress=bench.on_progress,
            )
            pieces = tuple([await pulse.run(self._keep_piece, piece, pulse) for piece in split.pieces])
        recipe = recipe.without(left_out)
        mezzanine = self._mezzanine(inspection, shots, recipe, pieces)
        return MezzanineReference(
            mezzanine=await asyncio.to_thread(self._box.results.put_document, mezzanine),
            shots=len(pieces),
            frames=shots.frames,
            duration_s=mezzanine.duration_s,
            cpu_s=split.cpu_s,
            left_out=left_out,
        )

    @activity.defn
    async def encode_audio(self, reference: StoredFile) -> EncodedTracks:
        """Encodes every audio track once for the title, at its loudness."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, reference)
        key = audio_key(mezzanine)
        kept = await asyncio.to_thread(self._box.results.find, "audio", key, AudioTracks)
        cpu_s = 0.0
        if kept is None:
            pulse = Pulse("audio")
            async with self._box.roomy_bench(pulse, audio_needs(mezzanine)) as bench:
                local = await self._box.open_source(mezzanine.source, bench, pulse)
                files = await encode_audio(
                    bench,
                    local,
                    tracks=mezzanine.source.audio,
                    programme=Programme(mezzanine.source_start_s, mezzanine.source.video.exact_duration_s),
                    recipe=mezzanine.recipe.audio,
                )
                cpu_s = sum(file.cpu_s for file in files)
                encoded = [await pulse.run(self._keep_audio, file, pulse) for file in files]
            kept = await asyncio.to_thread(self._box.results.keep, "audio", key, AudioTracks(tracks=tuple(encoded)))
        return EncodedTracks(count=len(kept.tracks), cpu_s=cpu_s)

    def _is_settled(self, key: Sha256) -> bool:
        return self._box.results.find("settled", key, SettledInspection) is not None

    async def _read_inspection(self, reference: StoredFile) -> SourceInspection:
        return await asyncio.to_thread(self._box.results.read_document, reference, SourceInspection)

    def _keep_piece(self, piece: Piece, pulse: Pulse) -> MezzaninePiece:
        return MezzaninePiece(
            shot_index=piece.shot_index,
            file=self._box.store.put_file(piece.path, on_progress=pulse, on_read=pulse),
            pictures_sha256=piece.pictures_sha256,
            frames=piece.frames,
        )

    def _mezzanine(
        self, inspection: SourceInspection, shots: ShotList, recipe: Recipe, pieces: tuple[MezzaninePiece, ...]
    ) -> Mezzanine:
        video = inspection.description.video
        return Mezzanine(
            source=inspection.description,
            source_start_s=inspection.start_s,
            shots=shots,
            idr_frames=planned_idr_frames(shots, recipe, video.frame_rate),
            pieces=pieces,
            pixel_format=mezzanine_pixel_format(video),
            display=video.resolution,
            color=mezzanine_color(video),
            recipe=recipe,
            tools=self._box.versions,
            tools_digest=self._box.tools_digest,
        )

    def _keep_audio(self, file: AudioFile, pulse: Pulse) -> EncodedAudio:
        return EncodedAudio(
            file=self._box.store.put_file(file.path, on_progress=pulse, on_read=pulse),
            name=file.name,
            language=file.language,
            channels=file.channels,
            codec=file.codec,
            bitrate_bps=file.bitrate_bps,
            loudness_lufs=file.loudness_lufs,
            true_peak_dbtp=file.true_peak_dbtp,
            is_default=file.is_default,
            role=file.role,
            label=file.label,
            cpu_s=file.cpu_s,
        )


def title_key(
    request: TitleRequest, source: StoredFile, tools_digest: str, sidecars: tuple[Sidecar, ...] = ()
) -> Sha256:
    """Returns the content key of a whole title: what it is called, what it is made of, how, by which build."""
    facts: dict[str, Any] = {
        "title_id": request.title_id,
        "source": source.sha256,
        "recipe": request.recipe.model_dump(mode="json"),
        "tools": tools_digest,
        "version": 1,
    }
    if sidecars:
        facts["subtitles"] = [
            {"file": item.file.sha256, **item.request.model_dump(mode="json", exclude={"source"})} for item in sidecars
        ]
    return digest_of(facts)


def find_audio(toolbox: Toolbox, mezzanine: Mezzanine) -> tuple[EncodedAudio, ...]:
    """Returns the encoded audio tracks of a title.

    Raises:
        AudioMissing: if they are not in the store; a title without sound has an empty document there.
    """
    found = toolbox.results.find("audio", audio_key(mezzanine), AudioTracks)
    if found is None:
        raise AudioMissing("audio", found="nothing in the store", expected="the encoded tracks", fix="submit again")
    return found.tracks


def audio_key(mezzanine: Mezzanine) -> Sha256:
    """Returns the content key of a title's audio: the source's tracks, the recipe, the length, the build."""
    return digest_of(
        {
            "source": mezzanine.source.file.sha256,
            "tracks": [track.model_dump(mode="json") for track in mezzanine.source.audio],
            "recipe": mezzanine.recipe.audio.model_dump(mode="json"),
            "frames": mezzanine.source.video.frames,
            "frame_rate": str(mezzanine.frame_rate),
            "tools": mezzanine.tools_digest,
            "version": 1,
        }
    )
