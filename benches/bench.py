"""What the benches share: a running Bulkhead, fresh folders, CPU of a process tree, ratios.

Only Python's standard library, and real programs. Every figure is a ratio of two things measured in the same run, one
right after the other: machines differ, and a busy hour differs from a quiet one.
"""

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
CLIENTS = Path(os.environ.get("BULKHEAD_CLIENTS", TARGET / "clients"))


def say(text=""):
    print(text, flush=True)


def binary():
    """The release build, made now if need be; or the program that $BULKHEAD_BINARY names."""
    if os.environ.get("BULKHEAD_BINARY"):
        return Path(os.environ["BULKHEAD_BINARY"]).resolve()
    say("building the release binary (cargo build --release)")
    subprocess.run(["cargo", "build", "--quiet", "--release"], cwd=ROOT, check=True)
    return TARGET / "release" / "bulkhead"


def client(name):
    program = CLIENTS / name / "bin" / name
    if not program.exists():
        sys.exit(f"{name} is not in {CLIENTS}: run `cargo xtask clients` once")
    return program


class Folder:
    """A new folder that goes away; in memory, for what is not measured and would drown what is."""

    def __init__(self, memory=False):
        self.parent = "/dev/shm" if memory and os.access("/dev/shm", os.W_OK) else None

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="bulkhead-bench-", dir=self.parent))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Server:
    """A program that serves until the end of the block."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log = open(log, "w+b")
        self.process = subprocess.Popen(
            [str(word) for word in command], stdout=self.log, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, env=env, cwd=cwd, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()

    def printed(self):
        self.log.flush()
        return Path(self.log.name).read_text(errors="replace")

    def wait_for(self, pattern, seconds=60):
        """The first match in what it printed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = re.search(pattern, self.printed())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.002)
        sys.exit(f"{self.process.args[0]} did not print {pattern!r}:\n{self.printed()}")

    def wait_until_answering(self, url, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit(f"{self.process.args[0]} does not answer at {url}:\n{self.printed()}")

    def cpu(self):
        """Seconds of CPU of the program and of every program that it started."""
        return sum(cpu_of(pid) for pid in tree(self.process.pid))

    def memory(self):
        """Resident bytes of the program itself, now and at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = {name: int(value) * 1024 for name, value in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.M)}
        return fields["VmRSS"], fields["VmHWM"]


class Bulkhead(Server):
    """`bulkhead serve` on a data folder."""

    def __init__(self, program, data, upstream=None, policy=None, words=()):
        data = Path(data)
        data.mkdir(parents=True, exist_ok=True)
        config = data.parent / f"{data.name}.toml"
        config.write_text(f'[intake.pypi]\nupstream = "{upstream}"\n' if upstream else "")
        if policy:
            (data / "policy.toml").write_text(policy)
        self.began = time.perf_counter()
        command = [program, "serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0", *words]
        # One line for each refusal is part of the product; it goes to a file, as a service manager would have it.
        super().__init__(command, data.parent / f"{data.name}.log")

    def __enter__(self):
        found = self.wait_for(r"intake\s+(http://127\.0\.0\.1:(\d+)/pypi/simple/)")
        self.started = time.perf_counter() - self.began
        self.simple, self.port = found[1], int(found[2])
        return self


def tree(pid):
    """The process and everything below it that still runs."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                found += tree(int(child))
        except OSError:
            pass
    return found


def cpu_of(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    # utime, stime and those of children that ended (proc(5): fields 14 to 17).
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def spread(values):
    """Median and range, for people."""
    values = sorted(values)
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.median(values):.2f} ({values[0]:.2f} to {values[-1]:.2f})"


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    load = Path("/proc/loadavg").read_text().split()[0]
    return f"{os.cpu_count()} cores, {cpu[1] if cpu else 'unknown CPU'}, kernel {os.uname().release}, load {load}"


def table(head, rows):
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, *rows]:
        say("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
