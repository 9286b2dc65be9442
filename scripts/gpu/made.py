"""The files that the parts need, which are created once in .gpu-build: libctorch.so, the program, Python packages, checkpoints."""
import hashlib
import importlib.util
import lzma
import os
import shutil
import sys
import tarfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from report import Failed

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / ".gpu-kit"
BUILD = ROOT / ".gpu-build"
PROGRAM = BUILD / "program" / "chatterbox"
VENV = BUILD / "python"
FIXTURES = ROOT / "Tests" / "Fixtures"
TOKENIZERS = {"chatterbox": FIXTURES / "tokenizer.json", "turbo": FIXTURES / "gpt2", "nano": FIXTURES / "gpt2"}


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
    # Every symbol must be found in the libraries named here: -z defs.
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
    """The imports of upstream that this Python lacks, and a bin/python that finds them."""
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
