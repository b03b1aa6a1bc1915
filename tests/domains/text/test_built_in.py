"""The corpora that are on this computer already: facts of each, where it is installed."""

import re
import sys

import pytest

from toolkit.core import SPLITS, InputError, MissingExtraError
from toolkit.domains.text import built_in
from toolkit.domains.text.built_in import BUILT_IN


def opened(name):
    if not BUILT_IN[name].available():
        pytest.skip(f"{name} is not installed")
    return BUILT_IN[name].open()


def documents(corpus):
    return {document.name: document.item for split in SPLITS for document in corpus.read(split)}


def test_kjv_is_the_whole_bible_by_chapter():
    corpus = opened("kjv")
    chapters = documents(corpus)
    assert len(chapters) == 1189
    assert sum(name.startswith("Psalm") for name in chapters) == 150
    assert chapters["Genesis 1"].startswith(
        "Genesis 1\n\nIn the beginning God created the heaven and the earth. And the earth was without form, and void;"
        " and darkness was upon the face of the deep."
    )
    assert chapters["Revelation 22"].endswith("The grace of our Lord Jesus Christ be with you all. Amen.\n")
    assert 4_100_000 < sum(map(len, chapters.values())) < 4_200_000
    assert not corpus.whole
    assert not corpus.findings


def test_kjv_keeps_no_numbers_brackets_or_stray_blanks():
    for name, text in documents(opened("kjv")).items():
        heading, _, verses = text.partition("\n\n")
        assert heading == name
        assert not re.search(r"[\d\[\]]|  |\( | \n|\n\n", verses), name


def test_kjv_is_read_without_importing_its_package():
    before = set(sys.modules)
    opened("kjv")
    assert not any(name.startswith("pythonbible") for name in set(sys.modules) - before)


def test_kjv_in_another_layout_is_refused_in_a_sentence(tmp_path, monkeypatch):
    for number, source in enumerate(("bible = 1", "other = 1", "bible = Bible(V, 'text', {1: 2})")):
        path = tmp_path / f"bible{number}.py"
        path.write_text(source)
        monkeypatch.setattr(built_in, "_module_file", lambda package, file, path=path: path)
        with pytest.raises(InputError):
            BUILT_IN["kjv"].open()


def test_without_its_package_kjv_says_what_to_install(monkeypatch):
    monkeypatch.setattr(built_in, "find_spec", lambda name: None)
    assert not BUILT_IN["kjv"].available()
    with pytest.raises(MissingExtraError, match=r"\[corpora\]"):
        BUILT_IN["kjv"].open()


def test_python_docs_are_the_topics_of_help():
    corpus = opened("python-docs")
    topics = documents(corpus)
    assert len(topics) >= 70
    assert '"while" statement' in topics["while"]
    assert 300_000 < sum(map(len, topics.values())) < 1_000_000
    assert "Python 3." in corpus.facts["version"]


def test_python_code_is_the_library_without_its_tests():
    corpus = opened("python-code")
    files = documents(corpus)
    assert files["types.py"].startswith('"""\nDefine names for built-in types')
    assert not any("test" in name.split("/") or "site-packages" in name for name in files)
    assert len(files) > 400


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_a_built_in_corpus_says_what_it_is_and_stays_the_same(name):
    entry = BUILT_IN[name]
    assert entry.domain == "text"
    assert all((entry.about, entry.source, entry.licence, entry.size))
    first = opened(name)
    assert first.sha256 == opened(name).sha256
    assert all(any(True for _ in first.read(split)) for split in SPLITS)
