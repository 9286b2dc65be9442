"""The measurements of the parts: each function is one step, or makes table rows from a step's results."""
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
import urllib.request

from made import BUILD, PROGRAM, ROOT, VENV
from report import Failed, Skipped

VOICE = ROOT / "Reference" / "kennedy.flac"
TEXT = "The quick brown fox jumps over the lazy dog."


def check(report, options, seconds, full=False):
    status, output, _ = report.run([PROGRAM, "check", "--device", options.device, "--json", *(["--full"] if full else [])], seconds)
    found = json.loads(output)
    gpus = (found["machine"].get("driver") or {}).get("gpus") or []
    report.found["device name"] = gpus[0]["name"] if gpus and options.device != "cpu" else found["machine"]["processor"]
    for checked in found["checks"]:
        report.table(f"Check of {checked['size']} networks", error_rows(checked["results"]), "The largest error as a share of the largest value.")
        rows = [["attention", "type", "queries", "keys", "mask", "kernel", "verdict"]]
        rows += [[f"{a['model']}: {a['name']}", a["dtype"], str(a["query"]), str(a["keys"]), "yes" if a["isMasked"] else "no", a["backend"],
                  a.get("problem") or "right"] for a in checked["attention"]]
        report.table(f"Attention kernels of {checked['size']} networks", rows)
    # The table is stored even if the check fails.
    report.found.setdefault("checks", []).append(found)
    if status:
        raise Failed("some results are wrong; the table names them")


def error_rows(results):
    """A row for each stage of each model and a column for each arithmetic; results that exceed their bound are marked."""
    arithmetics = list(dict.fromkeys(result["arithmetic"] for result in results))
    stages = list(dict.fromkeys((result["model"], result["stage"]) for result in results))
    cells = {(result["model"], result["stage"], result["arithmetic"]): error_cell(result) for result in results}
    return [["stage", *arithmetics]] + [
        [f"{model}: {stage}", *(cells.get((model, stage, arithmetic), "–") for arithmetic in arithmetics)] for model, stage in stages]


def error_cell(result):
    error = "" if result.get("error") is None else f"{result['error']:.1e}"
    if result["outcome"] == "passed":
        return error
    return f"{error} {result['outcome'].upper()}, bound {result['bound']:.0e}: {result.get('reason', '')}".strip()


def bench(report, options, model, seconds, *more, repeats=None):
    """Rows of `chatterbox bench`, one for each setting."""
    folder = BUILD / "checkpoints" / f"{model}-{options.size}"
    command = [PROGRAM, "bench", "--model", folder, "--device", options.device, "--voice", VOICE, "--text", TEXT, "--runs", 1,
               "--repeats", repeats or options.repeats, "--tokens", options.tokens, "--json", "--quiet", *more]
    _, output, errors = report.run(command, seconds)
    if not output.strip():
        raise Failed((errors.strip().splitlines() or ["nothing was printed"])[-1])
    return json.loads(output)["rows"]


VIGNETTE = ["", "cold start", "warm start", "speaking", "audio", "real time", "device memory", "memory"]
VIGNETTE_NOTE = ("Starts are from starting the process to its first sound, with the model's files out of the page cache (cold) or in it (warm); "
                 "speaking is the same text once more. Upstream is always the full-size model in float32.")


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


def vignette_gap(label, reason):
    """The row of a setting that cannot be measured here."""
    return [label, reason] + ["–"] * (len(VIGNETTE) - 2)


