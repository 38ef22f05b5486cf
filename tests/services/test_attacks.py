"""Attacks against the vault: what stops each, cell by cell, on the real SQLite search."""

import pytest

from sim.http import Request, json_body
from sim.live.search import SQLiteSearch
from sim.services.alone import serve
from sim.services.vault.attacks import ATTACKS
from sim.services.vault.guarded import guarded_vault, token
from sim.services.vault.matrix import attempt, matrix, openings, table

LAYERS = guarded_vault().service.names

OPENED_BY = {
    "plain http": {("transport",)},
    "stolen key": {("credentials",)},
    "key in the URL": {("credentials",)},
    "expired token": {("credentials",)},
    "forged token": {("credentials",)},
    "unsigned token": {("credentials",)},
    "confused token": {("credentials",)},
    "token for another": {("credentials",)},
    "missing scope": {("gateway authorisation", "resource authorisation")},
    "another's document": {("resource authorisation",)},
    "insider": {("resource authorisation",)},
    "internal page": {("gateway authorisation",)},
    "role in the body": {("input validation",)},
    "foreign page reads": {("CORS",)},
    "foreign form writes": {("CORS", "input validation")},
    "SQL in the words": {("parameterised queries",)},
    "SQL in a number": {("input validation", "parameterised queries")},
    "path traversal": {("input validation",)},
    "script in a text": {("output encoding",)},
    "script in a title": {("input validation", "output encoding")},
    "password guessing": {("guess limit",)},
    "tampering": {("audit",)},
}
"""The smallest sets of layers whose removal lets each attack through."""

REFUSED_BY = {
    "plain http": ("transport", (403,)),
    "stolen key": ("credentials", (403,)),
    "key in the URL": ("credentials", (400,)),
    "expired token": ("credentials", (401,)),
    "forged token": ("credentials", (401,)),
    "unsigned token": ("credentials", (401,)),
    "confused token": ("credentials", (401,)),
    "token for another": ("credentials", (401,)),
    "missing scope": ("gateway authorisation", (403,)),
    "another's document": ("resource authorisation", (404,)),
    "insider": ("resource authorisation", (401,)),
    "internal page": ("gateway authorisation", (404,)),
    "role in the body": ("input validation, resource authorisation", (422, 403)),
    "foreign page reads": ("CORS", (403,)),
    "foreign form writes": ("CORS", (403,)),
    "SQL in the words": ("", (200,)),
    "SQL in a number": ("input validation", (400,)),
    "path traversal": ("input validation", (400,)),
    "script in a text": ("", (201, 200)),
    "script in a title": ("input validation", (422,)),
    "password guessing": ("guess limit", (401,) * 5 + (429,) * 7),
    "tampering": ("", (201, 200)),
}
"""With all layers: who refused, and the answers; where nobody did, the request was made harmless or shows."""


@pytest.fixture(scope="module")
def cells():
    """Every attack against every service."""
    return matrix(SQLiteSearch)


@pytest.fixture(scope="module")
def opened():
    """The smallest sets of layers for every attack."""
    return openings(SQLiteSearch)


@pytest.mark.slow
def test_with_all_layers_no_attack_succeeds(cells):
    """Each is refused by the layer and with the status that it should be, or harmless."""
    whole = [row for row in cells if row["removed"] == ""]
    assert [row for row in whole if row["succeeded"]] == []
    assert {row["attack"]: (row["stopped_by"], row["statuses"]) for row in whole} == REFUSED_BY


@pytest.mark.slow
def test_every_attack_has_layers_whose_removal_lets_it_succeed(opened):
    """One layer for most; for those where two stand in the way, both must go: defence in depth."""
    assert {name: set(sets) for name, sets in opened.items()} == OPENED_BY


@pytest.mark.slow
def test_a_cell_succeeds_exactly_where_its_one_layer_is_missing(cells):
    """The table and the smallest sets say the same, and where one of two is missing the other one refuses."""
    for row in cells:
        assert row["succeeded"] == ((row["removed"],) in OPENED_BY[row["attack"]])
    second = {(row["attack"], row["removed"]): row["stopped_by"] for row in cells}
    assert second["missing scope", "gateway authorisation"] == "resource authorisation"
    assert second["foreign form writes", "CORS"] == "input validation"
    assert second["SQL in a number", "parameterised queries"] == "input validation"
    assert second["script in a title", "output encoding"] == "input validation"


