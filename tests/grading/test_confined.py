"""A learner's code in a process of its own: it answers decisions, and whatever else it tries comes to nothing."""

import os
import shutil
import subprocess
import sys
import time  # noqa: TID251 - limits on real time are what is tested
from random import Random

import pytest

import sim
from sim.grading import AnswerError, Confined, EndedError, Limits, RefusedError, confine, protection
from sim.policies import FullJitter, Retry

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or shutil.which("bwrap") is None,
        reason="full isolation is Linux with bubblewrap; .ci/run installs it",
    ),
]
SHORT = Limits(answer=1.0, seconds=5.0, memory=300)
JITTER = """
class Jitter:
    def delay(self, attempt, previous, rng):
        return rng.uniform(0.0, min(10.0, 0.1 * 2 ** (attempt - 1)))
"""


def decision(body, before=""):
    """A backoff whose delay runs *body*."""
    lines = "\n        ".join(body.splitlines())
    return f"{before}\nclass Mine:\n    def delay(self, attempt, previous, rng):\n        {lines}\n"


def ask(source, limits=SHORT):
    """What one decision of Mine answers."""
    with Confined(source, limits) as learner:
        return learner.make("Mine").delay(1, 0.0, Random(0))


# It answers


def test_a_policy_behind_the_pipe_decides_as_one_in_this_process():
    """Same arguments and the same chance, the same waits: nothing is lost on the way."""
    with Confined(JITTER, SHORT) as learner:
        assert learner.names == ("Jitter",)
        remote = learner.make("Jitter")
        for attempt in range(1, 9):
            over_there = remote.delay(attempt, 0.0, Random(attempt))
            assert over_there == FullJitter().delay(attempt, 0.0, Random(Random(attempt).getrandbits(64)))


def test_a_remote_policy_goes_into_the_simulator_as_it_is():
    """A herd served by it fares as a herd with full jitter does, and the same seed gives the same figures."""
    world = sim.scenarios.thundering_herd(clients=150, workers=5, queue=20)
    with Confined(JITTER) as learner:
        figures = [sim.run(world, lambda: Retry(learner.make("Jitter")), seed=1).summary() for _ in range(2)]
    assert figures[0] == figures[1]
    ours = sim.run(world, "full-jitter", seed=1).summary()
    assert figures[0]["ok"] == pytest.approx(ours["ok"], rel=0.15)


def test_each_object_keeps_a_state_of_its_own():
    """Two of them count apart, and state stays from one decision to the next."""
    source = decision("self.n = getattr(self, 'n', 0) + 1\nreturn float(self.n)")
    with Confined(source, SHORT) as learner:
        first, second = learner.make("Mine"), learner.make("Mine")
        assert [one.delay(1, 0.0, Random(0)) for one in (first, first, second)] == [1.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("class Mine\n    pass", r"SyntaxError: .* \(line 1 of the answer\)"),
        ("import tea", r"ModuleNotFoundError: No module named 'tea' \(line 1 of the answer\)"),
        (decision("return attempt / 0"), r"ZeroDivisionError: division by zero \(line 4 of the answer\)"),
        (decision("return object()"), "only plain data can be an answer, got object"),
        (decision("return lambda: 0"), "only plain data can be an answer, got function"),
        ("Yours = 1", "NameError: Mine is not defined"),
        (decision("raise E()", "class E(Exception):\n    def __str__(self): raise E()"), r"E: \(no text\)"),
        (decision("return [0] * 10**6"), "a message must have at most 1,000,000 bytes"),
        (decision("bytearray(10**10)"), "MemoryError"),
    ],
)
def test_what_the_code_does_wrong_is_a_sentence_with_its_line(source, sentence):
    """And the process goes on."""
    with pytest.raises(AnswerError, match=sentence):
        ask(source)


