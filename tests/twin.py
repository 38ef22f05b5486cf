"""The twin: the same world as `sim.model`, written the obvious way, as plain SimPy processes.

One process for each call, one for each message, `timeout` for every delay, `|` for "whichever comes first", a list
for the queue.  It shares with the fast model only what decides (policies, services, laws, streams of chance) and
none of what drives.  Under continuous laws both must write the identical trace: `tests/test_twin.py`.
"""

import itertools
import math
from functools import cache

import attrs
import simpy

from sim.flow import Effect, Reply, Send, Wait, Work
from sim.http import Request, Response
from sim.outcome import Outcome
from sim.scenario import BrownOut, Crash, Outage, Partition
from sim.streams import Streams
from sim.trace import LedgerEntry, Mark, Trace
from sim.workload import ClosedLoop

NEVER = math.nan
FAULTS = {Outage: "outage", BrownOut: "brown-out", Crash: "crash", Partition: "partition"}


@attrs.define(eq=False)
class Call:
    """One row of the table of calls."""

    number: int
    client: int
    host: int
    started: float
    ended: float = NEVER
    ok: float = NEVER
    attempts: float = NEVER
    status: float = NEVER


@attrs.define(eq=False)
class Attempt:
    """One row of the table of attempts; after the row, the event that the client waits for."""

    call: int
    client: int
    number: int
    copy: int
    sent: float
    arrived: float = NEVER
    started: float = NEVER
    finished: float = NEVER
    applied: float = NEVER
    answer: float = NEVER
    settled: float = NEVER
    status: float = NEVER
    answered: simpy.Event | None = None

    @property
    def key(self):
        return self.call, self.number, self.copy


