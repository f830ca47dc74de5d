"""This is where the gateway is made an echo server, as the Autobahn test suite needs one: a proxy that signs in, passes a client's
bytes on as they are, and puts in the place of each answer of the gateway the message that it answers. Whether, when and in what
order there is an answer, a pong or a close is the gateway's doing.

    guestlist serve --demo --listen 127.0.0.1:9011
    python3 tests/conformance/echo.py 127.0.0.1:9011 127.0.0.1:9010
    wstest -m fuzzingclient -s spec.json    # of PyPI's autobahntestsuite 0.8.2, for Python 2.7

spec.json: {"outdir": "reports", "servers": [{"agent": "guestlist", "url": "ws://127.0.0.1:9010"}], "cases": ["*"],
"exclude-cases": ["12.*", "13.*"], "exclude-agent-cases": {}}; 12 and 13 are of compression, which is not offered.
"""

import asyncio
import collections
import json
import struct
import sys

SIGN_IN = {"method": "TOKEN_AUTH", "token": "90091784056528980:0:DemoBotTokenForLocalUseOnly001"}


def frame(opcode, payload, mask=None):
    length = len(payload)
    masked = 0x80 if mask else 0
    if length < 126:
        head = bytes([0x80 | opcode, masked | length])
    elif length < 1 << 16:
        head = bytes([0x80 | opcode, masked | 126]) + struct.pack(">H", length)
    else:
        head = bytes([0x80 | opcode, masked | 127]) + struct.pack(">Q", length)
    return head + (mask or b"") + (unmasked(payload, mask) if mask else payload)


def unmasked(payload, mask):
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")


class Frames:
    """Reads frames out of bytes as they come, whatever is wrong with them."""

    def __init__(self):
        self.bytes = bytearray()

    def feed(self, data):
        self.bytes += data
        while len(self.bytes) >= 2:
            at, length = 2, self.bytes[1] & 0x7F
            if length > 125:
                size = 2 if length == 126 else 8
                at += size
                if len(self.bytes) < at:
                    return
                length = int.from_bytes(self.bytes[2:at], "big")
            mask = bytes(self.bytes[at : at + 4]) if self.bytes[1] & 0x80 else None
            at += 4 if self.bytes[1] & 0x80 else 0
            if len(self.bytes) < at + length:
                return
            payload = bytes(self.bytes[at : at + length])
            first, whole = self.bytes[0], bytes(self.bytes[: at + length])
            del self.bytes[: at + length]
            yield first, unmasked(payload, mask) if mask else payload, whole


async def to_gateway(reader, writer, messages):
    frames, opcode, parts = Frames(), None, b""
    while data := await reader.read(1 << 16):
        for first, payload, _ in frames.feed(data):
            if first & 0x0F in (0, 1, 2):
                opcode, parts = first & 0x0F or opcode, parts + payload
                if first & 0x80:
                    messages.append((opcode, parts))
                    parts = b""
        # After they are noted, so that no answer comes before its message.
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def to_client(reader, writer, messages):
    frames = Frames()
    while data := await reader.read(1 << 16):
        for first, _, whole in frames.feed(data):
            writer.write(frame(*messages.popleft()) if first == 0x81 else whole)
        await writer.drain()
    writer.write_eof()


async def serve(gateway, reader, writer):
    near, far = await asyncio.open_connection(*gateway)
    head = await reader.readuntil(b"\r\n\r\n")
    far.write(b"GET /nandbox/api/ HTTP/1.1\r\n" + head.split(b"\r\n", 1)[1])
    far.write(frame(1, json.dumps(SIGN_IN).encode(), b"\x37\xfa\x21\x3d"))
    writer.write(await near.readuntil(b"\r\n\r\n"))
    length = (await near.readexactly(2))[1]
    await near.readexactly(struct.unpack(">H", await near.readexactly(2))[0] if length == 126 else length)
    messages = collections.deque()
    await asyncio.gather(
        to_gateway(reader, far, messages), to_client(near, writer, messages), return_exceptions=True
    )
    writer.close()
    far.close()


async def main(gateway, listen):
    host, port = listen.split(":")
    server = await asyncio.start_server(lambda *streams: serve(gateway.split(":"), *streams), host, int(port), limit=1 << 20)
    async with server:
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
