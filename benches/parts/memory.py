"""Memory: a whole deploy of a gigabyte."""

from harness import trees
from harness.measure import run
from harness.rack import Rack
from harness.table import megabytes, within

SIZE = 1 << 30


def measure(bench):
    with bench.place("gigabyte") as directory, Rack() as rack:
        trees.source_tree(directory, SIZE)
        command = [bench.binary, "deploy", "-a", "web", directory]
        cost = run(command, bench.environment(rack))
        ours = f"{megabytes(cost.memory)}, {cost.wall:.1f} s"
        yield within("deploy of 1 GB: memory", ours, "", cost.memory / 2**20, 40, " MB")
