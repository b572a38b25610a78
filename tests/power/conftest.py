"""How many power cuts, and on what: few in every run of the tests, some hundred in `make soak`."""

import pytest

CUTS = 4  # the first of `TURNS`: five with one in a service would take two minutes more; `make soak` has them all
SUITE = "bookworm-amd64"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known only where pytest is started on this folder; elsewhere the fixtures take what is said here."""
    parser.addoption("--power-cuts", type=int, default=CUTS, help="Power cuts to survive.")
    parser.addoption("--power-suite", default=SUITE, help="A suite of the virtual board: bookworm is an ARM board.")


@pytest.fixture(scope="session")
def power_cuts(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--power-cuts", CUTS))


@pytest.fixture(scope="session")
def power_suite(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--power-suite", SUITE))
