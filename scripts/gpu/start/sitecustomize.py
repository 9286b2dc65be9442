"""Adds upstream's packages, and stand-ins for packages that it imports but does not use, after the machine's own packages."""
import sys
from pathlib import Path

for folder in ("site", "stand-ins"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / folder))
