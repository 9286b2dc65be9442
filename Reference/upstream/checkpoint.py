"""Writes a full-size model folder with upstream's file names, tensor names and shapes, and random weights.

    checkpoint.py FOLDER [--seed 0]

Real weights need the network; these answer the question whether two implementations compute the same. A folder that is
there already is left as it is.
"""
import argparse
import shutil
from pathlib import Path

import torch
from chatterbox.models.s3gen import S3Gen
from chatterbox.models.t3 import T3
from chatterbox.models.t3.modules.t3_config import T3Config
from chatterbox.models.voice_encoder import VoiceEncoder
from safetensors.torch import save_file

TOKENIZER = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "tokenizer.json"
# A fresh head leaves all tokens about equally likely; a louder one makes drawing them depend on what was computed.
HEAD_GAIN = 6.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    finished = options.folder / "tokenizer.json"
    if finished.exists():
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    t3, s3gen, encoder = T3(T3Config.english_only()), S3Gen(), VoiceEncoder()
    with torch.no_grad():
        t3.speech_head.weight.mul_(HEAD_GAIN)
    for name, network in (("t3_cfg", t3), ("s3gen", s3gen), ("ve", encoder)):
        tensors = {key: value.detach().clone().contiguous() for key, value in network.state_dict().items()}
        save_file(tensors, options.folder / f"{name}.safetensors")
    shutil.copy(TOKENIZER, finished)


if __name__ == "__main__":
    main()
