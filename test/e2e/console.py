"""The commands of a document's console blocks, typed into one shell as a user would.

    with Shell(folder, environment) as shell:
        for step in steps_of(text):
            step.output = shell.run(step.command)
            step.difference()   # None when it printed what the document says

A line "$ command" is typed; the lines below it are what it prints.
"""

import dataclasses
import re
import subprocess

MARK = "@@ the end of a command @@"


@dataclasses.dataclass
class Step:
    command: str
    expected: list
    output: list = dataclasses.field(default_factory=list)

    def difference(self):
        if self.output == self.expected:
            return None
        return "\n".join([f"$ {self.command}", *self.output, "-- but the document says --", *self.expected])


def steps_of(text):
    steps = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append(Step(line[2:], []))
            else:
                steps[-1].expected.append(line)
    return steps


class Shell:
    """A bash whose jobs (`&`, `kill %1`) live as long as this."""

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(["bash"], cwd=folder, env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def run(self, command):
        """The lines that it prints, errors among them."""
        self.process.stdin.write(f"{command}\necho '{MARK}'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == MARK:
                return lines
            lines.append(line.rstrip("\n"))
        raise AssertionError("\n".join([f"the shell ended at: {command}", *lines]))
