"""Speaks the texts of a manifest on a Ray cluster: each actor runs `chatterbox batch` for one part after the other.

    pip install ray
    python deploy/ray/speak.py lines.jsonl spoken/ --parts 64 --actors 8 --cpus 2 -- --model turbo --quantize int8

All nodes need the program and access to the manifest, the outputs and the models. Options after -- are for `chatterbox batch`. A part whose
actor fails is given to another, which continues where it stopped. The exit status is 1 if a text failed or is missing.
"""

import argparse
import subprocess
import sys

import ray
from ray.util import ActorPool


@ray.remote(max_restarts=-1, max_task_retries=-1)
class Speaker:
    def speak(self, program, manifest, output, part, parts, words):
        """Speaks a part and returns its last line, the summary."""
        command = [program, "batch", manifest, "-o", output, "--shard", f"{part}/{parts}", *words]
        done = subprocess.run(command, capture_output=True, text=True)
        lines = done.stderr.strip().splitlines() or [""]
        # 1 means that texts failed, as their results say; any other status is an error of the part.
        if done.returncode not in (0, 1):
            raise RuntimeError(f"part {part} ended with {done.returncode}: {lines[-1]}")
        return part, lines[-1]


def main():
    words = sys.argv[1:]
    own, passed = (words[:words.index("--")], words[words.index("--") + 1:]) if "--" in words else (words, [])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest")
    parser.add_argument("output")
    parser.add_argument("--parts", type=int, default=16, help="more than actors, so that the last part does not take long")
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--cpus", type=int, default=2, help="of an actor")
    parser.add_argument("--gpus", type=float, default=0, help="of an actor")
    parser.add_argument("--program", default="chatterbox")
    options = parser.parse_args(own)
    ray.init()
    speaker = Speaker.options(num_cpus=options.cpus, num_gpus=options.gpus)
    pool = ActorPool([speaker.remote() for _ in range(options.actors)])
    # As many threads as requested processors, unless the options set another number.
    threads = [] if "--threads" in passed else ["--threads", str(options.cpus)]
    parts = pool.map_unordered(
        lambda actor, part: actor.speak.remote(options.program, options.manifest, options.output, part, options.parts, threads + passed),
        range(options.parts))
    for part, line in parts:
        print(f"part {part}: {line}", flush=True)
    merged = subprocess.run([options.program, "batch", options.manifest, "-o", options.output, "--merge"])
    sys.exit(merged.returncode)


if __name__ == "__main__":
    main()
