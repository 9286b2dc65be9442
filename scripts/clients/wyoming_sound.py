"""Shared by clients of the Wyoming protocol: sending a text in pieces, and receiving its sound."""

import asyncio

from wyoming.audio import AudioChunk, AudioStart
from wyoming.error import Error
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop


async def spoken(client, last):
    """Seconds of sound up to an event of the given last type; the events must arrive in order."""
    rate, size = 0, 0
    while True:
        event = await asyncio.wait_for(client.read_event(), 60)
        assert event is not None, "the server hung up"
        assert not Error.is_type(event.type), event
        if AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
            assert rate == 0 and start.width == 2 and start.channels == 1
            rate = start.rate
        elif AudioChunk.is_type(event.type):
            chunk = AudioChunk.from_event(event)
            assert chunk.rate == rate > 0
            size += len(chunk.audio)
        if last.is_type(event.type):
            return size / 2 / rate


async def send_in_pieces(client, words, voice):
    """Sends a text as it is written, and then all of it for servers that do not accept pieces."""
    await client.write_event(SynthesizeStart(voice=voice).event())
    for word in words:
        await client.write_event(SynthesizeChunk(word).event())
    await client.write_event(Synthesize("".join(words), voice=voice).event())
    await client.write_event(SynthesizeStop().event())
