"""The embedded default: a small Korean corpus and a tiny model, both made by the scripts here."""

from pathlib import Path

FOLDER = Path(__file__).parent
MODEL = FOLDER / "model"
