"""What the tests of this folder share: a server with one LightGBM model live at the endpoint `late`.

    class MyTest(serving.ServingTest):
        def test_it(self):
            with self.server() as server: ...
"""

import datetime
import json
import pathlib
import re
import sys

import lightgbm
import numpy
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import EndToEnd, Server, run  # noqa: E402

NAMES = ["wind", "hour", "delay"]


def rows(count, seed=3):
    """Values that a float holds exactly, so that no wire changes them."""
    x = numpy.random.default_rng(seed).normal(size=(count, len(NAMES))).astype(numpy.float32).astype(float)
    x[::7, 1] = numpy.nan
    return x


def certificate(folder):
    """A certificate for localhost and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256()))
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                       serialization.NoEncryption()))


class ModelTest(EndToEnd):
    """A LightGBM model: `booster`, and its file `model`."""

    def setUp(self):
        super().setUp()
        random = numpy.random.default_rng(7)
        x = random.normal(size=(400, len(NAMES)))
        data = lightgbm.Dataset(x, x[:, 0] + x[:, 1] * x[:, 2] > 0.1, feature_name=NAMES)
        self.booster = lightgbm.train({"objective": "binary", "num_threads": 1, "verbose": -1, "seed": 1}, data, 20)
        self.model = self.folder / "model.txt"
        self.booster.save_model(self.model)

    def expected(self, x):
        return self.booster.predict(x, num_threads=1)

    def turning_point(self):
        """A value of wind, and the float beside it that the model scores otherwise."""
        trees = json.dumps(self.booster.dump_model()["tree_info"])
        for text in re.findall(r'"split_feature": 0, [^{}]*?"threshold": ([-0-9.e]+)', trees):
            exact = float(text)
            rounded = float(numpy.float32(exact))
            low, high = self.expected(numpy.array([[exact, 3, -1], [rounded, 3, -1]]))
            if low != high:
                return exact, rounded
        raise AssertionError("no threshold is lost by rounding to a float")


class ServingTest(ModelTest):
    """The model live at the endpoint `late`."""

    def setUp(self):
        super().setUp()
        project = self.write("seaworthy.toml", "[endpoint.late]\n")
        self.assert_done(run("apply", project, "--data", self.data))
        self.assert_done(run("register", "late", self.model, "--python", sys.executable, "--data", self.data))
        self.assert_done(run("models", "override", "late", "1", "--reason", "a test", "--data", self.data))
        self.assert_done(run("rollout", "live", "late", "1", "--data", self.data))

    def server(self, *arguments, **more):
        return Server(self.data, *arguments, **more)
