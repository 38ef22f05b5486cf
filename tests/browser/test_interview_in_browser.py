"""The mock interview as two people use it: a clock, notes, a what-if, and a rubric that is hidden until it is shown."""

import re

import pytest
from playwright.sync_api import expect

from sim import questions

pytestmark = pytest.mark.slow

BOOK, CELL = "notebooks/10_mock_interview.ipynb", "sim.interview("


@pytest.fixture
def told(page):
    """All that the server tells the page over its sockets, as texts."""
    frames = []

    def listen(socket):
        socket.on(
            "framereceived", lambda data: frames.append(data if isinstance(data, str) else data.decode("latin-1"))
        )

    page.on("websocket", listen)
    return frames


@pytest.fixture
def shown(told, open_notebook):
    """The interview of the notebook, running."""
    book = open_notebook(BOOK)
    number = book.find(CELL)
    book.run(book.find("import sim"))
    book.run(number)
    return book.output(number)


def plain(text):
    """The longest part of a text without anything that HTML or JSON would write in another way."""
    return max(re.split(r"[^\w ,.:;()=-]", text), key=len)


def test_an_interview_from_the_first_question_to_the_saved_summary(page, told, shown, lab):
    """The clock counts, a slider moves the scenario, points are ticked, and the file has all of it."""
    question = questions.named("Q-09")
    hidden = [plain(text) for text in (*question.points, *question.traps, *question.follow_ups)]
    prompt, status = shown.locator("blockquote"), shown.get_by_role("status")
    expect(prompt).to_contain_text("Design an idempotent POST /payments")

    clock = shown.get_by_role("timer")
    expect(clock).to_have_text("0:00")
    shown.get_by_role("button", name="Start the clock").click()
    expect(clock).to_have_text(re.compile("0:0[1-9]"))

    shown.locator("textarea").fill("a key for each payment")
    shown.get_by_role("button", name="Open the scenario").click()
    table = shown.get_by_role("table", name="Figures")
    expect(table).to_be_visible()
    code = shown.locator("code")
    said = code.text_content()
    shown.get_by_role("slider").first.press("ArrowRight")
    expect(code).not_to_have_text(said)

    # Before the rubric is asked for it is neither on the page, nor was it ever sent to it.
    assert told
    for text in hidden:
        assert text not in page.content()
        assert not any(text in frame for frame in told)

    shown.get_by_role("button", name="Reveal the rubric").click()
    for text in (question.points[0], question.points[2]):
        shown.get_by_label(text, exact=True).check()
    expect(status.first).to_have_text(re.compile(rf"✓ 2 of {len(question.points)} points made"))
    assert all(text in page.content() for text in hidden)

    shown.get_by_role("button", name="Save summary").click()
    expect(status.first).to_have_text(re.compile(r"saved as interview(-\d+)?\.md"))
    name = re.search(r"interview(-\d+)?\.md", status.first.text_content())[0]
    saved = (lab.work / "notebooks" / name).read_text(encoding="utf-8")
    assert "    a key for each payment" in saved
    assert f"- [x] {question.points[0]}\n- [ ] {question.points[1]}\n- [x] {question.points[2]}\n" in saved
    assert re.search(r"Time: 0 min [1-9]\d* s\.", saved)

    shown.get_by_role("button", name="Next question").click()
    expect(prompt).not_to_contain_text("Design an idempotent POST /payments")
    expect(clock).to_have_text("0:00")
    expect(table).to_have_count(0)
    for text in hidden:
        expect(shown.first).not_to_contain_text(text)  # waits, for a page draws what it is sent in its own time
    output = shown.first.inner_html()
    assert not any(text in output for text in hidden)
