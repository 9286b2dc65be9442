"""The clients of a stress test, all in one process."""

import asyncio
import hashlib
import json
import os
import random
import select
import socket
import time
from collections import Counter

from protocol import KEY, Broken, order, read_answer, request


class Clients:
    """The actions of a server's clients, well-behaved ones and others, and their results."""

    def __init__(self, port, idle):
        #: Idle connections.
        self.port, self.idle = port, idle
        #: The digest of each order's sound if no other request is served.
        self.alone = {}
        self.counts, self.problems = Counter(), []
        self.first_sounds, self.stopping = [], False
        self.random = random.Random(1)

    # one connection

    async def connect(self, limit=1 << 16):
        return await asyncio.open_connection("127.0.0.1", self.port, limit=limit)

    async def ask(self, data):
        """A complete response: status, headers, body, and the seconds to the first byte of the body."""
        reader, writer = await self.connect()
        try:
            begin = time.monotonic()
            writer.write(data)
            await writer.drain()
            answer = await read_answer(reader)
            parts, first = [], None
            async for piece in answer.pieces():
                first = first or time.monotonic() - begin
                parts.append(piece)
            return answer, b"".join(parts), first
        finally:
            writer.close()

    def check_error(self, answer, body, *statuses):
        """An error of this API, with one of these statuses."""
        error = json.loads(body)["error"]
        if set(error) != {"message", "type", "param", "code"} or not error["message"]:
            raise Broken(f"{answer.status} without the four keys: {body[:200]!r}")
        if answer.status not in statuses:
            raise Broken(f"{answer.status} where {statuses} were to be: {body[:200]!r}")
        if answer.status == 429 and (int(answer.headers["retry-after"]) < 1 or answer.headers["x-should-retry"] != "true"):
            raise Broken(f"429 without what clients obey: {answer.headers}")
        self.counts[f"answered {answer.status}"] += 1

    async def refused(self, answer, body):
        self.check_error(answer, body, 429)
        # Like OpenAI's clients: not before the time in Retry-After.
        await asyncio.sleep(int(answer.headers["retry-after"]) * (1 + self.random.random() / 2))

    # what they do

    async def listen(self):
        number = self.random.randrange(len(self.alone))
        answer, body, first = await self.ask(request("/v1/audio/speech", order(number)))
        if answer.status != 200:
            return await self.refused(answer, body)
        self.first_sounds.append(first)
        self.counts["heard to the end"] += 1
        if hashlib.sha256(body).hexdigest() != self.alone[number]:
            raise Broken(f"order {number} sounds otherwise than alone")

    async def listen_in_another_format(self):
        name = self.random.choice(["mp3", "opus", "aac", "flac", "wav"])
        fields = self.random.choice([{}, {"stream_format": "sse"}, {"stream": False}, {"timestamps": True, "stream": False}, {"speed": 1.5}])
        answer, body, _ = await self.ask(request("/audio/speech", order(0, name, **fields)))
        if answer.status != 200:
            return await self.refused(answer, body)
        if "stream_format" in fields and not body.endswith(b"data: [DONE]\r\n\r\n"):
            raise Broken(f"events that end in {body[-60:]!r}")
        self.counts["heard to the end"] += 1

    async def go_away(self):
        reader, writer = await self.connect()
        writer.write(request("/v1/audio/speech", order(self.random.randrange(99))))
        await writer.drain()
        # Before the response, or in the middle of it.
        if self.random.random() < 0.5:
            await asyncio.sleep(self.random.random())
        else:
            answer = await read_answer(reader)
            if answer.status == 200:
                await reader.read(1 << 14)
        self.counts["went away"] += 1
        writer.transport.abort() if self.random.random() < 0.5 else writer.close()

    async def read_slowly(self):
        reader, writer = await self.connect(limit=1024)
        writer.write(request("/v1/audio/speech", order(5, "wav")))
        try:
            answer = await read_answer(reader)
            if answer.status == 200:
                for _ in range(20):
                    if not await reader.read(1024):
                        break
                    await asyncio.sleep(0.3)
            self.counts["read slowly"] += 1
        finally:
            writer.close()

    async def close_half(self):
        reader, writer = await self.connect()
        writer.write(request("/v1/audio/speech", order(3)))
        writer.write_eof()
        # It counts as disconnected: the response, if any, may be cut.
        await asyncio.wait_for(reader.read(), 60)
        self.counts["closed half"] += 1
        writer.close()

    async def send_too_much(self):
        kind = self.random.randrange(3)
        reader, writer = await self.connect()
        try:
            if kind == 0:
                writer.write(request("/v1/audio/speech", length=1 << 40) + b"a" * (3 << 20))
            elif kind == 1:
                writer.write(request("/v1/audio/speech", json.dumps({"model": "tts-1", "voice": "alloy", "input": "a" * 100_001}).encode()))
            else:
                writer.write(b"GET /health HTTP/1.1\r\nX-Long: " + b"a" * 60_000 + b"\r\n\r\n")
            answer = await read_answer(reader)
            self.check_error(answer, await answer.body(), [413, 400, 431][kind])
        finally:
            writer.close()

    async def send_nonsense(self):
        bodies = [b"{", b"[]", b'{"input": "\xff\xfe"}', b'{"model":"tts-1","input":"  ","voice":"alloy"}', b'{"model":1,"input":"Hi.","voice":"alloy"}',
                  order(0, "ogg"), order(0, speed=99), order(0, voice="nobody"), order(0, model="nothing"), order(0, adapter="x"), b"\0" * 100]
        if self.random.random() < 0.7:
            answer, body, _ = await self.ask(request("/v1/audio/speech", self.random.choice(bodies)))
            if answer.status == 429:
                return await self.refused(answer, body)
            return self.check_error(answer, body, 400, 404)
        nonsense = self.random.choice([
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", request("/v1/audio/speech", length="many"),
            request("/v1/audio/speech", extra="Transfer-Encoding: chunked\r\n").replace(b"Content-Length: 0\r\n", b"") + b"zz\r\n",
            b"GET / HTTP/1.1\r\n\r\n" * 50])
        reader, writer = await self.connect()
        try:
            writer.write(nonsense)
            writer.write_eof()
            answer = await asyncio.wait_for(read_answer(reader), 90)
            if not nonsense.startswith(b"GET / "):
                self.check_error(answer, await answer.body(), 400)
            self.counts["sent nonsense"] += 1
        finally:
            writer.close()

    async def show_wrong_key(self):
        key = self.random.choice([None, "wrong", KEY + "x", KEY[:-1]])
        answer, body, _ = await self.ask(request(self.random.choice(["/v1/audio/speech", "/v1/models/pico/unload"]), order(0), key=key))
        self.check_error(answer, body, 401)

    async def look(self):
        path = self.random.choice(["/health", "/ready", "/v1/models", "/v1/audio/voices", "/metrics", "/openapi.json", "/"])
        answer, _, _ = await self.ask(request(path, method="GET"))
        if answer.status != 200:
            raise Broken(f"{path} answered {answer.status}")
        self.counts["looked"] += 1

    async def upload(self):
        boundary = "b0undary"
        body = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nx\r\n--{boundary}\r\n"
                f"Content-Disposition: form-data; name=\"audio_sample\"; filename=\"a.pt\"\r\n\r\n").encode() + os.urandom(5000)
        if self.random.random() < 0.5:
            body += f"\r\n--{boundary}--\r\n".encode()
        head = f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        answer, body, _ = await self.ask(request("/v1/audio/voices", body, extra=head).replace(b"Content-Type: application/json\r\n", b""))
        if answer.status == 429:
            return await self.refused(answer, body)
        self.check_error(answer, body, 400)

    def deeds(self):
        """The actions, with their weights."""
        return {
            self.listen: 50, self.listen_in_another_format: 8, self.go_away: 12, self.read_slowly: 4, self.close_half: 4, self.send_too_much: 6,
            self.send_nonsense: 8, self.show_wrong_key: 4, self.look: 2, self.upload: 2,
        }

    async def client(self, *chosen):
        """Runs one action after the other, of all or of the chosen ones, until it is stopped."""
        deeds = {deed: weight for deed, weight in self.deeds().items() if not chosen or deed in chosen}
        while not self.stopping:
            deed, = self.random.choices(list(deeds), list(deeds.values()))
            try:
                await deed()
            except (asyncio.IncompleteReadError, OSError, asyncio.TimeoutError) as error:
                # It is an error if the server disconnects a client whose action is valid.
                name = deed.__name__
                self.counts[f"cut: {name}"] += 1
                if deed in (self.listen, self.listen_in_another_format, self.look, self.show_wrong_key):
                    self.problems.append(f"{name}: {error!r}")
            except Exception as error:
                self.problems.append(f"{deed.__name__}: {error!r}")

    async def sit(self):
        """Holds connections without a request, or with one that never ends, and opens others when they are closed."""
        held, poll = {}, select.epoll()
        while not self.stopping:
            for descriptor, _ in poll.poll(0):
                # The server closes connections that were silent for a minute.
                poll.unregister(descriptor)
                held.pop(descriptor).close()
            for _ in range(min(500, self.idle - len(held))):
                connection = socket.socket()
                connection.settimeout(5)
                try:
                    connection.connect(("127.0.0.1", self.port))
                except OSError:
                    self.counts["could not connect"] += 1
                    connection.close()
                    break
                held[connection.fileno()] = connection
                poll.register(connection.fileno(), select.EPOLLIN | select.EPOLLHUP)
                self.counts["connections held"] += 1
                if self.counts["connections held"] % 50 == 0:
                    connection.sendall(b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                await asyncio.sleep(0)
            await asyncio.sleep(2)
        for connection in held.values():
            connection.close()
