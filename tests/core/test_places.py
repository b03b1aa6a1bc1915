"""Where things lie in a checkout, and how a user moves the caches."""

from pathlib import Path

from toolkit.core.places import caches, shipped


def test_the_environment_decides_where_caches_lie(monkeypatch, tmp_path):
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path))
    assert caches() == tmp_path


def test_a_checkout_keeps_its_caches_under_data(monkeypatch):
    monkeypatch.delenv("TOOLKIT_CACHE", raising=False)
    root = Path(__file__).resolve().parents[2]
    assert caches() == root / "data" / "cache"
    assert shipped("checkpoints") == root / "checkpoints"
