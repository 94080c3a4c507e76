"""The scripts of an installation's projects, in the languages they were put into."""

from __future__ import annotations

import asyncio
from pathlib import Path

from visavis.server.studio.document import reading, writing
from visavis.server.studio.projects import Projects
from visavis.server.studio.translation import kept
from visavis.server.studio.translation.pairs import ENGLISH
from visavis.server.studio.videos import Script
from visavis.server.system.errors import Unprocessable


class ProjectScripts:
    """See videos.Scripts. loose: an empty folder, for scripts that belong to no project."""

    def __init__(self, projects: Projects, loose: Path) -> None:
        self._projects, self._loose = projects, loose

    async def project(self, name: str, language: str) -> Script:
        """See videos.Scripts. Raises ScriptError."""
        return await asyncio.to_thread(self._project, name, language)

    async def alone(self, text: str, language: str) -> Script:
        """See videos.Scripts."""
        return await asyncio.to_thread(self._alone, text, language)

    def _project(self, name: str, language: str) -> Script:
        folder, version = self._projects.path(name), self._projects.read(name)
        project = version.project or reading.read(version.text)
        if not language:
            return Script(version.text, folder, project.title or name)
        made, _notes = kept.in_language(project, folder, language)
        return Script(writing.write(made), folder, made.title or name)

    def _alone(self, text: str, language: str) -> Script:
        project = reading.read(text)
        if language and kept.tag(language) != (project.language or ENGLISH):
            msg = "Only a project can be filmed in another language: translate it, and read it."
            raise Unprocessable(msg, "translation-missing")
        self._loose.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Script(text, self._loose, project.title)
