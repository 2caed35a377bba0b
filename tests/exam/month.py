"""One month of the shipped configuration in accelerated time, every source: calls against every quota, as a table.

    make exam                      (or: PYTHONPATH=tests:. python tests/exam/month.py [DAYS] [SEED])

Exit code 1 where a source was asked more than we allow ourselves in the time of any of its limits.
"""

import sys

import typer
from accelerated import Row, shipped, simulate

from ticker.config import amount, period


def line(row: Row) -> str:
    """A row as text."""
    share, limit = row.allowance, row.allowance.limit
    allowed = f"{limit.calls:,} a {period(limit.per)}"
    used = f"{amount(row.fullest)} of {amount(share.units)} a {period(share.per)}"
    return f"{row.quota:<20} {row.calls:>8,} {row.failed:>8,}   {allowed:<15} {used:>24}   {verdict(row)}"


def verdict(row: Row) -> str:
    """Whether no window held more than our share."""
    return "ok" if row.fullest <= row.allowance.units else "TOO MANY"


def main(days: float = 30, seed: int = 1) -> int:
    """Print the table; 0 = all inside."""
    rows = simulate(shipped(), days, seed=seed)
    typer.echo(f"{days:g} days; 5 % of all answers fail, and about every second day a source fails for an hour\n")
    typer.echo(f"{'quota':<20} {'calls':>8} {'failed':>8}   {'limit':<15} {'fullest window':>24}")
    for row in rows:
        typer.echo(line(row))
    return 0 if all(verdict(row) == "ok" for row in rows) else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    raise SystemExit(main(float(given[0]) if given else 30, int(given[1]) if given[1:] else 1))
