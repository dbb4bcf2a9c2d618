#!/usr/bin/env python3
"""Writes the manual page of selmix from the program's own help.

    selmix --experimental-dump-help | scripts/lib/manual.py VERSION DATE > selmix.1
"""

import json
import sys

STATUS = """0 done, 1 the run failed, 2 wrong usage, 3 wrong job file or data, 4 cluster trouble, 130 interrupted. Errors are written to
standard error as `error:` and `hint:` lines."""
ENVIRONMENT = [("SELMIX_LOG", "debug or info: what is logged to standard error beyond what people should know.")]


def escaped(text):
    """Text that roff takes as it is."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def name_of(argument):
    value = argument.get("valueName", "value")
    if argument["kind"] == "positional":
        return f"\\fI{escaped(value)}\\fR" + (" ..." if argument["isRepeating"] else "")
    names = ", ".join(("--" if name["kind"] == "long" else "-") + name["name"] for name in argument["names"])
    return f"\\fB{escaped(names)}\\fR" + (f" \\fI{escaped(value)}\\fR" if argument["kind"] == "option" else "")


def options(command):
    for argument in command.get("arguments", []):
        # Every command has these two; they are described once.
        if not argument.get("shouldDisplay", True) or argument.get("valueName") in ("help", "version"):
            continue
        text = argument.get("abstract", "")
        if argument.get("discussion"):
            text += " " + argument["discussion"]
        if argument.get("allValues") and not all(value in text for value in argument["allValues"]):
            text += f" One of {', '.join(argument['allValues'])}."
        if argument.get("defaultValue") and argument["kind"] == "option":
            text += f" Default: {argument['defaultValue']}."
        yield f".TP\n{name_of(argument)}\n{escaped(text)}"


def commands(command, path):
    for sub in command.get("subcommands", []):
        if not sub.get("shouldDisplay", True) or sub["commandName"] == "help":
            continue
        name = f"{path} {sub['commandName']}"
        positional = [name_of(each) for each in sub.get("arguments", []) if each["kind"] == "positional"]
        yield f".SS {escaped(name)} {' '.join(positional)}\n{escaped(sub.get('abstract', ''))}"
        if sub.get("discussion"):
            yield f".PP\n{escaped(sub['discussion'])}"
        yield from options(sub)
        yield from commands(sub, name)


def main():
    version, date = sys.argv[1:]
    command = json.load(sys.stdin)["command"]
    page = [
        f'.TH SELMIX 1 "{date}" "{escaped(version)}" "User Commands"',
        f".SH NAME\nselmix \\- {escaped(command['abstract'][0].lower() + command['abstract'][1:].rstrip('.'))}",
        ".SH SYNOPSIS\n.B selmix\n.I command\n.RI [ options ]\n.br\n.B selmix help\n.I command",
        f".SH DESCRIPTION\n{escaped(command.get('discussion', ''))}",
        ".SH COMMANDS", *commands(command, "selmix"),
        f".SH EXIT STATUS\n{escaped(STATUS)}",
        ".SH ENVIRONMENT", *(f".TP\n.B {name}\n{escaped(text)}" for name, text in ENVIRONMENT),
        ".SH SEE ALSO\n/usr/share/doc/selmix/README.md",
    ]
    print("\n".join(page))


if __name__ == "__main__":
    main()
