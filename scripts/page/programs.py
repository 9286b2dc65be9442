"""Runs the code that the page shows, unchanged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from browser import until

TEXT = 'She said: "It\'s late," and left; \\n, #"x"# and 25 °C in the harbour of Łódź.'


def calls(browser, given) -> None:
    """curl, Python and Swift speak as they are shown, with and without a key"""
    for address, key in [(given.open, None), (given.locked, given.key)]:
        with browser.visit(address, allowed=("401",)) as visit:
            page = visit.page
            if key:
                page.fill("#key", key)
                page.click("text=Use this key")
                page.wait_for_selector("#status[data-state=ready]")
            page.fill("#text", TEXT)
            page.click("text=Advanced")
            page.fill("#seed", "7")
            until(page, "document.getElementById('call').textContent.includes('pico')")
            made: dict[str, bytes] = {}
            for language in ["curl", "python", "swift"]:
                page.click(f"#tab-{language}")
                page.click("#copy")
                shown = page.inner_text("#call")
                assert page.evaluate("navigator.clipboard.readText()") == shown
                folder = given.work / f"{language}-{key is not None}"
                folder.mkdir()
                if command := program(language, shown, folder):
                    subprocess.run(command, cwd=folder, check=True, timeout=120, env=os.environ | ({"CHATTERBOX_KEY": key} if key else {}))
                    made[language] = (folder / "speech.mp3").read_bytes()
                else:
                    print(f"page: {language} is not here, its call was not made")
            assert len(made["curl"]) > 5000 and len(set(made.values())) == 1, {name: len(sound) for name, sound in made.items()}
            print(f"page: {', '.join(made)} gave the same {len(made['curl'])} bytes")


def program(language: str, shown: str, folder: Path) -> list[str] | None:
    """The command that runs a call; None if its language is not installed."""
    match language:
        case "curl":
            return ["bash", "-c", "set -e; " + shown.replace("curl ", "curl -sf ", 1)]
        case "python":
            return [sys.executable, "-c", shown]
        case "swift":
            if not shutil.which("swiftc"):
                return None
            (folder / "main.swift").write_text(shown)
            subprocess.run(["swiftc", "-o", "call", "main.swift"], cwd=folder, check=True, timeout=300)
            return ["./call"]
