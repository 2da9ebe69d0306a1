"""Reads the part of YAML that the files in deploy/grafana/provisioning are written in: block maps
and lists, and plain or quoted scalars. Whatever else it meets it refuses, so that it cannot
misread: Python's standard library has no YAML reader, and a test should need no more than that.
"""

import re


class NotSmall(ValueError):
    """YAML beyond what is read here."""


def load(text):
    """The document as dicts, lists, strings, numbers and booleans."""
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        if line:
            lines.append((number, len(line) - len(line.lstrip()), line.lstrip()))
    value, rest = _block(lines, 0, 0)
    if rest != len(lines):
        raise NotSmall(f"line {lines[rest][0]}: unexpected indentation")
    return value


def _block(lines, at, indent):
    if lines[at][2].startswith("- "):
        return _list(lines, at, indent)
    return _map(lines, at, indent)


def _list(lines, at, indent):
    items = []
    while at < len(lines) and lines[at][1] == indent and lines[at][2].startswith("- "):
        number, _, text = lines[at]
        # An item is a block of its own, that begins after the dash.
        lines[at] = (number, indent + 2, text[2:])
        if _key(text[2:]):
            value, at = _map(lines, at, indent + 2)
        else:
            value, at = _scalar(text[2:], number), at + 1
        items.append(value)
    return items, at


def _map(lines, at, indent):
    found = {}
    while at < len(lines) and lines[at][1] == indent and not lines[at][2].startswith("- "):
        number, _, text = lines[at]
        key = _key(text)
        if not key:
            raise NotSmall(f"line {number}: neither a key nor an item: {text}")
        name, rest = key.groups()
        if name in found:
            raise NotSmall(f"line {number}: {name} stands there twice")
        if rest:
            found[name], at = _scalar(rest, number), at + 1
        elif at + 1 < len(lines) and lines[at + 1][1] > indent:
            found[name], at = _block(lines, at + 1, lines[at + 1][1])
        else:
            raise NotSmall(f"line {number}: {name} has no value")
    return found, at


def _key(text):
    return re.fullmatch(r"([A-Za-z_]\w*):(?: +(.+))?", text)


def _scalar(text, number):
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r'"[^"\\]*"|\'[^\']*\'', text):
        return text[1:-1]
    if re.match(r"[\[{&*!|>%@`\"']", text) or ": " in text or text.endswith(":"):
        raise NotSmall(f"line {number}: not read here: {text}")
    return text
