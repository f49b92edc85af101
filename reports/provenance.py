"""What the result cost and what it was made with: CPU by stage, trial encodes, audio, notes, tools."""

from domain.result import ResultAudio, TitleResult
from domain.video import Codec
from reports.ladder_tables import Table, head_cell
from reports.markup import Child, Markup, element, join
from reports.numerals import CODEC_NAMES, NOTHING, write_bitrate, write_count, write_difference, write_seconds
from reports.overview import cpu_total

STAGE_NAMES = {
    "inspect": "Inspect the source",
    "shots": "Find and split shots",
    "tone_mapping": "SDR pictures by tone mapping",
    "trials": "Trial encodes",
    "plan": "Plan the ladders",
    "encode": "Production encodes",
    "measure": "Measure",
    "audio": "Audio, subtitles",
    "baseline": "Fixed ladder",
    "provisional": "Provisional release",
    "package": "Assemble, thumbnails, package, encrypt",
    "publish": "Publish and verify",
}
"""Stages in the order in which they happen."""
_AUDIO_CODECS = {"aac": "AAC", "eac3": "E-AC-3"}


def draw_provenance(result: TitleResult) -> Markup:
    """Returns the sections on cost, audio and tools."""
    return join(
        element("section", element("h2", "Time and CPU"), _cost_words(result), _cpu_table(result), id="cost"),
        element("div", _audio(result), _texts(result), _tools(result), class_="pair"),
    )


def _cost_words(result: TitleResult) -> Markup:
    total, trials = cpu_total(result), result.trials
    busy = f", {total / result.wall_s:.1f} cores busy on average" if result.wall_s > 0 else ""
    words = (
        f"{write_seconds(result.wall_s)} of wall time, {write_seconds(total)} of CPU time{busy}. "
        f"The ladders rest on {write_count(trials.count, 'trial encode')}: "
        f"{trials.count - trials.reused} made in this run, {trials.reused} found in the store, {trials.failed} failed. "
        "Results found in the store cost nothing here."
    )
    return element("p", words)


def _cpu_table(result: TitleResult) -> Markup:
    stages: dict[str, float] = result.cpu_s.model_dump()
    names = [*(name for name in STAGE_NAMES if name in stages), *sorted(set(stages) - set(STAGE_NAMES))]
    largest, total = max(stages.values(), default=0.0), cpu_total(result)
    head = element("tr", head_cell("Stage", css_class="words"), head_cell("CPU"), head_cell("Share"), head_cell(""))
    rows = [_cpu_row(STAGE_NAMES.get(name, name), stages[name], largest=largest, total=total) for name in names]
    return Table("CPU time by stage, user and system, all processes", "CPU time by stage", head, rows, "cpu").draw()


def _cpu_row(name: str, seconds: float, *, largest: float, total: float) -> Markup:
    share = f"{seconds / total * 100:.0f} %" if total > 0 else NOTHING
    width = seconds / largest * 100 if largest > 0 else 0.0
    bar = element("span", class_="bar", style=f"width:{max(0.0, width):.1f}%")
    return element(
        "tr",
        head_cell(name, scope="row", css_class="words"),
        element("td", write_seconds(seconds)),
        element("td", share),
        element("td", bar, class_="bar-cell", aria_hidden="true"),
    )


def _audio(result: TitleResult) -> Markup:
    names = ("Track", "Language", "Role", "Codec", "Channels", "Rate", "Loudness")
    head = element("tr", [head_cell(name, css_class="words" if n < 4 else None) for n, name in enumerate(names)])
    rows = [_audio_row(track) for track in result.audio]
    content: Child = element("p", "The release has no audio track.")
    if rows:
        content = Table("Audio tracks; loudness as measured after encoding", "Audio tracks", head, rows).draw()
    return element("section", element("h2", "Audio"), content, id="audio")


def _audio_row(track: ResultAudio) -> Markup:
    loudness = NOTHING if track.loudness_lufs is None else f"{write_difference(track.loudness_lufs)} LUFS"
    return element(
        "tr",
        head_cell(track.name, scope="row", css_class="words"),
        element("td", track.language, class_="words"),
        element("td", track.role or NOTHING, class_="words"),
        element("td", _AUDIO_CODECS[track.codec], class_="words"),
        element("td", str(track.channels)),
        element("td", write_bitrate(track.bitrate_bps)),
        element("td", loudness),
    )


def _texts(result: TitleResult) -> Markup:
    head = element(
        "tr", [head_cell(name, css_class="words") for name in ("Track", "Language", "Role")], head_cell("Cues")
    )
    rows = [
        element(
            "tr",
            head_cell(track.name, scope="row", css_class="words"),
            element("td", track.language, class_="words"),
            element("td", track.role, class_="words"),
            element("td", str(track.cues)),
        )
        for track in result.texts
    ]
    content: Child = element("p", "The release has no subtitles.")
    if rows:
        content = Table("Subtitles, WebVTT", "Subtitles", head, rows).draw()
    return element("section", element("h2", "Subtitles"), content, _stills(result), id="subtitles")


def _stills(result: TitleResult) -> Markup:
    made = result.thumbnails
    if made is None:
        return element("p", "The release has no thumbnails.")
    every = f"one every {float(made.interval_s):.3g} s"
    size = f"{made.width_px}x{made.height_px}"
    return element("p", f"{write_count(made.stills, 'thumbnail')} of {size}, {every}.")


def _tools(result: TitleResult) -> Markup:
    head = element("tr", head_cell("Tool", css_class="words"), head_cell("Version", css_class="words"))
    rows = [
        element("tr", head_cell(name, scope="row", css_class="words"), element("td", version, class_="words version"))
        for name, version in [*sorted(result.tools.items()), *_choices(result)]
    ]
    digest = element("p", "Source SHA-256 ", element("code", result.source.sha256), class_="small")
    content = Table("Programs that made and measured this release", "Tools", head, rows).draw() if rows else None
    return element("section", element("h2", "Tools"), content, digest, id="tools")


def _choices(result: TitleResult) -> list[tuple[str, str]]:
    """Names what else decides the numbers: the VMAF model and each codec's preset."""
    presets = [(f"{CODEC_NAMES[Codec(codec)]} preset", preset) for codec, preset in sorted(result.presets.items())]
    return [("VMAF model", result.metric), *presets]


def draw_notes(result: TitleResult) -> Markup | None:
    """Returns what a person should know about the title; nothing if there is nothing."""
    if not result.notes:
        return None
    items = [element("li", note) for note in result.notes]
    return element("section", element("h2", "Notes"), element("ul", items, class_="notes"), id="notes")
