#include "model/engines/graph_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "base/errors.h"
#include "model/formats/graph.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
using Row = std::vector<double>;
using Function = std::function<Row(const Row&)>;

// A function of a row as an engine. Counts the rows that it is asked for.
class FakeEngine final : public Engine {
 public:
  FakeEngine(std::vector<std::string> inputs, std::size_t outputs, Function function)
      : inputs_(std::move(inputs)), outputs_(outputs), function_(std::move(function)) {}

  const std::vector<std::string>& inputs() const override { return inputs_; }
  Exactness exactness() const override { return Exactness::kExact; }
  std::size_t memory_bytes() const override { return 0; }
  std::size_t outputs(Output) const override { return outputs_; }
  bool predicts_classes() const override { return is_classifier && outputs_ > 1; }
  std::vector<std::string> output_names() const override { return names; }
  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    for (std::size_t r = 0; r < scores.size() / outputs_; ++r, ++asked) {
      Row row;
      for (const std::string& input : inputs_) row.push_back(SW_TRY(rows.Get(input))->AsDouble(r));
      if (!row.empty() && row[0] == kRefused) return InvalidArgument("row {}: refused", r);
      Row made = function_(row);
      if (output == Output::kRaw) made[0] = -made[0];
      std::ranges::copy(made, scores.begin() + static_cast<std::ptrdiff_t>(r * outputs_));
    }
    return Ok();
  }

  static constexpr double kRefused = 1e9;
  bool is_classifier = true;
  std::vector<std::string> names = {};
  mutable std::size_t asked = 0;

 private:
  std::vector<std::string> inputs_;
  std::size_t outputs_;
  Function function_;
};

double First(const Row& row) { return Sigmoid(row[0] - row[1]); }
double Second(const Row& row) { return Sigmoid(2 * row[1]); }
double Third(const Row& row) { return row[0] > 1 ? 0.5 : Sigmoid(row[0] * row[1]); }
Row Classes(const Row& row, double shift) {
  const double a = std::fabs(row[0]) + shift, b = std::fabs(row[1]), c = 0.5;
  return {a / (a + b + c), b / (a + b + c), c / (a + b + c)};
}

std::shared_ptr<FakeEngine> Fake(double (*function)(const Row&)) {
  return std::make_shared<FakeEngine>(std::vector<std::string>{"x", "y"}, 1, [=](const Row& row) { return Row{function(row)}; });
}
std::shared_ptr<FakeEngine> FakeClasses(double shift) {
  return std::make_shared<FakeEngine>(std::vector<std::string>{"x", "y"}, 3, [=](const Row& row) { return Classes(row, shift); });
}

struct World {
  std::map<std::string, std::shared_ptr<FakeEngine>> members = {
      {"a", Fake(First)}, {"b", Fake(Second)}, {"c", Fake(Third)}, {"p", FakeClasses(0)}, {"q", FakeClasses(0.7)}, {"r", FakeClasses(0.1)}};

  // Nodes "a" to "r", where others read them, are added. A model is written in upper case.
  Result<std::unique_ptr<Engine>> Make(const std::string& nodes, const std::string& output = "answer") const {
    std::string text = fmt::format(R"({{"graph": {{"output": "{}"}}, "node": {{{})", output, nodes);
    for (const auto& [name, engine] : members) {
      const bool is_read = nodes.find(fmt::format("\"{}\"", name)) != nodes.npos || nodes.find(fmt::format("\"{}.", name)) != nodes.npos;
      const bool is_declared = nodes.find(fmt::format("\"{}\":", name)) != nodes.npos;
      if (is_read && !is_declared) text += fmt::format(R"(, "{}": {{"model": "{}"}})", name, static_cast<char>(std::toupper(name[0])));
    }
    Graph graph = SW_TRY(ParseGraph(text + "}}"));
    GraphMembers used;
    for (const GraphNode& node : graph.nodes) {
      if (node.kind != GraphNode::Kind::kModel || node.model == "ABSENT") continue;
      used[node.name] = members.at(std::string(1, static_cast<char>(std::tolower(node.model[0]))));
    }
    return MakeGraphEngine(std::move(graph), std::move(used));
  }
};

