"""Speaks with a server through LiveKit's plugin for OpenAI, as a voice agent does: events, and sound while it is computed.

livekit_client.py ADDRESS KEY
"""

import asyncio
import sys
from importlib.metadata import version

from livekit.agents import APIStatusError
from livekit.plugins import openai

address, key = sys.argv[1:]


async def spoken(**options):
    speaker = openai.TTS(base_url=f"{address}/v1", api_key=key, voice="alloy", **options)
    speaker.prewarm()
    seconds = 0.0
    async with speaker.synthesize("The ship was late.") as stream:
        async for event in stream:
            assert event.frame.sample_rate == 24_000 and event.frame.num_channels == 1, event
            seconds += event.frame.duration
    await speaker.aclose()
    return seconds


async def main():
    found = {}
    # Events with the first model's name, plain sound with the others.
    for model in ["gpt-4o-mini-tts", "tts-1"]:
        for format in ["mp3", "pcm", "wav", "opus", "flac"]:
            found[f"{model} {format}"] = seconds = await spoken(model=model, response_format=format)
            assert 0.5 < seconds < 20, found
    assert max(found.values()) < 20
    try:
        await spoken(model="whisper-1")
        raise AssertionError("an unknown model spoke")
    except APIStatusError as error:
        assert error.status_code == 404, error
    print(f"livekit-agents {version('livekit-agents')}: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.items()))


asyncio.run(main())
