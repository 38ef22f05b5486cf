"""Two learners' hours: from the stub, over a wrong answer, to a passed exercise."""

from pathlib import Path

import pytest

from sim.exercises import cells

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent / "exercises"


def solution(stem, id):
    """The reference answer."""
    return dict(cells.answers_in(cells.read(ROOT / "solutions" / f"{stem}.ipynb")))[id]


@pytest.mark.parametrize(
    ("stem", "id", "name", "first", "wrong", "told"),
    [
        ("08_rate_limiting", "08-token-bucket", "TokenBucket", "not attempted yet", "no_cap", "room for 5 tokens"),
        ("02_idempotency", "02-repair-claim", "pay", "charged 2 times", "look_and_then_claim", "charged 2 times"),
    ],
)
def test_a_learner_passes_an_exercise(open_notebook, stem, id, name, first, wrong, told):
    """Run All as given, a wrong answer and its counterexample, then the right one."""
    book = open_notebook(f"exercises/{stem}.ipynb")
    book.run_all()
    answer, check = book.find(f"# answer: {id}"), book.find(f'exercises.check("{id}", {name})')
    assert first in book.output(check).text_content()
    book.write(answer, cells.marked(id, (ROOT / "mutants" / id / f"{wrong}.py").read_text()))
    book.run(answer)
    book.run(check)
    said = book.output(check).text_content()
    assert f"{id}: fail" in said
    assert told in " ".join(said.split())
    book.write(answer, solution(stem, id))
    book.run(answer)
    book.run(check)
    assert f"{id}: pass" in book.output(check).text_content()
