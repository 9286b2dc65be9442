"""The measurements of a stress test: the server's metrics, processors, memory."""

import os
import re
import time

TICKS = os.sysconf("SC_CLK_TCK")
MODEL = '{model="pico"}'


def parse(text):
    """Numbers of /metrics by name and labels."""
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def quantile(numbers, name, share):
    """The upper bound of a histogram's bucket that contains the given quantile; None if nothing was counted."""
    buckets = sorted((float(re.search(r'le="([^"]+)"', key)[1].replace("+Inf", "inf")), value) for key, value in numbers.items() if key.startswith(name + "_bucket"))
    whole = buckets[-1][1] if buckets else 0
    return next((bound for bound, value in buckets if value >= share * whole), None) if whole else None


def ranks(values):
    """The median, the value that 95 % do not exceed, and the largest."""
    values = sorted(values)
    return {name: round(values[min(len(values) - 1, int(share * len(values)))], 4) for name, share in [("median", 0.5), ("95 %", 0.95), ("largest", 1)]} if values else None


def memory(pid):
    """Resident megabytes of a process: all, and those not backed by a file."""
    status = open(f"/proc/{pid}/status").read()
    return {name: int(re.search(rf"{key}:\s+(\d+)", status)[1]) * 1024 / 1e6 for name, key in [("resident", "VmRSS"), ("anonymous", "RssAnon")]}


class Moment:
    """The values of the server's counters and the processor times at a time."""

    def __init__(self, numbers, pid):
        self.numbers, self.time = numbers, time.monotonic()
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        self.server = (int(fields[11]) + int(fields[12])) / TICKS
        self.clients = sum(os.times()[:2])
        idle = open("/proc/stat").readline().split()
        self.idle = (int(idle[4]) + int(idle[5])) / TICKS


class Span:
    """The differences between two times."""

    def __init__(self, begin, end):
        self.seconds = end.time - begin.time
        self.numbers = {name: value - begin.numbers.get(name, 0) for name, value in end.numbers.items()}
        #: Seconds of sound per second that were delivered, and for which speech tokens were sampled: tokens that were computed for
        #: clients that disconnected before their first sound only count in the second.
        self.sound = self.numbers["chatterbox_audio_duration_s_sum" + MODEL] / self.seconds
        self.drawn = self.numbers["chatterbox_batch_size_sum"] / 25 / self.seconds
        #: The number of processors used by the server and by the clients, and idle ones.
        self.processors = {name: round((getattr(end, name) - getattr(begin, name)) / self.seconds, 3) for name in ["server", "clients", "idle"]}

    def report(self):
        return {"seconds": round(self.seconds), "sound a second": round(self.sound, 2), "drawn a second": round(self.drawn, 2), "processors": self.processors}
