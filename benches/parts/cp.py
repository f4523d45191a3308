"""cp: a gigabyte and 20,000 small files, beside `tar | tar` through a socket."""

import os
import shutil

from harness.devrack import DevRack
from harness.measure import in_turns, median, pipeline, ratio, run
from harness.table import megabytes, seconds, within
from harness.trees import small_files

LARGE = 1 << 30


def measure(bench):
    with bench.place("cp") as directory, DevRack(bench) as rack:
        process = rack.process(directory)["id"]
        for what, tree in _trees(directory):
            yield from _both_ways(bench, rack, process, what, tree)
            shutil.rmtree(tree)


def _trees(directory):
    tree = os.path.join(directory, "tree")
    os.makedirs(tree)
    with open(os.path.join(tree, "data"), "wb") as file:
        for _ in range(LARGE >> 20):
            file.write(os.urandom(1 << 20))
    yield "1 GB", tree
    small_files(tree, 200, 100, 1000)
    yield "20,000 files", tree


def _both_ways(bench, rack, process, what, tree):
    got, bare = tree + ".got", tree + ".bare"
    remote = f"{process}:/copied"

    def ours(source, target, clean):
        def once():
            clean()
            return run([bench.binary, "cp", source, target, "-a", "web", "-r", "dev"], rack.env)
        return once

    def piped():
        shutil.rmtree(bare, ignore_errors=True)
        os.makedirs(bare)
        return pipeline(_TAR.format(tree=tree, bare=bare), rack.env)

    def empty():
        rack.run("exec", process, "rm -rf copied", "-a", "web", "-r", "dev")

    for way, source, target, clean in [
        ("to", tree, remote, empty),
        ("from", remote, got, lambda: shutil.rmtree(got, ignore_errors=True)),
    ]:
        own, tars = in_turns(bench.rounds, ours(source, target, clean), piped)
        most = max(cost.memory for cost in own)
        yield within(f"`cp` of {what} {way} a process: time", seconds(median(own, "wall")),
                     f"tar \\| tar {seconds(median(tars, 'wall'))}", ratio(own, tars, "wall"), 1.5)
        yield within(f"`cp` of {what} {way} a process: memory", megabytes(most), "",
                     most / 2**20, 40, " MB")
    shutil.rmtree(got)
    shutil.rmtree(bare)
    empty()


# Two tars with a loopback connection between them.
_TAR = """
python3 -c '
import os, socket, subprocess
listener = socket.create_server(("127.0.0.1", 0))
near = socket.create_connection(listener.getsockname())
far, _ = listener.accept()
packing = subprocess.Popen(["tar", "cf", "-", "-C", "{tree}", "."], stdout=near)
unpacking = subprocess.Popen(["tar", "xf", "-", "-C", "{bare}"], stdin=far)
near.close(), far.close()
assert packing.wait() == 0 and unpacking.wait() == 0
'
"""
