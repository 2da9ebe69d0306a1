"""As much of PromQL as is needed to say which metrics a query reads, and over which windows."""

import re

# Words between operands, which are no metrics.
_WORDS = {
    "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "and", "or",
    "unless", "atan2", "inf", "nan", "start", "end",
}


def metrics(query):
    """The names of all metrics in a query."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', '""', query)
    text = re.sub(r"#[^\n]*", "", text)
    text = re.sub(r"\{[^}]*\}", "", text)
    text = re.sub(r"\[[^\]]*\]", "", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    found = set()
    for name in re.finditer(r"(?<![\w:.$])[A-Za-z_:][\w:]*", text):
        after = text[name.end():].lstrip()
        if name.group().lower() not in _WORDS and not after.startswith("("):
            found.add(name.group())
    return found


def windows(query):
    """What stands in the brackets of each range selector."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    return re.findall(r"\[([^\]]*)\]", text)


def recorded(rules):
    """The names that the recording rules of a rule file's text give."""
    return set(re.findall(r"^\s*-?\s*record:\s*(\S+)\s*$", rules, re.MULTILINE))


def expressions(rules):
    """The queries of all rules in a rule file's text, on one line or as a block."""
    found, block = [], None
    for line in rules.splitlines():
        start = re.match(r"(\s*)(?:- )?expr:\s*(.*)$", line)
        if start:
            block = None
            if start.group(2).startswith("|"):
                block = len(start.group(1))
                found.append("")
            else:
                found.append(start.group(2))
        elif block is not None and (not line.strip() or len(line) - len(line.lstrip()) > block):
            found[-1] += line + "\n"
        else:
            block = None
    return found
