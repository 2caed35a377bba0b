"""A thousand polls of a market with random faults on random minorities; `make exam` runs ten thousand."""

from exam.market import run
from faults.conftest import Measured
from faults.stage import percent


async def test_random_faults_on_random_minorities(measured: Measured) -> None:
    """Up to three of eight sources faulty at any moment, in every way we know: nothing wrong is shown as ok."""
    report = await run(1000)

    assert report.wrong == []
    assert report.readings == 4000
    measured(
        "1,000 polls, random faults on random minorities of 8 sources",
        "0 prices > 0.3 % off shown as `ok`",
        f"{len(report.wrong)} of {report.readings} wrong; worst `ok` {percent(report.worst)}; "
        + ", ".join(f"{state} {count}" for state, count in report.states.most_common()),
    )
