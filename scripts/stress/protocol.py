"""HTTP for the clients of a stress test: requests that may be invalid on purpose, and strict parsing of responses."""

import json

KEY = "secret-of-stress"
TEXTS = [
    "The ship was late.",
    "She had written three letters that week.",
    "All the way down the hill the children sang.",
    "He kept the old clock.",
    "Nobody on the quay could say when it would come in.",
    "It was wrong in the same way every day, and he liked it for that.",
]


class Broken(Exception):
    """A violation of the protocol."""


def order(number, response_format="pcm", **fields):
    """A request's body: one of the texts, with its own seed."""
    body = {"model": "tts-1", "voice": "alloy", "input": TEXTS[number % len(TEXTS)], "seed": number, "response_format": response_format}
    return json.dumps({**body, **fields}).encode()


def request(path, body=b"", method="POST", key=KEY, length=None, extra=""):
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{extra}"
    if key:
        head += f"Authorization: Bearer {key}\r\n"
    return (head + f"Content-Length: {len(body) if length is None else length}\r\n\r\n").encode() + body


class Answer:
    def __init__(self, status, headers, reader):
        self.status, self.headers, self.reader = status, headers, reader

    async def pieces(self):
        """The body as it arrives; a body that is cut off raises asyncio.IncompleteReadError."""
        if self.headers.get("transfer-encoding") == "chunked":
            while True:
                size = int((await self.reader.readuntil(b"\r\n")).strip() or b"0", 16)
                data = await self.reader.readexactly(size + 2)
                if size == 0:
                    return
                yield data[:-2]
        elif length := int(self.headers.get("content-length", 0)):
            yield await self.reader.readexactly(length)

    async def body(self):
        return b"".join([piece async for piece in self.pieces()])


async def read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    if not lines[0].startswith("HTTP/1.1 "):
        raise Broken(f"no HTTP: {lines[0]!r}")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:] if line)}
    return Answer(int(lines[0].split()[1]), headers, reader)
