"""The end of a title: ``result.json`` and the report, from what was measured."""

import asyncio
import json
from collections.abc import Sequence

from temporalio import activity

from activities.delivery import checks_key, read_renditions
from activities.expectations import keep_settled, read_settled
from activities.heartbeats import Pulse
from activities.ladder_sets import MadeLadders, read_all_ladders
from activities.readings import pool_title, read_delivered
from activities.search_readings import read_searches, sum_up_searches, waves_of
from activities.sources import find_audio
from activities.toolbox import Toolbox
from activities.track_shelf import find_texts, find_thumbnails
from activities.trials import baseline_key
from domain.checks import CheckReport
from domain.files import StoredFile
from domain.ladder import Ladder, Rung
from domain.mezzanine import Mezzanine
from domain.release import FirstPlayable, ReleaseReference, TitleReceipt
from domain.result import (
    BaselineRung,
    DeliveredPoint,
    PictureSet,
    PromisedPoint,
    ResultAudio,
    ResultBaseline,
    ResultInspection,
    ResultLadder,
    ResultManifests,
    ResultRung,
    ResultSearch,
    ResultShotPoint,
    ResultSource,
    ResultText,
    ResultThumbnails,
    TitleResult,
)
from domain.steps import BaselineEncode, FinishedTitle, ResultTask, SettledInspection
from domain.tracks import Rendition, Thumbnails
from domain.values import Value
from domain.video import Codec
from domain.work import BaselineUnit
from ladders.bd_rate import bd_rate
from ladders.errors import LadderError
from ladders.fixed_ladder import fixed_ladder
from ladders.pooling import pool_scores
from media.progress import ignore_progress
from reports.title_report import render_report
from storage.addresses import ObjectAddress
from storage.release_layout import reference_to
from storage.release_reader import read_release
from storage.uploads import ObjectHeaders


class LatestReport(Value):
    """``reports/{title_id}/latest.json``: where the portal finds the newest report of a title."""

    report: StoredFile


