"""The scripts of which videos are made over HTTP: those of projects, and those that are sent."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.document.reading import parse
from visavis.server.studio.projects import Projects
from visavis.server.studio.videos import Loose, Script
from visavis.server.system.errors import NotFound

_TAG: Final = re.compile("[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")


class ProjectScripts:
    """videos.Scripts, of a server that keeps projects. loose: scripts of none."""

    def __init__(self, projects: Projects, loose: Loose) -> None:
        self._projects, self._loose = projects, loose

    async def project(self, name: str, language: str) -> Script:
        """See Scripts. Raises ScriptError, too."""
        return await asyncio.to_thread(self._of, name, language)

    async def alone(self, text: str, language: str) -> Script:
        """See Scripts."""
        return await self._loose.alone(text, language)

    def _of(self, name: str, language: str) -> Script:
        version = self._projects.read(name)
        if version.script is None:
            raise ScriptError(version.faults)
        folder, project = self._projects.path(name).absolute(), version.script.project
        title = project.title or name
        if not language or language == project.language:
            return Script(version.text, folder, title)
        return Script(_translation(folder, name, language), folder, title)


def _translation(folder: Path, name: str, language: str) -> str:
    """The script in another language. Raises NotFound, ScriptError."""
    path = folder / f"script.{language}.md"
    if not _TAG.fullmatch(language) or not path.is_file():
        msg = f"The project {name!r} is not translated into {language[:20]!r} yet."
        raise NotFound(msg, "not-translated")
    text = path.read_text("utf-8", errors="replace")
    parse(text)
    return text
