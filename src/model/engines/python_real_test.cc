// The Python engine with real interpreters: apart from the room's other tests, because importing
// pandas, pyarrow and mlflow takes seconds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "model/engines/python_fakes.h"

namespace sw::model {
namespace {

using testing::HasSubstr;

TEST_F(PythonEngineTest, RunsAClassOfTheModelsFolderInItsOwnEnvironment) {
  Write("models/m/scale", "2.0");
  // Compiled code that was not checked must not run.
  Write("models/m/__pycache__/code.cpython-311.pyc", "nonsense");
  Write("models/m/other.pyc", "nonsense");
  const auto engine = MakeReal(
      "class Model:\n"
      "    inputs = ['x', 'word']\n"
      "    def load(self, folder):\n"
      "        self.scale = float(open(folder + '/scale').read())\n"
      "    def predict(self, frame):\n"
      "        if (frame['x'] > 90).any(): raise ValueError('x is too large')\n"
      "        if (frame['x'] == 40).any(): raise SystemExit('leaving')\n"
      "        print('to stdout')\n"
      "        n = frame['word'].str.len()\n"
      "        return [[a * self.scale, b] for a, b in zip(frame['x'], n)]\n",
      {}, 2).value();
  EXPECT_EQ(engine->inputs(), (std::vector<std::string>{"x", "word"}));
  EXPECT_EQ(Scores(*engine, 3).value(), (std::vector<double>{0, 2, 1, 2, 2, 2}));
  const Error error = Scores(*engine, 200).error();
  EXPECT_EQ(error.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(error.message, HasSubstr("ValueError: x is too large"));
  EXPECT_THAT(error.message, HasSubstr("code.py, line 6"));
  EXPECT_THAT(Scores(*engine, 100).error().message, HasSubstr("SystemExit: leaving"));
  EXPECT_TRUE(Scores(*engine, 3));  // an error is no failure: it runs on
}

TEST_F(PythonEngineTest, MemoryNetworkAndTheServersSecretsAreOutOfReach) {
  setenv("SEAWORTHY_KEY", "secret", 1);
  host_->settings.allow_network = false;
  host_->settings.memory_bytes_max = 3ull << 30;
  const auto made = MakeReal(
      "import os, socket\n"
      "class Model:\n"
      "    def predict(self, frame):\n"
      "        first = frame['x'].iloc[-1]\n"
      "        if first == 0.5: return [float(len(bytearray(8 << 30)))] * 2\n"
      "        if first == 1.0:\n"
      "            socket.create_connection(('127.0.0.1', 1), timeout=3)\n"
      "        if first == 1.5: return [float('SEAWORTHY_KEY' in os.environ)] * 4\n"
      "        return frame['x']\n");
  unsetenv("SEAWORTHY_KEY");
  if (!made && made.error().code == ErrorCode::kPermissionDenied) GTEST_SKIP() << made.error().message;  // a sandbox without namespaces
  const auto& engine = *made.value();
  EXPECT_THAT(Scores(engine, 2).error().message, HasSubstr("MemoryError"));
  EXPECT_THAT(Scores(engine, 3).error().message, HasSubstr("Network is unreachable"));
  EXPECT_EQ(Scores(engine, 4).value(), (std::vector<double>(4, 0.0)));
  EXPECT_EQ(Scores(engine, 1).value(), std::vector<double>{0.0});
}

// A directory as mlflow.pyfunc.save_model writes it, with code of its own instead of a pickle.
TEST_F(PythonEngineTest, RunsAnMlflowModel) {
  Write("models/m/MLmodel",
        "flavors:\n"
        "  python_function:\n"
        "    code: code\n"
        "    loader_module: doubler\n"
        "signature:\n"
        "  inputs: '[{\"type\": \"double\", \"name\": \"x\", \"required\": true}, {\"type\": \"double\", \"name\": \"z\", \"required\": true}]'\n"
        "  outputs: '[{\"type\": \"double\", \"required\": true}]'\n"
        "model_uuid: 0123456789abcdef0123456789abcdef\n");
  Write("models/m/code/doubler.py",
        "class Doubler:\n"
        "    def predict(self, frame, params=None): return frame['x'] * 2 + frame['z']\n"
        "def _load_pyfunc(path): return Doubler()\n");
  const auto engine = Make({.environment = "real", .folder = "m"}).value();
  EXPECT_EQ(engine->inputs(), (std::vector<std::string>{"x", "z"}));
  data::Batch rows(data::Schema{{{"z", data::Type::kFloat64}, {"x", data::Type::kFloat64}}});
  rows.column(0).AppendDouble(0.25);
  rows.column(1).AppendDouble(10);
  std::vector<double> scores(1);
  ASSERT_TRUE(engine->Score(rows, Output::kPrediction, scores));
  EXPECT_EQ(scores[0], 20.25);
}

}  // namespace
}  // namespace sw::model
