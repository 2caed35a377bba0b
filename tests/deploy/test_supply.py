"""What we are made of: locked with hashes, never older than the versions that mended known holes (trust rule 39)."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("run", "dev", "build")
FLOORS = {"aiohttp": "3.14.1", "jinja2": "3.1.6", "redis": "8.1.0", "apscheduler": "3.11.2"}
PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


def lock(name: str) -> str:
    """The text of a lock."""
    return (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")


def too_old(text: str) -> list[str]:
    """The packages of a lock that are below their floor."""
    pinned = dict(PIN.findall(text))
    return [name for name, floor in FLOORS.items() if name in pinned and Version(pinned[name]) < Version(floor)]


def wanted(*extras: str) -> list[Requirement]:
    """What pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    more = [one for extra in extras for one in project["optional-dependencies"][extra]]
    return [Requirement(one) for one in [*project["dependencies"], *more]]


def test_nothing_is_below_its_floor() -> None:
    """Neither what is locked, nor what pyproject.toml lets in, nor what runs here."""
    assert {name: too_old(lock(name)) for name in LOCKS} == {"run": [], "dev": [], "build": []}
    ranges = {one.name.lower(): one.specifier for one in wanted()}
    for name, floor in FLOORS.items():
        before = Version(floor).release
        older = ".".join(map(str, (*before[:-1], before[-1] - 1))) if before[-1] else f"{before[0]}.{before[1] - 1}.99"
        assert older not in ranges[name], f"pyproject.toml lets {name} {older} in"
        assert floor in ranges[name]
        assert Version(metadata.version(name)) >= Version(floor)


@pytest.mark.parametrize("name", FLOORS)
def test_an_old_version_is_found_out(name: str) -> None:
    """A planted old one fails, so that the floors are more than words."""
    planted = re.sub(rf"^{name}==[^ ;\\]+", f"{name}==0.9", lock("run"), flags=re.MULTILINE)

    assert too_old(planted) == [name]


@pytest.mark.parametrize(("name", "extras"), [("run", ()), ("dev", ("dev",))])
def test_the_lock_is_what_pyproject_asks_for(name: str, extras: tuple[str, ...]) -> None:
    """Every dependency is locked inside its range; after a change: make lock."""
    pinned = dict(PIN.findall(lock(name)))

    for one in wanted(*extras):
        assert pinned.get(one.name.lower().replace("_", "-").replace(".", "-")) in one.specifier, f"{one}: make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_locked_by_its_hashes(name: str) -> None:
    """No package without a sha256, and no host in the file."""
    blocks = re.split(r"\n(?=\S)", lock(name).strip())

    assert len(blocks) > 4
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert not re.search(r"https?://|--index-url|--trusted-host|file:", lock(name))


def test_the_bill_of_materials(tmp_path: Path) -> None:
    """CycloneDX of the lock: every package with version and hashes, and the same bytes each time."""
    made = []
    for number in (1, 2):
        path = tmp_path / f"{number}.json"
        subprocess.run([sys.executable, "tools/sbom.py", str(path)], cwd=ROOT, check=True, capture_output=True)
        made.append(path.read_bytes())
    document = json.loads(made[0])

    assert made[0] == made[1]
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert {(one["name"], one["version"]) for one in document["components"]} == set(PIN.findall(lock("run")))
    assert all(one["externalReferences"][0]["hashes"] for one in document["components"])
    refs = [one["bom-ref"] for one in document["components"]]
    assert len(set(refs)) == len(refs)
    assert document["dependencies"][0]["dependsOn"] == refs


AUDITS = {
    "clean": ("print('{\"dependencies\":[{\"name\":\"a\",\"version\":\"1\",\"vulns\":[]}]}')", 0, "no known"),
    "skipped": (
        'print(\'{"dependencies":[{"name":"a","skip_reason":"could not be audited"}]}\')', 0, "NOT AUDITED"
    ),
    "broken": ("raise SystemExit('service unreachable')", 0, "NOT AUDITED run.lock: service unreachable"),
    "vulnerable": (
        "print('{\"dependencies\":[{\"name\":\"a\",\"version\":\"1\",\"vulns\":"
        "[{\"id\":\"PYSEC-1\",\"fix_versions\":[\"2\"]}]}]}'); raise SystemExit(1)",
        1,
        "VULNERABLE a 1: PYSEC-1, mended in 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", AUDITS)
def test_an_audit_says_what_it_could_not_do(case: str, tmp_path: Path) -> None:
    """A flaw fails; a service that cannot be asked, or that knows no package, is said and is not called clean."""
    code, expected, said = AUDITS[case]
    (tmp_path / "pip_audit.py").write_text(code)
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "audit.py"), "run.lock"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == expected, done.stderr
    assert said in done.stdout
    assert ("audited: no known vulnerability" in done.stdout.splitlines()) is (case == "clean")
