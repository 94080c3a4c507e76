"""The scripts of which videos are made over HTTP: those of projects, and those that are sent."""

from __future__ import annotations

import asyncio

from visavis.server.studio.document import reading, writing
from visavis.server.studio.document.faults import ScriptError
from visavis.server.studio.projects import Projects
from visavis.server.studio.translation import kept
from visavis.server.studio.translation.pairs import ENGLISH
from visavis.server.studio.videos import Loose, Script
from visavis.server.system.errors import Unprocessable


class ProjectScripts:
    """videos.Scripts, of a server that keeps projects. loose: scripts of none."""

    def __init__(self, projects: Projects, loose: Loose) -> None:
        self._projects, self._loose = projects, loose

    async def project(self, name: str, language: str) -> Script:
        """See Scripts. Raises ScriptError, too."""
        return await asyncio.to_thread(self._of, name, language)

    async def alone(self, text: str, language: str) -> Script:
        """See Scripts."""
        if language:
            project = await asyncio.to_thread(reading.read, text)
            if kept.tag(language) != (project.language or ENGLISH):
                msg = "Only a project can be filmed in another language: translate it, and read it."
                raise Unprocessable(msg, "translation-missing")
        return await self._loose.alone(text, language)

    def _of(self, name: str, language: str) -> Script:
        version = self._projects.read(name)
        if version.script is None:
            raise ScriptError(version.faults)
        folder, project = self._projects.path(name).absolute(), version.script.project
        if not language:
            return Script(version.text, folder, project.title or name)
        made, _notes = kept.in_language(project, folder, language)
        text = version.text if made == project else writing.write(made)
        return Script(text, folder, made.title or name)
