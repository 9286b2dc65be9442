"""Speaks with a server through wyoming-openai, the bridge between Home Assistant and servers with OpenAI's API.

bridge_client.py URL KEY
"""

import asyncio
import re
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import version

from wyoming.audio import AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeStopped, SynthesizeVoice

from wyoming_sound import send_in_pieces, spoken

address, key = sys.argv[1:]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def speak(port):
    for _ in range(100):
        try:
            client = AsyncTcpClient("127.0.0.1", port)
            await client.connect()
            break
        except OSError:
            await asyncio.sleep(0.2)
    await client.write_event(Describe().event())
    program = Info.from_event(await asyncio.wait_for(client.read_event(), 60)).tts[0]
    assert any(voice.name.startswith("default") or voice.name == "alloy" for voice in program.voices), program.voices
    voice = SynthesizeVoice(name=program.voices[0].name)
    await client.write_event(Synthesize("The ship was late.", voice=voice).event())
    whole = await spoken(client, AudioStop)
    await send_in_pieces(client, ["The ship ", "was late. ", "It came ", "in the night."], voice)
    streamed = await spoken(client, SynthesizeStopped)
    await client.disconnect()
    assert 0.5 < whole < 20 and whole < streamed < 40, (whole, streamed)
    print(f"wyoming-openai {version('wyoming-openai')}: {len(program.voices)} voices, {whole:.1f} s whole, {streamed:.1f} s streamed")


port = free_port()
with tempfile.TemporaryFile("w+") as log:
    bridge = subprocess.Popen(
        [sys.executable, "-m", "wyoming_openai", "--uri", f"tcp://127.0.0.1:{port}", "--languages", "en", "--tts-openai-url", f"{address}/v1",
         "--tts-openai-key", key, "--tts-models", "tts-1", "--tts-streaming-models", "tts-1"], stdout=log, stderr=subprocess.STDOUT)
    try:
        asyncio.run(speak(port))
    except BaseException:
        log.seek(0)
        sys.stderr.write(re.sub(re.escape(key), "KEY", log.read()[-4000:]))
        raise
    finally:
        bridge.terminate()
        bridge.wait(20)
