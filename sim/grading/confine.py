"""The confinement of a learner's process: bubblewrap for what it can see, rlimits for what it can use.

Inside there is an interpreter with its standard library, and the few modules that answer, all read-only; an empty
scratch directory in memory; no network, no other process, no file of the grader's, no environment.  The rest of the
course is not there either: an answer that wraps the course's own class has nothing to wrap.  Full isolation is Linux
with bubblewrap, a package of every distribution; elsewhere `command` refuses, unless it is told that the submissions
are trusted.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import attrs

from sim.grading.faults import RefusedError
from sim.knobs import knob

PACKAGE = Path(__file__).resolve().parent.parent
ANSWERING = ("__init__.py", "http.py", "outcome.py", "grading/answering.py", "grading/wire.py")
"""What of the course runs in the learner's process."""
# Ids from here on belong to nobody; each slot has its own, because the limit on processes counts by user.
_NOBODY = 61_000
# Processes of bubblewrap itself that the kernel counts for the same user.
_WALLS = 3
_START = (
    "import sys; sys.dont_write_bytecode = True; sys.path[:0] = sys.argv[1:]; "
    "from sim.grading.answering import main; main()"
)


@attrs.frozen(kw_only=True)
class Limits:
    """What a learner's process may use before it is ended.

    Source of the kinds: getrlimit(2).  *answer* and *seconds* are real time, kept by the parent; *seconds* is also the
    limit on CPU time.
    """

    answer: float = knob(2.0, above=0, high=600, unit="s", help="for one decision")
    seconds: float = knob(20.0, above=0, high=3_600, unit="s", help="for the process, waiting included")
    memory: int = knob(512, low=64, high=65_536, unit="MiB", help="address space")
    processes: int = knob(4, low=1, high=1_000, unit="processes", help="threads count too")
    scratch: int = knob(8, low=1, high=4_096, unit="MiB", help="the scratch directory, and each file in it")


def protection() -> str:
    """What protects the grader on this machine, in a sentence.

    Raises: `RefusedError` when it is not enough for submissions by strangers.
    """
    if not sys.platform.startswith("linux"):
        raise RefusedError(f"full isolation needs Linux with bubblewrap, this is {sys.platform}")
    for program, package in (("bwrap", "bubblewrap"), ("prlimit", "util-linux"), ("setpriv", "util-linux")):
        if shutil.which(program) is None:
            raise RefusedError(f"full isolation needs {program} of the package {package}, which is not installed")
    return "bubblewrap: own file tree, no network, own processes; limits on time, memory, processes and files"


def command(limits: Limits, *, slot: int = 0, tell: int = 2, unsafe: bool = False) -> list[str]:
    """The program and its arguments that start a confined, empty, answering process.

    *slot*: which of the processes that run side by side this is, 0 or more; what one uses up is not counted for
    another.  *tell*: the descriptor on which bubblewrap says, as JSON, which process is the first inside
    ("child-pid"); when that one is killed, all inside are.  *unsafe*: no confinement at all, for trusted submissions.

    Raises: `RefusedError` where the promise cannot be kept.
    """
    if unsafe:
        return [sys.executable, "-I", "-c", _START, str(PACKAGE.parent), *_packages()]
    protection()
    python = str(Path(sys.base_prefix) / "bin" / Path(os.path.realpath(sys.executable)).name)
    tree = [*_readable(), *_course()]
    walls = [
        "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--info-fd", str(tell), "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PYTHONHASHSEED", "0",
        *tree, "--proc", "/proc", "--dev", "/dev", "--perms", "0755", "--dir", "/tmp",
        "--perms", "1777", "--size", str(limits.scratch << 20), "--tmpfs", "/scratch", "--chdir", "/scratch",
        "--remount-ro", "/dev", "--remount-ro", "/",
    ]  # fmt: skip
    nobody = ["--unshare-user", "--disable-userns"]
    if os.geteuid() == 0:
        # The kernel excuses the superuser from the limit on processes: become somebody else, and only then shut the
        # door behind, because a namespace of users would give new powers within itself.
        walls += [
            "setpriv", f"--reuid={_NOBODY + slot}", f"--regid={_NOBODY + slot}", "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
            "bwrap", *nobody, "--dev-bind", "/", "/", "--chdir", "/scratch",
        ]  # fmt: skip
    else:
        walls[1:1] = nobody
    return [
        *walls,
        "prlimit", f"--as={limits.memory << 20}", f"--nproc={limits.processes + _WALLS}",
        f"--fsize={limits.scratch << 20}", f"--cpu={int(limits.seconds) + 1}", "--nofile=64", "--core=0",
        python, "-I", "-S", "-c", _START, "/course",
    ]  # fmt: skip


def _packages() -> list[str]:
    """Where the packages are that `sim` needs."""
    return list(dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]))


def _readable() -> list[str]:
    """The interpreter and the system's libraries: nothing of /home, /root, /tmp, /etc or /var but these."""
    arguments = []
    for path in ("/usr", "/lib", "/lib64", "/bin"):
        if os.path.islink(path):
            arguments += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            arguments += ["--ro-bind", path, path]
    if not sys.base_prefix.startswith("/usr"):
        arguments += _mounted(Path(sys.base_prefix), Path(sys.base_prefix))
    return arguments


def _course() -> list[str]:
    """What answers, and nothing that could be copied from; a folder without `__init__` is a package as well."""
    arguments = [word for name in ANSWERING for word in _mounted(PACKAGE / name, Path("/course/sim") / name)]
    for package in ("attr", "attrs"):
        found = importlib.util.find_spec(package)
        assert found is not None
        assert found.origin is not None
        arguments += _mounted(Path(found.origin).parent, Path("/course") / package)
    return arguments


def _mounted(source: Path, target: Path) -> list[str]:
    """*source*, to be read at *target*.  Folders on the way are empty ones that anybody may pass through."""
    way = [["--perms", "0755", "--dir", str(parent)] for parent in reversed(target.parents) if parent != Path("/")]
    return [*(word for words in way for word in words), "--ro-bind", str(source), str(target)]
