"""The guarded vault on real SQLite stores: the same attacks end the same way."""

import pytest

from sim.live.search import SQLiteSearch
from sim.live.sqlite import SQLiteStore
from sim.services.vault.attacks import ATTACKS
from sim.services.vault.guarded import guarded_vault
from sim.services.vault.matrix import attempt


def worlds(folder, *removed):
    """The same world twice: in memory, and in files."""
    stores = [SQLiteStore(folder / f"{name}.db", fsync=False) for name in ("vault", "witness")]
    in_files = guarded_vault(SQLiteSearch(), store=stores[0], witness=stores[1])
    return guarded_vault(SQLiteSearch()).without(*removed), in_files.without(*removed)


@pytest.mark.slow
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_ends_alike_in_memory_and_in_files(attack, tmp_path):
    """With all layers it fails and without any it succeeds, with the same answers and the same rows behind it."""
    for number, removed in enumerate([(), guarded_vault().service.names]):
        folder = tmp_path / str(number)
        folder.mkdir()
        in_memory, in_files = worlds(folder, *removed)
        one, two = attempt(attack, in_memory, 1_000.0), attempt(attack, in_files, 1_000.0)
        assert one == two
        assert one.succeeded == bool(removed)
        for table in ("accounts", "documents", "files", "audit"):
            assert in_memory.store.rows(table) == in_files.store.rows(table)
        in_files.store.close()
        in_files.witness.close()
