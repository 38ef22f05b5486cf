"""JupyterLab as a learner meets it: a lesson opens, runs, and answers a prediction."""

import pytest

pytestmark = pytest.mark.slow


def test_a_prediction_is_answered(open_notebook):
    """The first lesson opens and asks nothing, Run All ends without an error, and a prediction changes the check."""
    lesson = open_notebook("notebooks/00_start_here.ipynb")
    lesson.run_all()
    # JupyterLab's question about news is a toast; it would have come while the lesson ran.
    assert lesson.page.locator(".Toastify__toast, .jp-Dialog").count() == 0
    prediction, check = lesson.find("prediction = None"), lesson.find("lesson.check(prediction")
    assert lesson.output(check).text_content().strip() == "not attempted yet"
    lesson.write(prediction, "prediction = 400")
    lesson.run(prediction)
    lesson.run(check)
    assert lesson.output(check).text_content().strip() == "you said 400, the run gave 50"


def test_a_lesson_that_fails_is_red(open_notebook):
    """Run All stops at the first error, and the test that asked for it fails with the error's name."""
    lesson = open_notebook("notebooks/00_start_here.ipynb")
    lesson.write(0, "1 / 0")
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        lesson.run_all()


def test_a_page_that_asks_the_outside_is_caught(page, asked_outside):
    """The closed network is closed: a picture and a socket elsewhere are refused, and told."""
    page.set_content("<img src='http://pictures.invalid/a.png'><script>new WebSocket('ws://news.invalid/b')</script>")
    page.wait_for_load_state("networkidle")
    assert sorted(asked_outside) == ["http://pictures.invalid/a.png", "ws://news.invalid/b"]
    asked_outside.clear()
