"""Ask pip-audit whether a locked package has a known vulnerability, and say plainly where it could not be asked.

    python tools/audit.py [LOCK ...]    (default: both locks; make audit)

Exit code 1: there are some. 0: there are none, or nobody could be asked, which the last line says.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements/run.lock", "requirements/dev.lock")
PATIENCE = 120.0  # seconds for one lock


def audit(lock: str) -> tuple[list[str], str | None]:
    """The vulnerabilities of a lock, each in a line; and why it could not be audited, if it could not."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--disable-pip", "--require-hashes"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return [], f"no answer within {PATIENCE:g} s"
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = (done.stderr or done.stdout).strip().splitlines()
        return [], said[-1][:200] if said else f"pip-audit ended with {done.returncode}"
    skipped = [one for one in found if "skip_reason" in one]
    why = f"{len(skipped)} of {len(found)} packages: {skipped[0]['skip_reason'][:120]}" if skipped else None
    return [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version'}"
        for one in found
        for flaw in one.get("vulns", ())
    ], why


def main(locks: list[str]) -> int:
    """Audit them."""
    flaws, unasked = [], []
    for lock in locks or LOCKS:
        found, why = audit(lock)
        flaws += found
        if why is not None:
            unasked.append(f"{lock}: {why}")
    for line in flaws:
        sys.stdout.write(f"VULNERABLE {line}\n")
    for line in unasked:
        sys.stdout.write(f"NOT AUDITED {line}\n")
    if unasked:
        sys.stdout.write("not audited: the service that knows of vulnerabilities could not be asked from here\n")
    elif not flaws:
        sys.stdout.write("audited: no known vulnerability\n")
    return 1 if flaws else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
