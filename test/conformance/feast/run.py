#!/usr/bin/python3
"""Runs Feast's own integration tests against our server: `./dev conformance feast CHECKOUT [GROUP...]`, of a checkout of
feast-dev/feast (f0bc070 has what 0.67 is tested by). The tests are Feast's, copied as they are; what starts our server in
place of theirs is beside this file. `--theirs` starts Feast's own servers, for what they pass; `--nobody` one that answers
nothing right: what passes then is no evidence.

Leaves results.md, and each group's log, in build/feast-conformance.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
OUT = ROOT / "build" / "feast-conformance"
PYTHON = ROOT / ".deps" / "venv-feast-conformance" / "bin" / "python"
TESTS = "tests/integration/"
SERVE = "{binary} serve --feast-repo {{repo}} --feast-tables {tables} --listen 127.0.0.1:{{port}} --log-level warning"

# What each group sets, and which tests it runs.
GROUPS = {
    "registry": ({"REGISTRY_CMD": SERVE},
                 ["-p", "feast_registry_plugin", TESTS + "registration/test_universal_registry.py", "-k", "mock_remote_registry"]),
    "offline": ({"FULL_REPO_CONFIGS_MODULE": "feast_suite", "OFFLINE_CMD": SERVE},
                [TESTS + "offline_store/" + name for name in
                 ("test_offline_write.py", "test_feature_logging.py", "test_push_features_to_offline_store.py",
                  "test_universal_historical_retrieval.py")]),
    "online": ({"FULL_REPO_CONFIGS_MODULE": "feast_suite", "SUITE_ONLINE": "1", "OFFLINE_CMD": SERVE, "ONLINE_CMD": SERVE},
               [TESTS + "online_store/" + name for name in ("test_universal_online.py", "test_push_features_to_online_store.py")]
               + ["-k", "(write_to_online_store or retrieval_success or list_retrieval or shared_batch_source or event_timestamps or push_features) "
                  "and not async and not event_check"]),  # those want DynamoDB or Redis
}


def copy_tests(checkout):
    """Without Feast's sources, which would hide the package's."""
    source = next((folder for folder in (checkout / "sdk" / "python", checkout) if (folder / "pytest.ini").exists()), None)
    if source is None:
        sys.exit(f"{checkout}: no sdk/python/pytest.ini; give a checkout of github.com/feast-dev/feast")
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "tables").mkdir(parents=True)
    shutil.copytree(source / "tests", OUT / "tests")
    for name in ("pytest.ini", "pyproject.toml"):
        shutil.copy(source / name, OUT)


def run(name, binary, whose):
    variables, tests = GROUPS[name]
    commands = {key: value.format(binary=binary, tables=OUT / "tables") for key, value in variables.items()}
    if whose == "theirs":
        commands = {key: value for key, value in commands.items() if not key.endswith("_CMD")}
    if whose == "nobody":
        commands = {key: "/usr/bin/python3 -m http.server {port}" if key.endswith("_CMD") else value for key, value in commands.items()}
    environment = {**os.environ, **commands, "PYTHONPATH": f"{OUT}:{HERE}", "FEAST_IS_LOCAL_TEST": "True", "FEAST_USAGE": "False",
                   "TMPDIR": str(OUT / "tables"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "--integration",
               f"--junit-xml={OUT / name}.xml", *tests]
    print(f"== {name}: {' '.join(command[3:])}", flush=True)
    with open(OUT / f"{name}.log", "w") as log:
        subprocess.run(command, cwd=OUT, env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=3600, check=False)
    return outcomes(OUT / f"{name}.xml")


def outcomes(path):
    """(file, test, outcome, why) of each."""
    if not path.exists():
        return [("-", "pytest itself", "failed", f"see {path.with_suffix('.log')}")]
    seen = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        problem = next((each for each in case if each.tag in ("failure", "error", "skipped")), None)
        outcome = "passed" if problem is None else {"skipped": "skipped"}.get(problem.tag, "failed")
        why = "" if problem is None else (problem.get("message") or "").splitlines()[:1]
        seen.append((case.get("classname").rsplit(".", 1)[-1], case.get("name"), outcome, "".join(why)[:160].replace("|", "/")))
    return seen


def table(results):
    lines = ["| group | file | passed | failed | skipped |", "|---|---|---|---|---|"]
    for group, seen in results.items():
        for file in sorted({each[0] for each in seen}):
            counts = [sum(each[0] == file and each[2] == outcome for each in seen) for outcome in ("passed", "failed", "skipped")]
            lines.append(f"| {group} | {file} | " + " | ".join(map(str, counts)) + " |")
    rest = [f"- {group}: `{name}` {outcome}: {why}" for group, seen in results.items() for _, name, outcome, why in seen if outcome != "passed"]
    return "\n".join([*lines, "", *rest, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=pathlib.Path)
    parser.add_argument("groups", nargs="*", default=list(GROUPS), help=", ".join(GROUPS))
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build" / "seaworthy")
    for whose in ("theirs", "nobody"):
        parser.add_argument("--" + whose, dest="whose", action="store_const", const=whose, default="ours")
    arguments = parser.parse_args()
    unknown = set(arguments.groups) - set(GROUPS)
    if unknown:
        parser.error(f"there is no group {', '.join(sorted(unknown))}; these are: {', '.join(GROUPS)}")
    subprocess.run(["bash", ROOT / "setup" / "install.sh", "--feast-conformance"], check=True)
    copy_tests(arguments.checkout.resolve())
    text = table({name: run(name, arguments.binary.resolve(), arguments.whose) for name in arguments.groups})
    (OUT / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
