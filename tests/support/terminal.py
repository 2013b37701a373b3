"""Somebody at a terminal: an interactive shell under a pseudo terminal, what is typed there, and what has to appear.

`terminal.py PROGRAM ARGUMENT ...` is what stands before every command, such as `bulkhead --data DIR run -q --`.
"""

import fcntl
import os
import pty
import re
import select
import shlex
import struct
import sys
import termios

PATIENCE = 60
RUN = " ".join(shlex.quote(word) for word in sys.argv[1:])


class Terminal:
    def __init__(self):
        self.seen = ""
        self.at = 0
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "outer> "
            os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def line(self, text):
        self.type(text + "\n")

    def expect(self, pattern):
        """Waits until that appears behind what was found before."""
        while True:
            found = re.compile(pattern).search(self.seen, self.at)
            if found:
                self.at = found.end()
                return found
            ready, _, _ = select.select([self.master], [], [], PATIENCE)
            data = os.read(self.master, 65536) if ready else b""
            if not data:
                sys.exit(f"never seen: {pattern!r}\n--- the terminal:\n{self.seen}")
            self.seen += data.decode(errors="replace").replace("\r", "")


def main():
    terminal = Terminal()
    terminal.size(24, 80)
    terminal.expect("outer> ")

    # ^C is the program's, and so is the size of the window; ^Z stops the job, and fg goes on with it.
    program = (
        'trap "echo got-int" INT; trap "echo size-$(stty size)" WINCH; echo ready; '
        'while :; do if read line; then echo "line:$line"; test "$line" != end || exit 7; fi; done'
    )
    program = program.replace("$(stty", "\\$(stty")
    terminal.line(f"{RUN} /bin/sh -c {shlex.quote(program)}")
    terminal.expect(r"\nready")
    terminal.type("\x03")
    terminal.expect("got-int")
    terminal.size(33, 77)
    terminal.expect("size-33 77")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect("outer> ")
    terminal.line("echo back-$((1+1))")
    terminal.expect("back-2")
    terminal.line("fg")
    terminal.line("hello")
    terminal.expect("line:hello")
    terminal.line("end")
    terminal.expect("outer> ")
    terminal.line("echo code-$?")
    terminal.expect("code-7")

    # What ends by a signal says so, whether the terminal sent it or somebody else.
    terminal.line(f"{RUN} /bin/sh -c 'echo up; exec sleep 1000'")
    terminal.expect(r"\nup")
    terminal.type("\x03")
    terminal.expect("outer> ")
    terminal.line("echo code-$?")
    terminal.expect("code-130")
    terminal.line(f"{RUN} /bin/sh -c 'kill -TERM $$'")
    terminal.expect("outer> ")
    terminal.line("echo code-$?")
    terminal.expect("code-143")

    # A shell inside, with jobs of its own.
    terminal.line(f"PS1='inner> ' {RUN} /bin/sh -i")
    terminal.expect("inner> ")
    terminal.line("echo in-$((40+2))")
    terminal.expect("in-42")
    terminal.line("sh -c 'trap \"echo went\"\"-on\" CONT; echo beg\"\"un; while :; do read line; done'")
    terminal.expect("begun")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect("inner> ")
    terminal.line("fg")
    # A shell says what it goes on with before it gives it the terminal; what goes on has it.
    terminal.expect("went-on")
    terminal.type("\x03")
    terminal.expect("inner> ")
    terminal.line("echo still-$((1+2))")
    terminal.expect("still-3")
    terminal.line("exit 5")
    terminal.expect("outer> ")
    terminal.line("echo code-$?")
    terminal.expect("code-5")
    terminal.line("exit")
    print("all of it was seen")


main()
