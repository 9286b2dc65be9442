"""Runs upstream's package and stores the results of every stage.

    trace.py MODEL --variant NAME --voice WAV --jobs JOBS.json [--fast-flow]

JOBS.json is a list of {"text", "language", "seed", "max_tokens", "out"}. For each job OUT becomes a safetensors file with
text_tokens, speaker_embedding, cond_prompt_tokens, prompt_token, prompt_feat, xvector, speech_tokens, mel and wav,
and the seconds of each stage as metadata. The seed is set right before generate(), so that it determines all of
upstream's random numbers.
"""
import argparse
import json
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import perth
import torch
from safetensors.torch import save_file

from variants import VARIANTS, load


class NoWatermark:
    def apply_watermark(self, wav, sample_rate=None, **_):
        return wav


class Tracer:
    """Records the values that pass between the model's stages."""

    def __init__(self, model, family):
        self.tensors, self.seconds, self.max_tokens, self.family = {}, {}, 1000, family
        inference = "inference_turbo" if family == "turbo" else "inference"
        self.watch(model.t3, inference, "t3", self.before_t3, "speech_tokens")
        self.watch(model.s3gen, "flow_inference", "flow", None, "mel")
        self.watch(model.s3gen, "hift_inference", "vocoder", None, None)

    def watch(self, owner, name, stage, before, result):
        original = getattr(owner, name)

        def watched(*arguments, **named):
            if before:
                before(named)
            started = time.perf_counter()
            output = original(*arguments, **named)
            self.seconds[stage] = time.perf_counter() - started
            if result:
                self.tensors[result] = output
            return output

        setattr(owner, name, watched)

    def before_t3(self, named):
        if self.family == "turbo":
            named["max_gen_len"] = self.max_tokens - 1  # after the first
        else:
            named["max_new_tokens"] = self.max_tokens
        self.tensors["text_tokens"] = named["text_tokens"][:1].long()


def speak(model, variant, job, tracer):
    if variant.family != "multilingual":
        return model.generate(job["text"])
    wav = model.generate(job["text"], language_id=job["language"], repetition_penalty=1.2)
    # The newest upstream omits the last token's sound.
    tokens = int((tracer.tensors["speech_tokens"] < 6561).sum())
    return wav[..., :max(1, tokens - 1) * 960]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--variant", choices=VARIANTS, default="chatterbox")
    parser.add_argument("--voice", required=True)
    parser.add_argument("--jobs", type=Path, required=True)
    parser.add_argument("--fast-flow", action="store_true", help="the folder's S3Gen with mean flow instead of the model's own")
    options = parser.parse_args()

    perth.PerthImplicitWatermarker = NoWatermark
    started = time.perf_counter()
    variant = VARIANTS[options.variant]
    model = load(variant, options.model, options.fast_flow)
    loading = time.perf_counter() - started
    tracer = Tracer(model, variant.family)
    started = time.perf_counter()
    model.prepare_conditionals(options.voice)
    voice = time.perf_counter() - started

    for job in json.loads(options.jobs.read_text()):
        tracer.max_tokens = job["max_tokens"]
        torch.manual_seed(job["seed"])
        started = time.perf_counter()
        wav = speak(model, variant, job, tracer)
        seconds = {"load": loading, "voice": voice, **tracer.seconds, "generate": time.perf_counter() - started}
        t3, s3gen = model.conds.t3, model.conds.gen
        tensors = {
            **tracer.tensors, "wav": wav, "speaker_embedding": t3.speaker_emb,
            "cond_prompt_tokens": t3.cond_prompt_speech_tokens, "prompt_token": s3gen["prompt_token"],
            "prompt_feat": s3gen["prompt_feat"], "xvector": s3gen["embedding"],
        }
        save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, job["out"],
                  metadata={"seconds": json.dumps(seconds)})


if __name__ == "__main__":
    main()
