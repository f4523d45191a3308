"""Generated trees to pack, which are always the same.

The text is made of words, indented lines and punctuation drawn from a fixed random sequence, with
the words' frequencies falling as in source code; `gzip -6` makes about a fifth of it, as of real
source trees. A tree of your own can be measured instead with --tree.
"""

import os
import random
from itertools import accumulate

BASE = 3 << 20
WORDS = 6000


def source_tree(directory, size, seed=1):
    """Files of a few hundred bytes to some hundred kilobytes, `size` bytes in all."""
    draw = random.Random(seed)
    text = _text(draw)
    _write(os.path.join(directory, "convox.yml"), b"services:\n  web:\n    build: .\n    port: 3000\n")
    _write(os.path.join(directory, "Dockerfile"), b"FROM scratch\n")
    written, number = 0, 0
    while written < size:
        length = min(int(draw.lognormvariate(8.6, 1.3)) + 64, 600_000, size - written + 64)
        start = draw.randrange(len(text) - length)
        name = f"package{number // 200:03}/module{number // 20 % 10}/file{number:05}.rs"
        _write(os.path.join(directory, name), text[start : start + length])
        written, number = written + length, number + 1
    return written


def small_files(directory, directories, files, size, seed=2):
    """`directories` directories of `files` files of `size` bytes, an ignore file of 200 lines, and
    what it leaves out; returns the paths that are sent."""
    draw = random.Random(seed)
    text = _text(draw)
    kept = ["convox.yml", "Dockerfile", ".dockerignore"]
    _write(os.path.join(directory, "convox.yml"), b"services:\n  web:\n    build: .\n    port: 3000\n")
    _write(os.path.join(directory, "Dockerfile"), b"FROM scratch\n")
    _write(os.path.join(directory, ".dockerignore"), _ignore_file().encode())
    for number in range(directories):
        below = f"group{number % 40:02}/part{number:04}"
        kept += sorted({f"group{number % 40:02}", below}) if number < 40 else [below]
        for file in range(files):
            start = draw.randrange(len(text) - size)
            name = f"{below}/item{file:03}.txt"
            _write(os.path.join(directory, name), text[start : start + size])
            kept.append(name)
    for number in range(300):
        _write(os.path.join(directory, f"node_modules/module{number}/index.js"), text[:size])
        _write(os.path.join(directory, f"group{number % 40:02}/cache/{number}.tmp"), text[:size])
    kept += [f"group{number:02}/cache" for number in range(40)]
    return sorted(set(kept))


def _ignore_file():
    """200 ordinary rules: those of real projects that match something here, and many that match
    nothing."""
    rules = ["node_modules", "**/*.tmp", ".git", "**/.DS_Store", "target", "*.log"]
    rules += [f"build{number}/**/*.o" for number in range(60)]
    rules += [f"**/cache{number}" for number in range(60)]
    rules += [f"docs/section{number}/*.md" for number in range(50)]
    rules += [f"vendor/library{number}" for number in range(200 - len(rules))]
    return "".join(rule + "\n" for rule in rules)


def _text(draw):
    letters = "etaoinshrdlucmfwypvbgkxjqz"
    weights = list(accumulate(range(len(letters), 0, -1)))
    word = lambda: "".join(draw.choices(letters, cum_weights=weights, k=draw.randint(2, 11)))
    words = [word() for _ in range(WORDS)]
    frequencies = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))
    ends = ["(", ", ", " = ", ".", ".", "::", " {", " ", " ", ";", "_", "_", ")?;"]
    lines, length, depth = [], 0, 0
    while length < BASE:
        if len(lines) > 40 and draw.random() < 0.6:
            line = lines[-draw.randint(1, 40)]  # code repeats itself, with small changes
            if draw.random() < 0.7:
                line = line.replace(draw.choice(line.split(" ")), draw.choice(words), 1)
        else:
            picked = draw.choices(words, cum_weights=frequencies, k=draw.randint(2, 7))
            depth = max(0, min(5, depth + draw.choice([-1, 0, 0, 1])))
            line = "    " * depth + "".join(word + draw.choice(ends) for word in picked) + "\n"
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()


def _write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