class ResultActivities:
    """Writes what was made of a title: the ``io`` queue."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def write_result(
        self, task: ResultTask, settled: SettledInspection | None = None, playable: FirstPlayable | None = None
    ) -> FinishedTitle:
        """Gathers every measured number into ``result.json``, draws the report, and remembers the finished title.

        Titles that were begun before there were findings have no settled inspection, older ones no first playable.
        """
        Pulse("result")(0)
        inspection = await asyncio.to_thread(read_settled, self._box, settled)
        seen = {"inspection": inspection, "first_playable": playable}
        receipt = await asyncio.to_thread(self._write, task, seen)
        await asyncio.to_thread(keep_settled, self._box, settled)
        base = self._box.report_base_url
        url = f"{base}/titles/{task.title_id}/report" if base else ""
        return FinishedTitle(receipt=receipt, report_url=url)

    @activity.defn
    async def keep_settled(self, settled: SettledInspection) -> None:
        """Remembers that a finished title has passed another policy, too."""
        await asyncio.to_thread(keep_settled, self._box, settled)

    def _write(self, task: ResultTask, seen: dict[str, ResultInspection | FirstPlayable | None]) -> TitleReceipt:
        mezzanine = self._box.read_mezzanine(task.mezzanine)
        every = read_all_ladders(self._box, mezzanine, task.ladders)
        release = reference_to(self._box.store.buckets.releases, task.title_id, task.release_id)
        result = self._gather(task, every, release).model_copy(update=seen)
        drawn = [self._box.results.read_document(made.ladders.pictures, PictureSet) for made in every]
        pictures = [picture for item in drawn for picture in item.pictures]
        text = json.dumps(result.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
        receipt = TitleReceipt(
            title_id=task.title_id,
            release=release,
            result=self._box.store.put_bytes(text.encode()),
            report=self._box.store.put_bytes(render_report(result, pictures).encode()),
        )
        kept = self._box.results.keep("titles", task.title_key, receipt)
        self._point_at(task.title_id, kept.report)
        return kept

    def _gather(self, task: ResultTask, every: Sequence[MadeLadders], release: ReleaseReference) -> TitleResult:
        mezzanine = every[0].mezzanine
        source, video = mezzanine.source, mezzanine.source.video
        renditions = [read_renditions(self._box, *made) for made in every]
        texts = find_texts(self._box, mezzanine, task.title_key)
        return TitleResult(
            title_id=task.title_id,
            release_id=task.release_id,
            release_uri=release.release_uri,
            manifests=self._manifests(release),
            source=ResultSource(
                uri=source.file.uri,
                sha256=source.file.sha256,
                frames=video.frames,
                frame_rate=video.frame_rate,
                width_px=video.width_px,
                height_px=video.height_px,
                duration_s=video.duration_s,
            ),
            shots=tuple(shot.range for shot in mezzanine.shots.shots),
            trials=task.trials,
            ladders=tuple(
                self._ladder(made.mezzanine, ladder, found)
                for made, found in zip(every, renditions, strict=True)
                for ladder in made.ladders.ladders
            ),
            audio=tuple(
                ResultAudio(
                    name=track.name,
                    language=track.language,
                    channels=track.channels,
                    codec=track.codec,
                    role=track.role,
                    bitrate_bps=track.bitrate_bps,
                    loudness_lufs=track.loudness_lufs,
                )
                for track in find_audio(self._box, mezzanine)
            ),
            checks=self._box.results.find("checks", checks_key(task.release_id), CheckReport),
            texts=tuple(
                ResultText(name=track.name, language=track.language, role=track.role, cues=track.cues)
                for track in texts.tracks
            ),
            thumbnails=_thumbnails(find_thumbnails(self._box, mezzanine, renditions[0])),
            notes=(*source.notes, *texts.notes, *_tone_mapping_notes(every)),
            metric=mezzanine.delivery_metric().model,
            presets=_presets(every),
            cpu_s=task.cpu_s,
            wall_s=round(task.wall_s, 3),
            tools=self._box.versions,
        )

    def _manifests(self, release: ReleaseReference) -> ResultManifests:
        sealed = read_release(self._box.store, release)
        base = release.release_uri
        return ResultManifests(dash=f"{base}/{sealed.dash}", hls=f"{base}/{sealed.hls}", scheme=sealed.scheme)

    def _ladder(self, mezzanine: Mezzanine, ladder: Ladder, renditions: Sequence[Rendition]) -> ResultLadder:
        own = [rendition for rendition in renditions if rendition.codec is ladder.codec]
        rungs = tuple(
            self._rung(mezzanine, ladder.codec, rung, rendition)
            for rung, rendition in zip(ladder.rungs, own, strict=True)
        )
        return ResultLadder(
            codec=ladder.codec,
            tone_mapping=mezzanine.tone_mapping,
            rungs=rungs,
            search=self._search(mezzanine, ladder.codec),
            baseline=self._baseline(mezzanine, ladder.codec, rungs),
        )

    def _search(self, mezzanine: Mezzanine, codec: Codec) -> ResultSearch | None:
        if mezzanine.recipe.search.method == "grid":
            return None
        found = read_searches(self._box, mezzanine, codec, waves_of(mezzanine), ignore_progress)
        return sum_up_searches(mezzanine, [found[shot].record for shot in sorted(found)])

    def _rung(self, mezzanine: Mezzanine, codec: Codec, rung: Rung, rendition: Rendition) -> ResultRung:
        delivered, scores = read_delivered(self._box, mezzanine, codec, rung)
        pooled = pool_title(scores)
        return ResultRung(
            name=rendition.name,
            width_px=rung.resolution.width_px,
            height_px=rung.resolution.height_px,
            promised=PromisedPoint(bitrate_bps=rung.promised.bitrate_bps, vmaf=rung.promised.vmaf),
            promise_error=rung.promise_error,
            delivered=DeliveredPoint(
                bitrate_bps=rendition.bitrate_bps,
                peak_bitrate_bps=rendition.peak_bitrate_bps,
                vmaf_mean=pooled.mean,
                vmaf_harmonic=pooled.harmonic,
                vmaf_p5=pooled.p5,
                vmaf_min=pooled.minimum,
            ),
            cap_bps=float(rung.rate_cap.maxrate_bps),
            corrected=rung.corrected,
            reason=rung.reason,
            shots=tuple(
                ResultShotPoint(crf=shot.crf, bitrate_bps=shot.bitrate_bps, vmaf=shot.vmaf) for shot in delivered
            ),
        )

    def _baseline(self, mezzanine: Mezzanine, codec: Codec, ours: Sequence[ResultRung]) -> ResultBaseline | None:
        name = mezzanine.recipe.baseline
        if name == "none":
            return None
        preset = next(item.production_preset for item in mezzanine.recipe.codecs if item.codec is codec)
        units = [BaselineUnit(codec=codec, preset=preset, rung=rung) for rung in fixed_ladder(name, mezzanine.display)]
        found = [self._box.results.find("baselines", baseline_key(mezzanine, unit), BaselineEncode) for unit in units]
        rungs = tuple(_baseline_rung(encode) for encode in found if encode is not None)
        return ResultBaseline(
            name=name, bd_rate=_saved(rungs, ours), scored_every=mezzanine.recipe.baseline_subsample, rungs=rungs
        )

    def _point_at(self, title_id: str, report: StoredFile) -> None:
        """Makes the portal show this report; the last writer wins, as with ``current.json``."""
        address = ObjectAddress(self._box.store.buckets.work, f"reports/{title_id}/latest.json")
        content = LatestReport(report=report).model_dump_json().encode()
        headers = ObjectHeaders(content_type="application/json")
        while True:
            seen = self._box.store.get(address)
            if seen is None:
                is_written = self._box.store.put_if_absent(address, content, headers)
            else:
                is_written = self._box.store.put_if_match(address, content, headers, etag=seen[1])
            if is_written:
                return


def _presets(every: Sequence[MadeLadders]) -> dict[str, str]:
    return {item.codec.value: item.production_preset for made in every for item in made.mezzanine.recipe.codecs}


def _tone_mapping_notes(every: Sequence[MadeLadders]) -> tuple[str, ...]:
    """Returns what people should know of SDR ladders beside HDR ones."""
    mappings = [made.mezzanine.tone_mapping for made in every if made.mezzanine.tone_mapping]
    return tuple(
        f"SDR ladders: pictures tone-mapped from {mapping.source_range}, reference white 203 cd/m², SDR white from "
        f"{mapping.peak_cd_m2:g} cd/m² on; VMAF is measured against the tone-mapped pictures. Chain: {mapping.filters}"
        for mapping in mappings
    )


def _thumbnails(made: Thumbnails | None) -> ResultThumbnails | None:
    if made is None:
        return None
    return ResultThumbnails(
        name=made.name,
        width_px=made.tile.width_px,
        height_px=made.tile.height_px,
        stills=made.stills,
        interval_s=made.interval_s,
    )


def _baseline_rung(encode: BaselineEncode) -> BaselineRung:
    pooled = pool_scores(encode.frame_scores)
    return BaselineRung(
        width_px=encode.resolution.width_px,
        height_px=encode.resolution.height_px,
        target_bitrate_bps=encode.target_bitrate_bps,
        bitrate_bps=encode.bitrate_bps,
        vmaf_mean=pooled.mean,
        vmaf_harmonic=pooled.harmonic,
    )


def _saved(fixed: Sequence[BaselineRung], ours: Sequence[ResultRung]) -> float | None:
    """Returns BD-rate of ours against the fixed ladder at equal VMAF mean; ``None`` if they share no quality."""
    try:
        return bd_rate(
            [(rung.bitrate_bps, rung.vmaf_mean) for rung in fixed],
            [(rung.delivered.bitrate_bps, rung.delivered.vmaf_mean) for rung in ours],
        )
    except LadderError:
        return None
