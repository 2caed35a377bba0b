"""A bill of materials of what runs: CycloneDX JSON of requirements/run.lock, with the hashes that are locked.

    python tools/sbom.py [FILE]         (default dist/sbom.cdx.json; make sbom)

The same lock gives the same bytes: no time, no machine. Licences are told of the packages that are installed here.
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "run.lock"
_PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)(?: ; (.*?))? \\$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def pins(text: str) -> Iterator[tuple[str, str, str | None, list[str]]]:
    """Name, version, marker and hashes of every package in the text of a lock."""
    for block in re.split(r"\n(?=\S)", text.strip()):
        found = _PIN.match(block.splitlines()[0])
        if found is None:
            raise ValueError(f"not a locked package: {block.splitlines()[0]!r}")
        yield found[1], found[2], found[3], _HASH.findall(block)


def _component(name: str, version: str, marker: str | None, hashes: list[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    made: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if licence := _licence(name, version):
        made["licenses"] = [{"license": {"name": licence}}]
    if marker:
        made["scope"] = "optional"
    files = [{"alg": "SHA-256", "content": one} for one in hashes]
    made["externalReferences"] = [{"type": "distribution", "url": purl, "hashes": files}]
    return made


def _licence(name: str, version: str) -> str | None:
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    if found["Version"] != version:
        return None
    text = found.get("License-Expression") or found.get("License") or ""
    return text if 0 < len(text) <= 64 and "\n" not in text else None


def sbom() -> dict[str, Any]:
    """The document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = LOCK.read_text(encoding="utf-8")
    ours = f"pkg:pypi/{project['name']}@{project['version']}"
    components = [_component(*pin) for pin in pins(lock)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ours + lock)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": ours, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def main(words: list[str]) -> int:
    """Write it."""
    path = Path(words[0]) if words else ROOT / "dist" / "sbom.cdx.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sbom(), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
