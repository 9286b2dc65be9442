#!/usr/bin/env python3
"""Upstream's package behind a small HTTP server, as a container would run it: POST /v1/audio/speech with {"input": TEXT} answers
with WAV, or with raw samples for "response_format": "pcm". The folder's files determine whether the English model, Turbo or Nano
speaks. It listens only on loopback, and speaks one request after the other.

    server.py FOLDER --device cuda --port N [--voice FILE] [--tokens N]
"""
import argparse
import io
import json
import wave
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import torch


def load(folder, device):
    """The model of a folder."""
    if (folder / "t3_cfg.safetensors").exists():
        from chatterbox.tts import ChatterboxTTS

        return ChatterboxTTS.from_local(folder, device)
    from chatterbox import tts_turbo
    from chatterbox.models.t3 import llama_configs
    from chatterbox.models.t3.modules.t3_config import T3Config
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    # The published package predates Nano, which is the same class over a smaller backbone.
    llama_configs.LLAMA_CONFIGS["GPT2_small"] = dict(llama_configs.LLAMA_CONFIGS["GPT2_medium"], n_embd=768, hidden_size=768, n_head=12, n_layer=12)
    small = (folder / "t3_nano_v1.safetensors").exists()
    sizes = T3Config(text_tokens_dict_size=50276)
    sizes.llama_config_name, sizes.speech_tokens_dict_size, sizes.input_pos_emb = "GPT2_small" if small else "GPT2_medium", 6563, None
    sizes.speech_cond_prompt_len, sizes.use_perceiver_resampler, sizes.emotion_adv = 375, False, False
    t3, s3gen, encoder = tts_turbo.T3(sizes), tts_turbo.S3Gen(meanflow=True), tts_turbo.VoiceEncoder()
    for network, name in ((t3, "t3_nano_v1" if small else "t3_turbo_v1"), (s3gen, "s3gen_meanflow"), (encoder, "ve")):
        # Some checkpoints leave these to be computed.
        computed = {key: value for key, value in network.state_dict().items() if key in ("tokenizer._mel_filters", "tokenizer.window")}
        network.load_state_dict({**computed, **load_file(folder / f"{name}.safetensors")})
    del t3.tfmr.wte
    words = AutoTokenizer.from_pretrained(folder)
    words.pad_token = words.eos_token
    return tts_turbo.ChatterboxTurboTTS(t3.eval().to(device), s3gen.eval().to(device), encoder.eval().to(device), words, device)


def limit(model, tokens):
    """Allows only tokens with sound to be sampled, up to a number."""

    def only_sound(head, inputs, logits):
        logits[..., 6561:] = -1e4
        return logits

    model.t3.speech_head.register_forward_hook(only_sound)
    turbo = type(model).__name__ == "ChatterboxTurboTTS"
    name, count = ("inference_turbo", {"max_gen_len": tokens - 1}) if turbo else ("inference", {"max_new_tokens": tokens})
    inference = getattr(model.t3, name)
    setattr(model.t3, name, lambda **named: inference(**{**named, **count}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--voice", help="default: the model's own")
    parser.add_argument("--tokens", type=int, help="default: until the model ends")
    options = parser.parse_args()
    model = load(options.folder, options.device)
    if options.tokens:
        limit(model, options.tokens)
    if options.voice:
        model.prepare_conditionals(options.voice)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            samples = (model.generate(order["input"]).squeeze(0).cpu().clamp(-1, 1) * 32767).to(torch.int16).numpy()
            sound = io.BytesIO()
            if order.get("response_format") == "pcm":
                sound.write(samples.tobytes())
            else:
                with wave.open(sound, "wb") as file:
                    file.setnchannels(1)
                    file.setsampwidth(2)
                    file.setframerate(model.sr)
                    file.writeframes(samples.tobytes())
            memory = torch.cuda.max_memory_allocated() if options.device != "cpu" else 0
            self.send_response(200)
            self.send_header("Content-Type", "audio/pcm" if order.get("response_format") == "pcm" else "audio/wav")
            self.send_header("X-Device-Memory", str(memory))
            self.end_headers()
            self.wfile.write(sound.getvalue())

        def log_message(self, *_):
            pass

    HTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
