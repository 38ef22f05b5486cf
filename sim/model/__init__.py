"""The model: a scenario in simulated time, on SimPy."""

from sim.model.world import simulate

__all__ = ["simulate"]