def test_every_layer_is_needed():
    """For each layer there is an attack that only it stops, so none can be left out."""
    assert {removed for sets in OPENED_BY.values() for removed in sets if len(removed) == 1} == {
        (name,) for name in LAYERS
    }


@pytest.mark.slow
def test_without_any_layer_every_attack_succeeds():
    """The attacks are real: against the bare service each gets what it came for."""
    endings = {attack.name: attempt(attack, guarded_vault(SQLiteSearch()).without(*LAYERS)) for attack in ATTACKS}
    assert [name for name, ending in endings.items() if not ending.succeeded] == []
    assert all(ending.stopped_by == () for ending in endings.values())


@pytest.mark.slow
@pytest.mark.parametrize("now", [0.0, 1_764_060_000.5])
def test_attacks_do_not_depend_on_the_hour(now):
    """At the epoch and today each ends alike."""
    for attack in ATTACKS:
        assert not attempt(attack, guarded_vault(SQLiteSearch()), now).succeeded
        for removed in OPENED_BY[attack.name]:
            assert attempt(attack, guarded_vault(SQLiteSearch()).without(*removed), now).succeeded


def test_names_are_known_and_told():
    """A layer that does not exist is named in a sentence with those that do."""
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) == len(OPENED_BY)
    assert all(attack.how.endswith(".") for attack in ATTACKS)
    with pytest.raises(ValueError, match=r"^layers are transport, CORS, .*audit, got 'firewall'$"):
        guarded_vault().without("firewall")


@pytest.mark.slow
def test_the_table_is_text(cells, opened):
    """A line for each attack, an X for each cell that succeeded, and the pairs at the end."""
    lines = table(cells, opened).splitlines()
    assert lines[0] == " 0  all layers"
    assert len(lines) == 1 + len(LAYERS) + 2 + len(ATTACKS)
    assert sum(line.count("   X") for line in lines) == sum(row["succeeded"] for row in cells) == 18
    assert [line.split("   without ")[1] for line in lines if "   without " in line] == [
        "4 and 6",
        "2 and 5",
        "5 and 7",
        "5 and 8",
    ]


def test_the_guesser_gets_in_where_nobody_counts():
    """Bob's password is the eleventh of the list; the limit by account lets five through."""
    guessing = next(attack for attack in ATTACKS if attack.name == "password guessing")
    assert attempt(guessing, guarded_vault().without("guess limit")).statuses == (401,) * 10 + (201,)
    assert attempt(guessing, guarded_vault()).statuses.count(401) == 5


def test_an_attack_leaves_the_other_worlds_alone():
    """Each cell has a world of its own: what one wrote no other sees."""
    role = next(attack for attack in ATTACKS if attack.name == "role in the body")
    open_world, next_world = guarded_vault().without("input validation"), guarded_vault()
    assert attempt(role, open_world).succeeded
    assert open_world.store.get("accounts", "mallory")["role"] == "auditor"
    assert next_world.store.get("accounts", "mallory")["role"] == "member"


def test_what_is_removed_shows_in_the_log_and_what_is_cut_off_at_the_end():
    """The auditor reads which row is missing, whether others follow or it was the last."""
    world = guarded_vault()
    headers = {":scheme": "https", "Content-Type": "application/json"}
    for name in ("alice", "mallory", "alice"):
        body = json_body({"title": f"By {name}", "text": "x"})
        sent = {**headers, "Authorization": f"Bearer {token(name)}"}
        assert serve(world.service, Request("POST", "/documents", headers=sent, body=body)).response.status == 201
    auditor = Request("GET", "/audit", headers={**headers, "Authorization": f"Bearer {token('audrey')}"})
    report = serve(world.service, auditor).response.json()
    assert (report["findings"], [row["who"] for row in report["rows"]]) == ([], ["alice", "mallory", "alice"])
    world.store.delete("audit", "000000002")
    assert serve(world.service, auditor).response.json()["findings"] == ["row 2 is missing: the log goes on with row 3"]
    world.store.delete("audit", "000000003")
    assert serve(world.service, auditor).response.json()["findings"] == [
        "the log ends with row 1, and its witness has seen row 3"
    ]