data::Batch RandomRows(std::size_t count, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  data::Batch rows(data::Schema{{{"x", data::Type::kFloat64}, {"y", data::Type::kFloat64}}});
  for (std::size_t r = 0; r < count; ++r) {
    for (std::size_t c = 0; c < 2; ++c) {
      if (random() % 9 == 0) rows.column(c).AppendNull();
      else rows.column(c).AppendDouble(random() % 9 == 0 ? 0.0 : 2 * normal(random));
    }
  }
  return rows;
}

// The engine beside a function of one row, for batches of every size.
void ExpectIs(const Engine& engine, const Function& literal) {
  for (const std::size_t count : {1, 7, 64, 1000, 5000}) {
    const data::Batch rows = RandomRows(count, count);
    const std::size_t width = engine.outputs(Output::kPrediction);
    std::vector<double> scores(count * width);
    ASSERT_TRUE(engine.Score(rows, Output::kPrediction, scores));
    for (std::size_t r = 0; r < count; ++r) {
      const Row expected = literal({rows.column(0).AsDouble(r), rows.column(1).AsDouble(r)});
      ASSERT_EQ(expected.size(), width);
      for (std::size_t k = 0; k < width; ++k) {
        ASSERT_EQ(UlpDistance(scores[r * width + k], expected[k]), 0U)
            << "row " << r << " of " << count << ": " << scores[r * width + k] << ", expected " << expected[k];
      }
    }
  }
}

TEST(GraphEngine, TakesAMean) {
  const World world;
  ExpectIs(*world.Make(R"("answer": {"mean": ["a", "b", "c"]})").value(),
           [](const Row& row) { return Row{(First(row) + Second(row) + Third(row)) / 3}; });
  ExpectIs(*world.Make(R"("answer": {"mean": ["a", "b"], "weights": [1, 2.5]})").value(),
           [](const Row& row) { return Row{(First(row) + 2.5 * Second(row)) / 3.5}; });
  ExpectIs(*world.Make(R"("answer": {"mean": ["p", "q"]})").value(), [](const Row& row) {
    const Row p = Classes(row, 0), q = Classes(row, 0.7);
    return Row{(p[0] + q[0]) / 2, (p[1] + q[1]) / 2, (p[2] + q[2]) / 2};
  });
}

TEST(GraphEngine, TakesAVoteWhoseTiesAreTheFirstClasss) {
  const World world;
  const auto vote = [](const Row& row, std::initializer_list<double> scores) {
    double yes = 0, no = 0;
    for (const double score : scores) {
      if (std::isnan(score)) return Row{kNan};
      (score > 0.5 ? yes : no) += 1;
    }
    (void)row;
    return Row{yes > no ? 1.0 : 0.0};
  };
  ExpectIs(*world.Make(R"("answer": {"vote": ["a", "b"]})").value(),
           [&](const Row& row) { return vote(row, {First(row), Second(row)}); });
  ExpectIs(*world.Make(R"("answer": {"vote": ["a", "b", "c"]})").value(),
           [&](const Row& row) { return vote(row, {First(row), Second(row), Third(row)}); });
  ExpectIs(*world.Make(R"("answer": {"vote": ["p", "q", "r"]})").value(), [](const Row& row) {
    double votes[3] = {};
    for (const double shift : {0.0, 0.7, 0.1}) {
      const Row p = Classes(row, shift);
      if (std::isnan(p[0]) || std::isnan(p[1]) || std::isnan(p[2])) return Row{kNan};
      votes[p[0] >= p[1] && p[0] >= p[2] ? 0 : (p[1] >= p[2] ? 1 : 2)] += 1;
    }
    return Row{votes[0] >= votes[1] && votes[0] >= votes[2] ? 0.0 : (votes[1] >= votes[2] ? 1.0 : 2.0)};
  });
}

