"""Bounded waiting: no test sleeps, and none waits for ever."""
import time

DEADLINE = 60  # seconds for what takes well under one: the machine may be busy and the program sanitised


def until(what, condition, deadline=DEADLINE):
    """The condition's first true value; for what announces itself by no event."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.02)
