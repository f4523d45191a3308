"""Overlap: packaging and upload at 100 Mbit/s, compared with an upload of the same number of
compressed bytes by curl."""

import os

from harness import trees
from harness.measure import in_turns, median, ratio, run
from harness.rack import Rack
from harness.table import seconds, within

SIZE = 200 << 20
RATE = 100e6 / 8


def measure(bench):
    with bench.place("link") as directory, bench.place("body") as beside, Rack(rate=RATE) as rack:
        source = bench.tree or directory
        if not bench.tree:
            trees.source_tree(directory, SIZE)
        env = bench.environment(rack)
        build = lambda: run([bench.binary, "build", "-a", "web", source], env)
        build()
        body = os.path.join(beside, "body")
        with open(body, "wb") as file:
            file.truncate(rack.uploaded)
        curl = ["curl", "-s", "-o", "/dev/null", "-H", "Expect:", "-X", "POST"]
        curl += ["-T", body, f"{rack.url}/apps/web/objects/tmp/x"]
        ours, bare = in_turns(min(3, bench.rounds), build, lambda: run(curl, env))
        yield within(
            "build over 100 Mbit/s", seconds(median(ours, "wall")),
            f"bare upload {seconds(median(bare, 'wall'))}", ratio(ours, bare, "wall"), 1.1,
        )
