#!/usr/bin/env python3
"""What a contained run's way out costs: HTTPS to a server on loopback, outside and inside, in pairs. Prints ratios.

    python3 benches/egress.py                 three rounds
    python3 benches/egress.py --rounds 1

Each round asks the same server (nginx, a page of two bytes) from outside, from a run whose TLS passes untouched, and from a run
whose TLS is opened because a secret is for that host: requests on one connection, and new connections with one request each. The
run trusts the authority of the run and the server's own with nothing said to the program.
"""

import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from bench import Folder, Server, binary, machine, say, spread, table

HOST, PORT = "api.bench.test", 17443

# Runs inside and outside: medians in microseconds. What it connects to comes as arguments.
CLIENT = r'''
import http.client, json, socket, ssl, statistics, sys, time
host, address, port, kept, new = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
def connect():
    context = ssl.create_default_context()
    raw = socket.create_connection((address, port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection = http.client.HTTPConnection(host)
    connection.sock = context.wrap_socket(raw, server_hostname=host)
    return connection
def ask(connection):
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read() == b"ok", answer.status
def timed(work, count):
    spent = []
    for _ in range(count):
        begin = time.perf_counter(); work(); spent.append(time.perf_counter() - begin)
    return statistics.median(spent) * 1e6
def once():
    connection = connect(); ask(connection); connection.close()
connection = connect()
timed(lambda: ask(connection), 50)
timed(once, 5)
print(json.dumps({"kept": timed(lambda: ask(connection), kept), "new": timed(once, new)}))
'''


def certificate(folder):
    """An authority and the server's certificate, for a day."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj",
            "/CN=bench authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={HOST}", "-keyout",
            folder / "key.pem", "-out", folder / "request.pem")
    (folder / "names").write_text(f"subjectAltName=DNS:{HOST}\n")
    openssl("x509", "-req", "-in", folder / "request.pem", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-days",
            "1", "-extfile", folder / "names", "-out", folder / "cert.pem")


def nginx(folder):
    conf = folder / "nginx.conf"
    conf.write_text(f"""
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{ worker_connections 512; }}
http {{ access_log off; server {{
  listen 127.0.0.1:{PORT} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
  keepalive_requests 1000000; tcp_nodelay on; location / {{ default_type text/plain; return 200 "ok"; }} }} }}
""")
    return Server(["nginx", "-c", conf, "-p", folder], folder / "nginx.log")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kept", type=int, default=2000, help="requests on one connection")
    parser.add_argument("--new", type=int, default=200, help="new connections")
    options = parser.parse_args()
    program = binary()
    say(f"machine: {machine()}")
    with Folder() as folder:
        folder.chmod(0o755)
        certificate(folder)
        for name in ("home", "home/project"):
            (folder / name).mkdir()
        (folder / "home/project/client.py").write_text(CLIENT)
        words = [str(options.kept), str(options.new)]
        env = {"PATH": "/usr/bin:/bin", "HOME": str(folder / "home"), "SSL_CERT_FILE": str(folder / "ca.pem")}

        def ask(command):
            done = subprocess.run([str(word) for word in command], cwd=folder / "home/project", env=env,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
            return json.loads(done.stdout)

        sides = {}
        for side in ("passed", "opened"):
            data = folder / side
            data.mkdir()
            config = folder / f"{side}.toml"
            config.write_text(f'[egress]\naddresses = ["{HOST}:443=127.0.0.1:{PORT}"]\n')
            common = ["--data", data, "--config", config]
            if side == "opened":
                subprocess.run([str(word) for word in [program, *common, "secret", "add", "bench", "--host", HOST]],
                               input="benchbenchbenchbenchbench", text=True, check=True, capture_output=True, env=env)
            (data / "policy.toml").write_text(f'[settings]\nhosts = ["{HOST}"]\n')
            sides[side] = [program, *common, "run", "--", "python3", "client.py", HOST, HOST, "443", *words]
        ratios, added = {}, {}
        with nginx(folder):
            import time
            time.sleep(0.5)
            for number in range(options.rounds):
                outside = ask(["python3", "client.py", HOST, "127.0.0.1", str(PORT), *words])
                say(f"round {number + 1}: outside {outside['kept']:.0f} us on a connection, {outside['new']:.0f} us for a new one")
                for side, command in sides.items():
                    inside = ask(command)
                    for kind in ("kept", "new"):
                        ratios.setdefault((side, kind), []).append(inside[kind] / outside[kind])
                        added.setdefault((side, kind), []).append(inside[kind] - outside[kind])
    say("\nHTTPS from a run as a ratio to the same outside, and microseconds added: median (range)")
    names = {"kept": "request on one connection", "new": "new connection, one request"}
    sides = {"passed": "TLS passes untouched", "opened": "TLS opened (a secret is for the host)"}
    table(["", "", "ratio", "added us"],
          [[sides[side], names[kind], spread(values), spread(added[side, kind])] for (side, kind), values in ratios.items()])


if __name__ == "__main__":
    main()
