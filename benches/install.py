#!/usr/bin/env python3
"""How long a real install takes: direct, through Bulkhead, and through other proxies. Prints ratios to direct.

    python3 benches/install.py                          pip and uv, direct and Bulkhead, three rounds
    python3 benches/install.py --peers proxpi devpi     with peers from PyPI, each in an environment of its own
    python3 benches/install.py --rounds 1 --clients uv

A round runs everything once, one after the other, each with an empty client cache: direct, Bulkhead on empty data (cold),
the same server again as for the next machine (warm), a new server on the data that this left (restarted), the first two
for each peer. A ratio compares two runs of the same round. The client's cache and its files lie in memory: the disk's
share was ten times that of everything else, and is the same on each side. Every file that comes through Bulkhead is
judged and recorded: the bench counts the entries. Where this machine's pip and uv go by
themselves is "direct", and is Bulkhead's upstream too.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from bench import Bulkhead, CLIENTS, Folder, Server, binary, client, machine, say, spread, table

# What an AI company installs; about 74 distributions with everything that these need. The one exact version is the last
# before the poisoned releases of March 2026.
SET = ["langchain", "langchain-openai", "openai", "anthropic", "litellm==1.82.6", "huggingface-hub", "tokenizers"]


def environment(home):
    """The machine's own settings, a home without caches, and no wheels that lie around."""
    env = dict(os.environ, HOME=str(home), UV_CACHE_DIR=str(home / "uv"), UV_PYTHON_DOWNLOADS="never",
               PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_CACHE_DIR="1", LC_ALL="C.UTF-8")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        env.pop(name, None)
    return env


def tasks(names):
    """What is timed: a name, and the command for an index (none means direct)."""
    pip = lambda home, index, wanted: [  # noqa: E731
        client("pip"), "download", "--quiet", "--only-binary", ":all:", "--dest", home / "files",
        *(["--index-url", index] if index else []), *wanted]
    uv_compile = lambda home, index, wanted: [  # noqa: E731
        client("uv"), "pip", "compile", "--quiet", "--no-header", "--output-file", home / "out.txt",
        *(["--default-index", index] if index else []), home / "in.txt"]
    uv_install = lambda home, index, wanted: [  # noqa: E731
        client("uv"), "pip", "install", "--quiet", "--target", home / "site", "--link-mode", "copy",
        *(["--default-index", index] if index else []), *wanted]
    every = {"pip download": pip, "uv pip compile": uv_compile, "uv pip install": uv_install}
    return {name: every[name] for name in every if any(name.startswith(wanted) for wanted in names)}


def timed(make, index, wanted):
    """Seconds of one run with nothing cached on the client's side."""
    with Folder(memory=True) as home:
        (home / "in.txt").write_text("\n".join(SET) + "\n")
        begin = time.perf_counter()
        done = subprocess.run([str(word) for word in make(home, index, wanted)], env=environment(home), cwd=home,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        seconds = time.perf_counter() - begin
        if done.returncode != 0:
            say(f"    FAILED: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
            return None
        return seconds


def pinned(program, upstream):
    """The set at exact versions that pass the shipped policy, so that every side fetches the same files."""
    with Folder() as home, Bulkhead(program, home / "data", upstream) as server:
        (home / "in.txt").write_text("\n".join(SET) + "\n")
        command = [client("uv"), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--default-index",
                   server.simple, home / "in.txt"]
        done = subprocess.run([str(word) for word in command], env=environment(home), capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"the set cannot be resolved through Bulkhead:\n{done.stderr}")
        return [line for line in done.stdout.splitlines() if line and not line.startswith((" ", "#", "-"))]


def judged(program, data):
    """Files that passed, each with its entry in the ledger."""
    shown = subprocess.run([program, "ledger", "show", "--last", "100000", "--data", data, "--format", "json"],
                           capture_output=True, text=True, check=True)
    entries = [row["entry"] for row in json.loads(shown.stdout)["entries"]]
    return len({entry["resource"].get("digest") for entry in entries
                if entry["action"] == "fetch" and entry["effect"] == "allow"})


class Peer:
    """A proxy from PyPI in an environment of its own under the clients' folder."""

    packages = []

    def __init__(self, upstream):
        self.upstream = upstream
        self.home = CLIENTS / f"peer-{self.name}"
        if not (self.home / "bin" / "python").exists():
            say(f"installing {self.name}")
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.home], check=True)
            subprocess.run([str(client("pip")), "--python", str(self.home / "bin/python"), "install", "--quiet",
                            *self.packages], check=True)

    def program(self, name):
        return self.home / "bin" / name


