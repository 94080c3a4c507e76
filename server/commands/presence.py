"""On the server itself: whose face a new avatar has, and whether that person is there."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from visavis.engines import load
from visavis.models import recognition
from visavis.models.avatar.consent import Consent
from visavis.models.avatar.file import Avatar
from visavis.models.errors import AvatarError
from visavis.models.files import PRIVATE, private_folder, whole
from visavis.server.avatars import sentences
from visavis.server.avatars.comparing import Comparison
from visavis.server.avatars.footage import MOST_BYTES, Unusable
from visavis.server.avatars.likeness import Claim
from visavis.server.avatars.presence import Evidence, Witness
from visavis.server.commands.console import say_line
from visavis.server.system import config_reading as settings
from visavis.server.system import strict_json
from visavis.server.system.errors import ConfigError

SHOWN: Final = "sentence.json"  # in the home: the one that was asked for last
# Longer than on the page: the video may have to be carried here from a telephone.
VALID: Final = 15 * 60.0  # s


def sentence(options: argparse.Namespace) -> None:
    """`avatar sentence`: something to read into a camera. Raises ConfigError."""
    home = settings.load({}).home_path
    spoken = [code for code in sentences.LANGUAGES if code in load.heard(home)]
    if options.language not in spoken:
        msg = f"--language {options.language}: choose one of {', '.join(spoken)}"
        raise ConfigError(msg)
    text = sentences.sentence(options.language)
    row = {"text": text, "language": options.language, "at": time.time()}
    try:
        private_folder(home)
        with whole(home / SHOWN, PRIVATE) as file:
            file.write(json.dumps(row).encode())
    except OSError as error:
        msg = f"{home / SHOWN} cannot be written: {error.strerror or 'unknown reason'}"
        raise ConfigError(msg) from error
    say_line(text)
    sys.stderr.write(
        "note: record yourself reading this aloud, 6 to 15 s, face and sound, and within "
        f"{VALID / 60:.0f} minutes run: visavis avatar create PHOTO --presence VIDEO ...\n"
    )


def proven(photo: Path, video: Path, consent: Consent) -> Consent:
    """The record with what the video shows. Raises ConfigError, AvatarError."""
    home = settings.load({}).home_path
    evidence = _evidence(home, video)
    try:
        seen = photo.read_bytes()
        proof = Witness(home).look(seen, evidence, datetime.datetime.now(datetime.UTC))
    except OSError as error:
        msg = f"{photo} cannot be read: {error.strerror or 'unknown reason'}"
        raise ConfigError(msg) from error
    except Unusable as error:
        raise AvatarError(error.code, error.message) from error
    (home / SHOWN).unlink(missing_ok=True)
    return replace(consent, proof=str(proof))


def check_face(avatar: Avatar, comparison: Comparison) -> None:
    """Raises AvatarError where the face is one that is here already."""
    consent = avatar.card.consent
    claim = Claim(consent.subject, consent.likeness, bool(consent.proof), operator=True)
    template = recognition.of_picture(avatar.picture(), comparison.network)
    if found := comparison.objection(template, claim):
        raise AvatarError(found.code, found.message)


def _evidence(home: Path, video: Path) -> Evidence:
    try:
        if video.stat().st_size > MOST_BYTES:
            msg = f"{video} is over {MOST_BYTES >> 20} MB: record the sentence alone"
            raise ConfigError(msg)
        content = video.read_bytes()
    except OSError as error:
        msg = f"{video} cannot be read: {error.strerror or 'unknown reason'}"
        raise ConfigError(msg) from error
    try:
        row = strict_json.parse((home / SHOWN).read_text())
        text, language, at = str(row["text"]), str(row["language"]), float(row["at"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = "no sentence was shown for this video: run `visavis avatar sentence` first"
        raise ConfigError(msg) from error
    if not 0 <= time.time() - at <= VALID:
        msg = "the sentence was shown too long ago: run `visavis avatar sentence` again"
        raise ConfigError(msg)
    return Evidence(content, text, language)