def speak_over_http(report, options, seconds):
    """Upstream behind its own server, as in a container: the time from its start to the first response, then once more."""
    folder, started, port = BUILD / "checkpoints" / f"chatterbox-{options.size}", time.monotonic(), 8123
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
            # WAV: the bytes per second are at offset 28, the sound begins at 44.
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
        answers = [ask() for _ in range(max(1, options.repeats - 1))]
        wall, audio, memory = answers[-1]
        return {"warmStart": start, "wall": wall, "audio": audio, "realTimeFactor": audio / wall, "devicePeak": memory}
    finally:
        with contextlib.suppress(ProcessLookupError):  # it may have ended
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def rates(report, options, seconds):
    """The device's limits: bytes a second of a copy, and operations a second of a product, by type."""
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
    for file in sorted(file for file in folder.glob("*.safetensors") if file.stem != "conds"):
        with open(file, "rb") as opened:
            header = json.loads(opened.read(struct.unpack("<Q", opened.read(8))[0]))
        parts = {}
        for name, tensor in header.items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                parts[name.split(".")[0]] = parts.get(name.split(".")[0], 0) + end - begin
        rows += [[f"{file.stem}: {part}", f"{count / 1e6:.1f} MB"] for part, count in sorted(parts.items(), key=lambda item: -item[1])]
    return rows


MEMORY = ["peak by stage", "load", "voice", "T3", "flow", "vocoder", "after release"]
MEMORY_NOTE = "Of a GPU, what its tensors hold at most, and what stays reserved when its cache is released; of a CPU, what the process holds."


def memory_row(label, row):
    peaks, rest = row.get("deviceMemoryPeaks") or row["memoryPeaks"], row.get("deviceMemoryRest")
    return [label] + [number(peaks[stage] / 1e9, "GB") if stage in peaks else "–" for stage in MEMORY[1:-1]] + [
        number(rest / 1e9 if rest is not None else None, "GB")]


def small_operations(report, options, seconds):
    """Rows of Benchmarks/torch-against-python."""
    _, output, errors = report.run([sys.executable, ROOT / "Benchmarks/torch-against-python", "--program", PROGRAM.with_name("TorchBench"),
                                    "--rounds", 7, "--device", options.device], seconds)
    if not output.strip():
        raise Failed((errors.strip().splitlines() or ["nothing was printed"])[-1])
    return table_rows(output)


def load(report, options, model, seconds):
    """Rows of `chatterbox bench load`: so many listeners at once, each to two seconds of speech at a time."""
    _, said, _ = report.run([PROGRAM, "bench", "load", "--help"], seconds)
    if "bench load" not in said:
        raise Skipped("this program has no `bench load`")
    _, output, errors = report.run(
        [PROGRAM, "bench", "load", "--model", BUILD / "checkpoints" / f"{model}-{options.size}", "--device", options.device,
         "--listeners", 1, 4, 16, 64, "--requests", 64, "--seconds", min(2, options.tokens / 25), "--runs", 1, "--markdown", "--quiet"], seconds)
    if rows := table_rows(output):
        return [[model, *rows[0][1:]], *rows[1:]]
    raise Failed((errors.strip().splitlines() or ["nothing was printed"])[-1])


FIRST_SOUND = ["", "half of the requests", "95 %", "real time", "ran dry"]
FIRST_SOUND_NOTE = ("One listener, five requests of six seconds, bfloat16: Turbo and Nano come in chunks, English with its own flow utterance by "
                    "utterance.")


def first_sound(report, options, model, seconds, *more):
    """A row of `chatterbox bench load` for one listener."""
    _, output, errors = report.run(
        [PROGRAM, "bench", "load", "--model", BUILD / "checkpoints" / f"{model}-{options.size}", "--device", options.device, "--dtype", "bfloat16",
         "--listeners", 1, "--requests", 1 if options.trial else 5, "--seconds", min(6, options.tokens / 12), "--runs", 1, "--json", "--quiet", *more],
        seconds)
    if not output.strip():
        raise Failed((errors.strip().splitlines() or ["nothing was printed"])[-1])
    level = json.loads(output)["levels"][-1]

    def median(name):
        return (level.get(name) or {}).get("median")
    return [[f"{model}{', chunks' if more else ''}", number(median("firstAudioMedian"), "s", 3), number(median("firstAudio95"), "s", 3),
             f"{median('realTimeFactor'):.1f}×", f"{median('underruns'):.0f} times"]]


def table_rows(text):
    """Cells of a Markdown table, without the rule below its headings."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return rows[:1] + rows[2:]