TEST(GraphEngine, AsksTheNextOfACascadeOnlyForTheRowsOfWhichNoneBeforeIsSure) {
  const World world;
  const auto engine = world.Make(R"("answer": {"cascade": ["a", "b", "c"], "confidence": [0.9, 0.7]})").value();
  ExpectIs(*engine, [](const Row& row) {
    const double a = First(row), b = Second(row);
    if (a >= 0.9 || 1 - a >= 0.9) return Row{a};
    if (b >= 0.7 || 1 - b >= 0.7) return Row{b};
    return Row{Third(row)};
  });
  for (const auto& [name, member] : world.members) member->asked = 0;
  const data::Batch rows = RandomRows(64);
  std::size_t second = 0, third = 0;
  for (std::size_t r = 0; r < 64; ++r) {
    const Row row = {rows.column(0).AsDouble(r), rows.column(1).AsDouble(r)};
    const bool is_second = !(std::max(First(row), 1 - First(row)) >= 0.9);
    second += is_second ? 1 : 0;
    third += is_second && !(std::max(Second(row), 1 - Second(row)) >= 0.7) ? 1 : 0;
  }
  std::vector<double> scores(64);
  ASSERT_TRUE(engine->Score(rows, Output::kPrediction, scores));
  EXPECT_EQ(world.members.at("a")->asked, 64U);
  EXPECT_EQ(world.members.at("b")->asked, second);
  EXPECT_EQ(world.members.at("c")->asked, third);
  EXPECT_LT(third, second);
  EXPECT_GT(third, 0U);
}

TEST(GraphEngine, CascadesOverClassesByTheGreatestProbability) {
  const World world;
  ExpectIs(*world.Make(R"("answer": {"cascade": ["p", "q"], "confidence": 0.6})").value(), [](const Row& row) {
    const Row p = Classes(row, 0);
    return std::max({p[0], p[1], p[2]}) >= 0.6 && !std::isnan(p[0] + p[1] + p[2]) ? p : Classes(row, 0.7);
  });
}

TEST(GraphEngine, IsNotSureOfWhatIsNoProbability) {
  World world;
  for (const double score : {-0.5, 1.5, kNan, std::numeric_limits<double>::infinity()}) {
    world.members["a"] = std::make_shared<FakeEngine>(std::vector<std::string>{"x", "y"}, 1, [=](const Row&) { return Row{score}; });
    ExpectIs(*world.Make(R"("answer": {"cascade": ["a", "b"], "confidence": 0})").value(),
             [](const Row& row) { return Row{Second(row)}; });
  }
}

TEST(GraphEngine, AppliesStepsInOrder) {
  const World world;
  const auto apply = [&](const std::string& steps, const Function& literal) {
    ExpectIs(*world.Make(fmt::format(R"("answer": {{"apply": ["a", "x"], "steps": [{}]}})", steps)).value(), [&](const Row& row) {
      Row made = {First(row), row[0]};
      for (double& x : made) x = std::isnan(x) ? x : literal({x})[0];
      return made;
    });
  };
  apply("", [](const Row& x) { return x; });
  apply(R"({"op": "clip", "min": 0.2, "max": 0.6})", [](const Row& x) { return Row{std::min(std::max(x[0], 0.2), 0.6)}; });
  apply(R"({"op": "clip", "max": 0.6})", [](const Row& x) { return Row{std::min(x[0], 0.6)}; });
  apply(R"({"op": "linear", "slope": 3, "intercept": -1})", [](const Row& x) { return Row{3 * x[0] - 1}; });
  apply(R"({"op": "threshold", "at": 0})", [](const Row& x) { return Row{x[0] >= 0 ? 1.0 : 0.0}; });
  apply(R"({"op": "log"})", [](const Row& x) { return Row{Log(x[0])}; });
  apply(R"({"op": "exp"}, {"op": "linear", "slope": 0.5})", [](const Row& x) { return Row{0.5 * Exp(x[0])}; });
  apply(R"({"op": "logit"}, {"op": "linear", "slope": 1.25, "intercept": 0.5}, {"op": "sigmoid"})",
        [](const Row& x) { return Row{Sigmoid(1.25 * Log(x[0] / (1 - x[0])) + 0.5)}; });
}

