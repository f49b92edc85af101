"""A title with every kind of track, and the proof that they went through."""

from pathlib import Path

from domain.release import TitleReceipt
from domain.request import TitleRequest
from domain.result import TitleResult
from domain.subtitles import SubtitleRequest
from media.command import command
from media.packaging.plan import MANIFEST, MULTIVARIANT
from media.process import run_tool
from media.tools import find_tools
from storage.addresses import parse_address
from tests.support.stacks import TestStack


async def with_tracks(stack: TestStack, request: TitleRequest, clip: Path) -> TitleRequest:
    """Returns a request for the clip's pictures with 5.1 sound and French subtitles, and an English file beside it.

    The English file is unsorted and an hour longer than the title.
    """
    source, french, english = (clip.with_name(name) for name in ("tracks.mov", "fr.srt", "en.vtt"))
    french.write_text("1\n00:00:01,000 --> 00:00:02,000\nBonjour\n")
    english.write_text("WEBVTT\n\n00:02.000 --> 01:00:00.000\nlong\n\n00:00.500 --> 00:01.500\nHello\n")
    surround = "aevalsrc='0.1*sin(500*t)|0.1*sin(600*t)|0.1*sin(700*t)|0|0.1*sin(800*t)|0.1*sin(900*t)':c=5.1:d=3"
    argv = [
        *(find_tools().ffmpeg, "-v", "error", "-i", str(clip), "-f", "lavfi", "-i", surround, "-i", str(french)),
        *("-map", "0:v", "-map", "1:a", "-map", "2:s", "-c:v", "copy", "-c:a", "pcm_s16le", "-c:s", "mov_text"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:s:0", "language=fra", str(source)),
    ]
    await run_tool(command(argv, purpose="source with tracks"))
    beside = SubtitleRequest(source=await stack.upload(english), language="en", role="caption")
    return request.model_copy(update={"source": await stack.upload(source), "subtitles": (beside,)})


def require_tracks(stack: TestStack, receipt: TitleReceipt) -> None:
    """Makes sure that subtitles, surround and thumbnails are in both manifests, the result and the report."""
    store, base = stack.session.store, receipt.release.release_uri
    mpd, multivariant = (
        (store.get(parse_address(f"{base}/{name}")) or (b"",))[0].decode() for name in (MANIFEST, MULTIVARIANT)
    )
    for track in ("text_1_en_cc", "text_2_fra"):
        assert track in mpd
        assert f"{track}/playlist.m3u8" in multivariant
    assert 'codecs="ec-3"' in mpd
    assert 'CHANNELS="6"' in multivariant
    assert "thumbnail_tile" in mpd
    assert "EXT-X-IMAGE-STREAM-INF" in multivariant
    result = TitleResult.model_validate_json(store.read_bytes(receipt.result))
    texts = [(text.language, text.role, text.cues) for text in result.texts]
    assert texts == [("en", "caption", 2), ("fra", "subtitle", 1)]
    assert [(track.codec, track.channels, track.role) for track in result.audio] == [
        ("aac", 2, "main"),
        ("eac3", 6, "main"),
    ]
    assert result.thumbnails is not None
    assert (result.thumbnails.stills, result.thumbnails.width_px) == (2, 320)
    assert any("cut at the last picture" in note for note in result.notes)
    assert b"text_2_fra" in store.read_bytes(receipt.report)
