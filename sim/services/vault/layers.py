"""Layers: everything that stands between a request and the vault, each of it removable.

    gateway    transport · CORS · credentials · gateway authorisation
    resource   input validation · resource authorisation · parameterised queries · output encoding · guess limit · audit

A layer takes a `Visit` and gives it back with its own part put on, or answers the request itself.  Beside what it
does stands what a service does that has no such layer, because a gap is a behaviour, not an absence: without
credentials a service believes what a token says, without CORS rules it reflects every origin.  `without` puts that
in its place.  Calls from inside the network reach the resource without passing the gateway, as they do in most.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TypeAlias

import attrs

from sim.flow import HandlerFlow, Note, Reply
from sim.http import Request, Response
from sim.policies.security.tokens import TokenRules
from sim.services.vault.service import Vault
from sim.services.vault.visit import Visit

Enter: TypeAlias = Callable[[Visit, float], Visit | Response]
Leave: TypeAlias = Callable[[Visit, Response], Response]


def _pass(visit: Visit, now: float) -> Visit:
    return visit


def _unchanged(visit: Visit, response: Response) -> Response:
    return response


@attrs.frozen
class Layer:
    """One layer.  *enter*: what it does to a visit; a response is its refusal.  *leave*: what it does to an answer.

    *careless*, *careless_leave*: what is done where the layer is missing.
    """

    name: str
    enter: Enter
    leave: Leave = _unchanged
    careless: Enter = _pass
    careless_leave: Leave = _unchanged

    def removed(self) -> Layer:
        """What is left when the layer is taken away: its name, and what is done carelessly."""
        return attrs.evolve(self, enter=self.careless, leave=self.careless_leave)


class Layers:
    """A service behind its layers: a handler like any other.

    *gateway*, *resource*: the layers in their order.  *passports*: signs what the gateway says about a caller, so
    that nobody else can say it.  *inside*: the network whose calls do not pass the gateway.

    It yields the note "refused" with the name of the layer that refused; the answer does not tell.
    """

    def __init__(
        self,
        vault: Vault,
        *,
        gateway: tuple[Layer, ...],
        resource: tuple[Layer, ...],
        passports: TokenRules,
        inside: str = "10.0.0.0/8",
        removed: frozenset[str] = frozenset(),
    ) -> None:
        self.vault, self.gateway, self.resource = vault, gateway, resource
        self.passports, self.inside, self.removed = passports, inside, removed
        self._network = ipaddress.ip_network(inside)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all layers, in their order, also of those that were removed."""
        return tuple(layer.name for layer in self.gateway + self.resource)

    def without(self, *names: str) -> Layers:
        """The same service without some layers.  Raises: `ValueError` for a name that no layer has."""
        for name in names:
            if name not in self.names:
                raise ValueError(f"layers are {', '.join(self.names)}, got {name!r}")
        gateway, resource = (
            tuple(layer.removed() if layer.name in names else layer for layer in group)
            for group in (self.gateway, self.resource)
        )
        removed = self.removed | set(names)
        return Layers(
            self.vault,
            gateway=gateway,
            resource=resource,
            passports=self.passports,
            inside=self.inside,
            removed=removed,
        )

    def __call__(self, request: Request, now: float) -> HandlerFlow:
        """Lead *request* through the layers to the vault, and its answer back through them."""
        visit, passed = Visit.of(request), list[Layer]()
        if self._is_inside(request.peer):
            visit = attrs.evolve(visit, passport=request.header("X-Caller") or "")
            stations: tuple[Layer, ...] = self.resource
        else:
            stations = (*self.gateway, Layer("passport", self._issue_passport), *self.resource)
        for layer in stations:
            entered = layer.enter(visit, now)
            if isinstance(entered, Response):
                yield Note("refused", layer.name)
                yield Reply(_back(passed, visit, entered))
                return
            visit = entered
            passed.append(layer)
        flow = self.vault.serve(visit, now)
        command = next(flow, None)
        while command is not None:
            now = yield Reply(_back(passed, visit, command.response)) if isinstance(command, Reply) else command
            try:
                command = flow.send(now)
            except StopIteration:
                return

    def died(self, request: Request) -> None:
        """Roll back what the process that served *request* had not committed."""
        self.vault.died(request)

    def _is_inside(self, peer: str) -> bool:
        try:
            return ipaddress.ip_address(peer) in self._network
        except ValueError:
            return False

    def _issue_passport(self, visit: Visit, now: float) -> Visit:
        if visit.caller is None:
            return attrs.evolve(visit, passport="")
        claims = {"sub": visit.caller.name, "scope": " ".join(sorted(visit.caller.scopes))}
        kid = next(iter(self.passports.keys))
        return attrs.evolve(visit, passport=self.passports.sign(claims, kid=kid, now=now, lifetime=30.0))


def _back(passed: list[Layer], visit: Visit, response: Response) -> Response:
    for layer in reversed(passed):
        response = layer.leave(visit, response)
    return response
