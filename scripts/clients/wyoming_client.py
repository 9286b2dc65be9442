"""Speaks with a server through Wyoming's client, as Home Assistant does: complete texts, and texts that are still being written.

wyoming_client.py PORT
"""

import asyncio
import sys
from importlib.metadata import version

from wyoming.audio import AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeStopped, SynthesizeVoice

from wyoming_sound import send_in_pieces, spoken

port = int(sys.argv[1])


async def main():
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Describe().event())
        program = Info.from_event(await client.read_event()).tts[0]
        assert program.supports_synthesize_streaming and program.voices[0].name == "default", program
        await client.write_event(Ping(text="there?").event())
        assert Pong.from_event(await client.read_event()).text == "there?"
        voice = SynthesizeVoice(name="default")
        await client.write_event(Synthesize("The ship was late.", voice=voice).event())
        whole = await spoken(client, AudioStop)
        await send_in_pieces(client, ["The ship ", "was late. ", "It came ", "in the night."], voice)
        streamed = await spoken(client, SynthesizeStopped)
        await client.write_event(Synthesize("Hello.", voice=SynthesizeVoice(name="nobody")).event())
        error = Error.from_event(await client.read_event())
        assert error.code == "voice_not_found", error
    assert 0.5 < whole < 20 and whole < streamed < 40, (whole, streamed)
    print(f"wyoming {version('wyoming')}: {whole:.1f} s whole, {streamed:.1f} s streamed, errors")


asyncio.run(main())
