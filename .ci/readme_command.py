"""Print one of the README's commands: `python .ci/readme_command.py test`.

The README marks a command by a comment before its fenced block::

    <!-- command: test -->
    ```bash
    ...
    ```

so that what CI runs is what readers are told to run.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = r"<!-- command: {name} -->\s*^```\w*\n(.*?)^```"


def readme_command(name):
    pattern = BLOCK.format(name=re.escape(name))
    blocks = re.findall(
        pattern, README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    if len(blocks) != 1:
        sys.exit(f"README.md has {len(blocks)} blocks marked 'command: {name}', not 1")
    return blocks[0]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(readme_command(sys.argv[1]), end="")
