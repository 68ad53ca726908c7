#include "model/formats/graph.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace sw::model {
namespace {

std::string ErrorOf(std::string_view nodes) {
  const auto graph = ParseGraph(fmt::format(R"({{"node":{{{}}}}})", nodes));
  return graph ? "" : graph.error().message;
}

TEST(GraphFormat, IsReadAndComesBackAsItWasWritten) {
  const Graph graph = ParseGraph(R"({"graph": {"output": "answer"}, "node": {
      "pre": {"model": "p"},
      "cheap": {"model": "c", "inputs": {"x": "pre.scaled", "y": "wind.speed"}},
      "strong": {"model": "s", "inputs": "pre", "output": "raw"},
      "sure": {"apply": "strong", "steps": [{"op": "clip", "min": -9}, {"op": "linear", "slope": 1.5, "intercept": -0.25},
                                            {"op": "sigmoid"}, {"op": "threshold", "at": 0.5}]},
      "both": {"mean": ["cheap", "sure"], "weights": [1, 3]},
      "answer": {"cascade": ["cheap", "both", "sure"], "confidence": 0.9}}})").value();
  EXPECT_EQ(graph.output, "answer");
  EXPECT_EQ(graph.nodes[1].inputs[0].second, (GraphSource{.node = "pre", .name = "scaled"}));
  EXPECT_EQ(graph.nodes[1].inputs[1].second, (GraphSource{.name = "wind.speed"})) << "no node is called wind";
  EXPECT_EQ(graph.nodes[2].inputs_of, "pre");
  EXPECT_TRUE(graph.nodes[2].raw);
  EXPECT_EQ(graph.nodes[3].steps[1], (GraphStep{.op = GraphStep::Op::kLinear, .a = 1.5, .b = -0.25}));
  EXPECT_EQ(graph.nodes[5].confidence, (std::vector{0.9, 0.9}));
  EXPECT_EQ(ParseGraph(GraphToJson(graph).Dump()).value(), graph);
}

TEST(GraphFormat, AnswersByTheOnlyNodeThatNobodyReads) {
  EXPECT_EQ(ParseGraph(R"({"node": {"b": {"mean": ["a"]}, "a": {"model": "m"}}})").value().output, "b");
  EXPECT_EQ(ErrorOf(R"("a": {"model": "m"}, "b": {"model": "m"})"), "graph.output: which of a, b is the answer?");
}

