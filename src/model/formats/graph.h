// A graph as a table of TOML or an object of JSON, which have the same members:
//
//   [node.cheap]
//   model = "cheap.txt"                    # in a package: the member's id
//   [node.strong]
//   model = "strong.ubj"
//   inputs = { speed = "wind_speed", p = "cheap" }
//   [node.answer]
//   cascade = ["cheap", "strong"]
//   confidence = 0.9
//
// docs/models.md, "Pipelines of models", says what each member means. Hostile input.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "model/graph.h"

namespace sw::model {

inline constexpr std::size_t kGraphBytesMax = 1u << 20;  // limit graph_bytes_max

// INVALID_ARGUMENT begins with the key that is wrong: "node.answer.confidence: expected ...". Checked.
Result<Graph> ParseGraphTable(const Json& table);
// The same of text, as a package keeps it.
Result<Graph> ParseGraph(std::string_view json);
// What ParseGraph reads back as the same graph.
Json GraphToJson(const Graph& graph);

}  // namespace sw::model
