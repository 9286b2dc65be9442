"""Uses the page as a person would; scripts/test-page starts the servers and this."""

import argparse
import sys
import time
import traceback
from pathlib import Path

import soundfile

import audit
import parts
import programs
import speaking
import texts
import voices
from browser import Browser

CHECKS = [
    speaking.first_paint, parts.parts, speaking.speech_while_it_is_made, speaking.moving, speaking.estimated, speaking.stop, speaking.settings, speaking.same_seed, speaking.errors,
    speaking.without_figures, speaking.warnings, texts.texts, texts.downloads, texts.book, texts.history, texts.broken_history, voices.recording, voices.file, voices.key, programs.calls, audit.keyboard, audit.accessibility,
    audit.pictures,
]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--open", required=True, help="the address of a server without a key")
    arguments.add_argument("--locked", required=True, help="the address of a server with a key")
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--recording", type=Path, required=True, help="of a voice")
    arguments.add_argument("--work", type=Path, required=True, help="a folder for files")
    arguments.add_argument("--pictures", type=Path, help="a folder for screenshots")
    arguments.add_argument("--files", type=Path, help="a folder of page files instead of the program's")
    arguments.add_argument("--only", default="", help="a part of the names of the checks to run")
    given = arguments.parse_args()

    microphone = given.work / "microphone.wav"
    samples, rate = soundfile.read(given.recording)
    soundfile.write(microphone, samples, rate, subtype="PCM_16")
    browser = Browser(microphone, given.files)
    failures = 0
    for check in CHECKS:
        if given.only not in check.__name__:
            continue
        begin = time.monotonic()
        try:
            check(browser, given)
            print(f"page: {check.__name__.replace('_', ' ')}: {(check.__doc__ or '').strip()} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Exception:
            failures += 1
            print(f"page: {check.__name__.replace('_', ' ')}: FAILED", file=sys.stderr)
            traceback.print_exc()
    browser.close()
    print(f"page: {failures} failed" if failures else "page: all is well")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