# It ends


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (decision("while True: pass"), "it took longer than 1 s for one decision"),
        ("while True: pass", "it took longer than 5 s in all"),
        (decision("import time\ntime.sleep(60)"), "it took longer than 1 s for one decision"),
        (decision("import sys\nsys.exit(0)"), "its process ended by itself, with exit code 0"),
        (decision("import os\nos._exit(3)"), "its process ended by itself, with exit code 3"),
        (decision("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"), "its process was killed by SIGSEGV"),
        (decision("import os\nfor n in range(3, 20):\n  try: os.close(n)\n  except OSError: pass"), "ended by itself"),
        (decision("import os\nwhile True: os.write(1, b'x' * 10**6)"), "it took longer than 1 s"),
        (decision("import os\nfor n in range(3, 9):\n  try:\n    while True: os.write(n, b'x' * 10**5)\n"
                  "  except OSError: pass"), "its answer was longer than 1,000,000 bytes"),
    ],
)  # fmt: skip
def test_a_process_that_passes_a_limit_is_ended_and_says_which(source, reason):
    """Within the limit and a second, whatever it was doing; asking again says the same."""
    began = time.monotonic()
    with pytest.raises(EndedError, match=reason):
        ask(source)
    assert time.monotonic() - began < SHORT.seconds + 3.0


def processes(slot):
    """How many processes of the confined user of *slot* there are."""
    shown = subprocess.run(["ps", "-o", "pid=", "-u", str(61_000 + slot)], capture_output=True, text=True)
    return len(shown.stdout.split())


def test_a_fork_bomb_is_stopped_by_the_limit_and_gone_at_the_end():
    """It gets its few processes, and no more; when the process is closed none of them is left."""
    bomb = (
        "import os, time\nforked = 0\ntry:\n  while forked < 200:\n    if os.fork() == 0: time.sleep(60)\n"
        "    forked += 1\nexcept OSError: pass\nreturn float(forked)"
    )
    with Confined(decision(bomb), SHORT, slot=7) as learner:
        assert learner.make("Mine").delay(1, 0.0, Random(0)) <= SHORT.processes + 3
    if os.geteuid() == 0:
        assert processes(7) == 0


def test_a_fork_that_goes_wild_ends_with_its_time():
    """Every child forks for ever; the parent's patience ends it all."""
    with (
        pytest.raises(EndedError, match="took longer"),
        Confined(
            decision("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"), SHORT, slot=8
        ) as learner,
    ):
        learner.make("Mine").delay(1, 0.0, Random(0))
    if os.geteuid() == 0:
        assert processes(8) == 0


def test_after_the_end_the_reason_stays():
    """Nobody asks a dead process and is left waiting."""
    with Confined(decision("import os\nos._exit(1)"), SHORT) as learner:
        mine = learner.make("Mine")
        for _ in range(2):
            with pytest.raises(EndedError, match="exit code 1"):
                mine.delay(1, 0.0, Random(0))


# It reaches nothing


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/scratch/../written', 'w')",
        "open('/course/sim/http.py', 'a')",
        "open('/dev/shm/written', 'w')",
        "open('/tmp/written', 'w')",
        "open('/etc/passwd')",
        "import os\nos.listdir('/home')",
        "import os\nos.remove('/course/sim/http.py')",
        "import os\nos.setuid(0)",
        "import os\nos.mkdir('/proc/written')",
        "import socket\nsocket.create_connection(('127.0.0.1', 22), timeout=0.5)",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=0.5)",
        "import socket\nsocket.getaddrinfo('example.com', 80)",
        "import subprocess\nsubprocess.run(['unshare', '-U', 'true'], check=True)",
        "import subprocess\nsubprocess.run(['mount', '-t', 'tmpfs', 'x', '/scratch'], check=True)",
        "with open('big', 'wb') as file:\n  for _ in range(100): file.write(b'x' * 10**6)",
        "for n in range(100):\n  with open(f'part{n}', 'wb') as file: file.write(b'x' * 10**6)",
        "import signal, os\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nos.truncate(os.open('b', 65), 10**9)",
    ],
)
def test_what_lies_outside_cannot_be_reached(attempt):
    """Files, accounts, networks, namespaces, a full disk: each attempt is an error over there, and nothing here."""
    with pytest.raises((AnswerError, EndedError), match=r"Error|SIGXFSZ|gaierror"):
        ask(decision(attempt + "\nreturn 1.0"))