class Twin:
    def __init__(self, scenario, make_policy, seed):
        self.env = simpy.Environment()
        self.scenario = scenario
        self.streams = Streams(seed)
        self.keyed = cache(self.streams.keyed)
        self.rng = self.streams.sequence("policies")
        self.make_policy, self.policies = make_policy, {}
        self.calls, self.attempts, self.marks, self.ledger = [], [], [], []
        self.queue, self.busy, self.crash = [], 0, self.env.event()
        self.handler = scenario.server.make_handler()

    def run(self):
        env, scenario = self.env, self.scenario
        for fault in scenario.faults:
            env.process(self.edge(fault, fault.start, "begins"))
            env.process(self.edge(fault, fault.start + fault.length, "ends"))
        if isinstance(scenario.arrivals, ClosedLoop):
            for client in range(scenario.arrivals.clients):
                env.process(self.closed_client(client))
        else:
            env.process(self.open_arrivals())
        env.run(until=scenario.horizon + scenario.drain)
        return self.trace()

    # Who calls.

    def open_arrivals(self):
        pool = self.scenario.clients.pool
        instants = self.scenario.arrivals.instants(self.streams.sequence("arrivals"), self.scenario.horizon)
        for number, instant in enumerate(instants):
            yield self.env.timeout(instant - self.env.now)
            self.env.process(self.call(number if pool is None else number % pool))

    def closed_client(self, client):
        for thought in itertools.count(1):
            seconds = self.scenario.arrivals.think.quantile(self.keyed("think")(client, thought, 0))
            if self.env.now + seconds > self.scenario.horizon:
                return
            yield self.env.timeout(seconds)
            yield from self.call(client)

    def call(self, client):
        """A client makes one call: do what the flow of its policy asks for, until the flow ends."""
        env = self.env
        host = client // self.scenario.clients.per_host
        if host not in self.policies:
            self.policies[host] = self.make_policy()
        call = Call(len(self.calls), client, host, env.now)
        self.calls.append(call)
        flow = self.policies[host].call(env.now, self.rng)
        sent, news = 0, None
        while True:
            try:
                command = flow.send(news)
            except StopIteration as end:
                call.ended, call.ok, call.attempts = env.now, float(end.value.ok), sent
                call.status = status_of(end.value)
                return
            if isinstance(command, Wait):
                yield env.timeout(command.seconds)
                news = env.now
            else:
                assert isinstance(command, Send)
                sent += 1
                outcome = yield from self.attempt(call, command.attempt)
                news = env.now, outcome

    def attempt(self, call, number):
        """Send, and wait for the answer or the timeout, whichever comes first."""
        env, network = self.env, self.scenario.network
        attempt = Attempt(call.number, call.client, number, 0, env.now, answered=env.event())
        copies = [attempt]
        if self.chance("duplication", network.duplication, attempt):
            copies.append(Attempt(call.number, call.client, number, 1, env.now, answered=attempt.answered))
        self.attempts += copies
        for each in copies:
            env.process(self.request(each))
        yield attempt.answered | env.timeout(self.scenario.clients.timeout)
        outcome = attempt.answered.value if attempt.answered.triggered else Outcome.timed_out()
        for each in copies:
            each.settled, each.status = env.now, status_of(outcome)
        return outcome

    # The wire.

    def request(self, attempt):
        network = self.scenario.network
        if self.cut("requests") or self.chance("request loss", network.request_loss, attempt):
            return
        delay = self.draw("request delay", network.request_delay, attempt)
        if self.chance("reordering", network.reordering, attempt):
            delay += self.draw("reorder delay", network.reorder_delay, attempt)
        yield self.env.timeout(delay)
        self.env.process(self.serve(attempt))

    def reply(self, attempt, outcome):
        network = self.scenario.network
        if self.cut("replies") or self.chance("reply loss", network.reply_loss, attempt):
            return
        yield self.env.timeout(self.draw("reply delay", network.reply_delay, attempt))
        if not attempt.answered.triggered:  # the other copy may have been faster
            attempt.answered.succeed(outcome)

    # The server.

    def serve(self, attempt):
        """One request in the server: refused, rejected, or queued until its turn and then served."""
        env, server = self.env, self.scenario.server
        attempt.arrived = env.now
        if any(isinstance(fault, Outage | Crash) and self.holds(fault) for fault in self.scenario.faults):
            env.process(self.reply(attempt, Outcome.refused()))
            return
        crash = self.crash
        if self.busy < server.workers:
            self.busy += 1
        else:
            if len(self.queue) >= server.queue:
                attempt.answer = 503
                env.process(self.reply(attempt, Outcome.answered(503, server.retry_after)))
                return
            turn = env.event()
            self.queue.append(turn)
            yield turn | crash
            if crash.triggered:
                return
        attempt.started = env.now
        failing = self.chance("failure", server.failure, attempt)
        yield from self.work(attempt, broken if failing else self.handler, crash)
        if crash.triggered:
            return
        attempt.finished = env.now
        if self.queue:  # the worker goes straight on to the next, and is never free in between
            self.queue.pop(-1 if server.lifo else 0).succeed()
        else:
            self.busy -= 1

    def work(self, attempt, handler, crash):
        """Do what the flow of the service asks for, until it ends or the process dies."""
        env, pieces, news = self.env, itertools.count(), None
        flow = handler(Request(key=str(attempt.call)), env.now)
        while True:
            try:
                command = flow.send(news)
            except StopIteration:
                return
            if isinstance(command, Work):
                yield env.timeout(self.seconds(attempt, command, next(pieces))) | crash
                if crash.triggered:
                    return
            elif isinstance(command, Reply):
                attempt.answer = command.response.status
                outcome = Outcome.answered(command.response.status, command.response.retry_after)
                env.process(self.reply(attempt, outcome))
            elif isinstance(command, Effect):
                attempt.applied = env.now
                self.ledger.append(LedgerEntry(env.now, command.key, *attempt.key))
            news = env.now

    def seconds(self, attempt, command, piece):
        """How long a piece of work takes that begins now."""
        seconds = command.seconds
        if seconds is None:
            call, number, copy = attempt.key
            seconds = self.scenario.server.service.quantile(self.keyed("service")(call, number, copy + 4 * piece))
        for fault in self.scenario.faults:
            if isinstance(fault, BrownOut) and self.holds(fault):
                seconds *= fault.slowdown
            if isinstance(fault, Crash) and fault.cold_start and self.env.now >= fault.start + fault.length:
                warm = fault.start + fault.length + fault.cold_start
                still = max(0.0, (warm - self.env.now) / (warm - (fault.start + fault.length)))
                seconds *= 1.0 + (fault.cold_slowdown - 1.0) * still
        return seconds + self.scenario.server.slope * self.busy

    # Faults.

    def edge(self, fault, instant, note):
        yield self.env.timeout(instant)
        self.marks.append(Mark(self.env.now, "fault", FAULTS[type(fault)], note))
        if isinstance(fault, Crash) and note == "begins":
            self.crash.succeed()
            self.crash, self.queue, self.busy = self.env.event(), [], 0

    def holds(self, fault):
        return fault.start <= self.env.now < fault.start + fault.length

    def cut(self, direction):
        return any(
            isinstance(fault, Partition) and getattr(fault, direction) and self.holds(fault)
            for fault in self.scenario.faults
        )

    # Chance, keyed by call, attempt and copy.

    def chance(self, name, share, attempt):
        return share > 0 and self.keyed(name)(*attempt.key) < share

    def draw(self, name, law, attempt):
        return law.quantile(self.keyed(name)(*attempt.key))

    # The books.

    def trace(self):
        trace = Trace()
        fill(trace.calls, self.calls)
        fill(trace.attempts, self.attempts)
        for host, policy in self.policies.items():
            for at, state in getattr(getattr(policy, "breaker", None), "changes", ()):
                self.marks.append(Mark(at, "breaker", f"host {host}", state.value))
        trace.marks = sorted(self.marks, key=lambda mark: mark.at)
        trace.ledger = self.ledger
        return trace


def fill(table, rows):
    """Write the first fields of *rows* into the cells of a *table*, in order."""
    for row in rows:
        table.cells.extend(float(value) for value in attrs.astuple(row, recurse=False)[: table.width])


def broken(request, now):
    """A service that works and answers 500, without an effect."""
    yield Work()
    yield Reply(Response(500))


def status_of(outcome):
    return NEVER if outcome.status is None else outcome.status


def simulate(scenario, make_policy, seed):
    """The trace of one run, the obvious way."""
    return Twin(scenario, make_policy, seed).run()
