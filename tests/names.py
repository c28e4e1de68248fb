"""Names of values in the names of tests: one line, alike in each process."""

import re


def one_line(value):
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    text = " ".join(re.sub(r" at 0x[0-9a-f]+", "", str(value)).split())
    return text.encode("unicode_escape").decode("ascii")
