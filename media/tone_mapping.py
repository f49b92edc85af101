"""SDR pictures of an HDR shot: one static tone curve for the whole title, the same number of frames, without loss.

Chain: PQ or HLG to linear light as displayed; BT.2020 to BT.709; a Möbius curve over the brightest channel, which keeps
hues; BT.1886; then clipped to the gamut of BT.709. The curve is the same for all frames: shots that are mapped apart
match at their cuts, and a fade stays a fade. Pictures keep 10 bits: encodes of 8 bits are made of them as of any 10-bit
SDR source.

Sources: ITU-R BT.2408 (HDR reference white of 203 cd/m²); SMPTE ST 2084; ITU-R BT.2100 (HLG on a display of 1000
cd/m²); ITU-R BT.1886.
"""

from dataclasses import dataclass
from pathlib import Path

from domain.hdr import LUMINANCE_STEPS, DynamicRange, ToneMapping
from domain.values import Sha256, digest_of
from domain.video import Color, VideoTrack
from media.bench import Bench, ShotPiece
from media.command import Command, command, format_number
from media.decode_check import STRICT, FrameLog, hash_output
from media.encoders.arguments import track_timescale
from media.errors import ToolOutputInvalid
from media.probe import local_name
from media.process import run_tool
from media.progress import OPENING_ARGUMENTS
from media.split import hash_piece_command
from media.trials import clock_filters

REFERENCE_WHITE_CD_M2 = 203.0
KNEE = 0.3
"""Luminances below this part of reference white (61 cd/m²: faces, shadows) are only scaled."""
_USUAL_PEAK_CD_M2 = 1000.0
"""HLG's display, and the mastering display of PQ that does not say its own."""
PIXEL_FORMAT = "yuv420p10le"
"""Of the pieces."""


@dataclass(frozen=True, slots=True)
class ToneMappedPiece:
    """One shot in SDR as a local file."""

    path: Path
    pictures_sha256: Sha256
    cpu_s: float


def tone_mapping_of(video: VideoTrack) -> ToneMapping | None:
    """Returns how the pictures of a title are made into SDR ones; ``None`` if they are SDR."""
    span = video.color.dynamic_range
    if span is DynamicRange.SDR:
        return None
    peak = peak_cd_m2(video)
    return ToneMapping(source_range=span, peak_cd_m2=peak, filters=tone_mapping_filters(video.color, peak))


def peak_cd_m2(video: VideoTrack) -> float:
    """Returns the luminance that becomes SDR white, in cd/m²: that of mastering display or brightest pixel.

    The larger one counts: metadata are wrong in some deliveries, and too large a peak makes highlights a little darker,
    where too small a one would clip them.
    """
    stated = []
    if video.color.dynamic_range is DynamicRange.PQ and video.hdr is not None:
        if video.hdr.mastering_display is not None:
            stated.append(video.hdr.mastering_display.max_luminance / LUMINANCE_STEPS)
        if video.hdr.content_light is not None:
            stated.append(float(video.hdr.content_light.max_cll))
    peak = max(stated, default=0.0) or _USUAL_PEAK_CD_M2
    return min(10_000.0, max(REFERENCE_WHITE_CD_M2, peak))


def tone_mapping_filters(color: Color, peak: float) -> str:
    """Returns the filters from HDR picture to SDR picture.

    Args:
        color: Colors of the HDR picture: BT.2020 in limited range.
        peak: Luminance that becomes white, in cd/m², at least that of reference white.
    """
    white, relative_peak = format_number(REFERENCE_WHITE_CD_M2), format_number(peak / REFERENCE_WHITE_CD_M2)
    return ",".join(
        [
            f"setparams=range=tv:color_primaries={color.primaries}:color_trc={color.transfer}:colorspace={color.matrix}",
            # 1.0 is reference white from here on.
            f"zscale=t=linear:npl={white}:f=bicubic",
            "format=gbrpf32le",
            "zscale=p=bt709",
            # Without its desaturation: ffmpeg's darkens nothing, but whitens far below the peak.
            f"tonemap=mobius:param={KNEE}:peak={relative_peak}:desat=0",
            # Whole numbers clip what no display of BT.709 shows.
            "zscale=t=bt709:r=full",
            "format=gbrp16le",
            "zscale=m=bt709:r=limited:f=bicubic",
            f"format={PIXEL_FORMAT}",
            "sidedata=mode=delete",
        ]
    )


def tone_map_command(ffmpeg: str, piece: ShotPiece, mapping: ToneMapping, out: Path) -> Command:
    """Builds the process that writes a shot in SDR without loss, and a hash of every picture to standard output."""
    clock = clock_filters(piece)
    graph = f"[0:v]{clock},{mapping.filters},split=2[kept][hashed]"
    exact = ["-fps_mode", "passthrough", "-enc_time_base:v", str(1 / piece.frame_rate)]
    argv: list[str] = [ffmpeg, *OPENING_ARGUMENTS, "-y", "-threads", "1", "-filter_complex_threads", "1", *STRICT]
    argv += ["-i", local_name(piece.path), "-filter_complex", graph, "-map", "[kept]", *exact]
    argv += ["-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-g", "250", "-flags:v", "+bitexact"]
    argv += ["-fflags", "+bitexact", "-video_track_timescale", str(track_timescale(piece.frame_rate)), local_name(out)]
    argv += ["-map", "[hashed]", *exact, "-c:v", "rawvideo", *hash_output()]
    return command(argv, purpose=f"SDR pictures of {piece.label}")


async def tone_map_piece(bench: Bench, piece: ShotPiece, mapping: ToneMapping) -> ToneMappedPiece:
    """Makes a shot of the SDR mezzanine and proves that it holds every picture once, as it was mapped.

    Raises:
        ToolFailed, ToolStalled: if ffmpeg does.
        ToolOutputInvalid: if pictures are missing, or are not decoded as they were mapped.
    """
    out = bench.scratch / "sdr.mov"
    made, kept = FrameLog(bench.on_progress), FrameLog(lambda frames: bench.on_progress(piece.frames + frames))
    run = await run_tool(tone_map_command(bench.tools.ffmpeg, piece, mapping, out), on_line=made.read)
    check = await run_tool(hash_piece_command(bench.tools.ffmpeg, out, piece.label), on_line=kept.read)
    if len(made.hashes) != piece.frames or kept.hashes != made.hashes:
        same = sum(one == other for one, other in zip(made.hashes, kept.hashes, strict=False))
        raise ToolOutputInvalid(
            f"{piece.label} in SDR",
            found=f"{len(made.hashes)} pictures mapped, {len(kept.hashes)} kept, {same} of them alike",
            expected=f"{piece.frames} pictures, each kept as it was mapped",
        )
    return ToneMappedPiece(out, sdr_pictures_digest(mapping, made.hashes), run.cpu_s + check.cpu_s)


def sdr_pictures_digest(mapping: ToneMapping, hashes: list[str]) -> Sha256:
    """Returns the digest of what the pictures of a shot are: chain and a hash of each."""
    return digest_of({"tone_mapping": mapping.model_dump(mode="json"), "frames": hashes})


def sdr_video(video: VideoTrack) -> VideoTrack:
    """Returns the track as the SDR mezzanine has it."""
    facts = {"pixel_format": PIXEL_FORMAT, "bit_depth": 10, "color": Color(), "hdr": None}
    return video.model_copy(update=facts)