TEST(GraphFormat, RefusesByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("a": {"mean": ["b"]}, "b": {"mean": ["a"]})", "node: every node is read by another, so that none is the answer"},
      {R"("a": {"mean": ["b", "c"]}, "b": {"mean": ["d"]}, "c": {"model": "m"}, "d": {"vote": ["b"]})",
       "node.b: it reads itself: b reads d reads b"},
      {R"("a": {"mean": ["a"]}, "b": {"mean": ["a"]})", "node.a: it reads itself: a reads a"},
      {R"("a": {"mean": ["nobody"]})", "node.a: nobody is no node; mean, vote and cascade combine whole nodes"},
      {R"("a": {"model": "m", "inputs": "nobody"})", "node.a: there is no node nobody"},
      {R"("a": {"mean": []})", "node.a: it combines no nodes"},
      {R"("a": {"mean": ["b.0"]}, "b": {"model": "m"})", "node.a: b.0 is no node; mean, vote and cascade combine whole nodes"},
      {R"("a": {"model": 3})", "node.a.model: expected a text, found integer"},
      {R"("a": {"model": ""})", "node.a.model: expected a text, found an empty one"},
      {R"("a": 3)", "node.a: needs model, mean, vote, cascade or apply"},
      {R"("a": {"model": "m", "mean": ["a"]})", "node.a.mean: is unknown here; known: model, inputs, output"},
      {R"("a": {"model": "m", "output": "class"})", "node.a.output: expected prediction or raw, found class"},
      {R"("a": {"mean": ["b"], "weights": [1, 2]}, "b": {"model": "m"})", "node.a.weights: 2 weights for 1 nodes"},
      {R"("a": {"mean": ["b"], "weights": [0]}, "b": {"model": "m"})", "node.a.weights: expected finite numbers from 0 up, not all 0"},
      {R"("a": {"mean": ["b", "b"], "weights": [2, -1]}, "b": {"model": "m"})",
       "node.a.weights: expected finite numbers from 0 up, not all 0"},
      {R"("a": {"cascade": ["b", "b"]}, "b": {"model": "m"})",
       "node.a.confidence: 0 numbers for 2 nodes; one for each but the last, or one for all"},
      {R"("a": {"cascade": ["b", "b"], "confidence": 1.5}, "b": {"model": "m"})", "node.a.confidence: expected 0 to 1, found 1.5"},
      {R"("a": {"apply": "b", "steps": [{"op": "sqrt"}]}, "b": {"model": "m"})",
       "node.a.steps[0].op: sqrt is unknown; clip, linear, log, exp, logit, sigmoid and threshold are known"},
      {R"("a": {"apply": "b", "steps": [{"op": "log", "base": 2}]}, "b": {"model": "m"})",
       "node.a.steps[0].base: is unknown here; known: op"},
      {R"("a": {"apply": "b", "steps": [{"op": "threshold"}]}, "b": {"model": "m"})", "node.a.steps[0]: threshold needs at"},
      {R"("a": {"apply": "b", "steps": [{"op": "clip", "min": 2, "max": 1}]}, "b": {"model": "m"})",
       "node.a.steps: 2 and 1 are no numbers for such a step"},
      {R"("a.b": {"model": "m"})", "node: a node's name is 1 to 64 letters, digits, _ and -, found \"a.b\""},
  };
  for (const auto& [nodes, error] : cases) EXPECT_EQ(ErrorOf(nodes), error) << nodes;
  EXPECT_EQ(ParseGraph(R"({"node": {}})").error().message, "node: every node is read by another, so that none is the answer");
  EXPECT_EQ(ParseGraph(R"({"nodes": {}})").error().message, "nodes: is unknown in a graph; graph and node are known");
  EXPECT_EQ(ParseGraph(R"([])").error().message, "graph: expected a table, found array");
  EXPECT_EQ(ParseGraph(R"({"graph": {"output": "x"}, "node": {"a": {"model": "m"}}})").error().message, "graph.output: there is no node x");
  EXPECT_EQ(ParseGraph(R"({"graph": {"output": "a"}, "node": {"a": {"model": "m"}, "b": {"model": "m"}}})").error().message,
            "node.b: the answer of a does not depend on it");
}

TEST(GraphFormat, RefusesWhatIsTooLargeByItsLimit) {
  std::string chain = R"("n0": {"model": "m"})", wide = chain;
  for (int i = 1; i < 17; ++i) {
    EXPECT_EQ(ErrorOf(chain), "") << i;
    chain += fmt::format(R"(, "n{}": {{"mean": ["n{}"]}})", i, i - 1);
  }
  EXPECT_NE(ErrorOf(chain).find("graph_depth_max"), std::string::npos) << ErrorOf(chain);
  for (int i = 1; i < 65; ++i) wide += fmt::format(R"(, "n{}": {{"model": "m"}})", i);
  EXPECT_NE(ParseGraph(fmt::format(R"({{"graph": {{"output": "n0"}}, "node": {{{}}}}})", wide)).error().message.find("graph_nodes_max"),
            std::string::npos);
  EXPECT_NE(ParseGraph(std::string(kGraphBytesMax + 1, ' ')).error().message.find("graph_bytes_max"), std::string::npos);
  std::string steps = R"({"op": "exp"})", sources = R"("x")";
  for (int i = 0; i < 32; ++i) steps += R"(, {"op": "exp"})";
  for (int i = 0; i < 4096; ++i) sources += R"(, "x")";
  EXPECT_NE(ErrorOf(fmt::format(R"("a": {{"apply": "x", "steps": [{}]}})", steps)).find("graph_steps_max"), std::string::npos);
  EXPECT_NE(ErrorOf(fmt::format(R"("a": {{"apply": [{}]}})", sources)).find("graph_sources_max"), std::string::npos);
}

}  // namespace
}  // namespace sw::model
