"""Start: the cost of a command with one request, compared with curl."""

from harness.measure import in_turns, median, ratio, run
from harness.rack import Rack
from harness.table import megabytes, milliseconds, told, within

ROUNDS = 20


def measure(bench):
    with Rack() as rack:
        env = bench.environment(rack)
        curl = ["curl", "-s", "-o", "/dev/null", f"{rack.url}/apps"]
        commands = {"version": [bench.binary, "version"], "apps": [bench.binary, "apps"]}
        rows = []
        for name, command in commands.items():
            actions = [lambda: run(command, env), lambda: run(curl, env)]
            if bench.peer:
                actions.append(lambda: run([bench.peer, *command[1:]], env))
            ours, curls, *peers = in_turns(bench.rounds * ROUNDS, *actions)
            rows += _rows(name, ours, curls)
            rows += [_beside(name, ours, costs) for costs in peers]
        return rows


def _rows(name, ours, curls):
    cpu, curl_cpu = median(ours, "cpu"), median(curls, "cpu")
    yield within(
        f"convox {name}: CPU", milliseconds(cpu), f"curl {milliseconds(curl_cpu)}",
        ratio(ours, curls, "cpu"), 0.5,
    )
    memory = max(cost.memory for cost in ours)
    yield within(
        f"convox {name}: memory", megabytes(memory),
        f"curl {megabytes(median(curls, 'memory'))}", memory / 2**20, 8, " MB",
    )


def _beside(name, ours, peers):
    return told(
        f"convox {name}: CPU beside the peer", milliseconds(median(ours, "cpu")),
        f"peer {milliseconds(median(peers, 'cpu'))}", ratio(ours, peers, "cpu"),
    )
