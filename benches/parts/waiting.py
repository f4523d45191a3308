"""Waiting: the time that the client adds to that of the rack, from the end of the build to its exit."""

import os
import time

from harness.measure import run
from harness.rack import Rack
from harness.table import seconds, within

# Seconds of a build and of a roll-out. The last ones end at different moments between two polls.
CASES = [(0.3, 0.5), (4.0, 3.0), (9.0, 0.2), (2.0, 7.0)]
CASES += [(0.5, 2 + step / 8) for step in range(6)]


def measure(bench):
    with bench.place("app") as directory:
        with open(os.path.join(directory, "convox.yml"), "w", encoding="utf-8") as file:
            file.write("services:\n  web:\n    command: serve\n")
        for style in ("classic", "v3"):
            added = [_added(bench, directory, style, *case) for case in CASES]
            yield within(
                f"deploy --wait, {style}: added", seconds(max(added)), "", max(added), 1, " s"
            )


def _added(bench, directory, style, build, rollout):
    with Rack(build_takes=build, rollout_takes=rollout) as rack:
        command = [bench.binary, "deploy", "--wait", "--style", style, "-a", "web", directory]
        run(command, bench.environment(rack))
        return time.monotonic() - rack.complete_at - rollout
