"""Two thousand requests made from the OpenAPI, valid and not: no server error, and errors of one shape."""

import contextlib
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from tests.doors import moon_bot, served
from ui.serve import Site

CASES = 2000
EACH = 160
"""Cases of an operation and a kind (valid, not valid)."""


def test_no_request_made_from_the_openapi_is_a_server_error(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis
        from schemathesis import GenerationMode
        from schemathesis.core.result import Ok

        site = Site(moon_bot(tmp_path))
        statuses: Counter[int] = Counter()
        wrong: list[Any] = []
        with served(site) as address:
            schema = schemathesis.openapi.from_dict(site.routes.openapi())
            for found in schema.get_all_operations():
                assert isinstance(found, Ok)
                operation = found.ok()
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                    @settings(max_examples=EACH, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
                    @given(case=operation.as_strategy(generation_mode=mode))
                    def call(case: Any) -> None:
                        response = case.call(base_url=address)
                        statuses[response.status_code] += 1
                        if response.status_code >= 500:
                            wrong.append((case.as_curl_command(), response.status_code))
                        elif response.status_code >= 400 and case.path != "/mcp":
                            assert set(response.json()) == {"error"}

                    with contextlib.suppress(Unsatisfiable):  # nothing that can be wrong: the route takes nothing
                        call()
    assert wrong == []
    assert sum(statuses.values()) >= CASES, statuses
    assert statuses[200] > 100, statuses
