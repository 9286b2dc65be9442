#!/usr/bin/env python3
"""Measures the packed program on a GPU, in two parts that take a few minutes each.

    .gpu-kit/run A|B --results DIR [--device cuda|cpu] [--size full|small] [--trial]

Needs no network, no Swift and nothing installed but Python with torch, a C++ compiler and, for a GPU, CUDA's headers. What a
part makes (the library, checkpoints, Python packages) is kept in .gpu-build for the next. Each step has its own time limit;
the results so far are always in DIR as JSON and Markdown. The exit status is 1 if a step failed.

A: check, and the time from a cold start to speech, compared with upstream in Python and upstream behind HTTP.
B: each stage against the device's limits, memory, small operations, throughput, and the check at full size.
"""
import argparse
import sys
from pathlib import Path

from made import BUILD, VENV, make_checkpoint, make_library, unpack_packages, unpack_program
from measured import (
    FIRST_SOUND, FIRST_SOUND_NOTE, MEMORY, MEMORY_NOTE, STAGES, VIGNETTE, VIGNETTE_NOTE, bench, check, components, first_sound, limit_row, load,
    memory_row, number, rates, small_operations, speak_over_http, vignette_gap, vignette_row)
from report import Report, Skipped

# Part A's rows of this package: label, type, and the arguments of `bench` on a GPU and on a CPU, where some are not available.
OURS = [
    ("ours, float32, plain", "float32", "uncaptured", "fast"),
    ("ours, float32, captured", "float32", "fast", None),
    ("ours, TF32, captured", "float32", "tf32", None),
    ("ours, bfloat16, captured", "bfloat16", "fast", None),
    ("ours, float16, captured", "float16", "fast", None),
    ("ours, bfloat16, plain", "bfloat16", None, "fast"),
    ("ours, float16, plain", "float16", None, "fast"),
]


def prepare(report):
    report.step("library", 120, lambda seconds: make_library(report, seconds))
    report.step("program", 30, lambda seconds: unpack_program(report, seconds))


def part_a(report, options):
    on_gpu = options.device != "cpu"
    prepare(report)
    report.step("small check", 60, lambda seconds: check(report, options, seconds))
    report.step("checkpoint", 60, lambda seconds: make_checkpoint(report, "chatterbox", options.size, seconds))
    rows = [VIGNETTE]

    def add(row):
        rows.append(row)
        report.table(f"From start to speech, English, {options.size} size", rows, VIGNETTE_NOTE)

    for label, dtype, gpu_way, cpu_way in OURS:
        way = gpu_way if on_gpu else cpu_way
        if not on_gpu and way is None:
            add(vignette_gap(label, "needs a GPU"))
        if way:
            cold = ["--cold"] if (dtype, way) == ("float32", "fast") else []
            found = report.step(label, 30, lambda seconds: bench(report, options, "chatterbox", seconds, "--dtype", dtype, "--way", way, *cold))
            add(vignette_row(label, found[0]) if found else vignette_gap(label, "failed"))
    report.step("packages", 30, lambda seconds: unpack_packages(report, seconds))
    theirs = argparse.Namespace(**{**vars(options), "size": "full"})  # upstream has no other
    if options.size != "full":
        report.step("checkpoint for upstream", 60, lambda seconds: make_checkpoint(report, "chatterbox", "full", seconds))
    cold = [] if options.trial else ["--cold"]  # minutes on a CPU
    found = report.step("upstream in Python", 80, lambda seconds: bench(
        report, theirs, "chatterbox", seconds, "--way", "exact", "--against-python", VENV, *cold, repeats=min(2, options.repeats)))
    for row in found or []:
        add(vignette_row("upstream in Python" if row["label"].startswith("upstream") else "ours, upstream's operations one by one, full size", row))
    if not found:
        add(vignette_gap("upstream in Python", "failed"))
    found = report.step("upstream behind HTTP", 60, lambda seconds: speak_over_http(report, theirs, seconds))
    label = "upstream behind HTTP"
    add([label, "–", number(found["warmStart"], "s"), number(found["wall"], "s", 3), number(found["audio"], "s"), f"{found['realTimeFactor']:.2f}×",
         number(found["devicePeak"] / 1e9 if found["devicePeak"] else None, "GB"), "–"] if found else vignette_gap(label, "failed"))


def part_b(report, options):
    on_gpu = options.device != "cpu"
    prepare(report)
    limits = report.step("rates of the device", 30, lambda seconds: rates(report, options, seconds))
    stages = [["model", *STAGES, "audio", "real time"]]
    memory = [MEMORY]
    for model in ("chatterbox", "turbo", "nano"):
        report.step(f"checkpoint of {model}", 60, lambda seconds: make_checkpoint(report, model, options.size, seconds))
        found = report.step(f"{model} by stage", 45, lambda seconds: bench(report, options, model, seconds, "--dtype", "float32", "bfloat16"))
        for row, dtype in zip(found or [], ("float32", "bfloat16")):
            if limits:
                stages.append(limit_row(f"{model}, {dtype}", row, limits, dtype))
            memory.append(memory_row(f"{model}, {dtype}", row))
        report.table("Each stage, and the share of the device's limit that it reaches", stages, "Decode is the time of one token.")
        report.table("Memory", memory, MEMORY_NOTE)

    def offload(seconds):
        if not on_gpu:
            raise Skipped("needs a GPU")
        return bench(report, options, "chatterbox", seconds, "--way", "offload")

    memory += [memory_row("chatterbox, float32, offload", row) for row in report.step("offload", 30, offload) or []]
    report.table("Memory", memory, MEMORY_NOTE)
    parts = report.step("components", 5, lambda _: components(BUILD / "checkpoints" / f"chatterbox-{options.size}"))
    report.table("Weights by component, English", parts or [])
    operations = report.step("small operations beside Python's", 40, lambda seconds: small_operations(report, options, seconds))
    report.table("Small operations, beside Python's", operations or [])
    report.step("check", 90, lambda seconds: check(report, options, seconds, full=options.size == "full"))
    first = [FIRST_SOUND]
    for model, more in (("turbo", ["--delivery", "chunks"]), ("nano", ["--delivery", "chunks"]), ("chatterbox", [])):
        found = report.step(f"first sound of {model}", 25, lambda seconds: first_sound(report, options, model, seconds, *more))
        first += found or []
        report.table("The first sound that can be heard", first, FIRST_SOUND_NOTE)
    for model in ("turbo", "chatterbox"):
        found = report.step(f"throughput of {model}", 50, lambda seconds: load(report, options, model, seconds))
        report.table(f"Requests at once, {model}", found or [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["A", "B"])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", choices=["full", "small"], help="of the models; full on a GPU, small on a CPU unless given")
    parser.add_argument("--trial", action="store_true", help="everything once, with few tokens and twenty times the limits: shows that all steps run")
    options = parser.parse_args()
    options.results = options.results.resolve()
    # The number of speech tokens to sample, 25 a second; how often a process speaks (the last time counts); the factor of every time limit.
    options.tokens, options.repeats, options.patience = (10, 1, 20) if options.trial else (75, 3, 1)
    options.size = options.size or ("small" if options.device == "cpu" else "full")
    BUILD.mkdir(exist_ok=True)
    report = Report(options.part, options)
    {"A": part_a, "B": part_b}[options.part](report, options)
    print(report.markdown())
    failures = report.failures()
    if failures:
        sys.exit(f"failed: {', '.join(failures)}")


if __name__ == "__main__":
    main()
