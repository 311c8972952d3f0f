"""What was claimed, what was measured, and whether it holds."""


class Verdicts:
    def __init__(self):
        self.rows = []

    @property
    def good(self):
        return all(holds for _, _, holds in self.rows)

    def add(self, claim, measured, holds):
        self.rows.append((claim, measured, holds))
        print(f"torture: {'  ' if holds else '! '}{claim:<32} {measured}", flush=True)

    def summary(self, notes):
        failed = [row for row in self.rows if not row[2]]
        table = [f"| {claim} | {measured} | {'holds' if holds else 'FAILS'} |" for claim, measured, holds in self.rows]
        result = f"torture: {len(self.rows) - len(failed)} of {len(self.rows)} claims hold ({', '.join(notes)})"
        return "\n".join(["", "| claim | measured | |", "|---|---|---|", *table, "", result])


def counts(numbers):
    """{"closed": 3} as "3 × closed"; the most frequent first."""
    return ", ".join(f"{number} × {name}" for name, number in sorted(numbers.items(), key=lambda one: -one[1]))


def mebibytes(size):
    return f"{size / (1 << 20):.1f} MiB"
