"""Speaks with a server through the services for ElevenLabs of LiveKit and Pipecat, as voice agents do.

elevenlabs_agents.py ADDRESS KEY
"""

import asyncio
import sys
from importlib.metadata import version

import aiohttp
from livekit.agents import APIConnectOptions
from livekit.plugins import elevenlabs
from loguru import logger
from pipecat.frames.frames import ErrorFrame, TTSAudioRawFrame, TTSSpeakFrame, TTSTextFrame
from pipecat.pipeline.worker import PipelineParams
from pipecat.services.elevenlabs.tts import ElevenLabsHttpTTSService, ElevenLabsTTSService
from pipecat.tests.utils import run_test

address, key = sys.argv[1:]
logger.remove()
options = APIConnectOptions(max_retry=0, timeout=30)


async def livekit():
    async with aiohttp.ClientSession() as session:
        speaker = elevenlabs.TTS(
            base_url=f"{address}/v1", api_key=key, voice_id="default", model="eleven_flash_v2_5", encoding="pcm_24000", http_session=session)
        speaker.prewarm()
        assert (await speaker.list_voices())[0].id == "default"
        seconds = 0.0
        async with speaker.synthesize("The ship was late.", conn_options=options) as stream:
            async for event in stream:
                seconds += event.frame.duration
        assert 0.5 < seconds < 20, seconds
        # Two texts, word by word, over one connection.
        texts = ["The ship was late. It came in the night.", "Nobody saw it."]
        spoken = []
        for text in texts:
            stream, words, length = speaker.stream(conn_options=options), [], 0.0
            for word in text.split():
                stream.push_text(word + " ")
                await asyncio.sleep(0.01)
            stream.end_input()
            async for event in stream:
                length += event.frame.duration
                words += event.frame.userdata.get("lk.timed_transcripts", [])
            await stream.aclose()
            assert 0.5 < length < 30, length
            spoken.append(("".join(word for word in words).strip(), length, [word.start_time for word in words]))
        for text, (heard, length, starts) in zip(texts, spoken):
            assert heard == text, (heard, text)
            assert starts == sorted(starts) and starts[-1] < length + 0.1, (starts, length)
        # An interruption: the stream is closed in the middle of its speech, and the connection serves the next.
        stream = speaker.stream(conn_options=options)
        stream.push_text("One sentence comes first. " * 3)
        stream.flush()
        async for event in stream:
            break
        await stream.aclose()
        async with speaker.synthesize("Then another.", conn_options=options) as stream:
            assert [event async for event in stream]
        await speaker.aclose()
        return f"{seconds:.1f} s, streamed {spoken[0][1]:.1f} s with {len(spoken[0][2])} words' times"


async def pipecat():
    def service():
        return ElevenLabsTTSService(
            api_key=key, url=address.replace("http", "ws"), sample_rate=24_000,
            settings=ElevenLabsTTSService.Settings(voice="default", model="eleven_flash_v2_5"))

    async def spoken(service):
        frames = [TTSSpeakFrame("The ship was late."), TTSSpeakFrame("It came in the night.")]
        down, up = await run_test(
            service, frames_to_send=frames, pipeline_params=PipelineParams(audio_out_sample_rate=24_000), start_timeout=30)
        assert not [frame for frame in [*down, *up] if isinstance(frame, ErrorFrame)], (down, up)
        sound = b"".join(frame.audio for frame in down if isinstance(frame, TTSAudioRawFrame))
        words = [frame.text for frame in down if isinstance(frame, TTSTextFrame)]
        assert 48_000 < len(sound) < 40 * 48_000, len(sound)
        return len(sound) / 48_000, words

    seconds, words = await spoken(service())
    async with aiohttp.ClientSession() as session:
        http = ElevenLabsHttpTTSService(
            api_key=key, base_url=address, aiohttp_session=session, sample_rate=24_000,
            settings=ElevenLabsHttpTTSService.Settings(voice="default", model="eleven_flash_v2_5"))
        again, _ = await spoken(http)
    return f"{seconds:.1f} s by a WebSocket with words {' '.join(words)!r}, {again:.1f} s by HTTP"


async def main():
    print(f"livekit-plugins-elevenlabs {version('livekit-plugins-elevenlabs')}: {await livekit()}")
    print(f"pipecat-ai {version('pipecat-ai')}, ElevenLabs: {await pipecat()}")


asyncio.run(main())
