"""Puts rendered personas into the product: the picture, the avatar, its entry and its sheet.

With the product's own environment, from the repository's root; masters are MASTERS/NAME.png:

    python -m models.tools.persona.ship MASTERS [NAME ...]
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Final

from PIL import Image

from visavis.models.avatar.file import Consent, load_avatar
from visavis.models.bake import portrait
from visavis.server.commands.examining import examine, write_sheet

ROOT: Final = Path(__file__).parents[3]
PERSONAS: Final = ROOT / "models/data/personas"
CONSENT: Final = Consent(
    "nobody: a synthetic person",
    "Rendered from CC0 data by models/tools/persona; nobody's likeness",
    "the makers of visavis",
    "2026-11-22",
)
VOICES: Final = {
    "mira": "heart", "tomas": "joe", "amara": "heart", "jun": "joe", "ingrid": "heart",
    "samir": "joe", "nila": "heart",
}  # fmt: skip
ENTRY: Final = """[persona-{name}]
role = "persona"
licence = "CC0-1.0"
source = "a synthetic face, see models/data/personas/README.md"
data = true
main = "models/data/personas/{name}.avatar"

[[persona-{name}.files]]
path = "models/data/personas/{name}.avatar"
bytes = {size}
sha256 = "{digest}"
"""


def ship(name: str, master: Path) -> None:
    """Write NAME.webp, NAME.avatar, its entry of the manifest and its sheet in docs/personas."""
    picture = PERSONAS / f"{name}.webp"
    with Image.open(master) as source:
        source.convert("RGB").save(picture, quality=93, method=6)
    avatar = portrait.create_avatar(picture, name, CONSENT, "CC0-1.0", voice=VOICES[name])
    path = PERSONAS / f"{name}.avatar"
    avatar.save(path)
    register(name, path.read_bytes())
    shipped = load_avatar(path)
    write_sheet(shipped, ROOT / f"docs/personas/{name}.webp")
    report = examine(shipped, lambda _what, _share: None)
    weak = [f"{each.title}: {each.figure}" for each in report.findings if each.level != "pass"]
    warned = ", ".join(avatar.card.warnings) or "no warnings"
    print(f"{name}: {path.stat().st_size} bytes, {warned}; {'; '.join(weak) or 'all good'}")


def register(name: str, content: bytes) -> None:
    """Put size and digest into the manifest, in place of the persona's entry or behind the last."""
    manifest = ROOT / "models/manifest.toml"
    digest = hashlib.sha256(content).hexdigest()
    entry = ENTRY.format(name=name, size=f"{len(content):_}", digest=digest)
    text = manifest.read_text()
    old = re.compile(rf"\[persona-{name}\]\n.*?sha256 = \"[0-9a-f]+\"\n", re.DOTALL)
    if old.search(text):
        text = old.sub(lambda _: entry, text)
    else:
        text = text.rstrip("\n") + "\n\n" + entry
    manifest.write_text(text)


def main() -> None:
    masters, *names = sys.argv[1:]
    for name in names or VOICES:
        ship(name, Path(masters) / f"{name}.png")


if __name__ == "__main__":
    main()