class Proxpi(Peer):
    name = "proxpi"
    packages = ["proxpi", "gunicorn"]

    def serve(self, data, port):
        env = dict(os.environ, PROXPI_INDEX_URL=self.upstream.rstrip("/") + "/", PROXPI_CACHE_DIR=str(data))
        data.mkdir(exist_ok=True)
        command = [self.program("gunicorn"), "--bind", f"127.0.0.1:{port}", "--threads", "8", "proxpi.server:app"]
        return Server(command, data.parent / "proxpi.log", env), f"http://127.0.0.1:{port}/index/"


class Devpi(Peer):
    name = "devpi"
    packages = ["devpi-server", "devpi-client"]

    def serve(self, data, port):
        quiet = dict(check=True, stdout=subprocess.DEVNULL)
        fresh = not data.exists()
        if fresh:
            subprocess.run([self.program("devpi-init"), "--serverdir", data], **quiet)
        server = Server([self.program("devpi-server"), "--serverdir", data, "--port", str(port)], data.parent / "devpi.log")
        url = f"http://127.0.0.1:{port}"
        server.wait_until_answering(f"{url}/+api")
        if fresh:
            devpi = [self.program("devpi")]
            place = ["--clientdir", str(data.parent / "devpi-client")]
            subprocess.run([*devpi, "use", *place, url], **quiet)
            subprocess.run([*devpi, "login", *place, "root", "--password="], **quiet)
            # Without the last setting it fetches the names of every project there is.
            subprocess.run([*devpi, "index", *place, "root/pypi", f"mirror_url={self.upstream}",
                            "mirror_no_project_list=True"], **quiet)
        return server, f"{url}/root/pypi/+simple/"


PEERS = {peer.name: peer for peer in (Proxpi, Devpi)}


def own_index():
    """Where this machine's pip goes by itself."""
    for words in (["config", "get", "global.index-url"], ["config", "get", "user.index-url"]):
        done = subprocess.run([client("pip"), *words], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    shown = subprocess.run([client("pip"), "download", "--help"], capture_output=True, text=True).stdout
    return re.search(r"--index-url.*?\(default\s+(\S+?)\)", shown, re.S)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", nargs="+", default=["pip", "uv"], choices=["pip", "uv"])
    parser.add_argument("--peers", nargs="*", default=[], choices=sorted(PEERS))
    options = parser.parse_args()

    program = binary()
    upstream = own_index()
    peers = [PEERS[name](upstream) for name in options.peers]
    say(f"machine: {machine()}")
    wanted = pinned(program, upstream)
    say(f"{len(wanted)} distributions; {options.rounds} rounds")

    ratios = {}
    direct_seconds = {}
    for number in range(options.rounds):
        say(f"\nround {number + 1}")
        for task, make in tasks(options.clients).items():
            with Folder() as folder:
                direct = timed(make, None, wanted)
                direct_seconds.setdefault(task, []).append(direct)
                say(f"  {task:<16} direct             {direct:6.2f} s")

                def against_direct(side, seconds):
                    if seconds is not None:
                        say(f"  {task:<16} {side:<18} {seconds:6.2f} s   {seconds / direct:.2f}x")
                    ratios.setdefault((task, side), []).append(None if seconds is None else seconds / direct)

                data = folder / "data"
                for sides in (("bulkhead cold", "bulkhead warm"), ("bulkhead restarted",)):
                    with Bulkhead(program, data, upstream) as server:
                        for side in sides:
                            against_direct(side, timed(make, server.simple, wanted))
                if "compile" not in task:
                    say(f"  {task:<16} {judged(program, data)} files judged and recorded")
                for port, peer in enumerate(peers, 17070):
                    server, index = peer.serve(folder / peer.name, port)
                    with server:
                        server.wait_until_answering(index + "six/")
                        for side in (f"{peer.name} cold", f"{peer.name} warm"):
                            against_direct(side, timed(make, index, wanted))

    say("\nratios to direct, median (range); below 1 is faster than direct")
    rows = []
    for (task, side), values in ratios.items():
        good = [value for value in values if value is not None]
        failed = f"  {len(values) - len(good)} of {len(values)} FAILED" if len(good) < len(values) else ""
        rows.append([task, side, (spread(good) if good else "-") + failed])
    table(["task", "side", "ratio"], rows)
    for task, values in direct_seconds.items():
        say(f"direct, {task}: {spread(values)} s")
    say("probation (crates.io) is not run: it needs a newer Rust than rust-toolchain.toml has")


if __name__ == "__main__":
    main()
