"""Our own errors, as a tree that says whose fault it is.

    SimError
    ├── PolicyError        a policy broke its contract: the author of the policy
    ├── FlowError          a flow yielded something that is not a command: the author of the flow
    ├── EventBudgetError   a call did not let the clock advance, or ran away: the author of the policy
    ├── CapacityError      the run would not fit into memory: the caller
    └── ConservationError  the model lost or invented something: us

A wrong argument is a plain `ValueError` or `TypeError`.  A failure inside the simulated world is data, never
an exception.
"""


class SimError(Exception):
    """The root of our own errors."""


class PolicyError(SimError):
    """A policy broke its contract: the message names the policy, the call, and what it returned."""


class FlowError(SimError):
    """A flow yielded something that is not a command of `sim.flow`."""


class EventBudgetError(SimError):
    """A call used up its event budget: its policy does not let the clock advance, or never ends."""


class CapacityError(SimError):
    """The run would need more memory than the machine has."""


class ConservationError(SimError):
    """A conservation law is violated: the message names both sides."""
