"""Large responses: a list of 100,000 releases, compared with Python reading the same bytes."""

import json
import os
import time

from harness.measure import Cost, in_turns, median, ratio, run
from harness.rack import CREATED, Rack
from harness.table import megabytes, seconds, told, within

ROWS = 100_000
READ = """
import json, sys, time
with open(sys.argv[1], "rb") as file:
    bytes = file.read()
started = time.process_time()
json.loads(bytes)
print(time.process_time() - started)
"""


def measure(bench):
    answer = _answer()
    with bench.place("lists") as directory, Rack(releases=answer) as rack:
        path = os.path.join(directory, "releases.json")
        with open(path, "wb") as file:
            file.write(answer)
        env = bench.environment(rack)
        command = lambda binary: [binary, "releases", "--limit", str(ROWS), "-a", "web"]
        actions = [lambda: run(command(bench.binary), env), lambda: _python(path, directory, env)]
        if bench.peer:
            actions.append(lambda: run(command(bench.peer), env))
        ours, python, *peers = in_turns(max(3, bench.rounds), *actions)
        name = f"releases, {ROWS} rows ({megabytes(len(answer))})"
        yield within(
            f"{name}: CPU", seconds(median(ours, "cpu")),
            f"json.loads {seconds(median(python, 'cpu'))}", ratio(ours, python, "cpu"), 3,
        )
        memory = max(cost.memory for cost in ours)
        yield within(f"{name}: memory", megabytes(memory), "", memory / 2**20, 200, " MB")
        for costs in peers:
            yield told(
                f"{name}: CPU beside the peer", seconds(median(ours, "cpu")),
                f"peer {seconds(median(costs, 'cpu'))}", ratio(ours, costs, "cpu"),
            )


def _python(path, directory, env):
    output = os.path.join(directory, "seconds")
    started = time.monotonic()
    run(["python3", "-c", READ, path], env, output=output)
    with open(output, encoding="utf-8") as file:
        return Cost(time.monotonic() - started, float(file.read()), 0, 0, b"")


def _answer():
    """A list as v3 racks send it: with environment and manifest in each row."""
    env = "".join(f"SETTING_{number}=value-{number}-of-the-app\\n" for number in range(10))
    manifest = "services:\n  web:\n    build: .\n    port: 3000\n    environment:\n" + "".join(
        f"      - SETTING_{number}\n" for number in range(10)
    )
    rows = (
        {"app": "web", "build": f"B{number:010X}", "created": CREATED, "description": f"change {number}",
         "env": env, "id": f"R{number:010X}", "manifest": manifest}
        for number in range(ROWS)
    )
    return b"[" + b",".join(json.dumps(row).encode() for row in rows) + b"]"
