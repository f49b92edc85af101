"""HDR of a source: what its container and its first picture say, checked for sense before anything is made of it."""

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from domain.hdr import (
    CHROMATICITY_STEPS,
    HDR_TRANSFERS,
    LUMINANCE_STEPS,
    Chromaticity,
    ContentLight,
    HdrMetadata,
    MasteringDisplay,
)
from domain.recipe import Recipe
from domain.video import Codec, VideoTrack
from media.command import Command, command
from media.errors import HighDynamicRange
from media.normalization import bit_depth_of
from media.probe import LocalSource, ProbedTrack, source_input
from media.sandbox import probe_sandbox

_LEAST_BITS = 10
_BASE_LAYER_PROFILES = frozenset({7, 8})
"""Dolby Vision profiles whose base layer is HDR10, SDR or HLG by itself."""


def is_hdr(track: ProbedTrack) -> bool:
    """Tells whether a track says that it is PQ, HLG, or in the gamut of BT.2020."""
    wide = track.text("color_primaries") == "bt2020" or track.text("color_space").startswith("bt2020")
    return track.text("color_transfer") in HDR_TRANSFERS or wide


def check_hdr(track: ProbedTrack, metadata: HdrMetadata, *, where: str) -> None:
    """Refuses HDR that contradicts itself: whatever were made of it would be shown wrong.

    Raises:
        HighDynamicRange: naming the contradiction.
    """
    transfer, primaries = track.text("color_transfer"), track.text("color_primaries")
    matrix, depth = track.text("color_space"), bit_depth_of(track.text("pix_fmt"))
    colors = f"primaries {primaries or '-'}, transfer {transfer or '-'}, matrix {matrix or '-'}"
    fault = None
    if transfer not in HDR_TRANSFERS:
        if is_hdr(track):
            fault = f"wide gamut without an HDR transfer ({colors})"
        elif metadata.mastering_display or metadata.content_light:
            fault = f"HDR metadata beside an SDR description ({colors})"
    elif primaries != "bt2020" or matrix != "bt2020nc":
        fault = f"{HDR_TRANSFERS[transfer]} in other colors than BT.2020 ({colors})"
    elif depth < _LEAST_BITS:
        fault = f"{HDR_TRANSFERS[transfer]} in {depth} bits ({colors})"
    elif _is_bound_to_dolby_vision(track):
        fault = f"Dolby Vision without a base layer that other players can show ({colors})"
    if fault:
        raise HighDynamicRange(
            where,
            found=fault,
            expected="PQ or HLG in BT.2020 with 10 bits at least, or SDR in BT.709 or BT.601",
            fix="correct the color description of the source, or deliver an SDR version",
        )


def first_picture_command(ffprobe: str, source: LocalSource, *, stream_index: int) -> Command:
    """Builds the question for the side data of the first picture: HEVC carries HDR metadata inside the stream."""
    shown = ["-select_streams", str(stream_index), "-read_intervals", "%+#1", "-show_frames"]
    shown += ["-show_entries", "frame=side_data_list", "-of", "json"]
    argv = [ffprobe, "-hide_banner", "-v", "error", *shown, *source_input(source)]
    return command(argv, purpose=f"side data of video track {stream_index}", sandbox=probe_sandbox(source.path))


def parse_first_picture(text: str) -> list[dict[str, Any]]:
    """Returns the side data of the first picture; none if there is no answer."""
    try:
        frames = json.loads(text).get("frames", [])
    except ValueError:
        return []
    return [entry for frame in frames for entry in frame.get("side_data_list", [])]


def read_metadata(side_data: Iterable[Mapping[str, Any]]) -> HdrMetadata:
    """Returns the static metadata among side data, as ffprobe writes it; the first of each kind counts."""
    display, light = None, None
    for entry in side_data:
        kind = str(entry.get("side_data_type", ""))
        if kind == "Mastering display metadata" and "red_x" in entry and "max_luminance" in entry:
            display = display or _mastering_display(entry)
        elif kind == "Content light level metadata":
            light = light or ContentLight(max_cll=int(entry["max_content"]), max_fall=int(entry["max_average"]))
    return HdrMetadata(mastering_display=display, content_light=light)


def left_out_codecs(recipe: Recipe, video: VideoTrack) -> tuple[Codec, ...]:
    """Returns the codecs of a recipe that are not made of a title: H.264 of HDR, which no device plays.

    Raises:
        HighDynamicRange: if none would be left.
    """
    if video.hdr is None:
        return ()
    asked = [item.codec for item in recipe.codecs]
    if set(asked) <= {Codec.H264}:
        raise HighDynamicRange(
            "recipe",
            found=f"an {video.color.dynamic_range} source and h264 only",
            expected="hevc or av1: H.264 carries 8 bits on nearly all devices",
            fix='add {"codec": "hevc"} or {"codec": "av1"} to codecs, or deliver an SDR version of the title',
        )
    return tuple(codec for codec in asked if codec is Codec.H264)


def hdr_notes(track: ProbedTrack, metadata: HdrMetadata | None) -> tuple[str, ...]:
    """Returns what people should know of an HDR title."""
    if metadata is None:
        return ()
    span = HDR_TRANSFERS[track.text("color_transfer")]
    notes = [
        f"{span}: delivered in 10 bits; VMAF is measured on the {span} signal, for which its model is not calibrated"
    ]
    if span == "PQ" and not metadata.mastering_display:
        notes.append("no mastering display metadata in the source: none is written, players assume their own")
    if any("dv_profile" in entry for entry in track.fields.get("side_data_list", ())):
        notes.append(f"Dolby Vision metadata left out: the {span} base layer is delivered")
    return tuple(notes)


def _mastering_display(entry: Mapping[str, Any]) -> MasteringDisplay | None:
    def steps(name: str, unit: int) -> int:
        return round(Fraction(str(entry[name])) * unit)

    def color(name: str) -> Chromaticity:
        return Chromaticity(x=steps(f"{name}_x", CHROMATICITY_STEPS), y=steps(f"{name}_y", CHROMATICITY_STEPS))

    brightest = steps("max_luminance", LUMINANCE_STEPS)
    if brightest <= 0:
        return None
    return MasteringDisplay(
        red=color("red"),
        green=color("green"),
        blue=color("blue"),
        white=color("white_point"),
        max_luminance=brightest,
        min_luminance=steps("min_luminance", LUMINANCE_STEPS),
    )


def _is_bound_to_dolby_vision(track: ProbedTrack) -> bool:
    layers = [entry for entry in track.fields.get("side_data_list", ()) if "dv_profile" in entry]
    return any(int(entry["dv_profile"]) not in _BASE_LAYER_PROFILES for entry in layers)