def test_it_sees_an_empty_folder_no_environment_and_only_its_own_processes(tmp_path, monkeypatch):
    """A secret in the environment or in a file of the grader's is not there."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    monkeypatch.setenv("COURSE_SECRET", "s3cret")
    look = (
        f"import os\nreturn [os.listdir('.'), sorted(os.environ), os.path.exists({str(secret)!r}), os.getppid() < 20]"
    )
    files, environment, found, small = ask(decision(look))
    assert files == []
    assert "COURSE_SECRET" not in environment
    assert (found, small) == (False, True)


def test_the_tests_and_the_exercises_are_not_there():
    """Of the project only what answers can be read: there is nothing to copy from."""
    look = "import os\nreturn sorted(os.path.join(at, f)[8:] for at, _, fs in os.walk('/course/sim') for f in fs)"
    assert ask(decision(look)) == sorted(f"sim/{name}" for name in confine.ANSWERING)


def test_the_line_to_the_judge_is_all_that_is_open():
    """Beside the three that lead nowhere: the questions, the answers, and the folder being listed."""
    look = "import os\nreturn [os.readlink(f'/proc/self/fd/{n}')[:4] for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')]"  # noqa: E501
    assert sorted(ask(decision(look))) == ["/dev", "/dev", "/dev", "pipe", "pipe"]


def test_it_cannot_hand_in_the_course_s_own_class():
    """Three lines that wrap what was to be written: there is nothing to wrap, by name or by path."""
    with pytest.raises(AnswerError, match=r"No module named 'sim.policies'"):
        ask("from sim.policies import FullJitter as Mine")
    with pytest.raises(AnswerError, match="FileNotFoundError"):
        ask("exec(open('/course/sim/policies/client/backoff.py').read())\nMine = FullJitter")


def test_patching_the_simulator_over_there_changes_nothing_here():
    """It has a copy of its own; there is no judge on its stack."""
    patch = "import sim.outcome\nsim.outcome.Outcome.ok = property(lambda self: True)"
    frames = "import sys\nframe, names = sys._getframe(), []\nwhile frame:\n  names.append(frame.f_code.co_name)\n  frame = frame.f_back\nreturn names"  # noqa: E501
    assert ask(decision(frames, patch)) == ["delay", "_do", "answer", "main", "<module>"]
    assert not sim.outcome.Outcome.answered(503).ok


FORGED = '{"map":[["value",0.0]]}'


@pytest.mark.parametrize(
    "line",
    [
        FORGED, '{"value": {"Outcome": [{"Kind": "no kind"}]}}', '{"value": {"rng": "x"}}', "[]", "{}",
        '{"value": {"Popen": ["ls"]}}', '{"value": {"tuple": 3}}', "[" * 5_000, "9" * 5_000, "\xff",
        '{"value": {"object": 1e999}}',
    ],
)  # fmt: skip
def test_a_forged_line_is_at_most_a_wrong_answer(line):
    """Who finds the pipe and writes to it has answered, or is told that this was no answer; no other harm."""
    forge = f"import os\nfor n in range(3, 9):\n  try: os.write(n, {line!r}.encode('latin-1') + b'\\n')\n  except OSError: pass\nreturn 1.0"  # noqa: E501
    with Confined(decision(forge), SHORT) as learner:
        mine = learner.make("Mine")
        if line == FORGED:
            assert mine.delay(1, 0.0, Random(0)) == 0.0
        else:
            with pytest.raises(AnswerError, match=r"^[^\n]+$"):
                mine.delay(1, 0.0, Random(0))


# Where it cannot be promised


def test_without_bubblewrap_it_refuses_and_names_the_package(monkeypatch):
    """Nothing is started."""
    monkeypatch.setattr(confine.shutil, "which", lambda name: None)
    with pytest.raises(RefusedError, match="needs bwrap of the package bubblewrap"):
        Confined(JITTER)
    monkeypatch.setattr(confine.sys, "platform", "darwin")
    with pytest.raises(RefusedError, match="needs Linux with bubblewrap, this is darwin"):
        protection()


def test_unsafe_runs_anywhere_without_isolation(monkeypatch):
    """For submissions that are trusted: the same answers."""
    monkeypatch.setattr(confine.shutil, "which", lambda name: None)
    with Confined(JITTER, SHORT, unsafe=True) as learner:
        assert 0.0 <= learner.make("Jitter").delay(1, 0.0, Random(0)) <= 0.1
