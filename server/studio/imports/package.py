"""A PPTX as the zip of parts that it is (ECMA-376), read within bounds."""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Final
from urllib.parse import unquote
from xml.etree import ElementTree

from visavis.server.studio.imports.imported import broken

Element = ElementTree.Element

_LARGEST: Final = 32 << 20  # bytes of a part, unpacked
_WHOLE: Final = 512 << 20  # bytes of all that are read: a zip of 100 MB may unpack to 100 GB
_MOST: Final = 20_000  # parts
_NAMES: Final = re.compile(r"\{[^}]{0,200}\}")
_RELATIONS: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_FAULTS: Final = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Related:
    """What a part points to. kind: the last word of its type ("slide", "notesSlide", "image")."""

    kind: str
    part: str


class Package:
    """The parts of one file. Raises Unprocessable wherever it is not what it should be."""

    def __init__(self, file: IO[bytes]) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise broken("The file is no PPTX, or is not whole: save it anew.") from error
        if len(self._zip.namelist()) > _MOST:
            raise broken(f"The file has more than {_MOST} parts.")
        self._left = _WHOLE

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Names of parts do not tell case apart, those in a zip do."""
        return {name.lower(): name for name in self._zip.namelist()}

    def part(self, name: str) -> bytes:
        """A part's content."""
        try:
            with self._zip.open(self._names[name.lower()]) as opened:
                content = opened.read(min(_LARGEST, self._left) + 1)
        except RuntimeError as error:
            raise broken("The file is encrypted: save it without a password.") from error
        except _FAULTS as error:
            raise broken("The file is not whole: save it anew.") from error
        self._left -= len(content)
        if len(content) > _LARGEST or self._left < 0:
            raise broken("What is in the file is too large.")
        return content

    def xml(self, name: str) -> Element:
        """A part as XML, its names without their namespaces, but for r: of relations."""
        content = self.part(name)
        # No part has a document type (ECMA-376, part 2), and those can be made to swell.
        if b"<!" in content and re.search(rb"<!(?:DOCTYPE|ENTITY)", content):
            raise broken("The file has a document type in it, which no PPTX has.")
        if b"\x00" in content[:4]:
            raise broken("The file is not encoded as PPTX are.")
        try:
            root = ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            raise broken("The file is not whole: save it anew.") from error
        for element in list(root.iter()):
            for other in [child for child in element if str(child.tag).endswith("}Fallback")]:
                element.remove(other)  # the same once more, for older programs
        for element in root.iter():
            if isinstance(element.tag, str):
                element.tag = _NAMES.sub("", element.tag)
            for key in [key for key in element.attrib if key.startswith(_RELATIONS)]:
                element.set(f"r:{key.removeprefix(_RELATIONS)}", element.attrib.pop(key))
        return root

    def related(self, name: str) -> dict[str, Related]:
        """What a part points to within the file, by the ids that it uses."""
        folder, _, file = name.rpartition("/")
        relations = f"{folder}/_rels/{file}.rels".lstrip("/")
        if relations.lower() not in self._names:
            return {}
        found = {}
        for each in self.xml(relations).iter("Relationship"):
            if each.get("TargetMode") == "External":
                continue
            target = unquote(each.get("Target", ""))
            path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            kind = each.get("Type", "").rpartition("/")[2]
            found[each.get("Id", "")] = Related(kind, path)
        return found
