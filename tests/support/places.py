"""Folders of the checkout that tests read from and build in."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DEVICE = ROOT / "device"
BUILT = ROOT / "build" / "test"
"""What tests make once and keep: fetched samples, provisioned boards, converted networks."""
