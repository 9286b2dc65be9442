"""Tests a server's WebSockets with broken frames, floods and a client that never reads, and with correct use.

sockets_client.py ADDRESS KEY PID
"""

import asyncio
import json
import resource
import struct
import sys
import time
import urllib.request
from importlib.metadata import version

import websockets
from websockets.exceptions import ConnectionClosed


address, key, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
base = address.replace("http://", "ws://") + "/v1"
own = f"{base}/audio/speech/stream"
headers = {"Authorization": f"Bearer {key}"}


def connect(url=own, **options):
    return websockets.connect(url, additional_headers=headers, proxy=None, **options)


def resident():
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def running():
    request = urllib.request.Request(f"{address}/metrics", headers=headers)
    text = urllib.request.urlopen(request).read().decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith("chatterbox_num_requests_running "))


async def code_after(raw):
    """The code with which the server closes the connection after these bytes."""
    async with connect() as socket:
        socket.transport.write(raw)
        try:
            while True:
                await asyncio.wait_for(socket.recv(), 10)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


def masked(first, payload, length=None):
    length = len(payload) if length is None else length
    head = bytes([first]) + (bytes([0x80 | length]) if length < 126 else bytes([0xFF]) + struct.pack(">Q", length))
    return head + bytes(4) + payload


async def broken():
    cases = {
        "unmasked": (b"\x81\x02{}", 1002), "reserved bits": (masked(0xC1, b"{}"), 1002), "reserved opcode": (masked(0x83, b""), 1002),
        "endless frame": (masked(0x81, b"", 1 << 40), 1009), "no UTF-8": (masked(0x81, b"\xff\xfe"), 1007), "binary": (masked(0x82, b"1"), 1003),
        "continuation of nothing": (masked(0x80, b"x"), 1002), "fragmented ping": (masked(0x09, b""), 1002), "half a close code": (masked(0x88, b"\x03"), 1002),
    }
    for name, (raw, code) in cases.items():
        found = await code_after(raw)
        assert found == code, (name, found, code)
    return len(cases)


async def flooded():
    async with connect(max_queue=None) as socket:
        try:
            for _ in range(100_000):
                await socket.send('{"type":"dance"}')
        except ConnectionClosed:
            pass
        try:
            while True:
                await asyncio.wait_for(socket.recv(), 10)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


async def slow():
    """Clients that request much and read nothing: memory does not grow with their requests."""
    before = resident()
    text = "The ship was late, and nobody at the quay had seen it come. " * 200
    sockets = [await connect(max_queue=1) for _ in range(4)]
    for socket in sockets:
        socket.transport.pause_reading()
        await socket.send(json.dumps({"type": "session.config", "response_format": "pcm", "sample_rate": 48_000}))
        await socket.send(json.dumps({"type": "input.text", "text": text}))
    await asyncio.sleep(15)
    grown = resident() - before
    for socket in sockets:
        socket.transport.abort()
    begin = time.monotonic()
    while running() > 0 and time.monotonic() - begin < 20:
        await asyncio.sleep(0.2)
    assert running() == 0
    assert grown < 200 << 20, grown
    return grown >> 20


async def interrupted():
    """An interrupted agent: the time until the server confirms it, and how much was heard."""
    async with connect() as socket:
        await socket.send(json.dumps({"type": "session.config"}))
        for word in "The ship was late, and nobody at the quay had seen it come. It came in the night, with no light on board. And then".split():
            await socket.send(json.dumps({"type": "input.text", "text": word + " "}))
        played = 0
        while played < 0.8 * 48_000:
            message = await socket.recv()
            played += len(message) if isinstance(message, bytes) else 0
        begin = time.monotonic()
        await socket.send(json.dumps({"type": "input.cancel", "played_seconds": 0.8}))
        while True:
            message = await socket.recv()
            if isinstance(message, str) and json.loads(message)["type"] == "audio.interrupted":
                break
        took, heard = time.monotonic() - begin, json.loads(message)["heard"]
        assert heard["text"].startswith("The ship"), heard
        while running() > 0:
            await asyncio.sleep(0.05)
            assert time.monotonic() - begin < 2
        return took, heard["text"]


async def main():
    count = await broken()
    code = await flooded()
    assert code == 1008, code
    took, heard = await interrupted()
    assert took < 0.1, took
    grown = await slow()
    assert urllib.request.urlopen(f"{address}/live").status == 200
    print(f"websockets {version('websockets')}: {count} broken frames, a flood, 4 slow readers ({grown} MiB more), interrupted in {took * 1000:.0f} ms at {heard!r}")


asyncio.run(main())
