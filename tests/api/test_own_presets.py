"""Presets that a user keeps: found again, never outside their folder, damaged ones told."""

import pytest

from toolkit.api.own_presets import OwnPresets
from toolkit.core import InputError, UsageError


@pytest.fixture
def own(tmp_path):
    return OwnPresets(tmp_path / "presets")


def test_what_is_kept_is_found_under_its_name_and_domain(own):
    assert own.names("music") == []
    own.keep("music", "Sad jig", {"meter": "6/8", "mode": "minor", "bars": None})
    own.keep("text", "calm", {"temperature": 0.5})
    assert own.names("music") == ["Sad jig"]
    assert own.settings("music", "Sad jig") == {"meter": "6/8", "mode": "minor", "bars": None}
    own.keep("music", "Sad jig", {"meter": "3/4"})
    assert own.settings("music", "Sad jig") == {"meter": "3/4"}
    own.delete("music", "Sad jig")
    assert own.names("music") == []
    for gone in (lambda: own.settings("music", "Sad jig"), lambda: own.delete("music", "Sad jig")):
        with pytest.raises(UsageError):
            gone()


@pytest.mark.parametrize("name", ["", " ", "../calm", "a/b", ".hidden", "a" * 41, "calm ", "a\nb", "x.json"])
def test_a_name_that_could_be_a_path_is_refused(own, name):
    with pytest.raises(UsageError, match="letters"):
        own.keep("text", name, {})
    assert not own.folder.exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"settings": 3}', "[" * 100_000])
def test_a_damaged_one_is_told(own, content):
    own.keep("text", "calm", {})
    (own.folder / "text" / "calm.json").write_text(content)
    with pytest.raises(InputError, match="damaged"):
        own.settings("text", "calm")
