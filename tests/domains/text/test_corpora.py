"""Files, folders, globs and tables: what is read, what is changed or left out, and how it is split."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import SPLITS, Document, InputError, UsageError
from toolkit.domains.text import DOMAIN
from toolkit.domains.text.corpora import read
from toolkit.domains.text.files import blocks
from toolkit.domains.text.splitting import split_corpus

SHAKESPEARE = Path(__file__).parents[4] / "shared" / "data" / "text" / "tinyshakespeare.txt"


def texts(corpus, split):
    return [document.item for document in corpus.read(split)]


def everything(corpus):
    return [item for split in SPLITS for item in texts(corpus, split)]


def outcomes(corpus):
    return {finding.name: (finding.outcome, finding.reason) for finding in corpus.findings}


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


# One text


@given(text=st.text(alphabet="ab\n é漢\r", min_size=2).filter(str.strip))
def test_one_text_is_cut_after_nine_tenths_of_its_characters(text, tmp_path_factory):
    path = written(tmp_path_factory.mktemp("text") / "a.txt", text)
    corpus = read(str(path))
    text = text.replace("\r\n", "\n")
    edge = int(0.9 * len(text))
    assert corpus.whole
    if len(text) > 1:
        assert "".join(texts(corpus, "train")) == text[:edge]
        assert "".join(texts(corpus, "validation")) == text[edge:]
        assert texts(corpus, "test") == []


@pytest.mark.skipif(not SHAKESPEARE.is_file(), reason="the shared corpora are not here")
def test_tinyshakespeare_splits_as_published():
    corpus = DOMAIN.read(str(SHAKESPEARE))
    assert [sum(map(len, texts(corpus, split))) for split in SPLITS] == [1_003_854, 111_540, 0]
    assert corpus.whole
    assert not corpus.findings
    assert DOMAIN.codecs["char"].build(texts(corpus, "train")).size == 65 + 1


def test_a_byte_order_mark_goes_line_ends_become_lf_and_nothing_else_changes(tmp_path):
    path = written(tmp_path / "a.md", b"\xef\xbb\xbfone\r\ntwo \r\n\r\n\x00\rthree\x0c \n\n")
    corpus = read(str(path))
    assert "".join(everything(corpus)) == "one\ntwo \n\n\0\rthree\f \n\n"
    (finding,) = corpus.findings
    assert finding.outcome == "changed"
    assert "byte order mark" in finding.reason
    assert "3 line ends" in finding.reason


def test_text_is_the_same_however_it_falls_into_blocks(tmp_path, monkeypatch):
    raw = "a\r\né\r\r\n漢\U0001f3b6\r\n\r".encode() * 3
    path = written(tmp_path / "a.txt", raw)
    for size in range(1, 9):
        monkeypatch.setattr("toolkit.domains.text.files._BLOCK", size)
        assert "".join(blocks(path, "strict", [])) == raw.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1 << 22])
def test_invalid_utf8_is_refused_with_its_offset(tmp_path, monkeypatch, size):
    monkeypatch.setattr("toolkit.domains.text.files._BLOCK", size)
    for start, offset in ((b"h\xc3\xa9llo ", 7), (b"\xef\xbb\xbfab", 5), (b"", 0)):
        path = written(tmp_path / "a.txt", start + b"\xff\xfa rest")
        if offset:
            with pytest.raises(InputError, match=f"0xFF at offset {offset} ") as caught:
                read(str(path))
            assert caught.value.exit_code == 3
    path = written(tmp_path / "a.txt", b"cut short \xe6\xbc")
    with pytest.raises(InputError, match="0xE6 at offset 10 "):
        read(str(path))


def test_invalid_utf8_can_be_replaced_on_request(tmp_path):
    corpus = read(str(written(tmp_path / "a.txt", b"ab\xffcd\xe6\xbc")), encoding_errors="replace")
    assert "".join(everything(corpus)) == "ab\ufffdcd\ufffd"
    assert "2 characters read as U+FFFD" in corpus.findings[0].reason
    with pytest.raises(UsageError, match="strict, replace"):
        read("anything", encoding_errors="ignore")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_other_encodings_are_named(tmp_path, encoding):
    mark = "\ufeff" if encoding.endswith("be") else ""
    path = written(tmp_path / "a.txt", (mark + "hello").encode(encoding))
    with pytest.raises(InputError, match=encoding[:6].upper()):
        read(str(path))


@pytest.mark.parametrize("content", ["", "  \n\t ", "\ufeff"])
def test_a_text_without_text_is_refused_in_a_sentence(tmp_path, content):
    with pytest.raises(InputError, match="holds no text"):
        read(str(written(tmp_path / "a.txt", content)))


def test_a_single_character_is_too_little(tmp_path):
    with pytest.raises(InputError, match="single character"):
        read(str(written(tmp_path / "a.txt", "x")))


def test_one_character_over_and_over_is_allowed_and_remarked(tmp_path):
    corpus = read(str(written(tmp_path / "a.txt", "x" * 50)))
    assert [len("".join(texts(corpus, split))) for split in SPLITS] == [45, 5, 0]
    assert "over and over" in corpus.findings[-1].reason


def test_a_huge_single_line_is_one_text(tmp_path):
    corpus = read(str(written(tmp_path / "a.txt", "word " * 2_000_000)))
    assert sum(map(len, everything(corpus))) == 10_000_000


def test_a_file_that_changes_after_it_was_opened_is_refused(tmp_path):
    path = written(tmp_path / "a.txt", "first version of it")
    corpus = read(str(path))
    path.write_text("shorter")
    with pytest.raises(InputError, match="changed"):
        texts(corpus, "train")


def test_the_sha256_follows_the_content_and_not_the_place(tmp_path):
    one = read(str(written(tmp_path / "a.txt", "the same text")))
    two = read(str(written(tmp_path / "b" / "c.txt", "the same text")))
    other = read(str(written(tmp_path / "d.txt", "the same texT")))
    assert one.sha256 == two.sha256 != other.sha256
    assert (one.name, two.name) == ("a", "c")


# Several documents


def documents(count, word="tale"):
    return [Document(f"{word} {number}", f"{word} number {number} goes on\n") for number in range(count)]


def splits_of(items):
    corpus = split_corpus("c", "here", "none", lambda findings: items)
    return corpus, {split: {document.name for document in corpus.read(split)} for split in SPLITS}


def test_documents_split_into_disjoint_ninetieths_and_twentieths():
    corpus, parts = splits_of(documents(4000))
    assert not corpus.whole
    sizes = [len(parts[split]) / 4000 for split in SPLITS]
    assert sizes == pytest.approx([0.9, 0.05, 0.05], abs=0.015)
    assert len(set.union(*parts.values())) == 4000


def test_adding_renaming_or_reordering_documents_moves_no_other():
    items = documents(300)
    _, before = splits_of(items)
    _, after = splits_of([*documents(100, "other"), *reversed(items)])
    assert all(before[split] == {name for name in after[split] if name.startswith("tale")} for split in SPLITS)
    _, renamed = splits_of([Document("x" + each.name, each.item) for each in items])
    assert renamed == {split: {"x" + name for name in before[split]} for split in SPLITS}


@pytest.mark.parametrize("count", range(2, 25))
def test_a_small_collection_has_something_in_each_split(count):
    _, parts = splits_of(documents(count))
    expected = SPLITS[: min(count, 3)]
    assert all(parts[split] for split in expected)
    assert sum(map(len, parts.values())) == count
    assert len(parts["train"]) >= count - 8


def test_repeated_and_blank_documents_are_left_out_with_a_finding():
    items = [Document("a", "one\n"), Document("b", "one\n"), Document("c", " \n"), Document("d", "two\n")]
    corpus, parts = splits_of(items)
    assert set.union(*parts.values()) == {"a", "d"}
    assert outcomes(corpus) == {
        "b": ("dropped", "the same text as a"),
        "c": ("dropped", "nothing but white space"),
    }
    assert corpus.facts["documents"] == "2"


def test_many_repetitions_are_summed_up():
    corpus, _ = splits_of([*documents(3), *(Document(f"again {n}", "the same\n") for n in range(1001))])
    assert len(corpus.findings) == 21
    assert "980 more" in corpus.findings[-1].reason


def test_documents_that_differ_at_the_second_reading_are_refused():
    readings = iter([documents(30), documents(29)])
    corpus = split_corpus("c", "here", "none", lambda findings: next(readings))
    with pytest.raises(InputError, match="changed"):
        list(corpus.read("train"))


def test_the_identity_of_documents_is_their_texts():
    one, _ = splits_of(documents(9))
    two, _ = splits_of(documents(10))
    assert one.sha256 == splits_of(documents(9))[0].sha256 != two.sha256


# Folders and globs


def test_a_folder_is_read_by_name_and_says_what_it_passed_over(tmp_path):
    written(tmp_path / "b.txt", "text of b\n")
    written(tmp_path / "a" / "z.md", "text of z\n")
    written(tmp_path / "-rf.txt", "text of rf\n")
    written(tmp_path / "né w\nline \u202e.TXT", "text of new\n")
    written(tmp_path / ".hidden.txt", "hidden")
    written(tmp_path / ".git" / "c.txt", "hidden")
    written(tmp_path / "picture.png", b"\x89PNG")
    written(tmp_path / "bad.txt", b"\xff\x00")
    written(tmp_path / "empty.txt", "")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
    (tmp_path / "dangling.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link.txt").symlink_to(tmp_path / "bad.txt")
    (tmp_path / "folder.txt").mkdir()
    corpus = read(str(tmp_path))
    assert sorted(everything(corpus)) == ["text of b\n", "text of new\n", "text of rf\n", "text of z\n"]
    names = {document.name for split in SPLITS for document in corpus.read(split)}
    assert names == {"-rf.txt", "a/z.md", "b.txt", "né w\\nline \\u202e.TXT"}
    found = outcomes(corpus)
    for name in ("bad.txt", "empty.txt", "pipe.txt", "self.txt", "dangling.txt", "link.txt"):
        assert found[name][0] == "dropped", name
    assert any("not followed" in reason for _, reason in found.values())
    assert any("1 of .png" in reason for _, reason in found.values())
    assert all(finding.name.isprintable() and finding.reason.isprintable() for finding in corpus.findings)


def test_a_name_that_is_no_unicode_is_shown_and_read(tmp_path):
    for name, text in ((b"\xff\xfe.txt", "one text\n"), (b"b.txt", "two text\n")):
        with open(os.fsencode(tmp_path) + b"/" + name, "w") as file:  # noqa: PTH123 (a Path cannot spell it)
            file.write(text)
    corpus = read(str(tmp_path))
    assert sorted(everything(corpus)) == ["one text\n", "two text\n"]


def test_a_folder_of_one_text_is_that_text(tmp_path):
    written(tmp_path / "only.txt", "the only text there is")
    assert read(str(tmp_path)).whole


def test_a_pattern_is_read_in_order_of_names(tmp_path, monkeypatch):
    for name in ("b.txt", "a.txt", "deep/c.txt", "d.md"):
        written(tmp_path / name, f"text of {name}\n")
    monkeypatch.chdir(tmp_path)
    assert sorted(everything(read("*.txt"))) == ["text of a.txt\n", "text of b.txt\n"]
    assert len(everything(read(str(tmp_path / "**" / "*.txt")))) == 3
    written(tmp_path / "odd[1].txt", "a text whose name looks like a pattern")
    assert read("odd[1].txt").whole


@pytest.mark.parametrize("source", ["nowhere.txt", "*.nothing", "/dev/null", "pipe.txt", "nofiles"])
def test_what_is_not_there_is_refused_in_a_sentence(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.txt")
    Path("nofiles").mkdir()
    with pytest.raises(InputError) as caught:
        read(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["", "  ", "a\0b.txt"])
def test_what_is_no_name_is_a_mistake_of_use(source):
    with pytest.raises(UsageError):
        read(source)


def test_documents_are_read_from_disk_as_they_are_asked_for(tmp_path, monkeypatch):
    for number in range(20):
        written(tmp_path / f"{number}.txt", f"text {number}\n")
    corpus = read(str(tmp_path))
    opened = []
    genuine = blocks
    monkeypatch.setattr(
        "toolkit.domains.text.corpora.blocks", lambda path, *rest: opened.append(path) or genuine(path, *rest)
    )
    next(iter(corpus.read("train")))
    assert len(opened) < 20


# Tables


ROWS = ["first row, with a comma", 'second "row"\nover two lines', "third\r\nrow é漢", "fourth"]
KEPT = [row.replace("\r\n", "\n") for row in ROWS]


def as_jsonl(path, column="text"):
    return written(path, "".join(json.dumps({"id": n, column: row}) + "\n" for n, row in enumerate(ROWS)))


def as_csv(path, delimiter=","):
    quoted = ['"' + row.replace('"', '""') + '"' for row in ROWS]
    return written(path, f"id{delimiter}text\n" + "".join(f"{n}{delimiter}{row}\n" for n, row in enumerate(quoted)))


def as_parquet(path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"id": list(range(4)), "text": ROWS}), path)
    return path


@pytest.mark.parametrize("write", [as_jsonl, as_csv, as_parquet])
def test_each_row_of_a_table_is_a_document(tmp_path, write):
    path = write(tmp_path / ("rows." + write.__name__.removeprefix("as_")))
    corpus = read(str(path))
    assert sorted(everything(corpus)) == sorted(KEPT)
    assert {d.name for split in SPLITS for d in corpus.read(split)} == {f"{path.name}:{n}" for n in range(1, 5)}
    assert sorted(everything(read(str(path), text_column="text"))) == sorted(KEPT)
    with pytest.raises(InputError, match="no column 'story'"):
        read(str(path), text_column="story")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_csv_may_be_parted_by_other_signs(tmp_path, delimiter):
    assert sorted(everything(read(str(as_csv(tmp_path / "rows.csv", delimiter))))) == sorted(KEPT)


def test_a_long_cell_is_read(tmp_path):
    path = written(tmp_path / "rows.csv", "text\n" + "x y" * 200_000 + "\nshort one\n")
    assert sum(map(len, everything(read(str(path))))) == 600_009


def test_the_column_of_text_is_found_or_asked_for(tmp_path):
    assert len(everything(read(str(as_jsonl(tmp_path / "a.jsonl", "anything"))))) == 4
    two = written(tmp_path / "b.jsonl", '{"who": "a", "what": "b"}\n{"who": "c", "what": "d"}\n')
    with pytest.raises(InputError, match="'who', 'what'"):
        read(str(two))
    assert sorted(everything(read(str(two), text_column="what"))) == ["b", "d"]
    usual = written(tmp_path / "c.jsonl", '{"title": "a", "Text": "b"}\n{"title": "c", "Text": "d"}\n')
    assert sorted(everything(read(str(usual)))) == ["b", "d"]


def test_lines_of_json_may_be_strings_and_hold_any_line_separator(tmp_path):
    path = written(tmp_path / "a.jsonl", '"one\u2028two"\n\n"three\\nfour"')
    assert sorted(everything(read(str(path)))) == ["one\u2028two", "three\nfour"]


def test_rows_without_text_are_counted(tmp_path):
    lines = ['{"text": "a b"}', '{"text": null}', '{"other": 1}', '{"text": "\\ud800"}', '{"text": "c d"}']
    corpus = read(str(written(tmp_path / "a.jsonl", "\n".join(lines))))
    assert sorted(everything(corpus)) == ["a b", "c d"]
    assert "3 rows have no text" in corpus.findings[0].reason


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", '{"text": "a"}\n{"text": ', "line 2"),
        ("a.jsonl", "[1, 2]\n", "neither a JSON object nor a string"),
        ("a.jsonl", "[" * 200_000, "line 1"),
        ("a.jsonl", "", "no text"),
        ("a.csv", "", "no text"),
        ("a.csv", "text\n", "no text"),
        ("a.csv", "a,b\n1,2\n", "name one of 'a', 'b'"),
        ("a.parquet", b"PAR1 or not", "not a readable Parquet file"),
        ("a.parquet", b"", "not a readable Parquet file"),
    ],
)
def test_damaged_tables_are_refused_in_a_sentence(tmp_path, name, content, words):
    pytest.importorskip("pyarrow")
    with pytest.raises(InputError, match=words) as caught:
        read(str(written(tmp_path / name, content)))
    assert "\n" not in str(caught.value)


def test_a_folder_may_mix_texts_and_tables(tmp_path):
    as_jsonl(tmp_path / "rows.jsonl")
    written(tmp_path / "plain.txt", "a plain text\n")
    written(tmp_path / "broken.jsonl", '{"text": "kept before the break"}\n{')
    corpus = read(str(tmp_path))
    assert sorted(everything(corpus)) == sorted([*KEPT, "a plain text\n", "kept before the break"])
    assert "line 2" in outcomes(corpus)["broken.jsonl"][1]
