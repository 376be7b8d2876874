"""What lies where in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APPS = sorted(path.parent.name for path in ROOT.glob("*/apps.py"))
"""The Django apps of ours."""
