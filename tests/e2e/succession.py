"""A server whose program can be replaced, and the successors that it starts: adopted by the test when their parent has gone."""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time

from selvage import PROGRAM, Server
from waiting import DEADLINE, until

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # orphans are ours: their exit status too


class Adopted:
    """A successor, with the part of subprocess.Popen that Server needs."""

    def __init__(self, pid, stdout):
        self.pid, self.stdout, self.returncode = pid, stdout, None

    def poll(self):
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # its parent has not gone yet, and may be who reaps it
                if not pathlib.Path(f"/proc/{self.pid}").exists():
                    self.returncode = 0
                return self.returncode
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout=DEADLINE):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("selvage", timeout)
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Dynasty(Server):
    """A server started from a copy of the program, which `install` replaces. `process` is the one that serves."""

    def __init__(self, folder, **options):
        self.program = pathlib.Path(folder) / "bin" / "selvage"
        self.program.parent.mkdir(exist_ok=True)
        shutil.copy(pathlib.Path(PROGRAM).with_name("selvage-transform"), self.program.parent)
        self.install()
        self.predecessors = []
        super().__init__(program=self.program, **options)

    def install(self, script=None):
        """A new copy of the program in the place of the old one, or a script."""
        new = self.program.with_suffix(".new")
        if script is None:
            shutil.copy(PROGRAM, new)
        else:
            new.write_text(script)
            new.chmod(0o755)
        os.replace(new, self.program)

    def serving(self):
        """The process that accepts, from its pid file."""
        return int((self.folder / "pid").read_text())

    def upgrade(self, ask=None):
        """By the admin listener, or as `ask` does; returns when the successor serves."""
        old = self.process.pid
        if ask is None:
            answer = self.admin("/upgrade", "POST")
            assert answer.status == 200, answer.body
        else:
            ask()
        until("the successor serves", lambda: self.serving() != old)
        self.predecessors.append(self.process)
        self.process = Adopted(self.serving(), self.process.stdout)

    def predecessors_end(self):
        """Each has ended well, and none is a zombie."""
        for process in self.predecessors:
            status = process.wait(DEADLINE)
            assert status == 0, f"exit status {status}\n{self.log()}"
        self.predecessors = []

    def descriptors(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def stop(self, number=signal.SIGTERM, expect_good=True):
        if expect_good:
            self.predecessors_end()
        return super().stop(number, expect_good)
