"""Attacks by `e2e_attacker` (attacker/main.cc), which run beside their test."""
import functools
import json
import subprocess


@functools.cache
def listeners(program):
    """{attack: "https" or "http"}: all that the program knows, and where each goes."""
    lines = subprocess.run([program, "list"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return dict(line.split() for line in lines)


class Attack:
    """One that has begun. `ports`: those of the server's listeners; options as main.cc has them: seconds=2, connections=50, …"""

    def __init__(self, program, name, ports, **options):
        self.name = name
        words = [word for option, value in options.items() if value is not None for word in (f"--{option}", str(value))]
        command = [str(program), name, str(ports[listeners(str(program))[name]]), *words]
        # Unbuffered: communicate() would not see what has been read ahead.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
        assert self.process.stdout.readline() == b"begun\n", name

    def over(self):
        return self.process.poll() is not None

    def result(self, timeout=120):
        """What it has to tell, when it is over: see main.cc."""
        try:
            said, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.stop()
            raise
        return json.loads(said)

    def stop(self):
        self.process.kill()
        self.process.communicate()
