#!/usr/bin/python3
"""letters.py FOLDER…: the table of server/http/word_likeness.cc, from the names of ordinary files.

Which letter follows which in names that people give, and when they write it large. Of each name the part that a build tool would put
its hash into (eight characters behind a separator, or the whole) counts once. What npm packages have built is left out by name."""
import collections
import math
import os
import re
import sys

BUILT = ("monaco-editor", "@bull-board", "@verdaccio", "compiler-cli", "vitest", "@modelcontextprotocol", "@angular/core", "rolldown",
         "playwright-core", "/vite/", "@rspack", "pathe", "beasties")
PART = re.compile(r"(?:^|[-.])([A-Za-z0-9_-]{8})$")
SYMBOLS = "abcdefghijklmnopqrstuvwxyz0-"  # a digit counts as 0, a separator as -


def parts(folders):
    found = set()
    for folder in folders:
        for path, _, names in os.walk(folder):
            if any(built in path + "/" for built in BUILT):
                continue
            for name in names:
                part = PART.search(name.rpartition(".")[0])
                if part and not re.fullmatch("[0-9a-f]{8}", part[1]):
                    found.add(part[1])
    return sorted(found)


def symbol(character):
    return "0" if character.isdigit() else "-" if character in "-_" else character.lower()


def kind(character):
    return "0-lu"[0 if character.isdigit() else 1 if character in "-_" else 3 if character.isupper() else 2]


def eighths(count, total, choices):
    """Eighths of a bit, as a printable character: '0' is none."""
    return chr(ord("0") + min(78, round(-8 * math.log2((count + 0.5) / (total + choices / 2)))))


def main():
    follows, cases = collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    all_parts = parts(sys.argv[1:])
    for part in all_parts:
        before, kind_before = "^", "^"
        for character in part:
            follows[before][symbol(character)] += 1
            cases[kind_before][kind(character)] += 1
            before, kind_before = symbol(character), kind(character)
    print(f"// Of {len(all_parts)} parts of names.")
    for before in "^" + SYMBOLS:
        row = "".join(eighths(follows[before][after], follows[before].total(), len(SYMBOLS)) for after in SYMBOLS)
        print(f'    R"({row})",  // {before}')
    for before in "^0-lu":
        letters = cases[before]["l"] + cases[before]["u"]
        print(f'    R"({eighths(cases[before]["l"], letters, 2)}{eighths(cases[before]["u"], letters, 2)})",  // {before}')


if __name__ == "__main__":
    main()
