#!/usr/bin/env python3
"""Measures the packed program on a GPU, in two parts that each fit a few minutes.

    .gpu-kit/run A|B --results DIR [--device cuda|cpu] [--size full|small] [--patience N]

Needs no network, no Swift and nothing installed but Python with torch, a C++ compiler and, for a GPU, CUDA's headers. What a
part makes (the library, checkpoints, Python packages) stays in .gpu-build for the next. Each step has a limit of its own; what
was found so far always lies in DIR as JSON and Markdown. Exit status 1 where a step failed.

A: check, and the time from a cold start to speech, beside upstream in Python and upstream behind HTTP.
B: each stage against the device's limits, memory, small operations, and the check at full size.
"""
import argparse
import contextlib
import hashlib
import importlib.util
import json
import lzma
import os
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / ".gpu-kit"
BUILD = ROOT / ".gpu-build"
PROGRAM = BUILD / "program" / "chatterbox"
VENV = BUILD / "python"
VOICE = ROOT / "Reference" / "kennedy.flac"
FIXTURES = ROOT / "Tests" / "Fixtures"
TOKENIZERS = {"chatterbox": FIXTURES / "tokenizer.json", "turbo": FIXTURES / "gpt2", "nano": FIXTURES / "gpt2"}
TEXT = "The quick brown fox jumps over the lazy dog."
SECONDS = {"A": 240, "B": 300}


class Failed(Exception):
    """A step that came to nothing, in one sentence."""


