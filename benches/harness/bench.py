"""What the parts share: the binaries, a temporary directory and a clean environment."""

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
    directory: str

    def environment(self, rack=None):
        """An environment with its own settings; of the user's, only PATH is kept."""
        home = os.path.join(self.directory, "home")
        os.makedirs(home, exist_ok=True)
        env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C"}
        env["TMPDIR"] = self.directory
        env["CONVOX_CONFIG"] = os.path.join(home, "settings")
        env["XDG_CONFIG_HOME"] = home
        if rack:
            env["RACK_URL"] = rack.url
        return env

    @contextmanager
    def place(self, name):
        """A directory that is removed afterwards."""
        directory = os.path.join(self.directory, name)
        os.makedirs(directory)
        try:
            yield directory
        finally:
            shutil.rmtree(directory)


@contextmanager
def made(binary, peer, tree, rounds):
    """A bench with a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="convox-bench-") as directory:
        yield Bench(os.path.abspath(binary), peer and os.path.abspath(peer), tree, rounds, directory)
