"""Clients: one that asks for one image, and a crowd that asks for many."""
import dataclasses
import http.client
import re
import threading
import time

PATIENCE = 60  # seconds
TYPES = {"image/jpeg": "jpeg", "image/webp": "webp", "image/avif": "avif"}


class Failed(Exception):
    """An answer that is not what was asked for; its words say what came instead."""


class Refused(Failed):
    """503: it may be asked for again after so many seconds."""

    def __init__(self, words, seconds):
        super().__init__(words)
        self.seconds = seconds


@dataclasses.dataclass
class Answer:
    seconds: float
    fields: dict   # names in lower case
    body: bytes

    def was_stored(self):
        """Does the server say that it had it?"""
        told = ", ".join(self.fields.get(name, "") for name in ("cache-status", "x-nextjs-cache", "x-cache-status"))
        return bool(re.search(r"\bhit\b", told, re.IGNORECASE))


class Client:
    """A connection over HTTP/1.1, used again and again as long as answers follow each other."""

    def __init__(self, service):
        self.service, self.connection = service, http.client.HTTPConnection(service.http.removeprefix("http://"), timeout=PATIENCE)

    def ask(self, wish, path=None):
        """`path`: asked for in place of the service's own for the wish."""
        own, fields = self.service.request(wish)
        begun = time.monotonic()
        response, body = self.exchange(path or own, fields)
        answer = Answer(time.monotonic() - begun, {name.lower(): value for name, value in response.getheaders()}, body)
        if response.status == 503:
            raise Refused(f"{self.service.name}: {path or own}: 503 {body[:200]!r}", min(float(answer.fields.get("retry-after", 1)), 1.0))
        if response.status != 200 or TYPES.get(answer.fields.get("content-type")) != wish.format:
            raise Failed(f"{self.service.name}: {path or own}: {response.status} {answer.fields.get('content-type')} {body[:200]!r}")
        if wish.fresh and answer.was_stored():
            raise Failed(f"{self.service.name}: {path or own}: it was made before")
        return answer

    def exchange(self, path, fields):
        try:
            self.connection.request("GET", path, headers=fields)
            response = self.connection.getresponse()
            return response, response.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Failed(f"{self.service.name}: {path}: {error!r}") from error

    def close(self):
        self.connection.close()


def ask_once(service, wish, path=None):
    """Over a connection of its own."""
    client = Client(service)
    try:
        return client.ask(wish, path)
    finally:
        client.close()


def crowd(service, wishes, clients, seconds=None):
    """So many clients take the next wish whenever they have been answered, until there is none left or the time is over. Who is
    refused waits as long as he is told to, a second at most, and goes on with the next wish.
    (answers in the order in which they came, with those that were under way when the time was over; how many were refused)"""
    waiting, lock, answers, refusals, failures = iter(wishes), threading.Lock(), [], [], []
    until = time.monotonic() + seconds if seconds else float("inf")

    def take():
        with lock:
            return next(waiting, None) if time.monotonic() < until and not failures else None

    def run():
        client = Client(service)
        try:
            while (wish := take()) is not None:
                try:
                    answers.append(client.ask(wish))
                except Refused as refusal:
                    refusals.append(refusal)
                    time.sleep(refusal.seconds)
        except Failed as error:
            failures.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return answers, len(refusals)
