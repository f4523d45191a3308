"""Describes the machine in one line."""

import os
import platform


def describe():
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, load {load:.1f} at the start"
    )


def _processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as about:
            for line in about:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()
