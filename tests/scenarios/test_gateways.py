"""Three failures behind a gateway, told apart, on several seeds."""

from sim.experiment import compare
from sim.scenarios.gateways import gateway_codes

SEEDS = (0, 1, 2)


def test_each_failure_has_its_code_and_only_behind_a_504_was_the_work_done():
    """Some of each; nothing was done behind a 502 or a 503, and everything behind a 504."""
    told = compare(gateway_codes(), seeds=SEEDS)
    for code in ("502", "503", "504"):
        assert all(count > 10 for count in told.values("no-retry", code))
    assert told.values("no-retry", "done behind 502") == told.values("no-retry", "done behind 503") == [0.0] * 3
    assert told.values("no-retry", "done behind 504") == told.values("no-retry", "504")


def test_a_patient_gateway_and_a_long_queue_know_only_the_502():
    """What is left is the server that was not there."""
    told = compare(gateway_codes(patience=60.0, queue=10_000), seeds=SEEDS)
    assert told.values("no-retry", "503") == told.values("no-retry", "504") == [0.0] * 3
    assert all(count > 10 for count in told.values("no-retry", "502"))
