"""The MusicXML document in a file: plain, or the one that a compressed .mxl container names.

Knows zip archives and what a document may hold before it is parsed; no music. Source: MusicXML 4.0, "Compressed .mxl
files".
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from toolkit.core import InputError

LARGEST = 1 << 26
"""Bytes of a document, unpacked, that are read at most."""

_CONTAINER = "META-INF/container.xml"
_ENTITY = re.compile(rb"<!\s*(ENTITY|ELEMENT|ATTLIST)", re.IGNORECASE)


def document(data: bytes) -> Element:
    """The root of the MusicXML document in ``data``, its names without namespaces; InputError where there is none."""
    root = _parsed(_unpacked(data) if data[:4] == b"PK\x03\x04" else data)
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith("{"):
            element.tag = element.tag.partition("}")[2]
    if root.tag not in ("score-partwise", "score-timewise"):
        raise InputError(f"it is not MusicXML: the document is a {str(root.tag)[:40]!r}.")
    return root


def is_musicxml(head: bytes) -> bool:
    """Whether the first bytes of a file look like a MusicXML document rather than some other XML."""
    return b"score-partwise" in head or b"score-timewise" in head


def _parsed(data: bytes) -> Element:
    if len(data) > LARGEST:
        raise InputError(f"it is larger than {LARGEST >> 20} MB.")
    # Wide encodings hide names from a search of bytes, and no program writes MusicXML in one of 32 bits.
    plain = data.replace(b"\0", b"") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data
    if _ENTITY.search(plain):
        raise InputError("it declares entities or elements of its own, which are not read.")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise InputError(f"it is not well-formed XML: {str(error).rstrip('.')}.") from None


def _unpacked(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            name = _named(archive) if _CONTAINER in names else None
            others = [each for each in names if each.lower().endswith((".musicxml", ".xml")) and "META-INF" not in each]
            name = name if name in names else next(iter(others), None)
            if name is None:
                raise InputError("the .mxl archive holds no MusicXML document.")
            return _member(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(f"the .mxl archive cannot be unpacked: {str(error).rstrip('.')}.") from None


def _named(archive: zipfile.ZipFile) -> str | None:
    """The document that the container's first root file names."""
    root = _parsed(_member(archive, _CONTAINER))
    found = next((each for each in root.iter() if str(each.tag).rpartition("}")[2] == "rootfile"), None)
    return None if found is None else found.get("full-path")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InputError(f"it unpacks to more than {LARGEST >> 20} MB.")
    return data
