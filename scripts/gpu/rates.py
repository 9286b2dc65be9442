#!/usr/bin/env python3
"""Prints a device's limits as JSON: bytes per second that a copy reads and writes, and operations per second (a
multiplication and an addition are two) of a large matrix product in each type.

    rates.py cuda|cpu
"""
import json
import sys
import time

import torch

DEVICE = sys.argv[1]


def seconds(body, repeats=5):
    """The smallest time of some runs, since other work only adds to it."""
    wait = torch.cuda.synchronize if DEVICE != "cpu" else lambda: None
    body()
    wait()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        body()
        wait()
        best = min(best, time.perf_counter() - start)
    return best


def product(dtype, tf32=False):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    size = 8192 if DEVICE != "cpu" else 1024
    a, b = (torch.randn(size, size, device=DEVICE, dtype=dtype) for _ in range(2))
    return 2 * size ** 3 / seconds(lambda: a @ b)


def main():
    count = (1 << 30 if DEVICE != "cpu" else 1 << 27) // 4
    source, target = torch.ones(count, device=DEVICE), torch.empty(count, device=DEVICE)
    bandwidth = 2 * 4 * count / seconds(lambda: target.copy_(source))
    print(json.dumps({
        "device": torch.cuda.get_device_name() if DEVICE != "cpu" else "CPU", "torch": torch.__version__, "bandwidth": bandwidth,
        "float32": product(torch.float32), "TF32": product(torch.float32, tf32=True), "bfloat16": product(torch.bfloat16),
        "float16": product(torch.float16),
    }))


if __name__ == "__main__":
    main()
