"""A conformance case: what is sent and what must come back, in turn."""


class Case:
    """`steps`: bytes are sent, functions are called with the peer and say what must come. `name` is the section and a number in it.

    A case begins with a connection that both sides have greeted, unless `greeted` is false.
    """

    def __init__(self, name, claim, *steps, greeted=True):
        self.name, self.claim, self.steps, self.greeted = name, claim, steps, greeted

    def run(self, peer):
        if self.greeted:
            peer.greet()
        for step in self.steps:
            step(peer) if callable(step) else peer.send(step)
