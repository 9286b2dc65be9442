"""Speaks with a server through OpenAI's client, and reads its metrics with Prometheus's parser.

openai_client.py ADDRESS KEY RECORDING
"""

import sys
import urllib.request

import openai
from openai import OpenAI
from prometheus_client.parser import text_string_to_metric_families

address, key, recording = sys.argv[1:]
client = OpenAI(base_url=f"{address}/v1", api_key=key)
order = {"model": "tts-1", "voice": "alloy", "input": "The ship was late."}


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} expected")


# Complete, and as it arrives.
whole = client.audio.speech.create(**order)
assert whole.content[:1] == b"\xff" and len(whole.content) % 384 == 0, whole.content[:8]
with client.audio.speech.with_streaming_response.create(**order, response_format="pcm", extra_body={"seed": 7}) as speech:
    assert speech.headers["content-type"] == "audio/pcm" and speech.headers["x-chatterbox-seed"] == "7"
    sound = b"".join(speech.iter_bytes(1024))
again = client.audio.speech.create(**order, response_format="pcm", extra_body={"seed": 7}).content
assert sound == again and len(sound) % 2 == 0 and len(sound) > 24_000, (len(sound), len(again))

# Events.
with client.audio.speech.with_streaming_response.create(**order, stream_format="sse") as speech:
    events = [line for line in speech.iter_lines() if line]
assert all(line.startswith("data: ") for line in events) and events[-1] == "data: [DONE]"
assert '"speech.audio.done","usage":{"input_tokens":' in events[-2], events[-2]

# Errors have OpenAI's format.
assert refused(openai.NotFoundError, lambda: client.audio.speech.create(**{**order, "model": "whisper-1"})).code == "model_not_found"
assert refused(openai.BadRequestError, lambda: client.audio.speech.create(**order, speed=9)).param == "speed"
assert refused(openai.AuthenticationError, lambda: OpenAI(base_url=f"{address}/v1", api_key="no").models.list())

# Models and voices.
assert [model.id for model in client.models.list()] == ["pico"]
with open(recording, "rb") as sample:
    made = client.post("/audio/voices", cast_to=object, body={"name": "kennedy"}, files={"audio_sample": sample}, options={"headers": {"Content-Type": "multipart/form-data"}})
assert made["id"] == "kennedy", made
assert len(client.audio.speech.create(**{**order, "voice": "kennedy"}).content) > 1000
assert client.delete("/audio/voices/kennedy", cast_to=object)["deleted"] is True

request = urllib.request.Request(f"{address}/metrics", headers={"Authorization": f"Bearer {key}"})
families = {family.name: family for family in text_string_to_metric_families(urllib.request.urlopen(request).read().decode())}
assert families["chatterbox_audio_ttfp_s"].type == "histogram" and families["chatterbox_requests_success"].type == "counter"
print(f"openai {openai.__version__}: whole, streamed, events, errors, models and voices; {len(families)} metrics")
