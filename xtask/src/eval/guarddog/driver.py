"""Runs guarddog on one archive a line of its input (an ecosystem, a tab, a path); answers with a line of JSON.

Its temporary folder is in memory (eval/guarddog.rs). The first two answers come unasked: which version guarddog is, and what it
makes of an archive with the decoy in it.
"""
import json, os, resource, signal, subprocess, sys, tarfile, threading

PROGRAM, DECOY, CPU_SECONDS, CLOCK_SECONDS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ROOT = os.environ["TMPDIR"]


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))


def guarddog(*words):
    """What came of one start, in a folder that is removed with all that guarddog leaves there when it is ended."""
    folder = os.path.join(ROOT, "one")
    os.mkdir(folder)
    late = threading.Event()
    with open(os.path.join(ROOT, "out"), "w+b") as out, open(os.path.join(ROOT, "err"), "w+b") as err:
        child = subprocess.Popen([PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=limit,
                                 start_new_session=True, env={**os.environ, "TMPDIR": folder})

        def end():
            late.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(CLOCK_SECONDS, end)
        timer.start()
        # Its end is waited for without collecting it first: until then no other process can have its number.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        timer.cancel()
        timer.join()
        _, status, used = os.wait4(child.pid, 0)
        out.seek(0)
        err.seek(0)
        said, complained = (text.read().decode("utf-8", "replace") for text in (out, err))
    subprocess.run(["rm", "-rf", folder], check=True)
    if late.is_set():
        ended = f"ended after {CLOCK_SECONDS} s"
    elif os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL):
        ended = f"ended by the kernel: {CPU_SECONDS} s of CPU, or memory"
    elif status:
        ended = f"exit status {os.waitstatus_to_exitcode(status)}"
    else:
        ended = None
    return {"out": said, "err": complained[-4000:], "ended": ended,
            "cpu_us": int((used.ru_utime + used.ru_stime) * 1e6), "rss_kb": used.ru_maxrss}


def scan(ecosystem, path):
    print(json.dumps(guarddog(ecosystem, "scan", path, "--output-format", "json")), flush=True)


print(json.dumps(guarddog("--version")), flush=True)
decoy = os.path.join(ROOT, "decoy-1.0.tar.gz")
with tarfile.open(decoy, "w:gz") as archive:
    archive.add(DECOY, "decoy-1.0/setup.py")
scan("pypi", decoy)
for line in sys.stdin:
    ecosystem, path = line.rstrip("\n").split("\t", 1)
    scan(ecosystem, path)
