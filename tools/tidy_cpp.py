"""Reads C++ closely enough for tidy: text without comments and literals, includes, functions."""

import dataclasses
import re

_LITERAL_OR_COMMENT = re.compile(
    r'(?P<raw>R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)")'
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\")"
    r"|(?P<char>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')"
    r"|(?P<line>//(?:\\\n|[^\n])*)"
    r"|(?P<block>/\*.*?\*/)",
    re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
_TYPE_OR_NAMESPACE = re.compile(r"\s*(?:inline\s+)?(?:typedef\s+)?"
                                r"(namespace|class|struct|union|enum|extern|concept)\b")


@dataclasses.dataclass(frozen=True)
class Include:
    line: int
    quoted: bool
    path: str


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    lines: int


def _blank(match):
    text = match.group(0)
    kept = '""' if match.group("string") or match.group("raw") else "''"
    if match.group("line") or match.group("block"):
        kept = " "
    return kept + "\n" * text.count("\n")


def strip(text):
    """The text with comments and literals emptied; lines keep their numbers."""
    return _LITERAL_OR_COMMENT.sub(_blank, text)


def comments(text):
    """(line, comment) for each comment."""
    for match in _LITERAL_OR_COMMENT.finditer(text):
        if match.group("line") or match.group("block"):
            yield text.count("\n", 0, match.start()) + 1, match.group(0)


def includes(text):
    for match in _INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        yield Include(line, match.group(1) == '"', match.group(2))


def functions(text):
    """Functions that are defined at namespace or class level, with the lines they take, from the
    first of the signature to the closing brace. Lambdas count with the function around them."""
    code = _PREPROCESSOR.sub(lambda m: "\n" * m.group(0).count("\n"), strip(text))
    depth_of_body = None  # brace depth around the function being read
    head_start, depth = 0, 0
    found, name, first = [], "", 0
    for match in re.finditer(r"[{};]", code):
        char, at = match.group(0), match.start()
        if char == "{":
            head = code[head_start:at]
            if depth_of_body is None and _opens_function(head):
                depth_of_body, name = depth, _name(head)
                first = code.count("\n", 0, head_start + _leading_space(head)) + 1
            depth += 1
        elif char == "}":
            depth -= 1
            if depth_of_body is not None and depth <= depth_of_body:
                last = code.count("\n", 0, at) + 1
                found.append(Function(name, first, last - first + 1))
                depth_of_body = None
        head_start = at + 1
    return found


def _leading_space(head):
    return len(head) - len(head.lstrip())


def _opens_function(head):
    head = re.sub(r"^\s*(?:public|private|protected)\s*:", "", _without_template(head)).strip()
    if "(" not in head or head.endswith("="):
        return False
    return not (_TYPE_OR_NAMESPACE.match(head) and not head.endswith(")"))


def _without_template(head):
    text = head.lstrip()
    while text.startswith("template"):
        depth = 0
        for i, char in enumerate(text):
            depth += (char == "<") - (char == ">")
            if char == ">" and depth == 0:
                text = text[i + 1:].lstrip()
                break
        else:
            break
    return text


def _name(head):
    match = re.search(r"([~\w:]+|operator\s*\S+)\s*\(", _without_template(head))
    if not match:
        return "function"
    if match.group(1) in ("TEST", "TEST_F", "TEST_P"):
        return re.sub(r"\s+", " ", head[head.find("TEST"):].strip())
    return match.group(1)
