"""Many small files, with an ignore file of 200 lines, beside tar of the files that are left."""

import os

from harness import trees
from harness.measure import in_turns, median, pipeline, ratio, run
from harness.rack import Rack
from harness.table import seconds, told, within

FOLDERS, FILES, SIZE = 1000, 100, 1024


def measure(bench):
    with bench.place("small") as folder, bench.place("beside") as beside, Rack() as rack:
        kept = trees.small_files(folder, FOLDERS, FILES, SIZE)
        included = os.path.join(beside, "included")
        with open(included, "w", encoding="utf-8") as file:
            file.write("".join(name + "\n" for name in kept))
        env = bench.environment(rack)
        script = f"tar cf '{beside}/out.tar' --no-recursion -T '{included}'"
        ours, tars = in_turns(
            max(3, bench.rounds),
            lambda: run([bench.binary, "build", "-a", "web", folder], env),
            lambda: pipeline(script, env, folder),
        )
        name = f"{FOLDERS * FILES} small files"
        yield within(
            f"{name}: time of build", seconds(median(ours, "wall")),
            f"tar cf {seconds(median(tars, 'wall'))}", ratio(ours, tars, "wall"), 1.5,
        )
        yield told(
            f"{name}: CPU of build", seconds(median(ours, "cpu")),
            f"tar cf {seconds(median(tars, 'cpu'))}", ratio(ours, tars, "cpu"),
        )
