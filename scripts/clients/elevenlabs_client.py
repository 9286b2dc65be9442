"""Speaks with a server through ElevenLabs' client: as a file, streamed, with times, and over a WebSocket while the text is written.

elevenlabs_client.py ADDRESS KEY
"""

import base64
import sys
from importlib.metadata import version

from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError

address, key = sys.argv[1:]
client = ElevenLabs(base_url=address, api_key=key)
text = "The ship was late."


def refused(call):
    try:
        call()
    except ApiError as error:
        return error
    raise AssertionError("an error expected")


def sound(pieces):
    return b"".join(pieces)


# Complete and streamed, also in telephone formats.
whole = sound(client.text_to_speech.convert("default", text=text, output_format="pcm_16000", seed=7))
streamed = sound(client.text_to_speech.stream("default", text=text, output_format="pcm_16000", seed=7))
assert whole and streamed and len(whole) % 2 == 0, (len(whole), len(streamed))
seconds = len(streamed) / 32_000
assert 0.5 < seconds < 20, seconds
found = {}
for format in ["mp3_44100_128", "mp3_22050_32", "opus_48000_64", "ulaw_8000", "alaw_8000", "pcm_48000", "wav_24000"]:
    found[format] = len(sound(client.text_to_speech.convert("default", text=text, output_format=format, model_id="eleven_flash_v2_5", seed=7)))
assert abs(found["ulaw_8000"] / 8000 - seconds) < 1 and found["ulaw_8000"] == found["alaw_8000"], found
assert abs(found["mp3_44100_128"] / 16_000 - seconds) < 1.2, found

# With times.
timed = client.text_to_speech.convert_with_timestamps("default", text=text, output_format="pcm_24000")
assert "".join(timed.alignment.characters) == text and len(base64.b64decode(timed.audio_base_64)) > 24_000
chunks = list(client.text_to_speech.stream_with_timestamps("default", text=text, output_format="pcm_24000"))
characters = "".join("".join(chunk.alignment.characters) for chunk in chunks if chunk.alignment)
assert characters == text, characters

# Errors have ElevenLabs' format.
assert refused(lambda: sound(client.text_to_speech.convert("nobody", text=text))).body["detail"]["status"] == "voice_not_found"
assert refused(lambda: sound(client.text_to_speech.convert("default", text=text, output_format="mp3_1"))).status_code == 400
assert refused(lambda: ElevenLabs(base_url=address, api_key="no").voices.get_all()).body["detail"]["status"] == "invalid_api_key"
assert [voice.voice_id for voice in client.voices.get_all().voices][0] == "default"
assert [model.model_id for model in client.models.list()] == ["pico"]

# While the text is written: the client only supports wss, and the test has no certificate.
client.text_to_speech._ws_base_url = address.replace("http://", "ws://")
words = iter(["The ship ", "was late. ", "It came ", "in the night."])
realtime = sound(client.text_to_speech.convert_realtime("default", text=words, output_format="pcm_24000", model_id="eleven_flash_v2_5"))
assert 48_000 < len(realtime) < 40 * 48_000, len(realtime)
error = refused(lambda: sound(client.text_to_speech.convert_realtime("nobody", text=iter(["Hi. "]), output_format="pcm_24000", model_id="pico")))
assert error.body["error"] == "voice_not_found", error.body
print(f"elevenlabs {version('elevenlabs')}: {len(found)} formats, {seconds:.1f} s, times of {len(characters)} characters, {len(realtime) / 48_000:.1f} s by a WebSocket, errors")
