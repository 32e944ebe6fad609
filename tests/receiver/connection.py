"""One connection of the receiver: reads requests, asks for the answer, gives it or misbehaves."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable

from tests.receiver.answers import Answer, Fault
from tests.receiver.arrived import Arrived

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_ENOUGH_BYTES = 10 * 2**30
_FULL_BYTES = 2**18


class Connection(asyncio.Protocol):
    """Speaks as much HTTP/1.1 as a webhook sender needs: Content-Length, kept connections, no chunks."""

    def __init__(self, number: int, answer: Callable[[Arrived], Answer], connections: set["Connection"]) -> None:
        self._number = number
        self._answer = answer
        self._connections = connections
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._read += data
        self._serve()

    def _serve(self) -> None:
        """Answer what has been read completely, one request after the other."""
        while self._task is None and self._transport is not None:
            arrived = self._take_request()
            if arrived is None:
                return
            answer = self._answer(arrived)
            if answer.fault is None and not answer.after_seconds:
                self._give(arrived, answer)
            else:
                self._task = asyncio.get_running_loop().create_task(self._answer_slowly(arrived, answer))
                self._task.add_done_callback(self._slow_answer_done)

    def _take_request(self) -> Arrived | None:
        head_end = self._read.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        line, *rest = bytes(self._read[:head_end]).split(b"\r\n")
        headers = [(name.decode("latin-1"), value.strip().decode("latin-1")) for name, _, value in _pairs(rest)]
        length = int(next((value for name, value in headers if name.lower() == "content-length"), "0"))
        end = head_end + 4 + length
        if len(self._read) < end:
            return None
        body = bytes(self._read[head_end + 4 : end])
        del self._read[:end]
        return Arrived(at=time.time(), line=line, headers=headers, body=body, connection=self._number)

    def _give(self, arrived: Arrived, answer: Answer) -> None:
        if self._transport is None:
            return
        arrived.status = answer.status
        self._transport.write(answer.to_bytes())
        arrived.answered_at = time.time()
        if answer.then_close:
            self._transport.close()

    async def _answer_slowly(self, arrived: Arrived, answer: Answer) -> None:
        if answer.after_seconds:
            await asyncio.sleep(answer.after_seconds)
        match answer.fault:
            case None:
                self._give(arrived, answer)
            case Fault.HANG:
                await asyncio.Event().wait()
            case Fault.DROP:
                self._close()
            case Fault.RESET:
                self._reset()
            case Fault.NOT_HTTP:
                self._write(b"\x00\x01\x02 good day to you\r\n\r\n")
                self._close()
            case Fault.DRIP:
                await self._drip(answer.to_bytes())
            case Fault.ENDLESS_HEADERS:
                await self._pour(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"a" * 1000 + b"\r\n")
            case Fault.ENDLESS_BODY:
                await self._pour(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65_536)

    def _slow_answer_done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled():
            task.result()
            self._serve()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _reset(self) -> None:
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self._transport.abort()

    async def _drip(self, data: bytes) -> None:
        for byte in data:
            self._write(bytes([byte]))
            await asyncio.sleep(1)

    async def _pour(self, first: bytes, piece: bytes) -> None:
        self._write(first)
        for _ in range(_ENOUGH_BYTES // len(piece)):
            await asyncio.sleep(0)
            while self._transport is not None and self._transport.get_write_buffer_size() > _FULL_BYTES:
                await asyncio.sleep(0.01)
            if self._transport is None or self._transport.is_closing():
                return
            self._transport.write(piece)


def _pairs(lines: list[bytes]) -> list[tuple[bytes, bytes, bytes]]:
    return [line.partition(b":") for line in lines]
