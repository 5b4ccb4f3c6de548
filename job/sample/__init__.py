"""The embedded default: a small Korean corpus and a tiny model, both made by the scripts here."""
