#!/usr/bin/python3
"""Shows that each rule of tidy fires, and that a project in order gives no output."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent

TIDY_PROJECT = {
    "src/deps.txt": "base:\ndata: base\nnet: base\napi/native: base net\n",
    "src/base/README.md": "# base\n",
    "src/base/CMakeLists.txt": "sw_room(NAME base SOURCES clock.cc TESTS clock_test.cc)\n",
    "src/base/clock.h": "#pragma once\nnamespace sw::base { int Now(); }\n",
    "src/base/clock.cc": '#include "base/clock.h"\n#include <unistd.h>\nint sw::base::Now() { return 1; }\n',
    "src/base/clock_test.cc": '#include "base/clock.h"\n#include <gtest/gtest.h>\n',
    "src/data/README.md": "# data\n",
    "src/data/CMakeLists.txt": "sw_room(NAME data)\n",
    "src/data/schema.h": '#pragma once\n#include "base/clock.h"\n',
    "CMakeLists.txt": "project(x)\n",
}


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in TIDY_PROJECT.items():
            self.write(name, text)
        self.write("tools/tidy.toml", (TOOLS / "tidy.toml").read_text())

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def tidy(self, *arguments):
        done = subprocess.run([TOOLS / "tidy", "--root", self.root, *arguments],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 1 if done.stdout else 0)
        return done.stdout

    def assert_finds(self, where, what, *arguments):
        lines = self.tidy(*arguments).splitlines()
        self.assertTrue(lines, "tidy found nothing")
        self.assertTrue(lines[0].startswith(where), lines)
        self.assertIn(what, lines[0])
        self.assertEqual(lines[1:], ["tidy: 1 problems"])

    def add_to_base(self, name, text):
        """A file of room base, built and in order but for what `text` holds."""
        self.write(f"src/base/{name}", text)
        listed = f"clock.cc clock_test.cc {name}" if name.endswith(".cc") else "clock.cc clock_test.cc"
        self.write("src/base/CMakeLists.txt", f"sw_room(NAME base SOURCES {listed})\n")

    def test_silent_when_in_order(self):
        self.assertEqual(self.tidy("--headers"), "")

    def test_long_file(self):
        self.add_to_base("long.cc", "int a;\n" * 801)
        self.assert_finds("src/base/long.cc:1:", "801 lines, the limit is 800")

    def test_long_header(self):
        self.add_to_base("long.h", "#pragma once\n" + "extern int a;\n" * 300)
        self.assert_finds("src/base/long.h:1:", "301 lines, the limit is 300")

    def test_long_script(self):
        self.write("dev", "true\n" * 151)
        self.assert_finds("dev:1:", "151 lines, the limit is 150")

    def test_exempt_table_may_be_long(self):
        config = (TOOLS / "tidy.toml").read_text()
        self.write("tools/tidy.toml",
                   config.replace("[exempt]\n", '[exempt]\n"src/base/*_table.cc" = "data"\n'))
        self.add_to_base("zone_table.cc", "int a;\n" * 801)
        self.assertEqual(self.tidy(), "")

    def test_long_function(self):
        body = "  if (a) { a = '{'; }\n" * 69
        self.add_to_base("f.cc", "namespace sw {\n/* { */\n\ntemplate <class T>\nint Long(T a)\n"
                         "    const {\n" + body + "}\n}\n")
        self.assert_finds("src/base/f.cc:4:", "Long has 73 lines, the limit is 70")

    def test_function_at_the_limit(self):
        body = "  a = \"}{\"; // {\n" * 68
        self.add_to_base("f.cc", "const int kTable[] = {\n" + "1,\n" * 90 + "};\n"
                         "class A : public B {\n public:\n  A() : a_{1}, b_(2) {\n" + body + "}\n};\n")
        self.assertEqual(self.tidy(), "")

    def test_long_constructor_with_initialisers(self):
        self.add_to_base("f.cc", "A::A() : a_{1}, b_(2) {\n" + "f();\n" * 70 + "}\n")
        self.assert_finds("src/base/f.cc:1:", "has 72 lines")

    def test_missing_pragma_once(self):
        self.add_to_base("bare.h", "int a();\n")
        self.assert_finds("src/base/bare.h:1:", "has no `#pragma once`")

    def test_upward_include(self):
        self.add_to_base("up.cc", '// "data/x.h"\n#include "data/schema.h"\n')
        self.assert_finds("src/base/up.cc:2:", "base may not include data")

    def test_tests_may_have_more_edges(self):
        self.write("src/deps.txt", TIDY_PROJECT["src/deps.txt"] + "base (tests): data\n")
        self.add_to_base("up_test.cc", '#include "data/schema.h"\n')
        self.assertEqual(self.tidy(), "")

    def test_include_not_from_src(self):
        self.add_to_base("near.cc", '#include "clock.h"\n')
        self.assert_finds("src/base/near.cc:1:", "write the path from src/")

    def test_internal_header(self):
        self.write("src/base/internal/ring.h", "#pragma once\n")
        self.write("src/data/schema.h", '#pragma once\n#include "base/internal/ring.h"\n')
        self.assert_finds("src/data/schema.h:2:", "is internal to base")

    def test_edges_that_go_up(self):
        self.write("src/deps.txt", "base: data\ndata: base\nnet: base\n")
        self.assert_finds("src/deps.txt:1:", "base names data, which is not above it")

    def test_library_of_another_room(self):
        self.add_to_base("db.cc", "#include <sqlite3.h>\n")
        self.assert_finds("src/base/db.cc:1:", "is wrapped by store")

    def test_library_in_header(self):
        self.add_to_base("hash.h", "#pragma once\n#include <xxhash.h>\n")
        self.assert_finds("src/base/hash.h:2:", "in a header")

    def test_messages_of_feast_in_headers_of_its_room_alone(self):
        self.write("src/deps.txt", TIDY_PROJECT["src/deps.txt"].replace("api/native", "feast: base\napi/native"))
        self.write("src/feast/README.md", "# feast\n")
        self.write("src/feast/CMakeLists.txt", "sw_room(NAME feast)\n")
        self.write("src/feast/project.h", "#pragma once\n#include <proto/feast_core.pb.h>\n")
        self.assertEqual(self.tidy(), "")
        self.write("src/feast/project.h", "#pragma once\n#include <proto/tensorflow.pb.h>\n")
        self.assert_finds("src/feast/project.h:2:", "in a header")
        self.write("src/feast/project.h", '#pragma once\n#include "proto/feast_core.pb.h"\n')
        self.assert_finds("src/feast/project.h:2:", "is in no room")
        self.write("src/feast/project.h", "#pragma once\n")
        self.add_to_base("a.h", "#pragma once\n#include <proto/feast_core.pb.h>\n")
        self.assert_finds("src/base/a.h:2:", "is wrapped by feast")

    def test_unknown_library(self):
        self.add_to_base("a.cc", "#include <curl/curl.h>\n")
        self.assert_finds("src/base/a.cc:1:", "no library that tidy knows")

    def test_test_library_outside_tests(self):
        self.add_to_base("a.cc", "#include <gtest/gtest.h>\n")
        self.assert_finds("src/base/a.cc:1:", "is for tests")

    def test_own_header_not_first(self):
        self.write("src/base/clock.cc", '#include <string>\n#include "base/clock.h"\n')
        self.assert_finds("src/base/clock.cc:1:", 'must include "base/clock.h" first')

    def test_missing_readme(self):
        os.remove(self.root / "src/data/README.md")
        self.assert_finds("src/data:1:", "has no README.md")

    def test_long_readme(self):
        self.write("src/data/README.md", "x\n" * 21)
        self.assert_finds("src/data/README.md:1:", "longer than 20 lines")

    def test_room_without_edges(self):
        self.write("src/model/README.md", "")
        self.assert_finds("src/model:1:", "without a line in src/deps.txt")

    def test_orphan(self):
        self.write("src/base/lost.cc", "int a;\n")
        self.assert_finds("src/base/lost.cc:1:", "is built by nothing")

    def test_room_without_build(self):
        os.remove(self.root / "src/data/CMakeLists.txt")
        self.assert_finds("src/data:1:", "has no CMakeLists.txt")

    def test_room_without_test(self):
        self.write("src/base/CMakeLists.txt", "sw_room(NAME base SOURCES clock.cc)\n")
        os.remove(self.root / "src/base/clock_test.cc")
        self.assert_finds("src/base:1:", "has no test")

    def test_banned_file_name(self):
        self.add_to_base("string_utils.cc", "")
        self.assert_finds("src/base/string_utils.cc:1:", '"utils" says nothing')

    def test_banned_namespace(self):
        self.add_to_base("a.cc", "namespace sw::base::helpers {}\n")
        self.assert_finds("src/base/a.cc:1:", 'namespace "helpers"')

    def test_not_ascii(self):
        self.add_to_base("a.cc", "\n// caf\u00e9\n")
        self.assert_finds("src/base/a.cc:2:", "is not ASCII")

    def test_to_do_without_issue(self):
        self.add_to_base("a.cc", "// TO" "DO(#12): fine\n// TO" "DO: not fine\n")
        self.assert_finds("src/base/a.cc:2:", "without an issue")

    def test_header_that_does_not_stand_alone(self):
        self.add_to_base("lone.h", "#pragma once\nstd::string Name();\n")
        self.assert_finds("src/base/lone.h:1:", "does not compile alone", "--headers")


if __name__ == "__main__":
    unittest.main()
