"""Packaging: a whole `convox build` of a source tree, with its upload, compared with tar and gzip."""

import os

from harness import trees
from harness.measure import in_turns, median, pipeline, ratio, run
from harness.rack import Rack
from harness.table import at_least, megabytes, seconds, told, within

SIZE = 200 << 20
BEFORE = 55  # MB/s: the speed of the 3.x client on two cores


def measure(bench):
    if bench.tree:
        yield from _rows(bench, bench.tree, f"tree {os.path.basename(bench.tree.rstrip('/'))}")
        return
    with bench.place("tree") as directory:
        trees.source_tree(directory, SIZE)
        yield from _rows(bench, directory, f"{SIZE >> 20} MB of source")


def _rows(bench, directory, name):
    with Rack() as rack:
        env = bench.environment(rack)
        tar = lambda: pipeline("tar cf - . | gzip -6 | wc -c", env, directory)
        size = int(pipeline("tar cf - . | wc -c", env, directory).output)
        build = lambda binary: lambda: run([binary, "build", "-a", "web", directory], env)
        actions = [build(bench.binary), tar] + ([build(bench.peer)] if bench.peer else [])
        ours, gzips, *peers = in_turns(max(3, bench.rounds), *actions)
        run([bench.binary, "build", "-a", "web", directory], env)
        uploaded, gzipped = rack.uploaded, int(gzips[0].output)
        wall = median(ours, "wall")
        yield within(
            f"{name}: time of build", seconds(wall), f"tar | gzip -6 {seconds(median(gzips, 'wall'))}",
            ratio(ours, gzips, "wall"), 0.16,
        )
        best, best_gzip = (min(cost.wall for cost in costs) for costs in (ours, gzips))
        yield told(
            f"{name}: time, least disturbed", seconds(best),
            f"tar | gzip -6 {seconds(best_gzip)}", best / best_gzip,
        )
        yield told(
            f"{name}: CPU of build", seconds(median(ours, "cpu")),
            f"tar | gzip -6 {seconds(median(gzips, 'cpu'))}", ratio(ours, gzips, "cpu"),
        )
        yield at_least(
            f"{name}: speed", f"{size / wall / 1e6:.0f} MB/s", f"{BEFORE} MB/s (3.x client)",
            size / wall / 1e6 / BEFORE, 4, "x",
        )
        yield within(
            f"{name}: size", megabytes(uploaded), f"gzip -6 {megabytes(gzipped)}",
            uploaded / gzipped, 1.03,
        )
        memory = max(cost.memory for cost in ours)
        yield within(f"{name}: memory", megabytes(memory), "", memory / 2**20, 40, " MB")
        for costs in peers:
            yield told(
                f"{name}: time beside the peer", seconds(wall),
                f"peer {seconds(median(costs, 'wall'))}, {megabytes(median(costs, 'memory'))}",
                ratio(ours, costs, "wall"),
            )
