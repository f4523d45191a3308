"""What the parts share: the binaries, a folder of their own, an environment that is nobody's."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Bench:
    binary: str
    peer: str | None
    tree: str | None
    rounds: int
    folder: str

    def environment(self, rack=None):
        """Settings of its own, and nothing of the user's but the path."""
        home = os.path.join(self.folder, "home")
        os.makedirs(home, exist_ok=True)
        env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C"}
        env["TMPDIR"] = self.folder
        env["CONVOX_CONFIG"] = os.path.join(home, "settings")
        env["XDG_CONFIG_HOME"] = home
        if rack:
            env["RACK_URL"] = rack.url
        return env

    @contextmanager
    def place(self, name):
        """A folder that is gone afterwards."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


@contextmanager
def made(binary, peer, tree, rounds):
    """A bench with a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="convox-bench-") as folder:
        yield Bench(os.path.abspath(binary), peer and os.path.abspath(peer), tree, rounds, folder)
