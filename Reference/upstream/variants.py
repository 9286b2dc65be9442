"""Upstream's variants: their files and sizes.

Where the newest repository differs from chatterbox-tts 0.1.7, the package is patched: it gets Nano and multilingual v3, and
the alignment analyser is removed.
"""
import json
import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

from chatterbox.models.t3 import llama_configs
from chatterbox.models.t3.modules.t3_config import T3Config

Variant = namedtuple("Variant", "family t3 s3gen voice_encoder backbone")
VARIANTS = {
    "chatterbox": Variant("chatterbox", "t3_cfg.safetensors", "s3gen.safetensors", "ve.safetensors", "Llama_520M"),
    "multilingual-v2": Variant("multilingual", "t3_mtl23ls_v2.safetensors", "s3gen.pt", "ve.pt", "Llama_520M"),
    "multilingual-v3": Variant("multilingual", "t3_mtl23ls_v3.safetensors", "s3gen.pt", "ve.pt", "Llama_520M"),
    "turbo": Variant("turbo", "t3_turbo_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "GPT2_medium"),
    "nano": Variant("turbo", "t3_nano_v1.safetensors", "s3gen_meanflow.safetensors", "ve.safetensors", "GPT2_small"),
}
# An S3Gen with mean flow, in addition to a model's own.
FAST_FLOW = "s3gen_meanflow.safetensors"

# Buffers of the S3 tokenizer that some checkpoints contain; for others they are computed.
COMPUTED = {"tokenizer._mel_filters", "tokenizer.window"}


def t3_config(variant):
    if variant.family != "turbo":
        return T3Config.multilingual() if variant.family == "multilingual" else T3Config.english_only()
    llama_configs.LLAMA_CONFIGS.setdefault("GPT2_small", dict(
        llama_configs.LLAMA_CONFIGS["GPT2_medium"], n_embd=768, hidden_size=768, n_head=12, n_layer=12))
    config = T3Config(text_tokens_dict_size=50276)
    config.llama_config_name, config.speech_tokens_dict_size, config.input_pos_emb = variant.backbone, 6563, None
    config.speech_cond_prompt_len, config.use_perceiver_resampler, config.emotion_adv = 375, False, False
    return config


def load(variant, folder, fast_flow=False):
    """Upstream's model of a folder, on the CPU; on request with the folder's S3Gen with mean flow instead of its own."""
    model = load_own(variant, Path(folder))
    if fast_flow:
        from chatterbox.models.s3gen import S3Gen
        from safetensors.torch import load_file
        s3gen = S3Gen(meanflow=True)
        s3gen.load_state_dict(load_file(Path(folder, FAST_FLOW)), strict=False)
        model.s3gen = s3gen.eval()
    return model


def load_own(variant, folder):
    if variant.family == "chatterbox":
        from chatterbox.tts import ChatterboxTTS
        return ChatterboxTTS.from_local(folder, "cpu")
    if variant.family == "multilingual":
        return load_multilingual(variant, folder)
    from chatterbox import tts_turbo
    from safetensors.torch import load_file
    networks = []
    for network, name in ((tts_turbo.T3(t3_config(variant)), variant.t3), (tts_turbo.S3Gen(meanflow=True), variant.s3gen),
                          (tts_turbo.VoiceEncoder(), variant.voice_encoder)):
        computed = {key: value for key, value in network.state_dict().items() if key in COMPUTED}
        network.load_state_dict({**computed, **load_file(folder / name)})
        networks.append(network.eval())
    del networks[0].tfmr.wte
    tokenizer = gpt2_tokenizer(folder)
    tokenizer.pad_token = tokenizer.eos_token
    return tts_turbo.ChatterboxTurboTTS(*networks, tokenizer, "cpu")


def gpt2_tokenizer(folder):
    """The tokenizer of a folder, which need not contain transformers' own file."""
    from transformers import AutoTokenizer
    if (folder / "tokenizer_config.json").exists():
        return AutoTokenizer.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as beside:
        for name in ("vocab.json", "merges.txt", "added_tokens.json"):
            shutil.copy(folder / name, beside)
        write_tokenizer_config(Path(beside))
        return AutoTokenizer.from_pretrained(beside)


def write_tokenizer_config(folder):
    """The settings that transformers needs besides GPT-2's vocabulary, merges and added tokens."""
    added = json.loads((folder / "added_tokens.json").read_text())
    plain = {"lstrip": False, "normalized": True, "rstrip": False, "single_word": False, "special": False}
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "model_max_length": 1024,
        "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
        "added_tokens_decoder": {str(number): {"content": text, **plain} for text, number in added.items()}}))


def load_multilingual(variant, folder):
    from chatterbox import mtl_tts
    from chatterbox.models.tokenizers import tokenizer
    T3Config.is_multilingual = property(lambda self: False)  # no alignment analyser
    # Random weights give tokens that no trained model gives and for which S3Gen has no embedding.
    drop = mtl_tts.drop_invalid_tokens
    mtl_tts.drop_invalid_tokens = lambda tokens: (lambda kept: kept[kept < 6561])(drop(tokens))
    tokenizer.hf_hub_download = lambda **_: str(folder / "Cangjie5_TC.json")
    v2 = folder / VARIANTS["multilingual-v2"].t3
    if variant.t3 == v2.name or v2.exists():
        return mtl_tts.ChatterboxMultilingualTTS.from_local(folder, "cpu")
    v2.symlink_to(folder / variant.t3)  # 0.1.7 only accepts this name
    try:
        return mtl_tts.ChatterboxMultilingualTTS.from_local(folder, "cpu")
    finally:
        v2.unlink()
