"""Texts that compress like scripts do, and asking for their codings."""
import random

from waiting import until

RANDOM = random.Random(1)
WORDS = ("const let function return state items map filter element document window event 0 1 2 { } ( ) => ; , . = === "
         "if else").split()
SCRIPT = " ".join(RANDOM.choices(WORDS, k=12000)).encode()
CODINGS = ("zstd", "br", "gzip")


def ask(server, path, accepted, protocol="h2", **more):
    return server.get(path, protocol, fields={"Accept-Encoding": accepted, **more})


def best(server, path, coding):
    """Asks until the answer is the best coding, not the interim one."""
    def found():
        response = ask(server, path, coding)
        final = response["cache-status"].startswith("selvage; hit") and "detail=interim" not in response["cache-status"] and "detail=stale" not in response["cache-status"]
        return response if final else None
    return until(f"the best {coding} of {path}", found)
