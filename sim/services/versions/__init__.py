"""One users API in several versions, and the clients that move from one to the next."""

from sim.services.versions.clients import Integrator
from sim.services.versions.service import VersionedUsers

__all__ = ["Integrator", "VersionedUsers"]
