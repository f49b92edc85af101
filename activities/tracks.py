"""Subtitles and thumbnails: made once for a title, kept under what they are made of; the ``io`` queue."""

import asyncio
import time
from fractions import Fraction

from temporalio import activity

from activities.delivery import read_renditions
from activities.heartbeats import Pulse
from activities.needs import still_needs, text_needs
from activities.toolbox import Toolbox
from activities.track_shelf import find_sidecars, still_source, text_key, thumbnail_key
from domain.mezzanine import Mezzanine
from domain.steps import EncodedTracks, LadderSet, LadderTask, TextTask, TextTracks
from domain.subtitles import Sidecar
from domain.tracks import TextTrack, Thumbnails
from domain.video import SubtitleTrack
from media.bench import Bench
from media.errors import TextError, ToolFailed
from media.probe import LocalSource
from media.stills import COLUMNS, ROWS, Sheets, StillPlan, make_sheets
from media.text.cues import ParsedText, Place, write_webvtt
from media.text.embedded import extract_subtitles
from media.text.reading import check_size, read_subtitles
from media.text.tracks import PlannedText, plan_texts


class TrackActivities:
    """Subtitles and thumbnails."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def make_texts(self, task: TextTask) -> EncodedTracks:
        """Reads every subtitle file of the request and every text track of the source, and keeps them as WebVTT."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        sidecars = await asyncio.to_thread(find_sidecars, self._box, task.title_key)
        key = text_key(mezzanine, sidecars)
        kept = await asyncio.to_thread(self._box.results.find, "texts", key, TextTracks)
        cpu_s = 0.0
        if kept is None:
            pulse = Pulse("subtitles")
            async with self._box.roomy_bench(pulse, text_needs(mezzanine, sidecars)) as bench:
                made = await self._make_texts(mezzanine, sidecars, bench, pulse)
            cpu_s = sum(track.cpu_s for track in made.tracks)
            kept = await asyncio.to_thread(self._box.results.keep, "texts", key, made)
        return EncodedTracks(count=len(kept.tracks), cpu_s=cpu_s)

    @activity.defn
    async def make_thumbnails(self, task: LadderTask) -> EncodedTracks:
        """Takes stills from a small rendition and keeps them as sheets."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, task.mezzanine)
        ladders = await asyncio.to_thread(self._box.results.read_document, task.ladders, LadderSet)
        renditions = await asyncio.to_thread(read_renditions, self._box, mezzanine, ladders)
        rendition, plan = still_source(mezzanine, renditions)
        key = thumbnail_key(mezzanine, rendition, plan)
        kept = await asyncio.to_thread(self._box.results.find, "thumbnails", key, Thumbnails)
        cpu_s = 0.0
        if kept is None:
            pulse = Pulse("thumbnails")
            async with self._box.roomy_bench(pulse, still_needs(rendition.file, plan)) as bench:
                clip = bench.scratch / "rendition.mp4"
                await pulse.run(self._box.cache.fetch_into, rendition.file, clip, on_progress=pulse)
                sheets = await make_sheets(bench, clip, plan, mezzanine.color)
                made = await pulse.run(self._keep_sheets, sheets, plan, mezzanine.frame_rate, pulse)
            cpu_s = sheets.cpu_s
            kept = await asyncio.to_thread(self._box.results.keep, "thumbnails", key, made)
        return EncodedTracks(count=kept.stills, cpu_s=cpu_s)

    async def _make_texts(
        self, mezzanine: Mezzanine, sidecars: tuple[Sidecar, ...], bench: Bench, pulse: Pulse
    ) -> TextTracks:
        planned, notes = plan_texts(mezzanine.source.subtitles, sidecars)
        source: LocalSource | None = None
        tracks: list[TextTrack] = []
        for item in planned:
            if isinstance(item.origin, Sidecar):
                track, told = await self._sidecar(item, item.origin, mezzanine, bench, pulse)
            else:
                source = source or await self._box.open_source(mezzanine.source, bench, pulse)
                try:
                    track, told = await self._embedded(item, item.origin, mezzanine, bench, pulse, source)
                except (TextError, ToolFailed) as error:
                    if error.found.startswith("exit code -"):  # killed: that says nothing about the track
                        raise
                    notes.append(f"{item.where} left out: {error.found}")
                    continue
            tracks.append(track)
            notes += told
        return TextTracks(tracks=tuple(tracks), notes=tuple(notes))

    async def _sidecar(
        self, item: PlannedText, sidecar: Sidecar, mezzanine: Mezzanine, bench: Bench, pulse: Pulse
    ) -> tuple[TextTrack, tuple[str, ...]]:
        check_size(sidecar.file.size_bytes, where=item.where)
        path = bench.scratch / f"{item.name}.in"
        await pulse.run(self._box.cache.fetch_into, sidecar.file, path, on_progress=pulse)
        offset_s = Fraction(str(sidecar.request.offset_s))
        place = Place(item.where, mezzanine.source.video.exact_duration_s, offset_s)
        return await pulse.run(self._read, item, path.read_bytes(), place, pulse)

    async def _embedded(
        self,
        item: PlannedText,
        track: SubtitleTrack,
        mezzanine: Mezzanine,
        bench: Bench,
        pulse: Pulse,
        source: LocalSource,
    ) -> tuple[TextTrack, tuple[str, ...]]:
        content, cpu_s = await extract_subtitles(bench, source, track)
        place = Place(item.where, mezzanine.source.video.exact_duration_s, mezzanine.source_start_s)
        made, notes = await pulse.run(self._read, item, content, place, pulse)
        return made.model_copy(update={"cpu_s": made.cpu_s + cpu_s}), notes

    def _read(self, item: PlannedText, content: bytes, place: Place, pulse: Pulse) -> tuple[TextTrack, tuple[str, ...]]:
        began = time.thread_time()
        text = read_subtitles(content, place, language=item.language, on_progress=pulse)
        return self._keep_text(item, text, began), text.notes

    def _keep_text(self, item: PlannedText, text: ParsedText, began: float) -> TextTrack:
        return TextTrack(
            file=self._box.store.put_bytes(write_webvtt(text).encode()),
            name=item.name,
            language=item.language,
            role=item.role,
            label=item.label,
            is_default=item.is_default,
            cues=len(text.cues),
            cpu_s=time.thread_time() - began,
        )

    def _keep_sheets(self, sheets: Sheets, plan: StillPlan, frame_rate: Fraction, pulse: Pulse) -> Thumbnails:
        stored = [self._box.store.put_file(path, on_progress=pulse, on_read=pulse) for path in sheets.paths]
        return Thumbnails(
            sheets=tuple(stored),
            name=plan.name,
            tile=plan.tile,
            columns=COLUMNS,
            rows=ROWS,
            interval_s=plan.interval_frames / frame_rate,
            stills=plan.stills,
            cpu_s=sheets.cpu_s,
        )
