"""The SDR ladders of an HDR title: a second mezzanine, tone-mapped shot by shot, and its way into the release."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from temporalio import activity

from activities.faults import BrokenPlan, PieceMissing
from activities.heartbeats import Pulse
from activities.needs import tone_map_needs
from activities.planning import SLOWNESS, longest_shot_s
from activities.toolbox import Toolbox
from activities.units import load_unit, stopped
from domain.files import StoredFile
from domain.hdr import ToneMapping
from domain.mezzanine import Mezzanine, MezzaninePiece
from domain.steps import LadderSet, LadderTask, MezzanineReference
from domain.values import Sha256, digest_of
from domain.work import ToneMapUnit, UnitKind, UnitOutcome, UnitReference, WorkList, WorkPlan
from media.tone_mapping import PIXEL_FORMAT, sdr_video, tone_map_piece, tone_mapping_of

KIND = "sdr-pieces"
_READERS = 16
_COST = 0.1
"""Mapping a picture against encoding it for all rungs."""


class ToneMapActivities:
    """Makes SDR pieces, the mezzanine of them, and puts its ladders beside the HDR ones."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._box = toolbox

    @activity.defn
    async def plan_tone_mapping(self, reference: StoredFile) -> WorkList:
        """Plans one unit for each shot; none for a title that is SDR."""
        mezzanine = await asyncio.to_thread(self._box.read_mezzanine, reference)
        is_needed = tone_mapping_of(mezzanine.source.video) is not None
        units = tuple(ToneMapUnit(shot=shot) for shot in range(len(mezzanine.pieces)) if is_needed)
        plan = await asyncio.to_thread(self._box.results.put_document, WorkPlan(mezzanine=reference, units=units))
        estimate_s = max(60.0, SLOWNESS * _COST * longest_shot_s(mezzanine))
        return WorkList(
            kind=UnitKind.TONE_MAP, plan=plan, count=len(units), encodes=len(units), longest_unit_s=estimate_s
        )

    @activity.defn
    async def run_tone_map_unit(self, reference: UnitReference) -> UnitOutcome:
        """Makes the SDR pictures of one shot, from its lossless piece."""
        mezzanine, unit = await load_unit(self._box, reference, ToneMapUnit)
        mapping = _required(mezzanine)
        key = sdr_piece_key(mezzanine, unit.shot, mapping)
        if await asyncio.to_thread(self._box.results.find, KIND, key, MezzaninePiece):
            return UnitOutcome(reused=1)
        pulse = Pulse(f"shot {unit.shot}")
        async with self._box.roomy_bench(pulse, tone_map_needs(mezzanine, unit.shot)) as bench:
            piece = await self._box.fetch_piece(mezzanine, unit.shot, bench.scratch, pulse)
            made, tool_s = await stopped(tone_map_piece(bench, piece, mapping))
            kept = MezzaninePiece(
                shot_index=unit.shot,
                file=await pulse.run(self._box.store.put_file, made.path, on_progress=pulse, on_read=pulse),
                pictures_sha256=made.pictures_sha256,
                frames=piece.frames,
            )
        await asyncio.to_thread(self._box.results.keep, KIND, key, kept)
        return UnitOutcome(made=1, cpu_s=made.cpu_s, tool_s=tool_s)

    @activity.defn
    async def gather_sdr_mezzanine(self, reference: StoredFile) -> MezzanineReference:
        """Returns the mezzanine of the SDR pieces: the same shots, frames and IDR plan in other colors."""
        whole = await asyncio.to_thread(self._box.read_mezzanine, reference)
        pulse = Pulse("SDR pictures")
        made = await pulse.run(self._sdr_mezzanine, whole, pulse)
        return MezzanineReference(
            mezzanine=await asyncio.to_thread(self._box.results.put_document, made),
            shots=len(made.pieces),
            frames=made.shots.frames,
            duration_s=made.duration_s,
            cpu_s=0.0,
        )

    @activity.defn
    async def add_sdr_ladders(self, hdr: LadderTask, sdr: LadderTask) -> StoredFile:
        """Returns the ladders of an HDR title with those of its SDR mezzanine beside them."""
        ladders = await asyncio.to_thread(self._box.results.read_document, hdr.ladders, LadderSet)
        return await asyncio.to_thread(self._box.results.put_document, ladders.model_copy(update={"sdr": sdr}))

    def _sdr_mezzanine(self, whole: Mezzanine, pulse: Pulse) -> Mezzanine:
        mapping = _required(whole)
        source = whole.source.model_copy(update={"video": sdr_video(whole.source.video)})

        def find(shot: int) -> MezzaninePiece:
            pulse(shot)
            return self._find_piece(whole, shot, mapping)

        with ThreadPoolExecutor(_READERS) as readers:
            pieces = tuple(readers.map(find, range(len(whole.pieces))))
        changed = {
            "source": source,
            "pieces": pieces,
            "pixel_format": PIXEL_FORMAT,
            "color": source.video.color,
            "tone_mapping": mapping,
            "recipe": whole.recipe.for_sdr_rungs(),
        }
        return whole.model_copy(update=changed)

    def _find_piece(self, whole: Mezzanine, shot: int, mapping: ToneMapping) -> MezzaninePiece:
        found = self._box.results.find(KIND, sdr_piece_key(whole, shot, mapping), MezzaninePiece)
        if found is None:
            raise PieceMissing(
                f"shot {shot} in SDR", found="nothing in the store", expected="its pictures", fix="submit again"
            )
        # Another title with the same shot may have made it at another place.
        return found.model_copy(update={"shot_index": shot})


def sdr_piece_key(whole: Mezzanine, shot: int, mapping: ToneMapping) -> Sha256:
    """Returns the content key of the SDR pictures of a shot: its HDR pictures, the whole chain, the build."""
    return digest_of(
        {
            "pictures": whole.pieces[shot].pictures_sha256,
            "tone_mapping": mapping.model_dump(mode="json"),
            "frame_rate": str(whole.frame_rate),
            "tools": whole.tools_digest,
            "version": 1,
        }
    )


def _required(mezzanine: Mezzanine) -> ToneMapping:
    mapping = tone_mapping_of(mezzanine.source.video)
    if mapping is None:
        raise BrokenPlan("tone mapping", found="a title in SDR", expected="PQ or HLG")
    return mapping
