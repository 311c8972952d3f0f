"""Real requests, damaged by chance that repeats: each connection is answered or closed, and the server goes on."""
from .verdict import counts, mebibytes

PROTOCOLS = ["malformed-h1", "malformed-h1-tls", "malformed-h2", "malformed-h2-tls"]
AT_A_TIME = 64
LONGEST = 61  # seconds that one of them may take, as any slow client; a few leave an answer without a window


def run(ground, verdicts):
    requests = 1_000 if ground.options.quick else 10_000
    with ground.server() as server:
        ground.attack(server, PROTOCOLS[0], count=200, seconds=10).result()  # what is coded for them, and buffers
        for protocol in PROTOCOLS:
            before = server.memory()
            result = ground.attack(server, protocol, count=requests, connections=AT_A_TIME, seconds=120, seed=2026).result(180)
            ended = sum(number for end, number in result["ends"].items() if end not in ("open", "refused"))
            alive = server.alive()
            verdicts.add(protocol, f"{ended} ended ({counts(result['ends'])}); said {counts(result['words'])}; longest {result['longest']:.2f} s; "
                         f"memory {mebibytes(server.memory() - before)}; {'answers' if alive else 'DOES NOT ANSWER'}",
                         ended == requests and alive and result["longest"] < LONGEST)