TEST(GraphEngine, StepsAreNearTheSystemsMathematics) {
  for (double x = -0.5; x < 1.5; x += 0.0137) {
    const auto near = [&](GraphStep::Op op, double expected) {
      const double found = ApplyStep({.op = op}, x);
      if (!std::isfinite(expected)) EXPECT_EQ(UlpDistance(found, expected), 0U) << x;
      else EXPECT_NEAR(found, expected, 4e-16 * std::max(1.0, std::fabs(expected))) << x;
    };
    near(GraphStep::Op::kLog, std::log(x));
    near(GraphStep::Op::kExp, std::exp(x));
    near(GraphStep::Op::kLogit, std::log(x / (1 - x)));
    near(GraphStep::Op::kSigmoid, 1 / (1 + std::exp(-x)));
  }
  EXPECT_EQ(ApplyStep({.op = GraphStep::Op::kLogit}, 1), std::numeric_limits<double>::infinity());
  EXPECT_EQ(ApplyStep({.op = GraphStep::Op::kLogit}, 0), -std::numeric_limits<double>::infinity());
}

TEST(GraphEngine, ChainsOutputsIntoColumns) {
  const World world;
  const Function chained = [](const Row& row) { return Row{Second({First(row), Classes(row, 0)[1]})}; };
  ExpectIs(*world.Make(R"("answer": {"model": "B", "inputs": {"x": "a", "y": "p.1"}})").value_or(nullptr), chained);
  ExpectIs(*world.Make(R"("b": {"model": "B", "inputs": "two"}, "two": {"apply": ["a", "p.1"]})", "b").value(), chained);
  // Columns under other names; the others stay the request's.
  ExpectIs(*world.Make(R"("b": {"model": "B", "inputs": {"y": "x"}})", "b").value(), [](const Row& row) { return Row{Second({0, row[0]})}; });
  ExpectIs(*world.Make(R"("a": {"model": "A", "output": "raw"})", "a").value(), [](const Row& row) { return Row{-First(row)}; });
}

// Nodes that share others, in a cascade and outside of it.
TEST(GraphEngine, ComputesEachNodeOnceARow) {
  const World world;
  const auto engine = world.Make(R"("m": {"mean": ["a", "b"]}, "k": {"cascade": ["a", "m"], "confidence": 0.8},
      "l": {"cascade": ["b", "k"], "confidence": 0.9}, "answer": {"mean": ["l", "k", "m", "a"]})").value();
  ExpectIs(*engine, [](const Row& row) {
    const double a = First(row), b = Second(row), m = (a + b) / 2;
    const double k = std::max(a, 1 - a) >= 0.8 ? a : m;
    const double l = std::max(b, 1 - b) >= 0.9 ? b : k;
    return Row{(((l + k) + m) + a) / 4};
  });
  for (const auto& [name, member] : world.members) member->asked = 0;
  std::vector<double> scores(64);
  ASSERT_TRUE(engine->Score(RandomRows(64), Output::kPrediction, scores));
  EXPECT_EQ(world.members.at("a")->asked, 64U);
  EXPECT_EQ(world.members.at("b")->asked, 64U);
}

TEST(GraphEngine, NamesTheRowThatAMemberRefuses) {
  const World world;
  const auto engine = world.Make(R"("answer": {"cascade": ["a", "b"], "confidence": 0.999})").value();
  data::Batch rows(data::Schema{{{"x", data::Type::kFloat64}, {"y", data::Type::kFloat64}}});
  for (std::size_t r = 0; r < 5000; ++r) {
    rows.column(0).AppendDouble(r == 4711 ? FakeEngine::kRefused : 0);
    rows.column(1).AppendDouble(0);
  }
  std::vector<double> scores(5000);
  const Status scored = engine->Score(rows, Output::kPrediction, scores);
  ASSERT_FALSE(scored);
  EXPECT_EQ(scored.error().message, "node a, row 4711 of the request: row 0: refused");
  scores.resize(1);
  EXPECT_EQ(engine->Score(rows.Slice(4711, 1), Output::kPrediction, scores).error().message, "node a: row 0: refused");
}

