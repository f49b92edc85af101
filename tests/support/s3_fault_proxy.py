"""A small HTTP proxy before a real S3 server that fails by rule: what networks and servers do on bad days.

Each connection carries one request. The head goes on as it came: ``Host``, part of the SigV4 signature, stays the
address that the client signed, the proxy's own. So signatures stay good, and no key is needed in here.
"""

import asyncio
import random
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

HEAD_END = b"\r\n\r\n"
_LIMIT_BYTES = 1 << 26


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    target: str
    """Path and query."""
    head: bytes
    body: bytes

    @property
    def key(self) -> str:
        """The path, decoded: ``/bucket/key``."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Answer:
    """An answer; ``body`` may be shorter than its ``Content-Length``."""

    head: bytes
    body: bytes
    pace_bytes_s: float = 0.0
    """0: as fast as it goes."""
    is_reset: bool = False
    """The connection is reset instead."""

    @property
    def status(self) -> int:
        """The status code; 0 for a reset."""
        return 0 if self.is_reset else int(self.head.split(b" ", 2)[1])


Forward = Callable[[Request], Awaitable[Answer]]
Fault = Callable[[Request, Forward], Awaitable[Answer]]


@dataclass
class Rule:
    """When a fault strikes."""

    fault: Fault
    method: str = ".*"
    key: str = ".*"
    """Regular expression over ``/bucket/key``."""
    query: str = ""
    """Regular expression that the query must contain."""
    nth: frozenset[int] = frozenset()
    """Which of the requests that match, from 1; empty: all of them."""
    probability: float = 1.0
    seed: int = 1
    met: int = 0
    struck: int = 0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def strikes(self, request: Request) -> bool:
        """Tells whether the fault strikes this request, and counts."""
        matches = (
            re.fullmatch(self.method, request.method)
            and re.search(self.key, request.key)
            and re.search(self.query, request.query)
        )
        if not matches:
            return False
        self.met += 1
        hit = (not self.nth or self.met in self.nth) and self._chance.random() < self.probability
        self.struck += hit
        return hit


@dataclass
class Seen:
    """One line of the proxy's log."""

    method: str
    key: str
    query: str
    status: int
    is_fault: bool


class S3FaultProxy:
    """The running proxy; ``rules`` may be changed at any time."""

    def __init__(self, upstream_port: Callable[[], int]) -> None:
        self.rules: list[Rule] = []
        self.seen: list[Seen] = []
        self.port = 0
        self._upstream_port = upstream_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="s3-fault-proxy", daemon=True)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listens on a free port."""
        self._thread.start()
        self._call(self._listen())

    def stop(self) -> None:
        """Ends."""
        self._call(self._close())
        self._call(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def refuse(self) -> None:
        """From now on connections are refused, and open ones cut, as by a dead server."""
        self._call(self._close())

    def accept(self) -> None:
        """Takes connections again, on the same port."""
        self._call(self._listen())

    @contextmanager
    def failing(self, *rules: Rule) -> Iterator[None]:
        """Adds rules for the length of a ``with`` block."""
        self.rules.extend(rules)
        try:
            yield
        finally:
            for rule in rules:
                self.rules.remove(rule)

    def _call(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=_LIMIT_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader, writer)
            answer = await self._answer(request)
            if answer.is_reset:
                writer.transport.abort()
                return
            writer.write(answer.head)
            await _write_body(writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, request: Request) -> Answer:
        fault = next((rule.fault for rule in self.rules if rule.strikes(request)), None)
        answer = await (fault(request, self._forward) if fault else self._forward(request))
        self.seen.append(Seen(request.method, request.key, request.query, answer.status, fault is not None))
        return answer

    async def _forward(self, request: Request) -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream_port(), limit=_LIMIT_BYTES)
        try:
            writer.write(request.head + request.body)
            await writer.drain()
            head = await reader.readuntil(HEAD_END)
            body = b"" if request.method == "HEAD" else await reader.read()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        return Answer(head, body)


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request:
    head = await reader.readuntil(HEAD_END)
    if re.search(rb"(?i)\r\nexpect: *100-continue", head):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    kept = re.sub(rb"(?i)\r\n(expect|connection): *[^\r\n]*", b"", head)
    return Request(method, target, kept[: -len(HEAD_END)] + b"\r\nConnection: close" + HEAD_END, body)


async def _write_body(writer: asyncio.StreamWriter, answer: Answer) -> None:
    step = max(1, int(answer.pace_bytes_s / 10)) if answer.pace_bytes_s else len(answer.body) or 1
    for start in range(0, len(answer.body), step):
        writer.write(answer.body[start : start + step])
        await writer.drain()
        if answer.pace_bytes_s:
            await asyncio.sleep(0.1)


# Faults


def refusing(status: int, code: str) -> Fault:
    """The server says no and does nothing."""

    async def fault(_request: Request, _forward: Forward) -> Answer:
        return _error(status, code)

    return fault


def lost_answer(status: int, code: str) -> Fault:
    """The server does it, and its answer is lost: the client is told another one."""

    async def fault(request: Request, forward: Forward) -> Answer:
        await forward(request)
        return _error(status, code)

    return fault


async def reset(_request: Request, _forward: Forward) -> Answer:
    """The connection is reset before an answer."""
    return Answer(b"", b"", is_reset=True)


async def truncated(request: Request, forward: Forward) -> Answer:
    """Half of the body arrives, then the connection ends."""
    answer = await forward(request)
    return replace(answer, body=answer.body[: len(answer.body) // 2])


async def flipped_bit(request: Request, forward: Forward) -> Answer:
    """One bit in the middle of the body is another."""
    answer = await forward(request)
    body = bytearray(answer.body)
    body[len(body) // 2] ^= 1
    return replace(answer, body=bytes(body))


async def another_etag(request: Request, forward: Forward) -> Answer:
    """The object has changed between two requests: the ETag is another."""
    answer = await forward(request)
    return replace(answer, head=re.sub(rb'(?i)(\r\netag: *)"[^"]*"', rb'\1"0123456789abcdef"', answer.head))


def slow(bytes_s: float) -> Fault:
    """The body arrives at a pace."""

    async def fault(request: Request, forward: Forward) -> Answer:
        return replace(await forward(request), pace_bytes_s=bytes_s)

    return fault


def _error(status: int, code: str) -> Answer:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>by rule</Message></Error>'.encode()
    head = f"HTTP/1.1 {status} By Rule\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return Answer(head.encode() + b"Connection: close" + HEAD_END, body)


@contextmanager
def running_proxy(upstream_port: Callable[[], int]) -> Iterator[S3FaultProxy]:
    """Runs a proxy before the server on a port, and ends it."""
    proxy = S3FaultProxy(upstream_port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
