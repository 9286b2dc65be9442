"""Upstream's packages, and stand-ins for what it imports and does not use, come behind the machine's own."""
import sys
from pathlib import Path

for folder in ("site", "stand-ins"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / folder))
