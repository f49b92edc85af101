"""An encrypted source is called so; whatever else lies in a file harms nobody."""

import struct
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.encryption_marks import BoxWalk, refuse_encrypted
from media.errors import EncryptedSource
from media.tools import ToolPaths
from sample_media.faults import encrypt
from tests.media.conftest import inspected

kinds = st.sampled_from([b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1", b"free", b"mdat"])


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def movie_with(entry: bytes) -> bytes:
    made = box(b"stsd", bytes(8) + box(entry, bytes(78)))
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        made = box(b"free", b"x") + box(kind, made)
    return made


async def test_an_encrypted_source_is_not_called_damaged(tools: ToolPaths, tiny_clip: Path, tmp_path: Path) -> None:
    source = await encrypt(tiny_clip, tmp_path, tools=tools)
    with pytest.raises(EncryptedSource, match="CNT-004 source: encrypted audio and video"):
        await inspected(tools, source)


@pytest.mark.parametrize(("entry", "is_refused"), [(b"encv", True), (b"drms", True), (b"avc1", False)])
def test_the_kind_of_a_sample_entry_tells(entry: bytes, is_refused: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path = tmp_path / "movie.mov"
    path.write_bytes(movie_with(entry))
    if not is_refused:
        refuse_encrypted(path, where="source")
        return
    with pytest.raises(EncryptedSource):
        refuse_encrypted(path, where="source")


@given(st.recursive(st.binary(max_size=20), lambda inner: st.builds(box, kinds, inner), max_leaves=5))
def test_any_bytes_are_walked_to_an_end(content: bytes) -> None:
    assert b"encv" not in list(BoxWalk(BytesIO(content)).sample_entries())


def test_a_flood_of_boxes_is_left_to_the_decoder(tmp_path: Path) -> None:
    path = tmp_path / "flood.mov"
    path.write_bytes(box(b"free", b"") * 150_000 + movie_with(b"encv"))
    refuse_encrypted(path, where="source")
