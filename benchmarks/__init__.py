"""Measurements of speed and quality, one file a question; `README.md` says how to repeat each."""
