"""One house for each way in; every test starts an onboarding of its own in it."""

from collections.abc import Iterator

import pytest
from slack_house import SlackHouse, slack_house


@pytest.fixture(scope="module", params=["socket", "http"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackHouse]:
    with slack_house(tmp_path_factory.mktemp(request.param), request.param) as built:
        yield built