class Report:
    """What was found so far, written anew after every step."""

    def __init__(self, part, options):
        self.folder, self.part = options.results, part
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = open(self.folder / f"{part}.log", "w")
        self.found = {"part": part, "device": options.device, "size": options.size, "date": time.strftime("%Y-%m-%d"), "steps": {}, "tables": []}
        self.deadline = time.monotonic() + SECONDS[part] * options.patience
        self.patience = options.patience

    def step(self, name, limit, work):
        """Runs work(seconds), which returns what to keep; a failure is kept instead and stops nothing else."""
        seconds = min(limit * self.patience, self.deadline - time.monotonic())
        started, value = time.monotonic(), None
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            if seconds < 1:
                raise Failed("no time is left")
            value, outcome = work(seconds), {"outcome": "passed"}
        except subprocess.TimeoutExpired:
            outcome = {"outcome": "failed", "reason": f"not done after {seconds:.0f} s"}
        except Exception as error:  # whatever it is, the other steps go on
            outcome = {"outcome": "failed", "reason": str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"}
        outcome["seconds"] = round(time.monotonic() - started, 2)
        if value is not None:
            outcome["found"] = value
        self.found["steps"][name] = outcome
        if "reason" in outcome:
            print(f"  failed: {outcome['reason']}", file=sys.stderr, flush=True)
        self.write()
        return value

    def table(self, title, rows):
        """Rows of cells, the first of them headings."""
        if len(rows) > 1:
            self.found["tables"].append({"title": title, "rows": rows})
            self.write()

    def failures(self):
        return [name for name, step in self.found["steps"].items() if step["outcome"] == "failed"]

    def write(self):
        self.put(f"{self.part}.json", json.dumps(self.found, indent=1))
        self.put(f"{self.part}.md", self.markdown())

    def put(self, name, text):
        """Whole or not at all: what a part leaves when it is stopped can be read."""
        unfinished = self.folder / f".{name}"
        unfinished.write_text(text)
        os.replace(unfinished, self.folder / name)

    def markdown(self):
        lines = [f"# Part {self.part}: {self.found.get('device name', self.found['device'])}, {self.found['date']}, {self.found['size']} size", ""]
        for table in self.found["tables"]:
            head, *rows = table["rows"]
            lines += [f"## {table['title']}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
            lines += ["| " + " | ".join(row) + " |" for row in rows] + [""]
        lines += ["## Steps", "", "| step | seconds | |", "|---|---|---|"]
        lines += [f"| {name} | {step['seconds']} | {step['outcome']}{': ' + step['reason'] if 'reason' in step else ''} |"
                  for name, step in self.found["steps"].items()]
        return "\n".join(lines) + "\n"

    def run(self, command, seconds, **more):
        """A program's standard output; its errors go to the log."""
        command = [str(part) for part in command]
        self.log.write(f"\n$ {' '.join(command)}\n")
        self.log.flush()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **more)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            _, errors = process.communicate()
            self.log.write(errors or "")
            raise
        self.log.write(errors)
        self.log.flush()
        if process.returncode and not output.strip():
            raise Failed((errors.strip().splitlines() or [f"status {process.returncode}"])[-1])
        return process.returncode, output, errors


# What is made once


def torch_folder():
    found = importlib.util.find_spec("torch")
    if not found:
        raise Failed("this Python has no torch")
    return Path(found.submodule_search_locations[0])


def cuda_headers(torch):
    places = [os.environ.get("CUDA_HOME", ""), "/usr/local/cuda", torch.parent / "nvidia" / "cu13", torch.parent / "nvidia" / "cuda_runtime"]
    for place in map(Path, filter(None, places)):
        if (place / "include" / "cuda_runtime_api.h").exists() and (place / "include" / "crt" / "host_config.h").exists():
            return place
    return None


def make_library(report, seconds):
    """libctorch.so from Sources/CTorch, against this machine's torch, on all cores."""
    torch, target = torch_folder(), BUILD / "program" / "libctorch.so"
    compiler = shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise Failed("there is no C++ compiler")
    cuda = cuda_headers(torch) if (torch / "lib" / "libtorch_cuda.so").exists() else None
    sources = sorted((ROOT / "Sources" / "CTorch").glob("*.cpp"))
    include = ROOT / "Sources" / "CTorch" / "include"
    digest = hashlib.sha256(f"{torch} {(torch / 'version.py').read_text()} {compiler} {cuda}".encode())
    for file in [*sources, *sorted(include.iterdir()), ROOT / "Sources" / "CTorch" / "support.h"]:
        digest.update(file.read_bytes())
    key = BUILD / "libctorch.key"
    if target.exists() and key.exists() and key.read_text() == digest.hexdigest():
        return {"reused": True, "cuda": bool(cuda)}
    objects = BUILD / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    flags = ["-std=c++20", "-O2", "-fPIC", f"-I{include}", f"-I{torch / 'include'}", f"-I{torch / 'include/torch/csrc/api/include'}"]
    libraries = ["-ltorch", "-ltorch_cpu", "-lc10"]
    if cuda:
        flags.append(f"-I{cuda / 'include'}")
        libraries += ["-ltorch_cuda", "-lc10_cuda"]
    deadline = time.monotonic() + seconds

    def compile(source):
        report.run([compiler, *flags, "-c", source, "-o", objects / f"{source.stem}.o"], deadline - time.monotonic())
        if not (objects / f"{source.stem}.o").exists():
            raise Failed(f"{source.name} was not compiled; the log says why")

    for old in objects.glob("*.o"):
        old.unlink()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile, sources))
    # Every symbol must be found in what is named here: -z defs.
    report.run([compiler, "-shared", "-o", target, *(objects / f"{source.stem}.o" for source in sources), f"-L{torch / 'lib'}",
                "-Wl,--no-as-needed", *libraries, "-Wl,-z,defs", f"-Wl,-rpath,{torch / 'lib'}"], deadline - time.monotonic())
    if not target.exists():
        raise Failed("libctorch.so was not linked; the log says why")
    key.write_text(digest.hexdigest())
    return {"reused": False, "cuda": bool(cuda)}


def unpack_program(report, seconds):
    archive = KIT / "program.tar.xz"
    key, digest = BUILD / "program.key", hashlib.sha256(archive.read_bytes()).hexdigest()
    if not (key.exists() and key.read_text() == digest):
        with lzma.open(archive) as file, tarfile.open(fileobj=file) as packed:
            packed.extractall(BUILD / "program")
        # Pico is the repository's.
        beside = BUILD / "program" / "Chatterbox_Pico.resources"
        beside.unlink(missing_ok=True)
        beside.symlink_to(ROOT / "Models")
        key.write_text(digest)
    status, output, _ = report.run([PROGRAM, "--help"], seconds)
    if status or "SUBCOMMANDS" not in output:
        raise Failed("the program does not start")


