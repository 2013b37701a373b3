#!/usr/bin/env python3
"""What a request costs: CPU per request against nginx with the same bytes, refusals, memory, start.

    apt-get install nginx-light wrk        what it needs beside Rust and Python
    python3 benches/serve.py               everything, about two minutes
    python3 benches/serve.py pages         one of: pages refusals memory start

The upstream is a small server in this process with one project the size of litellm (3,200 files) and real wheels, so that
nothing here depends on a network. wrk drives 8 connections on one thread; the pairs (Bulkhead, nginx) alternate. CPU is
user and system time of the whole process tree, from /proc.
"""

import argparse
import base64
import hashlib
import http.server
import io
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from datetime import datetime, timedelta, timezone

sys.dont_write_bytecode = True
from bench import Bulkhead, Folder, Server, binary, machine, say, spread, table

JSON = "application/vnd.pypi.simple.v1+json"
SECONDS = 5
ROUNDS = 3


def wheel(name, version, size=0):
    """A valid wheel; `size` bytes of it do not compress."""
    members = {f"{name}/__init__.py": f'__version__ = "{version}"\n'.encode()}
    if size:
        members[f"{name}/data.bin"] = random.Random(name).randbytes(size)
    info = f"{name}-{version}.dist-info"
    members[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    members[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
            for path, data in members.items()]
    members[f"{info}/RECORD"] = ("\n".join([*rows, f"{info}/RECORD,,"]) + "\n").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in members.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


class Upstream:
    """A registry with `large` (many files), `small` and `big` (one wheel each) and `fresh` (two hours old)."""

    def __init__(self):
        self.files, pages = {}, {}
        handler = self.handler(pages)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.simple = f"{self.origin}/simple/"
        pages["small"] = self.page("small", [("small", "1.0", wheel("small", "1.0", 11_000), 60 * 24)])
        pages["big"] = self.page("big", [("big", "1.0", wheel("big", "1.0", 15_600_000), 60 * 24)])
        pages["fresh"] = self.page("fresh", [("fresh", "1.0", wheel("fresh", "1.0"), 2)])
        releases = [("large", f"1.{number // 40}.{number % 40}", number, 24 * (10 + number)) for number in range(3200)]
        pages["large"] = self.page("large", releases)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, project, releases):
        files = []
        for name, version, content, hours in releases:
            filename = f"{name}-{version}-py3-none-any.whl"
            if isinstance(content, bytes):
                digest, size = hashlib.sha256(content).hexdigest(), len(content)
                self.files[f"/files/{filename}"] = content
            else:
                digest, size = hashlib.sha256(str(content).encode()).hexdigest(), 8_000_000 + content
            uploaded = datetime.now(timezone.utc) - timedelta(hours=hours)
            files.append({"filename": filename, "url": f"{self.origin}/files/{filename}", "hashes": {"sha256": digest},
                          "size": size, "upload-time": uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                          "requires-python": ">=3.9,<4.0", "yanked": False})
        versions = [version for _, version, _, _ in releases]
        page = {"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": files}
        return json.dumps(page).encode()

    def handler(upstream, pages):  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                name = self.path.removeprefix("/simple/").strip("/")
                body = upstream.files.get(self.path) or pages.get(name)
                self.send_response(200 if body else 404)
                self.send_header("content-type", JSON if self.path.startswith("/simple/") else "application/zip")
                self.send_header("content-length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        return Handler


def get(url, accept="*/*"):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"accept": accept})) as answer:
        return answer.read()


