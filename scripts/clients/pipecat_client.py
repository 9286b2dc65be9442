"""Speaks with a server through Pipecat's service for OpenAI, in a pipeline, as a voice agent does.

pipecat_client.py ADDRESS KEY
"""

import asyncio
import sys
from importlib.metadata import version

from pipecat.frames.frames import ErrorFrame, TTSAudioRawFrame, TTSSpeakFrame
from pipecat.pipeline.worker import PipelineParams
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.tests.utils import run_test

address, key = sys.argv[1:]


async def spoken(model):
    service = OpenAITTSService(
        api_key=key, base_url=f"{address}/v1", sample_rate=24_000, settings=OpenAITTSService.Settings(model=model, voice="alloy"))
    return await run_test(
        service, frames_to_send=[TTSSpeakFrame("The ship was late.")], pipeline_params=PipelineParams(audio_out_sample_rate=24_000), start_timeout=30)


async def main():
    down, up = await spoken("gpt-4o-mini-tts")
    sound = b"".join(frame.audio for frame in down if isinstance(frame, TTSAudioRawFrame))
    assert 24_000 < len(sound) < 20 * 48_000 and not [frame for frame in up if isinstance(frame, ErrorFrame)], (len(sound), up)
    # The pipeline's error contains the server's message.
    down, up = await spoken("whisper-1")
    errors = [frame.error for frame in [*down, *up] if isinstance(frame, ErrorFrame)]
    assert any("there is no model whisper-1" in error for error in errors), (down, up)
    print(f"pipecat-ai {version('pipecat-ai')}: {len(sound) / 48_000:.1f} s of sound in a pipeline, errors")


asyncio.run(main())