def unpack_packages(report, seconds):
    """What upstream imports and this Python lacks, and a bin/python that sees it."""
    wheels = sorted((KIT / "wheels").glob("*.whl"))
    if not VENV.exists():
        unfinished = BUILD / ".python"
        shutil.rmtree(unfinished, ignore_errors=True)
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as file:
                file.extractall(unfinished / "site")
        for folder in ("start", "stand-ins"):
            shutil.copytree(ROOT / "scripts" / "gpu" / folder, unfinished / folder)
        (unfinished / "bin").mkdir()
        python = unfinished / "bin" / "python"
        python.write_text(f"#!/bin/sh\nPYTHONPATH='{VENV / 'start'}' exec '{sys.executable}' \"$@\"\n")
        python.chmod(0o755)
        unfinished.rename(VENV)
    status, output, errors = report.run([VENV / "bin/python", "-c", "import chatterbox.tts; print('upstream')"], seconds)
    if "upstream" not in output:
        raise Failed((errors.strip().splitlines() or ["upstream does not start"])[-1])


def make_checkpoint(report, name, size, seconds):
    folder = BUILD / "checkpoints" / f"{name}-{size}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        report.run([PROGRAM, "models", "make-random", folder, "--variant", name, "--size", {"full": "full", "small": "tiny"}[size],
                    "--tokenizer", TOKENIZERS[name]], seconds)
        if not folder.exists():
            raise Failed("no checkpoint was written; the log says why")
    return sum(file.stat().st_size for file in folder.iterdir())


# What is measured


def check(report, options, seconds, full=False):
    status, output, _ = report.run([PROGRAM, "check", "--device", options.device, "--json", *(["--full"] if full else [])], seconds)
    found = json.loads(output)
    gpus = (found["machine"].get("driver") or {}).get("gpus") or []
    report.found["device name"] = gpus[0]["name"] if gpus and options.device != "cpu" else found["machine"]["processor"]
    for checked in found["checks"]:
        rows = [["stage", "arithmetic", "largest error", "bound", "outcome"]]
        rows += [[f"{r['model']}: {r['stage']}", r["arithmetic"], f"{r['error']:.1e}" if r.get("error") is not None else "–", f"{r['bound']:.0e}",
                  r["outcome"] + (f": {r['reason']}" if r.get("reason") else "")] for r in checked["results"]]
        report.table(f"Check of {checked['size']} networks", rows)
        rows = [["attention", "type", "queries", "keys", "mask", "kernel", "verdict"]]
        rows += [[f"{a['model']}: {a['name']}", a["dtype"], str(a["query"]), str(a["keys"]), "yes" if a["isMasked"] else "no", a["backend"],
                  a.get("problem") or "right"] for a in checked["attention"]]
        report.table(f"Attention kernels of {checked['size']} networks", rows)
    # The table is kept, failed or not.
    report.found.setdefault("checks", []).append(found)
    if status:
        raise Failed("something does not compute as it should; the table names it")


def bench(report, options, model, seconds, *more):
    """Rows of `chatterbox bench`, one for each setting."""
    folder = BUILD / "checkpoints" / f"{model}-{options.size}"
    command = [PROGRAM, "bench", "--model", folder, "--device", options.device, "--voice", VOICE, "--text", TEXT, "--runs", 1, "--repeats", 3,
               "--tokens", options.tokens, "--json", "--quiet", *more]
    _, output, errors = report.run(command, seconds)
    if not output.strip():
        raise Failed((errors.strip().splitlines() or ["nothing was printed"])[-1])
    return json.loads(output)["rows"]


VIGNETTE = ["", "cold start", "warm start", "speaking", "audio", "real time", "device memory", "memory"]


def number(value, unit, digits=2):
    return "–" if value is None else f"{value:.{digits}f} {unit}"


def vignette_row(label, row):
    def median(name):
        return (row.get(name) or {}).get("median")
    speed = median("realTimeFactor")
    device = row.get("devicePeak")
    return [label, number(median("coldStart"), "s"), number(median("warmStart"), "s"), number(median("wall"), "s", 3),
            number(row["audioSeconds"], "s"), "–" if speed is None else f"{speed:.2f}×", number(device / 1e9 if device else None, "GB"),
            number(row["memoryPeak"] / 1e9, "GB")]


