"""Speaks with a server by Wyoming's client, as Home Assistant does: whole, and while the text is written.

wyoming_client.py PORT
"""

import asyncio
import sys
from importlib.metadata import version

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

port = int(sys.argv[1])


async def spoken(client, is_last):
    """Seconds of sound up to the last event, and whether it came in order."""
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
        if is_last(event.type):
            return size / 2 / rate


async def main():
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Describe().event())
        program = Info.from_event(await client.read_event()).tts[0]
        assert program.supports_synthesize_streaming and program.voices[0].name == "default", program
        await client.write_event(Ping(text="there?").event())
        assert Pong.from_event(await client.read_event()).text == "there?"
        voice = SynthesizeVoice(name="default")
        await client.write_event(Synthesize("The ship was late.", voice=voice).event())
        whole = await spoken(client, AudioStop.is_type)
        words = ["The ship ", "was late. ", "It came ", "in the night."]
        await client.write_event(SynthesizeStart(voice=voice).event())
        for word in words:
            await client.write_event(SynthesizeChunk(word).event())
        await client.write_event(Synthesize("".join(words), voice=voice).event())
        await client.write_event(SynthesizeStop().event())
        streamed = await spoken(client, SynthesizeStopped.is_type)
        await client.write_event(Synthesize("Hello.", voice=SynthesizeVoice(name="nobody")).event())
        error = Error.from_event(await client.read_event())
        assert error.code == "voice_not_found", error
    assert 0.5 < whole < 20 and whole < streamed < 40, (whole, streamed)
    print(f"wyoming {version('wyoming')}: {whole:.1f} s whole, {streamed:.1f} s streamed, errors")


asyncio.run(main())
