"""`seaworthy register` and `seaworthy package`: model files become packages with golden rows from
their own libraries."""

import hashlib
import http.client
import json
import pathlib
import socket
import stat
import sys
import unittest

import catboost
import lightgbm
import mlflow
import numpy
import pandas
import pyarrow
import skl2onnx
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import scoring
from harness import Server, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
import seaworthy_export  # noqa: E402


def frame_of(count=400, seed=5):
    random = numpy.random.default_rng(seed)
    frame = pandas.DataFrame({
        "wind": random.normal(size=count), "hour": random.integers(0, 24, count).astype(float),
        "color": random.choice(["red", "blue", "green", ""], count), "size": random.choice([10, 20, 35], count)})
    frame.loc[random.random(count) < 0.1, "wind"] = numpy.nan
    label = (frame["wind"].fillna(0.3) + (frame["color"] == "red") + (frame["size"] == 20) > 0.6).astype(int)
    return frame, label


class RegisterTest(scoring.ScoreTest):
    def setUp(self):
        super().setUp()
        self.frame, self.label = frame_of()
        self.numbers = self.frame[["wind", "hour"]]
        self.model = self.folder / "model.txt"
        data = lightgbm.Dataset(self.numbers, self.label)
        lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, data, 10).save_model(self.model)

    def register(self, path, *flags, python=sys.executable, name="m"):
        done = self.assert_done(run("register", name, path, "--python", python, "--data", self.data, "--json", *flags))
        return json.loads(done.out)

    def assert_verified(self, path, library, *flags, rows_min=200):
        version = self.register(path, *flags)
        self.assertIs(version["verified"], True, version)
        self.assertTrue(version["golden_from"].startswith(library), version)
        self.assertGreaterEqual(version["golden_rows"], rows_min)
        return version

    def save_rows(self):
        path = self.folder / "rows.parquet"
        scoring.write_table(pyarrow.Table.from_pandas(self.frame, preserve_index=False), path)
        return path

    # ---- one library each ----

    def test_lightgbm(self):
        version = self.assert_verified(self.model, "lightgbm 4.7")
        self.assertEqual((version["exactness"], version["version"], version["format"]), ("exact", 1, "lightgbm"))
        self.assertEqual(version["inputs"], ["wind", "hour"])

    def test_lightgbm_with_labels_of_categories(self):
        frame = self.frame.assign(color=self.frame["color"].astype("category"), size=self.frame["size"].astype("category"))
        parameters = {"objective": "multiclass", "num_class": 2, "verbose": -1, "num_threads": 1}
        lightgbm.train(parameters, lightgbm.Dataset(frame, self.label), 10).save_model(self.model)
        version = self.assert_verified(self.model, "lightgbm")
        self.assertNotIn("refused", version)

    def test_xgboost_in_both_formats(self):
        matrix = xgboost.DMatrix(self.numbers, self.label)
        for name, parameters in (("model.json", {"objective": "binary:logistic"}),
                                 ("model.ubj", {"objective": "multi:softprob", "num_class": 2}),
                                 ("linear.json", {"objective": "binary:logistic", "booster": "gblinear"})):
            with self.subTest(name):
                xgboost.train({**parameters, "nthread": 1}, matrix, 8).save_model(self.folder / name)
                self.assert_verified(self.folder / name, "xgboost")

    def test_xgboost_with_labels_of_categories(self):
        frame = self.frame.assign(color=self.frame["color"].astype("category"), size=self.frame["size"].astype("category"))
        matrix = xgboost.DMatrix(frame, self.label, enable_categorical=True)
        xgboost.train({"objective": "binary:logistic", "nthread": 1}, matrix, 8).save_model(self.folder / "model.ubj")
        self.assert_verified(self.folder / "model.ubj", "xgboost")

    def test_xgboost_that_stopped_early(self):
        model = xgboost.XGBClassifier(n_estimators=100, early_stopping_rounds=2, learning_rate=0.9, n_jobs=1)
        model.fit(self.numbers[:300], self.label[:300], eval_set=[(self.numbers[300:], self.label[300:])], verbose=False)
        self.assertLess(model.best_iteration + 1, model.get_booster().num_boosted_rounds())
        model.save_model(self.folder / "model.ubj")
        self.assert_verified(self.folder / "model.ubj", "xgboost")

    def test_catboost_takes_its_categories_from_rows(self):
        categories = ["color", "size"]
        for loss in ("Logloss", "MultiClass", "Poisson", "RMSE"):
            with self.subTest(loss):
                pool = catboost.Pool(self.frame, self.label, cat_features=categories)
                model = catboost.CatBoost({"loss_function": loss, "iterations": 8, "verbose": 0, "thread_count": 1,
                                           "allow_writing_files": False}).fit(pool)
                path = self.folder / "model.json"
                model.save_model(str(path), format="json", pool=pool)
                version = self.assert_verified(path, "catboost", "--rows", self.save_rows())
                # CatBoost takes no missing category, and says so of one of those rows.
                self.assertTrue(version["refused"])
                self.assertGreater(version["refused_rows"], 0)

    def test_onnx(self):
        model = RandomForestClassifier(n_estimators=5, random_state=1).fit(self.numbers.fillna(0), self.label)
        for zip_map in (True, False):
            onnx = skl2onnx.to_onnx(model, self.numbers[:1].to_numpy(numpy.float32), options={"zipmap": zip_map})
            (self.folder / "model.onnx").write_bytes(onnx.SerializeToString())
            version = self.assert_verified(self.folder / "model.onnx", "onnxruntime")
            self.assertEqual(version["exactness"], "engine")

    def test_scikit_learn_brings_its_own_golden_rows(self):
        pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(self.numbers.fillna(0), self.label)
        seaworthy_export.save(pipeline, str(self.folder / "model.plan.json"), rows=self.numbers.fillna(0))
        version = self.register(self.folder / "model.plan.json", python="/no/such/python")  # and needs none
        self.assertIs(version["verified"], True)
        self.assertTrue(version["golden_from"].startswith("scikit-learn"), version)

    def test_an_mlflow_folder_brings_its_signature_and_where_it_comes_from(self):
        booster = lightgbm.Booster(model_file=self.model)
        signature = mlflow.models.infer_signature(self.numbers, booster.predict(self.numbers))
        mlflow.lightgbm.save_model(booster, str(self.folder / "mlflow"), signature=signature, input_example=self.numbers[:5])
        version = self.assert_verified(self.folder / "mlflow", "lightgbm")
        self.assertEqual(version["lineage"]["file"], "mlflow")
        self.assertIn("lightgbm", json.dumps(version["lineage"]["origin"]))

    # ---- what is not as it should be ----

    def wrapper(self, body):
        """An interpreter that changes what the library says."""
        path = self.folder / f"python{len(list(self.folder.iterdir()))}"
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def test_a_score_that_is_not_the_librarys_is_refused(self):
        change = "import json,sys; a=json.load(sys.stdin); a['raw'][7]+=1e-12; json.dump(a,sys.stdout)"
        python = self.wrapper(f'{sys.executable} "$@" | {sys.executable} -c "{change}"')
        done = run("register", "m", self.model, "--python", python, "--data", self.data)
        self.assertNotEqual(done.code, 0)
        self.assertIn("golden row 7 expects", done.err)
        self.assertEqual(json.loads(run("models", "list", "--data", self.data, "--json").out)["models"], [])

    def test_without_the_library_the_package_is_unverified_and_says_why(self):
        for python, why in (("/no/such/python", "there is no program /no/such/python"), ("no-such-python", "$PATH has no program"),
                            (self.wrapper("exit 3"), "ended with 3"), (self.wrapper("echo '[1'"), "no JSON"),
                            (self.wrapper("cat > /dev/null; echo '{}'"), "rows"),
                            (self.wrapper("""echo '{"rows":[999999],"predictions":[1],"library":"x"}'"""), "a row 999999")):
            with self.subTest(why):
                version = self.register(self.model, python=python)
                self.assertIs(version["verified"], False)
                self.assertIn(why, version["unverified"])
                done = run("register", "m", self.model, "--python", python, "--data", self.data, "--require-verified")
                self.assertNotEqual(done.code, 0)
                self.assertIn("--require-verified was given", done.err)

    def test_a_python_without_the_library_is_named(self):
        for library in ("lightgbm", "numpy"):
            code = f"import sys; sys.modules['{library}'] = None; import runpy; runpy.run_path(sys.argv[1], run_name='__main__')"
            version = self.register(self.model, python=self.wrapper(f'exec {sys.executable} -c "{code}" "$@"'))
            self.assertIn(f"has no {library}", version["unverified"])

    def test_what_is_no_model_is_told(self):
        for source, why in ((self.folder / "absent", "no such file or folder"), (self.folder, "no MLflow model"),
                            (self.write("note.txt", "hello"), "in no format that is read"), ("ab" * 32, "no blob")):
            with self.subTest(why):
                done = run("register", "m", source, "--data", self.data)
                self.assertNotEqual(done.code, 0)
                self.assertIn(why, done.err)

    # ---- folders and servers ----

    def test_a_package_folder_scores_and_registers_under_its_id(self):
        made = json.loads(self.assert_done(run("package", self.model, "--out", self.folder / "package", "--python",
                                               sys.executable, "--json")).out)
        table = pyarrow.table({"wind": [0.5, None], "hour": [3.0, 7.0]})
        self.assert_same_bits(self.predict(self.folder / "package", table, "--raw")["prediction"],
                              self.predict(self.model, table, "--raw")["prediction"])
        version = self.register(self.folder / "package", python="/no/such/python")
        self.assertEqual(version["package_id"], made["package_id"])
        self.assertIs(version["verified"], True)
        other = self.folder / "other.txt"
        lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(self.numbers, self.label), 3).save_model(other)
        done = run("package", other, "--out", self.folder / "package", "--python", sys.executable)
        self.assertIn("holds another package", done.err)

    def test_rows_become_contract_and_profile(self):
        self.assert_done(run("package", self.model, "--out", self.folder / "package", "--rows", self.save_rows(),
                             "--python", sys.executable))
        manifest = json.loads((self.folder / "package" / (self.folder / "package" / "id").read_text().strip()).read_text())
        part = {name: json.loads((self.folder / "package" / manifest["parts"][name]).read_text()) for name in ("contract", "profile")}
        self.assertEqual(part["profile"]["rows"], len(self.frame))
        self.assertIn("min", json.dumps(part["contract"]))

    def test_over_http_with_a_key(self):
        with Server(self.data) as server:
            done = self.assert_done(server.cli("register", "late", self.model, "--python", sys.executable, "--json"))
            self.assertIs(json.loads(done.out)["verified"], True)
            shown = self.assert_done(server.cli("models", "show", "late", "1", "--json"))
            self.assertEqual(json.loads(shown.out)["package_id"], json.loads(done.out)["package_id"])

    def test_blobs_may_be_larger_than_what_the_server_holds(self):
        block = b"\x5a" * (1 << 20)
        with Server(self.data, "--body-bytes-max", "1MiB") as server:
            connection = http.client.HTTPConnection(server.address, timeout=60)
            connection.request("POST", "/seaworthy/v1/blobs", (block for _ in range(70)), {"Content-Length": str(70 << 20)})
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertEqual(json.loads(answer.read()), {"sha256": hashlib.sha256(block * 70).hexdigest(), "bytes": 70 << 20})
            connection.close()
            # A client that goes away leaves nothing behind.
            host, port = server.address.split(":")
            with socket.create_connection((host, int(port))) as cut:
                cut.sendall(b"POST /seaworthy/v1/blobs HTTP/1.1\r\nHost: " + server.address.encode() +
                            b"\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000)
            self.assertEqual(server.get("/seaworthy/v1/models")[0], 200)
        kept = [path for path in (self.data / "blobs").rglob("*") if path.is_file() and path.name != "FORMAT"]
        self.assertEqual(len(kept), 1)


if __name__ == "__main__":
    unittest.main()