def speak_over_http(report, options, seconds):
    """Upstream behind a server of its own, as a container would run it: from its start to the first answer, then once more."""
    folder, started, port = BUILD / "checkpoints" / f"chatterbox-{options.upstream_size}", time.monotonic(), 8123
    server = subprocess.Popen(
        [VENV / "bin/python", ROOT / "scripts/gpu/server.py", folder, "--device", options.device, "--voice", VOICE, "--tokens", str(options.tokens),
         "--port", str(port)], stdout=report.log, stderr=report.log, start_new_session=True)
    try:
        def ask():
            begun = time.monotonic()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/v1/audio/speech", json.dumps({"input": TEXT}).encode(), {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                sound = answer.read()
                memory = int(answer.headers["X-Device-Memory"])
            # WAV: bytes a second stand at 28, the sound begins at 44.
            return time.monotonic() - begun, (len(sound) - 44) / struct.unpack_from("<I", sound, 28)[0], memory
        while True:
            if server.poll() is not None:
                raise Failed("the server ended; the log says why")
            if time.monotonic() - started > seconds:
                raise subprocess.TimeoutExpired("server", seconds)
            try:
                ask()
                break
            except OSError:
                time.sleep(0.1)
        start = time.monotonic() - started
        answers = [ask() for _ in range(2)]
        wall, audio, memory = answers[-1]
        return {"warmStart": start, "wall": wall, "audio": audio, "realTimeFactor": audio / wall, "devicePeak": memory}
    finally:
        with contextlib.suppress(ProcessLookupError):  # it may have ended
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def rates(report, options, seconds):
    """What the device does at most: bytes a second of a copy, operations a second of a product, by type."""
    script = ROOT / "scripts" / "gpu" / "rates.py"
    _, output, errors = report.run([sys.executable, script, options.device], seconds)
    if not output.strip():
        raise Failed(errors.strip().splitlines()[-1])
    return json.loads(output)


STAGES = ["prefill", "decode", "flow", "vocoder"]


def limit_row(label, row, rates, arithmetic):
    """Each stage's time, and the share of the device's limit that it reaches."""
    cells = [label]
    for stage in STAGES:
        spent, cost = (row.get(stage) or {}).get("median"), row["costs"].get(stage)
        if not spent or not cost:
            cells.append("–")
            continue
        # S3Gen is float32 in every setting.
        rate = rates[arithmetic if stage in ("prefill", "decode") else "float32"]
        least = max(cost["bytes"] / rates["bandwidth"], (cost["operations"] + cost.get("roundedOperations", 0)) / rate)
        cells.append(f"{spent * 1e3:.2f} ms, {least / spent * 100:.0f} %")
    return cells + [f"{row['audioSeconds']:.2f} s", f"{row['realTimeFactor']['median']:.2f}×"]


def components(folder):
    """Bytes of each part of a checkpoint, from its files' headers."""
    rows = [["part", "bytes in the file"]]
    for file in sorted(folder.glob("*.safetensors")):
        with open(file, "rb") as opened:
            header = json.loads(opened.read(struct.unpack("<Q", opened.read(8))[0]))
        parts = {}
        for name, tensor in header.items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                parts[name.split(".")[0]] = parts.get(name.split(".")[0], 0) + end - begin
        rows += [[f"{file.stem}: {part}", f"{count / 1e6:.1f} MB"] for part, count in sorted(parts.items(), key=lambda item: -item[1])]
    return rows


def memory_row(label, row):
    peaks = row.get("deviceMemoryPeaks") or row["memoryPeaks"]
    return [label] + [number(peaks[stage] / 1e9, "GB") if stage in peaks else "–" for stage in ("load", "voice", "T3", "flow", "vocoder")]


# The parts


def prepare(report):
    report.step("library", 120, lambda seconds: make_library(report, seconds))
    report.step("program", 30, lambda seconds: unpack_program(report, seconds))


