#!/usr/bin/env python3
"""Upstream's package behind a small HTTP server, as a container would run it: POST /v1/audio/speech with {"input": TEXT} answers
with WAV. It listens on loopback alone.

    server.py FOLDER --device cuda --voice FILE --tokens N --port N
"""
import argparse
import io
import json
import wave
from http.server import BaseHTTPRequestHandler, HTTPServer

import torch
from chatterbox.tts import ChatterboxTTS


def load(options):
    """The model with its voice; only tokens that make sound are drawn, and as many as are asked for."""
    model = ChatterboxTTS.from_local(options.folder, options.device)

    def only_sound(head, inputs, logits):
        logits[..., 6561:] = -1e4
        return logits

    model.t3.speech_head.register_forward_hook(only_sound)
    inference = model.t3.inference
    model.t3.inference = lambda **named: inference(**{**named, "max_new_tokens": options.tokens})
    model.prepare_conditionals(options.voice)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--device", required=True)
    parser.add_argument("--voice", required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    model = load(options)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
            samples = (model.generate(text).squeeze(0).cpu().clamp(-1, 1) * 32767).to(torch.int16).numpy()
            sound = io.BytesIO()
            with wave.open(sound, "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(model.sr)
                file.writeframes(samples.tobytes())
            memory = torch.cuda.max_memory_allocated() if options.device != "cpu" else 0
            self.send_response(200)
            self.send_header("Content-Type", "audio/wav")
            self.send_header("X-Device-Memory", str(memory))
            self.end_headers()
            self.wfile.write(sound.getvalue())

        def log_message(self, *_):
            pass

    HTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
