"""The proof that a track can be decrypted: its packets, decrypted with the right key, are those of the clear track.

libavformat decrypts inside this process (through PyAV), because the ffmpeg program takes keys only on its command line,
which everyone on the machine can read. It is another implementation than the packager's, so agreement means something.
"""

import hashlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError

from media.errors import DecryptionMismatch
from media.packaging.segment_index import TRACK_FILE, ByteRange, read_track

_CHUNK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class PacketDigest:
    """What a track's packets are, whatever container they come from."""

    md5: str
    """MD5 of all payloads in decoding order."""
    timing_sha256: str
    """SHA-256 of sizes and of presentation times, counted from the first packet."""
    packets: int


@dataclass(frozen=True, slots=True)
class DecryptedTrack:
    """A track that was decrypted and found equal to the clear one."""

    md5: str
    """MD5 of the elementary stream: all packets in decoding order."""
    packets: int
    cpu_s: float
    """CPU seconds of this thread."""


def decrypt_track(folder: Path, clear: Path, key: bytes | None, *, only_sync: bool = False) -> DecryptedTrack:
    """Decrypts a packaged track and compares it with the clear file, packet by packet.

    Blocks; run it in a thread. The key stays in this process's memory.

    Args:
        folder: Track folder, in either form of storage.
        clear: The file that went into the packager.
        key: Content key, 16 bytes; ``None`` for a track that is published in the clear.
        only_sync: The folder has the sync samples alone (fast play).

    Raises:
        DecryptionMismatch: if the packets differ, or if a wrong key gives them as well (then nothing is encrypted).
    """
    began = time.thread_time()
    try:
        wanted = digest_packets(clear, only_sync=only_sync)
        found = digest_packets(_Joined(_files_of(folder)), key=key)
        is_bound = key is None or found != wanted or _is_bound_to(key, folder)
    except FFmpegError as error:
        # libavformat's message names the file at most; the options with the key are no part of it.
        raise DecryptionMismatch(
            folder.name, found=error.strerror or "an unreadable track", expected="a track that opens"
        ) from None
    if found != wanted:
        raise DecryptionMismatch(
            folder.name, found=_difference(found, wanted), expected="the packets of the clear track, decrypted"
        )
    if not is_bound:
        raise DecryptionMismatch(
            folder.name, found="a wrong key decrypts it as well", expected="noise from a wrong key"
        )
    return DecryptedTrack(found.md5, found.packets, time.thread_time() - began)


def digest_packets(source: "Path | _Joined", *, key: bytes | None = None, only_sync: bool = False) -> PacketDigest:
    """Returns the digest of a file's only track, decrypted if a key is given.

    Raises:
        FFmpegError: if it does not open.
    """
    options = {"decryption_key": key.hex()} if key else {}
    payload, timing, packets = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    opened = str(source) if isinstance(source, Path) else source
    with av.open(opened, mode="r", format="mp4", options=options) as container:
        first: Fraction | None = None
        for packet in container.demux(container.streams[0]):
            if packet.pts is None or not packet.time_base or (only_sync and not packet.is_keyframe):
                continue  # the empty packet at the end
            time_s = packet.pts * packet.time_base
            first = time_s if first is None else first
            payload.update(memoryview(packet))
            timing.update(f"{packet.size} {time_s - first}\n".encode())
            packets += 1
    return PacketDigest(payload.hexdigest(), timing.hexdigest(), packets)


def _is_bound_to(key: bytes, folder: Path) -> bool:
    """Tells whether a wrong key gives other packets; tried on the segment that has most to hide.

    A still picture may have nothing to hide: all its samples are headers, and every key gives the same.
    """
    index = read_track(folder)
    best = max(index.segments, key=lambda segment: segment.protected_bytes)
    if index.header.protection is not None and best.protected_bytes == 0:
        return True
    files = [index.init, index.range_of(best)]
    wrong_key = bytes(byte ^ 0xFF for byte in key)
    right, wrong = (digest_packets(_Joined(files), key=each) for each in (key, wrong_key))
    return right.md5 != wrong.md5


class _Joined(io.RawIOBase):
    """Byte ranges read one after the other, as a stream: what a player sees, without a copy on disk."""

    def __init__(self, places: list[ByteRange]) -> None:
        self._chunks = _chunks_of(places)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Returns at most ``size`` bytes; libavformat asks for no more than a few pages at a time."""
        if not self._rest:
            self._rest = next(self._chunks, b"")
        size = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def _files_of(folder: Path) -> list[ByteRange]:
    """Returns the whole files of a track, in order of play."""
    one = folder / TRACK_FILE
    paths = [one] if one.is_file() else [folder / "init.mp4", *sorted(folder.glob("*.m4s"))]
    return [ByteRange(path, 0, path.stat().st_size if path.is_file() else 0) for path in paths]


def _chunks_of(places: list[ByteRange]) -> Iterator[bytes]:
    for place in places:
        with place.path.open("rb") as file:
            file.seek(place.offset)
            left = place.size
            while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk


def _difference(found: PacketDigest, wanted: PacketDigest) -> str:
    if found.packets != wanted.packets:
        return f"{found.packets} packets instead of {wanted.packets}"
    return "other payloads" if found.md5 != wanted.md5 else "the same payloads at other times"