TEST(GraphEngine, SaysWhatItIsMadeOf) {
  const World world;
  const auto engine = world.Make(R"("b": {"model": "B", "inputs": {"y": "speed"}}, "answer": {"cascade": ["a", "b"], "confidence": 1})").value();
  EXPECT_EQ(engine->inputs(), (std::vector<std::string>{"x", "y", "speed"}));
  EXPECT_EQ(engine->exactness(), Exactness::kExact);
  EXPECT_EQ(engine->Describe().StringOr("engine", ""), "graph");
  EXPECT_EQ(world.Make(R"("answer": {"mean": ["a", "b"]})").value()->exactness(), Exactness::kBounded);
  EXPECT_TRUE(world.Make(R"("answer": {"mean": ["p", "q"]})").value()->predicts_classes());
  EXPECT_FALSE(world.Make(R"("answer": {"vote": ["p", "q"]})").value()->predicts_classes());
}

TEST(GraphEngine, RefusesWhatDoesNotFitByName) {
  World world;
  const auto error = [&](const std::string& nodes) {
    const auto made = world.Make(nodes);
    return made ? "" : made.error().message;
  };
  EXPECT_EQ(error(R"("answer": {"mean": ["a", "p"]})"), "node.answer: a has 1 outputs, p has 3");
  EXPECT_EQ(error(R"("answer": {"model": "B", "inputs": {"z": "x"}})"), "node.answer.inputs.z: the model reads no such column; it reads x, y");
  EXPECT_EQ(error(R"("answer": {"model": "B", "inputs": {"x": "p"}})"), "node.answer.inputs.x: p has 3 outputs; name one, such as p.0");
  EXPECT_EQ(error(R"("answer": {"model": "B", "inputs": "p"})"), "node.answer.inputs: p has 3 outputs, the model reads 2 columns");
  EXPECT_EQ(error(R"("answer": {"apply": "p.7"})"), "node.answer: p has no output 7; it has 3 (0 to 2)");
  EXPECT_EQ(error(R"("answer": {"apply": "p.b"})"), "node.answer: p has no output b; it has 3 (0 to 2)");
  EXPECT_EQ(error(R"("answer": {"apply": "n"}, "n": {"model": "ABSENT"})"), "node.n: there is no model for it");
  world.members["p"]->names = {"no", "yes", "maybe"};
  world.members["q"]->names = {"yes", "no", "maybe"};
  EXPECT_EQ(error(R"("answer": {"mean": ["p", "q"]})"), "node.answer: the outputs of p are no, yes, maybe, those of q are yes, no, maybe");
  EXPECT_EQ(error(R"("answer": {"apply": "p.yes"})"), "");
  world.members["q"]->names = {};
  world.members["q"]->is_classifier = false;
  EXPECT_EQ(error(R"("answer": {"vote": ["p", "q"]})"), "node.answer: 3 numbers a row that are no classes' probabilities have no vote");
  EXPECT_EQ(error(R"("answer": {"cascade": ["p", "q"], "confidence": 0.5})"),
            "node.answer: 3 numbers a row that are no classes' probabilities have no confidence");
  EXPECT_EQ(error(R"("answer": {"mean": ["p", "q"]})"), "");
}

TEST(GraphEngine, RefusesMoreOutputsThanItsLimit) {
  World world;
  world.members["p"] = std::make_shared<FakeEngine>(std::vector<std::string>{"x"}, 4000, [](const Row&) { return Row(4000); });
  EXPECT_TRUE(world.Make(R"("p": {"model": "P"})", "p"));
  const auto refused = world.Make(R"("answer": {"mean": ["p"]})");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("graph_outputs_max"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace sw::model
