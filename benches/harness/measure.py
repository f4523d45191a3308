"""The cost of a command: time, CPU and memory, as the system counts them."""

import ctypes
import os
import statistics
import subprocess
import time
from dataclasses import dataclass

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """The cost of one run: seconds of time, seconds of CPU (user and system), bytes of memory."""

    wall: float
    cpu: float
    memory: int
    code: int
    output: bytes


def become_reaper():
    """Makes this process the parent of its orphaned descendants, to wait for them (Linux)."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def run(command, env, cwd=None, output=None, check=True):
    """Runs a command to its end.

    Linux counts the memory of the process that started a program as the program's own, so a small
    shell starts it in the background and leaves; the program becomes our child, and has the
    shell's one megabyte at most.
    """
    script = 'out=$1 err=$2; shift 2; "$@" >"$out" 2>"$err" </dev/null & echo $!'
    errors = os.path.join(env["TMPDIR"], "stderr")
    started = time.monotonic()
    shell = subprocess.Popen(
        ["sh", "-c", script, "sh", output or os.devnull, errors, *command], env=env, cwd=cwd, stdout=subprocess.PIPE
    )
    pid = int(shell.stdout.readline())
    shell.stdout.close()
    shell.wait()
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - started
    code = os.waitstatus_to_exitcode(status)
    if check and code != 0:
        with open(errors, encoding="utf-8", errors="replace") as said:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {code}: {said.read()}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, code, b"")


def pipeline(script, env, cwd=None):
    """Runs a shell command; the CPU is that of all its programs."""
    started = time.monotonic()
    before = os.times()
    shell = subprocess.run(["sh", "-c", script], env=env, cwd=cwd, check=True, stdout=subprocess.PIPE)
    after = os.times()
    cpu = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    return Cost(time.monotonic() - started, cpu, 0, 0, shell.stdout)


def in_turns(rounds, *actions):
    """Runs the actions in turn, `rounds` times, so that noise affects all of them; returns a
    list of costs for each action."""
    costs = [[] for _ in actions]
    for _ in range(rounds):
        for action, list_of_costs in zip(actions, costs):
            list_of_costs.append(action())
    return costs


def median(costs, what):
    return statistics.median(getattr(cost, what) for cost in costs)


def ratio(ours, theirs, what):
    """The median of the ratios of neighboring runs."""
    pairs = zip(ours, theirs)
    return statistics.median(getattr(a, what) / max(getattr(b, what), 1e-9) for a, b in pairs)
