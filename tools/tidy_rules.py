"""The rules of tidy. Each takes the project and yields problems as (path, line, message); a
message says how to mend it."""

import fnmatch
import pathlib
import re
import tomllib

import tidy_cpp

CPP = (".cc", ".h")
CODE = CPP + (".py", ".cmake", ".sh", ".S")
FOLDERS = ("src", "fuzz", "bench", "test", "tools", "examples", "python", "cmake", "setup")


class File:
    def __init__(self, root, path):
        self.path = path
        self.name = str(path.relative_to(root))
        self.text = path.read_text(encoding="utf-8", errors="surrogateescape")

    @property
    def line_count(self):
        return self.text.count("\n")

    def is_cpp(self):
        return self.path.suffix in CPP

    def is_header(self):
        return self.path.suffix == ".h"

    def is_for_tests(self):
        """Tests, benches, fuzzers, fakes, and suites that several tests share (x_contract.cc)."""
        return re.search(r"test|bench|fuzz|fake|_contract\.(h|cc)$", self.path.name) is not None


class Project:
    """Everything tidy looks at: code files, the rooms and their edges, and tidy.toml."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.config = tomllib.loads((self.root / "tools/tidy.toml").read_text())
        self.files = [File(self.root, path) for path in self._paths()]
        self.edges, self.test_edges, self.deps_problems = self._read_deps()
        self.cpp = [file for file in self.files if file.is_cpp()]

    def _paths(self):
        for folder in FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                parts = path.relative_to(self.root).parts
                hidden = {"testdata", "node_modules", "__pycache__", "corpus"} & set(parts)
                if path.is_file() and not hidden and self._is_code(path):
                    yield path

    @staticmethod
    def _is_code(path):
        return path.suffix in CODE or path.name == "CMakeLists.txt"

    def _read_deps(self):
        edges, test_edges, problems = {}, {}, []
        for number, line in enumerate((self.root / "src/deps.txt").read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            room, _, named = line.partition(":")
            target = edges
            if room.endswith(" (tests)"):
                room, target = room.removesuffix(" (tests)"), test_edges
            for other in named.split():
                if other not in edges and target is edges:
                    problems.append(("src/deps.txt", number, f"{room} names {other}, which is "
                                     "not above it: includes go downwards only. Move what both "
                                     "need into a lower room"))
            target[room] = set(named.split())
        return edges, test_edges, problems

    def room_of(self, path):
        """The room that src/PATH belongs to, "" for none: api/native/routes.h is in api/native."""
        parts = path.split("/")
        for count in (2, 1):
            if len(parts) > count and "/".join(parts[:count]) in self.edges:
                return "/".join(parts[:count])
        return ""

    def room_of_file(self, file):
        return self.room_of(file.name.removeprefix("src/")) if file.name.startswith("src/") else ""

    def rooms(self):
        """Rooms that have a folder."""
        return [room for room in self.edges if (self.root / "src" / room).is_dir()]

    def exempt(self, file):
        return any(fnmatch.fnmatch(file.name, glob) for glob in self.config.get("exempt", {}))


def sizes(project):
    limits = project.config["limits"]
    for file in project.files:
        most = limits["header_lines"] if file.is_header() else limits["file_lines"]
        if file.line_count > most and not project.exempt(file):
            yield file.name, 1, (f"{file.line_count} lines, the limit is {most}: split it by "
                                 "responsibility (a table of data: its own file, listed in "
                                 "[exempt] of tools/tidy.toml)")
    for name, most in limits["script_lines"].items():
        path = project.root / name
        count = path.read_text().count("\n") if path.exists() else 0
        if count > most:
            yield name, 1, f"{count} lines, the limit is {most}: move a step to a script in tools/"


def function_sizes(project):
    most = project.config["limits"]["function_lines"]
    for file in project.cpp:
        if project.exempt(file):
            continue
        for function in tidy_cpp.functions(file.text):
            if function.lines > most:
                yield file.name, function.line, (f"{function.name} has {function.lines} lines, "
                                                 f"the limit is {most}: give its steps names of "
                                                 "their own")


def pragma_once(project):
    for file in project.cpp:
        if file.is_header() and not re.search(r"^#pragma once$", file.text, re.MULTILINE):
            yield file.name, 1, "has no `#pragma once`: add it as the first line of code"


def include_edges(project):
    yield from project.deps_problems
    for file in project.cpp:
        room = project.room_of_file(file)
        for include in tidy_cpp.includes(file.text):
            if include.quoted and include.path.split("/")[0] != "embedded":
                problem = _wrong_edge(project, file, room, include.path)
                if problem:
                    yield file.name, include.line, problem


def _wrong_edge(project, file, room, path):
    if not file.name.startswith("src/") and "/" not in path:
        return None  # a header beside its test program
    target = project.room_of(path)
    if not target:
        return (f'"{path}" is in no room of src/deps.txt: write the path from src/, as in '
                '"store/catalog.h", or give the new room a line there')
    if target == room:
        return None
    if "/internal/" in path:
        return f'"{path}" is internal to {target}: use a header of {target} itself'
    if not room:
        return None  # tests, benches and fuzzers outside src/ may use every room
    allowed = project.edges[room]
    if file.is_for_tests():
        allowed = allowed | project.test_edges.get(room, set())
    if target not in allowed:
        return (f"{room} may not include {target} (src/deps.txt): take what is needed as an "
                f"argument or an interface of {room}, or move it to a lower room")
    return None


def library_headers(project):
    libraries = project.config["libraries"]
    for file in project.cpp:
        room = project.room_of_file(file)
        for include in tidy_cpp.includes(file.text):
            if not include.quoted and room and re.search(r"[./]", include.path):
                problem = _wrong_library(project, libraries, file, room, include.path)
                if problem:
                    yield file.name, include.line, problem


def _wrong_library(project, libraries, file, room, path):
    if path.startswith(tuple(project.config["system"]["prefixes"])):
        return None
    if path.startswith(tuple(project.config["test_libraries"]["prefixes"])):
        return None if file.is_for_tests() else f"<{path}> is for tests: keep it to *_test.cc"
    owners = next((rooms for prefix, rooms in libraries.items() if path.startswith(prefix)), None)
    if owners is None:
        return (f"<{path}> belongs to no library that tidy knows: add it to [libraries] in "
                "tools/tidy.toml and to docs/dependencies.md")
    if room not in owners and "*" not in owners:
        return f"<{path}> is wrapped by {', '.join(owners)}: use that room's interface"
    if file.is_header() and not path.startswith(tuple(project.config["headers"]["prefixes"])):
        return f"<{path}> in a header: keep libraries in .cc files, behind a type of ours"
    return None


def own_header_first(project):
    """A header that some file includes first is known to stand alone, for no extra build."""
    names = {file.name for file in project.cpp}
    for file in project.cpp:
        own = file.name.removesuffix(".cc") + ".h"
        if file.path.suffix != ".cc" or own not in names or not file.name.startswith("src/"):
            continue
        first = next(iter(tidy_cpp.includes(file.text)), None)
        if first is None or first.path != own.removeprefix("src/"):
            line = first.line if first else 1
            yield file.name, line, (f'must include "{own.removeprefix("src/")}" first, so that '
                                    "the header is seen to stand alone")


def headers_to_compile(project):
    """Headers that no file includes first: `tidy --headers` compiles these by themselves."""
    first = set()
    for file in project.cpp:
        include = next(iter(tidy_cpp.includes(file.text)), None)
        if file.path.suffix == ".cc" and include:
            first.add("src/" + include.path)
    return [file for file in project.cpp
            if file.is_header() and file.name.startswith("src/") and file.name not in first]


def room_files(project):
    most = project.config["limits"]["readme_lines"]
    for room in project.rooms():
        readme = project.root / "src" / room / "README.md"
        if not readme.exists():
            yield f"src/{room}", 1, (f"has no README.md: say in at most {most} lines what the "
                                     "room is for, its main types and what it may include")
        elif readme.read_text().count("\n") > most:
            yield f"src/{room}/README.md", 1, f"is longer than {most} lines: shorten it"
    for path in sorted((project.root / "src").iterdir()):
        if path.is_dir() and path.name not in project.edges and not any(
                room.startswith(path.name + "/") for room in project.edges):
            yield f"src/{path.name}", 1, "is a room without a line in src/deps.txt: add one"


def orphans(project):
    for room in project.rooms():
        folder = project.root / "src" / room
        cmake = folder / "CMakeLists.txt"
        if not cmake.exists():
            yield f"src/{room}", 1, "has no CMakeLists.txt: add one that calls sw_room()"
            continue
        listed = set(re.findall(r"[\w./-]+\.cc\b", cmake.read_text()))
        for file in project.cpp:
            if file.path.suffix != ".cc" or project.room_of_file(file) != room:
                continue
            if str(file.path.relative_to(folder)) not in listed:
                yield file.name, 1, (f"is built by nothing: list it in src/{room}/CMakeLists.txt,"
                                     " or delete it")
        if listed and not any(name.endswith("_test.cc") for name in listed):
            yield f"src/{room}", 1, "has no test: add TESTS to its sw_room()"


def names(project):
    banned = set(project.config["names"]["banned"])
    for file in project.files:
        parts = set(re.split(r"[/_.]", file.name)) & banned
        for word in sorted(parts):
            yield file.name, 1, f'"{word}" says nothing: name the file for what it does'
        if file.is_cpp():
            for match in re.finditer(r"\bnamespace\s+([\w:]+)", tidy_cpp.strip(file.text)):
                for word in sorted(set(re.split(r"::|_", match.group(1))) & banned):
                    yield file.name, 1, f'namespace "{word}" says nothing: name what it holds'


def ascii_only(project):
    for file in project.files:
        for number, line in enumerate(file.text.split("\n"), 1):
            if not line.isascii():
                yield file.name, number, "is not ASCII: write \\u escapes, or plain punctuation"
                break


def todo_issue(project):
    pattern = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b(\(#\d+\))?")
    for file in project.files:
        for number, line in enumerate(file.text.split("\n"), 1):
            match = pattern.search(line)
            if match and not match.group(2):
                yield file.name, number, (f"{match.group(1)} without an issue: do it now, or "
                                          "file an issue and write TO" "DO(#123)")


ALL = (sizes, function_sizes, pragma_once, include_edges, library_headers, own_header_first,
       room_files, orphans, names, ascii_only, todo_issue)
