"""Writes a full-size model folder with upstream's file names, tensor names and shapes, and random weights.

    checkpoint.py FOLDER [--variant chatterbox|multilingual-v2|multilingual-v3|turbo|nano] [--seed 0] [--fast-flow]

Trained weights would have to be downloaded; random ones are enough to test whether two implementations compute the same.
An existing folder is not changed. --fast-flow adds an S3Gen with mean flow next to the model's own: Turbo's and Flash's
S3Gen differ from the English model's only in the flow. The tokenizers are the small ones of the tests; English has the real one.
"""
import argparse
import shutil
from pathlib import Path

import torch
from chatterbox.models.s3gen import S3Gen
from chatterbox.models.t3 import T3
from chatterbox.models.voice_encoder import VoiceEncoder
from safetensors.torch import load_file, save_file

from variants import FAST_FLOW, VARIANTS, t3_config, write_tokenizer_config

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"
# An initial head makes all tokens about equally likely; with larger weights the sampled tokens depend on the computed features.
HEAD_GAIN = 6.0


def write_tokenizer(variant, folder):
    if variant.family == "chatterbox":
        shutil.copy(FIXTURES / "tokenizer.json", folder)
        return
    for file in (FIXTURES / ("gpt2" if variant.family == "turbo" else "multilingual")).iterdir():
        shutil.copy(file, folder)
    if variant.family == "turbo":
        write_tokenizer_config(folder)


def write(network, path):
    tensors = {key: value.detach().clone().contiguous() for key, value in network.state_dict().items()}
    torch.save(tensors, path) if path.suffix == ".pt" else save_file(tensors, path)


def write_fast_flow(s3gen, path):
    fast = S3Gen(meanflow=True)
    fast.load_state_dict({key: value for key, value in s3gen.items() if not key.startswith("flow.")}, strict=False)
    write(fast, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--variant", choices=VARIANTS, default="chatterbox")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fast-flow", action="store_true")
    options = parser.parse_args()
    variant = VARIANTS[options.variant]
    finished = options.folder / ".finished"
    if not finished.exists():
        write_model(variant, options)
        finished.touch()
    fast = options.folder / FAST_FLOW
    if options.fast_flow and not fast.exists():
        torch.manual_seed(options.seed + 1)
        own = options.folder / variant.s3gen
        unfinished = fast.with_suffix(".part.safetensors")
        write_fast_flow(torch.load(own) if own.suffix == ".pt" else load_file(own), unfinished)
        unfinished.rename(fast)


def write_model(variant, options):
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    t3, s3gen, encoder = T3(t3_config(variant)), S3Gen(meanflow=variant.family == "turbo"), VoiceEncoder()
    with torch.no_grad():
        t3.speech_head.weight.mul_(HEAD_GAIN)
    for network, name in ((t3, variant.t3), (s3gen, variant.s3gen), (encoder, variant.voice_encoder)):
        write(network, options.folder / name)
    write_tokenizer(variant, options.folder)


if __name__ == "__main__":
    main()
