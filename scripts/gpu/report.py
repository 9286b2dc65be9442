"""The results of a part so far, as JSON and Markdown; rewritten after every step."""
import json
import os
import signal
import subprocess
import sys
import time

SECONDS = {"A": 240, "B": 300}


class Failed(Exception):
    """A failed step, in one sentence."""


class Skipped(Exception):
    """A step that does not apply here, with the reason."""


class Report:
    """The results so far, written again after every step."""

    def __init__(self, part, options):
        self.folder, self.part = options.results, part
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = open(self.folder / f"{part}.log", "w")
        self.found = {"part": part, "device": options.device, "size": options.size, "trial": options.trial, "date": time.strftime("%Y-%m-%d"), "steps": {}, "tables": []}
        self.deadline = time.monotonic() + SECONDS[part] * options.patience
        self.patience = options.patience

    def step(self, name, limit, work):
        """Runs work(seconds) and stores its result; a failure is stored instead, and the other steps continue."""
        seconds = min(limit * self.patience, self.deadline - time.monotonic())
        started, value = time.monotonic(), None
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            if seconds < 1:
                raise Failed("no time is left")
            value, outcome = work(seconds), {"outcome": "passed"}
        except subprocess.TimeoutExpired:
            outcome = {"outcome": "failed", "reason": f"not done after {seconds:.0f} s"}
        except Skipped as skipped:
            outcome = {"outcome": "skipped", "reason": str(skipped)}
        except Exception as error:  # whatever it is, the other steps go on
            outcome = {"outcome": "failed", "reason": str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"}
        outcome["seconds"] = round(time.monotonic() - started, 2)
        if value is not None:
            outcome["found"] = value
        self.found["steps"][name] = outcome
        if "reason" in outcome:
            print(f"  {outcome['outcome']}: {outcome['reason']}", file=sys.stderr, flush=True)
        self.write()
        return value

    def table(self, title, rows, note=""):
        """Rows of cells, the first of them headings; a table of that title is replaced."""
        if len(rows) > 1:
            self.found["tables"] = [table for table in self.found["tables"] if table["title"] != title]
            self.found["tables"].append({"title": title, "rows": rows, "note": note})
            self.write()

    def failures(self):
        return [name for name, step in self.found["steps"].items() if step["outcome"] == "failed"]

    def write(self):
        self.put(f"{self.part}.json", json.dumps(self.found, indent=1))
        self.put(f"{self.part}.md", self.markdown())

    def put(self, name, text):
        """Writes a file atomically, so that the results of an interrupted part can be read."""
        unfinished = self.folder / f".{name}"
        unfinished.write_text(text)
        os.replace(unfinished, self.folder / name)

    def markdown(self):
        lines = [f"# Part {self.part}: {self.found.get('device name', self.found['device'])}, {self.found['date']}, {self.found['size']} size{', a trial' if self.found['trial'] else ''}", ""]
        for table in self.found["tables"]:
            head, *rows = table["rows"]
            lines += [f"## {table['title']}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
            lines += ["| " + " | ".join(row) + " |" for row in rows] + [""]
            lines += [table["note"], ""] if table["note"] else []
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