def part_a(report, options):
    prepare(report)
    report.step("small check", 60, lambda seconds: check(report, options, seconds))
    report.step("checkpoint", 60, lambda seconds: make_checkpoint(report, "chatterbox", options.size, seconds))
    rows = [VIGNETTE]

    def settle(title="From start to speech, English"):
        report.found["tables"] = [table for table in report.found["tables"] if table["title"] != title]
        report.table(title, rows)

    ours = [("float32", "fast"), ("float32", "uncaptured"), ("float32", "tf32"), ("bfloat16", "fast"), ("float16", "fast")]
    if options.device == "cpu":
        ours = [("float32", "fast"), ("bfloat16", "fast")]
    for dtype, way in ours:
        said = {"fast": "captured" if options.device != "cpu" else "", "uncaptured": "not captured", "tf32": "TF32, captured"}[way]
        label = " ".join(filter(None, ["ours,", dtype, said]))
        found = report.step(label, 30, lambda seconds: bench(
            report, options, "chatterbox", seconds, "--dtype", dtype, "--way", way, *(["--cold"] if (dtype, way) == ours[0] else [])))
        if found:
            rows.append(vignette_row(label, found[0]))
            settle()
    report.step("packages", 30, lambda seconds: unpack_packages(report, seconds))
    if options.upstream_size != options.size:
        report.step("checkpoint for upstream", 60, lambda seconds: make_checkpoint(report, "chatterbox", options.upstream_size, seconds))
    theirs = argparse.Namespace(**{**vars(options), "size": options.upstream_size})
    found = report.step("upstream in Python", 80, lambda seconds: bench(
        report, theirs, "chatterbox", seconds, "--against-python", VENV, "--repeats", 2))
    if found:
        rows.append(vignette_row("upstream in Python", next(row for row in found if row["label"].startswith("upstream"))))
        settle()
    found = report.step("upstream behind HTTP", 60, lambda seconds: speak_over_http(report, options, seconds))
    if found:
        rows.append(["upstream behind HTTP", "–", number(found["warmStart"], "s"), number(found["wall"], "s", 3), number(found["audio"], "s"),
                     f"{found['realTimeFactor']:.2f}×", number(found["devicePeak"] / 1e9 if found["devicePeak"] else None, "GB"), "–"])
        settle()


def part_b(report, options):
    prepare(report)
    limits = report.step("rates of the device", 30, lambda seconds: rates(report, options, seconds))
    table = [["model", *STAGES, "audio", "real time"]]
    memory = [["peak by stage", "load", "voice", "T3", "flow", "vocoder"]]
    for model in ("chatterbox", "turbo", "nano"):
        report.step(f"checkpoint of {model}", 60, lambda seconds: make_checkpoint(report, model, options.size, seconds))
        found = report.step(f"{model} by stage", 45, lambda seconds: bench(report, options, model, seconds, "--dtype", "float32", "bfloat16"))
        for row, dtype in zip(found or [], ("float32", "bfloat16")):
            if limits:
                table.append(limit_row(f"{model}, {dtype}", row, limits, dtype))
            memory.append(memory_row(f"{model}, {dtype}", row))
    report.table("Each stage, and the share of the device's limit that it reaches", table)
    if options.device != "cpu":
        found = report.step("offload", 30, lambda seconds: bench(report, options, "chatterbox", seconds, "--way", "offload"))
        memory += [memory_row("chatterbox, float32, offload", row) for row in found or []]
    report.table("Memory of the device", memory)
    report.table("Memory by component", report.step("components", 5, lambda _: components(BUILD / "checkpoints" / f"chatterbox-{options.size}")) or [])

    def operations(seconds):
        _, output, errors = report.run([sys.executable, ROOT / "Benchmarks/torch-against-python", "--program", PROGRAM.with_name("torch-bench"),
                                        "--rounds", 7, "--device", options.device], seconds)
        if not output.strip():
            raise Failed(errors.strip().splitlines()[-1])
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in output.splitlines() if line.startswith("|")]
        return rows[:1] + rows[2:]  # without the rule below the headings

    report.table("Small operations, beside Python's", report.step("small operations beside Python's", 40, operations) or [])
    report.step("check", 90, lambda seconds: check(report, options, seconds, full=options.size == "full"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["A", "B"])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", choices=["full", "small"], help="of the models; full on a GPU, small on a CPU unless given")
    parser.add_argument("--upstream-size", choices=["full"], default="full", help=argparse.SUPPRESS)  # upstream knows no other
    parser.add_argument("--tokens", type=int, default=75, help="speech tokens to draw, 25 a second")
    parser.add_argument("--patience", type=float, default=1, help="multiplies every limit: for a slow machine")
    options = parser.parse_args()
    options.size = options.size or ("small" if options.device == "cpu" else "full")
    BUILD.mkdir(exist_ok=True)
    report = Report(options.part, options)
    {"A": part_a, "B": part_b}[options.part](report, options)
    failures = report.failures()
    print((report.folder / f"{options.part}.md").read_text())
    if failures:
        sys.exit(f"failed: {', '.join(failures)}")


if __name__ == "__main__":
    main()
