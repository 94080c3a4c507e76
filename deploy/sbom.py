"""A list of all that visavis is made of, as CycloneDX: `make sbom`.

Packages with the versions and hashes of a lock file, licences and dependencies as they are
installed here, the models of models/manifest.toml, and what lies in the repository. The same
commit gives the same file, so that two of them can be compared.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from visavis.models import manifest

ROOT: Final = Path(__file__).parent.parent
_LOCKED: Final = re.compile(r"^([a-z0-9._-]+)==([^ ;]+)", re.MULTILINE)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VENDOR: Final = ROOT / "client" / "element" / "vendor"
_VENDORED: Final = ("qr", "0.7.0", "qr.js", "MIT OR Apache-2.0")
_TROVE: Final = "License :: OSI Approved :: "
_LICENCES: Final = LicenseFactory()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", type=Path, default=ROOT / "deploy" / "requirements.lock")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "out" / "sbom.cdx.json")
    options = parser.parse_args()
    bom = bill(options.lock.read_text(), moment())
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n")
    unknown = sorted(each.name for each in bom.components if not each.licenses)
    print(f"{options.output}: {len(bom.components)} components")
    if unknown:
        print(f"without a licence, for they are not installed here: {', '.join(unknown)}")


def moment() -> datetime:
    """When the commit was made; SOURCE_DATE_EPOCH goes first."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        command = ["git", "log", "-1", "--format=%ct"]
        given = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return datetime.fromtimestamp(int(given), UTC)


def bill(lock: str, made: datetime) -> Bom:
    """All components. lock: what a lock file holds."""
    own = metadata.metadata("visavis")
    root = Component(
        name="visavis", version=own["Version"], type=ComponentType.APPLICATION,
        bom_ref="visavis", purl=PackageURL("pypi", name="visavis", version=own["Version"]),
        licenses=[_LICENCES.make_with_expression("Apache-2.0")],
    )  # fmt: skip
    packages = {each.name: each for each in _packages(lock)}
    others = [*_models(), _vendored()]
    content = uuid.uuid5(uuid.NAMESPACE_OID, f"visavis {own['Version']} {made} {lock}")
    bom = Bom(components=[*packages.values(), *others], serial_number=content)
    bom.metadata.component, bom.metadata.timestamp = root, made
    bom.register_dependency(root, others)
    needed = {name: _needs(name) & set(packages) for name in packages}
    # Its own, and those of the optional parts that the lock file holds.
    needed["visavis"] = set(packages) - set().union(*needed.values()) | _needs("visavis")
    for name, component in {"visavis": root, **packages}.items():
        names = sorted(needed[name] & set(packages))
        bom.register_dependency(component, [packages[each] for each in names])
    return bom


def _packages(lock: str) -> Iterator[Component]:
    """Those of a lock file, each with the hashes of all files that pip would take."""
    entries = list(_LOCKED.finditer(lock))
    ends = [each.start() for each in entries[1:]] + [len(lock)]
    for entry, end in zip(entries, ends, strict=True):
        name, version = canonicalize_name(entry[1]), entry[2]
        purl = PackageURL("pypi", name=name, version=version)
        files = ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION, url=XsUri(purl.to_string()),
            hashes=[_sha256(each) for each in _HASH.findall(lock, entry.end(), end)],
        )  # fmt: skip
        yield Component(
            name=name, version=version, type=ComponentType.LIBRARY, bom_ref=f"{name}=={version}",
            purl=purl, external_references=[files], licenses=_licence(name, version),
        )  # fmt: skip


def _licence(name: str, version: str) -> list[License]:
    """As the installed package says it: none where another version is installed, or none."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    if said["Version"] != version:
        return []
    trove = [each for each in said.get_all("Classifier") or () if each.startswith(_TROVE)]
    texts = [said["License-Expression"], *(each.removeprefix(_TROVE) for each in trove)]
    texts += [(said["License"] or "").strip().partition("\n")[0]]
    found = next((text for text in texts if text), None)
    return [_LICENCES.make_from_string(found)] if found else []


def _needs(name: str) -> set[str]:
    """The packages that this one asks for, here and without extras."""
    try:
        asked = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()
    needs = (Requirement(each) for each in asked)
    return {
        canonicalize_name(each.name)
        for each in needs
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def _models() -> Iterator[Component]:
    """Every model, and each of its files."""
    for model in manifest.load().models.values():
        files = [
            Component(
                name=str(file.path), type=ComponentType.FILE, hashes=[_sha256(file.sha256)],
                bom_ref=f"{model.name}/{file.path}",
            )
            for file in model.files
        ]  # fmt: skip
        yield Component(
            name=model.name, version=model.version or None, components=files,
            type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref=f"model:{model.name}",
            description=model.source, licenses=[_LICENCES.make_from_string(model.licence)],
        )  # fmt: skip


def _vendored() -> Component:
    name, version, file, licence = _VENDORED
    return Component(
        name=name, version=version, type=ComponentType.LIBRARY, bom_ref=f"{name}@{version}",
        purl=PackageURL("npm", name=name, version=version),
        hashes=[_sha256(manifest.sha256(_VENDOR / file))],
        licenses=[_LICENCES.make_with_expression(licence)],
    )  # fmt: skip


def _sha256(content: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=content)


if __name__ == "__main__":
    main()