def wrk(url, accept="*/*", script=None, connections=8):
    """Requests per second and the latency percentiles that the script prints."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-H", f"accept: {accept}"]
    if script:
        command += ["-s", script]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", done)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])
    return requests, rate, done


def needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}  (apt-get install nginx-light wrk)")


def nginx(folder, documents):
    """nginx with these documents as files, set up as a file server would be."""
    for name, body in documents.items():
        (folder / "html" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "html" / name).write_bytes(body)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; user root;\n"
        "events { worker_connections 256; }\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n"
        f"  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;\n"
        f"  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
        f"  server {{ listen 127.0.0.1:{port}; root {folder}/html; }} }}\n")
    server = Server(["nginx", "-p", folder, "-c", folder / "nginx.conf"], folder / "nginx.log")
    server.wait_until_answering(f"http://127.0.0.1:{port}/{next(iter(documents))}")
    return server, f"http://127.0.0.1:{port}"


def pages(program, upstream):
    needs("nginx", "wrk")
    with Folder() as folder, Bulkhead(program, folder / "data", upstream.simple) as bulkhead:
        origin = f"http://127.0.0.1:{bulkhead.port}"

        def file_of(project):
            page = json.loads(get(f"{bulkhead.simple}{project}/", JSON))
            return page["files"][0]["url"].replace("../../", "/pypi/")

        objects = [("page of 3,200 files", "/pypi/simple/large/", JSON), ("page of one file", "/pypi/simple/small/", JSON),
                   ("wheel, 11 KB", file_of("small"), "*/*"), ("wheel, 15.6 MB", file_of("big"), "*/*")]
        documents = {f"o{number}": get(origin + path, accept) for number, (_, path, accept) in enumerate(objects)}
        server, other = nginx(folder, documents)
        rows = []
        with server:
            for number, (name, path, accept) in enumerate(objects):
                rates, costs, own = [], [], []
                for _ in range(ROUNDS):
                    measured = []
                    for side, url in ((bulkhead, origin + path), (server, f"{other}/o{number}")):
                        before = side.cpu()
                        requests, rate, _ = wrk(url, accept)
                        measured.append((rate, 1000 * (side.cpu() - before) / requests))
                    (rate, cost), (nginx_rate, nginx_cost) = measured
                    rates.append(rate / nginx_rate)
                    costs.append(cost / nginx_cost)
                    own.append(cost)
                rows.append([name, f"{len(documents[f'o{number}']):,} B", spread(costs), spread(rates), spread(own)])
        say("\nwarm objects, Bulkhead as a ratio to nginx with the same bytes: median (range)")
        table(["object", "size", "CPU per request", "rate", "own CPU ms"], rows)
        resident, most = bulkhead.memory()
        say(f"resident after the run: {resident / 1e6:.0f} MB, at most {most / 1e6:.0f} MB")


def refusals(program, upstream):
    needs("wrk")
    with Folder() as folder, Bulkhead(program, folder / "data", upstream.simple) as bulkhead:
        page = json.loads(get(f"{bulkhead.simple}fresh/", JSON))
        url = f"http://127.0.0.1:{bulkhead.port}" + page["files"][0]["url"].replace("../../", "/pypi/")
        script = folder / "percentiles.lua"
        script.write_text("done = function(summary, latency)\n  io.write(string.format('p50 %d p95 %d p99 %d\\n', "
                          "latency:percentile(50), latency:percentile(95), latency:percentile(99)))\nend\n")
        say("\nrefusals (403 with problem+json): one after the other, and as fast as they go")
        for connections in [1, 8] * ROUNDS:
            _, rate, printed = wrk(url, script=script, connections=connections)
            p50, p95, p99 = map(int, re.search(r"p50 (\d+) p95 (\d+) p99 (\d+)", printed).groups())
            say(f"  {connections} connections   {rate:,.0f} per second   p50 {p50 / 1000:.2f} ms   p95 {p95 / 1000:.2f} ms   p99 {p99 / 1000:.2f} ms")


def advisories(path, count):
    """A zip of that many OSV records of malicious packages, each its own file, as the public export is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            record = {"schema_version": "1.7.4", "id": f"MAL-2026-{number + 10_000}", "modified": "2026-11-20T00:00:00Z",
                      "published": "2026-11-20T00:00:00Z", "summary": f"Malicious code in bench-{number} (PyPI)",
                      "details": "The package communicates with a domain that is associated with malicious activity.",
                      "affected": [{"package": {"ecosystem": "PyPI", "name": f"bench-{number}"},
                                    "versions": ["1.0.0", "1.0.1"]}]}
            archive.writestr(f"MAL-2026-{number + 10_000}.json", json.dumps(record))


def memory(program, upstream):
    with Folder() as folder:
        feed = folder / "advisories.zip"
        say("\nmemory with 250,000 advisory records (making the feed)")
        advisories(feed, 250_000)
        with Bulkhead(program, folder / "data", upstream.simple) as bulkhead:
            begin = time.perf_counter()
            done = subprocess.run([program, "feed", "import", feed, "--data", folder / "data"], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(done.stdout + done.stderr)
            say(f"  import into a running server: {time.perf_counter() - begin:.1f} s")
            get(f"{bulkhead.simple}large/", JSON)
            say("  resident after it: {:.0f} MB, at most {:.0f} MB".format(*(size / 1e6 for size in bulkhead.memory())))
        with Bulkhead(program, folder / "data", upstream.simple) as bulkhead:
            for project in ("large", "small", "fresh"):
                get(f"{bulkhead.simple}{project}/", JSON)
            say("  resident after a restart: {:.0f} MB, at most {:.0f} MB; start {:.0f} ms".format(
                *(size / 1e6 for size in bulkhead.memory()), bulkhead.started * 1000))


def start(program, upstream):
    with Folder() as folder:
        with Bulkhead(program, folder / "data", upstream.simple) as bulkhead:
            get(f"{bulkhead.simple}large/", JSON)
        times = []
        for _ in range(10):
            with Bulkhead(program, folder / "data", upstream.simple) as bulkhead:
                times.append(bulkhead.started * 1000)
        say(f"\nstart on existing data, until it says where it listens: {spread(times)} ms")


PARTS = {"pages": pages, "refusals": refusals, "memory": memory, "start": start}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of: {', '.join(PARTS)}")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}")
    program = binary()
    upstream = Upstream()
    say(f"machine: {machine()}")
    for part in options.parts or PARTS:
        PARTS[part](program, upstream)


if __name__ == "__main__":
    main()
