"""What can be wrong with a portrait or an avatar file: stable codes, words that name the fix."""

from __future__ import annotations


class ModelError(Exception):
    """`code` is stable and meant for programs; `message` is for people and says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class PortraitError(ModelError):
    """No avatar can be made from this photo.

    Codes: image-format, image-unreadable, image-too-large, image-too-small, no-face, several-faces,
    face-too-small, face-cut-off; of a clip: clip-broken, clip-too-short, clip-too-long,
    clip-too-large, clip-too-small, clip-no-face, clip-several-faces, clip-cut-off, clip-cuts,
    clip-turned, clip-talking.
    """


class AvatarError(ModelError):
    """An avatar cannot be written or read.

    Codes: avatar-missing, avatar-unreadable, avatar-version, avatar-invalid, avatar-too-large,
    avatar-unwritable, avatar-changed, likeness-* and presence-* (server/avatars),
    consent-missing, consent-invalid, name-invalid.
    """
