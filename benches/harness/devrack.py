"""A development rack of its own, with a process to copy to."""

import json
import os
import shutil
import subprocess
import time

SLEEPING = "services:\n  web:\n    command: sleep 86400\n"


class DevRack:
    """Runs until it is closed. Commands reach it with `-r dev`."""

    def __init__(self, bench):
        self.binary = bench.binary
        self.env = bench.environment() | {"CONVOX_DATA": os.path.join(bench.directory, "data")}
        self.rack = self.start(self.binary, "rack", "start")
        until("the rack runs", lambda: b"running" in self.run("rack", "status"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run("rack", "stop")
        self.rack.wait()

    def start(self, *command):
        """Starts a program that goes on."""
        return subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def run(self, *words, cwd=None):
        """Runs a command, and returns what it prints."""
        return subprocess.run([self.binary, *words], env=self.env, cwd=cwd, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def process(self, directory, manifest=SLEEPING, files=()):
        """Deploys an app `web`; returns its process."""
        source = os.path.join(directory, "web")
        os.makedirs(source)
        with open(os.path.join(source, "convox.yml"), "w", encoding="utf-8") as file:
            file.write(manifest)
        for path in files:
            shutil.copy(path, source)
        self.run("deploy", "--create", "--wait", "-a", "web", "-r", "dev", cwd=source)
        return json.loads(self.run("ps", "--json", "-a", "web", "-r", "dev"))[0]


def until(what, holds, seconds=30):
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)
