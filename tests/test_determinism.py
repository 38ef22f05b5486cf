"""Seed + scenario reproduce a run byte for byte: here, in another process, and on several workers."""

import json
import os
import subprocess
import sys

import attrs
import pytest

from sim.experiment import compare, run
from sim.policies import CircuitBreaker, ClientPolicy, FullJitter, Retry
from sim.scenario import Crash, Partition
from sim.scenarios.herds import lossy_network, thundering_herd

WORLD = attrs.evolve(
    lossy_network(rate=60.0, horizon=5.0, reply_loss=0.2),
    faults=(Crash(start=1.0, length=1.0, cold_start=1.0), Partition(start=3.0, length=0.5)),
)
POLICY = ClientPolicy(Retry(FullJitter()), CircuitBreaker(minimum_volume=5, open_time=0.5, open_jitter=0.5))

ELSEWHERE = """
import json, random, sys
sys.path.insert(0, sys.argv[1])
import test_determinism
random.seed()  # whatever the global generator holds must not matter
print(json.dumps(test_determinism.digests()))
"""


def digests():
    """The fingerprints of a few runs."""
    return [
        *(run(WORLD, POLICY, seed=seed).trace.digest() for seed in (0, 1, 2**40)),
        *(run(thundering_herd(clients=500), name, seed=7).trace.digest() for name in ("full-jitter+budget", "fixed")),
    ]


def in_another_process(hash_seed):
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", ELSEWHERE, os.path.dirname(__file__)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


def test_the_same_seed_is_the_same_bytes():
    """Twice in one process: equal digests, though the policy object is the same and has been used."""
    assert digests() == digests()


def test_different_seeds_differ():
    """Three seeds are three traces."""
    assert len(set(digests()[:3])) == 3


def test_the_digest_sees_every_table():
    """A changed cell, mark or entry changes the digest."""
    traces = [run(WORLD, POLICY, seed=1).trace for _ in range(5)]
    traces[1].attempts.cells[5] += 1e-9
    traces[2].calls.cells[3] += 1e-9
    traces[3].marks.pop()
    traces[4].ledger.pop()
    assert len({trace.digest() for trace in traces}) == 5


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_writes_the_same_bytes(hash_seed):
    """A new interpreter with another PYTHONHASHSEED gives the same digests."""
    assert in_another_process(hash_seed) == digests()


@pytest.mark.slow
def test_the_numbers_do_not_depend_on_the_workers():
    """compare on two processes: the same figures, and the same traces of the first seed, as on one."""
    policies = {"breaker": POLICY, "immediate": "immediate"}
    one, two = (compare(WORLD, policies, seeds=(3, 4, 5), workers=workers) for workers in (1, 2))
    assert repr(one.figures) == repr(two.figures)
    assert {name: each.trace.digest() for name, each in one.runs.items()} == {
        name: each.trace.digest() for name, each in two.runs.items()
    }


def test_the_order_of_policies_and_seeds_does_not_matter():
    """A policy's figures on a seed are the same whoever ran before it."""
    forth = compare(WORLD, ["full-jitter", "fixed"], seeds=(1, 2))
    back = compare(WORLD, ["fixed", "full-jitter"], seeds=(2, 1))
    for name in ("full-jitter", "fixed"):
        assert repr(forth.figures[name]) == repr(back.figures[name][::-1])


def test_a_run_alone_is_the_run_of_a_comparison():
    """run and compare give one and the same trace for a seed."""
    compared = compare(WORLD, {"it": POLICY}, seeds=(6,))
    assert compared.runs["it"].trace.digest() == run(WORLD, POLICY, seed=6).trace.digest()
