import Foundation

/// Upstream's Python package, measured like this program: with the same checkpoint, text, voice, seed and number of tokens.
struct UpstreamBaseline: Sendable {
    let python: URL

    /// - Parameter environment: a virtual environment with chatterbox-tts.
    /// - Throws: ``BenchError/noPython(_:)``.
    init(environment: URL) throws {
        python = environment.appending(path: "bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else { throw BenchError.noPython(environment) }
    }

    func run(_ job: BenchJob, label: String) async throws -> BenchRun {
        let script = FileManager.default.temporaryDirectory.appending(path: "chatterbox-bench-\(UUID().uuidString).py")
        try Data(Self.script.utf8).write(to: script)
        defer { try? FileManager.default.removeItem(at: script) }
        return try await BenchProcess.run(label, python, [script.path, String(decoding: try JSONEncoder().encode(job), as: UTF8.self)])
    }

    /// Speaks as in upstream's examples, measures the stages, and prints a `BenchRun`.
    private static let script = #"""
        import json, resource, sys, time, warnings
        warnings.filterwarnings("ignore")
        job = json.loads(sys.argv[1])
        import perth
        class NoWatermark:
            def apply_watermark(self, wav, sample_rate=None, **_): return wav
        perth.PerthImplicitWatermarker = NoWatermark
        import torch
        if job.get("threads"): torch.set_num_threads(job["threads"])
        from pathlib import Path
        folder, device = Path(job["folder"]), job["device"]

        def turbo(small):
            from chatterbox import tts_turbo
            if not small: return tts_turbo.ChatterboxTurboTTS.from_local(folder, device)
            # The published package predates Nano: the same class over a smaller backbone.
            from chatterbox.models.t3 import llama_configs
            from chatterbox.models.t3.modules.t3_config import T3Config
            from safetensors.torch import load_file
            from transformers import AutoTokenizer
            configs = llama_configs.LLAMA_CONFIGS
            configs["GPT2_small"] = dict(configs["GPT2_medium"], n_embd=768, hidden_size=768, n_head=12, n_layer=12)
            sizes = T3Config(text_tokens_dict_size=50276)
            sizes.llama_config_name, sizes.speech_tokens_dict_size, sizes.input_pos_emb = "GPT2_small", 6563, None
            sizes.speech_cond_prompt_len, sizes.use_perceiver_resampler, sizes.emotion_adv = 375, False, False
            t3, s3gen, encoder = tts_turbo.T3(sizes), tts_turbo.S3Gen(meanflow=True), tts_turbo.VoiceEncoder()
            for network, name in ((t3, "t3_nano_v1"), (s3gen, "s3gen_meanflow"), (encoder, "ve")):
                # Some checkpoints leave these to be computed.
                computed = {key: value for key, value in network.state_dict().items() if key in ("tokenizer._mel_filters", "tokenizer.window")}
                network.load_state_dict({**computed, **load_file(folder / f"{name}.safetensors")})
            del t3.tfmr.wte
            words = AutoTokenizer.from_pretrained(folder)
            words.pad_token = words.eos_token
            return tts_turbo.ChatterboxTurboTTS(t3.eval().to(device), s3gen.eval().to(device), encoder.eval().to(device), words, device)

        def load():
            if (folder / "t3_turbo_v1.safetensors").exists(): return turbo(False), "turbo"
            if (folder / "t3_nano_v1.safetensors").exists(): return turbo(True), "turbo"
            if (folder / "t3_cfg.safetensors").exists():
                from chatterbox.tts import ChatterboxTTS
                return ChatterboxTTS.from_local(folder, device), "english"
            from chatterbox.models.t3.modules.t3_config import T3Config
            from chatterbox.mtl_tts import ChatterboxMultilingualTTS
            T3Config.is_multilingual = property(lambda self: False)  # the newest upstream has no alignment watcher
            return ChatterboxMultilingualTTS.from_local(folder, device), "multilingual"

        # As on our side: only tokens that make sound are drawn, so that N of them become N / 25 seconds.
        def only_sound(head, inputs, logits):
            logits[..., 6561:] = -1e4
            return logits

        def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        start = time.perf_counter()
        model, kind = load()
        if job.get("fastFlow"):
            from chatterbox.models.s3gen import S3Gen
            from safetensors.torch import load_file
            fast = S3Gen(meanflow=True)
            fast.load_state_dict(load_file(job["fastFlow"]), strict=False)
            model.s3gen = fast.eval().to(device)
        model.t3.speech_head.register_forward_hook(only_sound)
        result = {"loadSeconds": time.perf_counter() - start, "voiceSeconds": 0, "conditioningTokens": 0, "promptTokens": 0, "spoken": [],
                  "memory": {"afterLoad": peak(), "peaks": {"load": peak()}}}
        clock, counts = {}, {}

        def timed(owner, name, stage):
            original = getattr(owner, name)
            def inner(*arguments, **named):
                start = time.perf_counter()
                output = original(*arguments, **named)
                clock[stage] = time.perf_counter() - start
                return output
            setattr(owner, name, inner)
            return inner

        speak = "inference_turbo" if kind == "turbo" else "inference"
        t3 = timed(model.t3, speak, "t3")
        def limited(**named):
            named["max_gen_len" if kind == "turbo" else "max_new_tokens"] = job["maxTokens"] - (kind == "turbo")
            counts["text"] = named["text_tokens"].shape[-1]
            tokens = t3(**named)
            counts["speech"] = tokens.numel()
            return tokens
        setattr(model.t3, speak, limited)
        backbone, first = model.t3.tfmr, {}
        original_forward = backbone.forward
        def forward(*arguments, **named):
            start = time.perf_counter()
            output = original_forward(*arguments, **named)
            first.setdefault("prefill", time.perf_counter() - start)
            return output
        backbone.forward = forward
        timed(model.s3gen, "flow_inference", "flow")
        timed(model.s3gen, "hift_inference", "vocoder")
        if job.get("voice"):
            for _ in range(2):
                start = time.perf_counter()
                model.prepare_conditionals(job["voice"])
                result["voiceSeconds"] = time.perf_counter() - start
            result["memory"]["peaks"]["voice"] = peak()
        for repeat in range(job["repeats"]):
            first.clear()
            torch.manual_seed(job["seed"])
            start = time.perf_counter()
            named = {"language_id": job["language"], "repetition_penalty": 1.2} if kind == "multilingual" else {}
            wav = model.generate(job["text"], **named)
            wall = time.perf_counter() - start
            if repeat == 0: print("first sound", file=sys.stderr, flush=True)
            result["spoken"].append({
                "textTokens": counts["text"], "speechTokens": counts["speech"], "audioSeconds": wav.shape[-1] / 24000,
                "wallSeconds": wall, "firstAudioSeconds": wall, "prefill": first["prefill"],
                "decode": clock["t3"] - first["prefill"], "flow": clock["flow"], "vocoder": clock["vocoder"], "watermark": 0})
        result["memory"]["peaks"]["T3, flow and vocoder"] = peak()
        if device != "cpu": result["memory"]["devicePeak"] = torch.cuda.max_memory_allocated()
        print(json.dumps(result))
        """#
}

/// The job for both programs.
struct BenchJob: Codable, Sendable {
    let folder: String
    let device: String
    let voice: String?
    let text: String
    let language: String
    let seed: UInt64
    let maxTokens: Int
    let repeats: Int
    let threads: Int?
    /// An S3Gen with mean flow that replaces upstream's.
    var fastFlow: String?
}
