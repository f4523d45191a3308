"""Many small files, with an ignore file of 200 lines, compared with tar of the files that are sent."""

import os

from harness import trees
from harness.measure import in_turns, median, pipeline, ratio, run
from harness.rack import Rack
from harness.table import seconds, told, within

DIRECTORIES, FILES, SIZE = 1000, 100, 1024


def measure(bench):
    with bench.place("small") as directory, bench.place("beside") as beside, Rack() as rack:
        kept = trees.small_files(directory, DIRECTORIES, FILES, SIZE)
        included = os.path.join(beside, "included")
        with open(included, "w", encoding="utf-8") as file:
            file.write("".join(name + "\n" for name in kept))
        env = bench.environment(rack)
        script = f"tar cf '{beside}/out.tar' --no-recursion -T '{included}'"
        ours, tars = in_turns(
            max(3, bench.rounds),
            lambda: run([bench.binary, "build", "-a", "web", directory], env),
            lambda: pipeline(script, env, directory),
        )
        name = f"{DIRECTORIES * FILES} small files"
        yield within(
            f"{name}: time of build", seconds(median(ours, "wall")),
            f"tar cf {seconds(median(tars, 'wall'))}", ratio(ours, tars, "wall"), 1.5,
        )
        yield told(
            f"{name}: CPU of build", seconds(median(ours, "cpu")),
            f"tar cf {seconds(median(tars, 'cpu'))}", ratio(ours, tars, "cpu"),
        )
