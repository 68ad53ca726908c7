// GraphFile: a graph of models as a TOML file, with its members made packages.
//
//   const StoredGraph graph = SW_TRY(ReadGraph(settings, {.model = "graph.toml"}));
//   auto engine = SW_TRY(model::LoadGraph(graph.stored.bytes, graph.members.Get(), engines));
//
// Members are named from the file's folder. What a member's package is made of is embedded: nothing outside
// is needed to score. Blocks. Values.
#pragma once

#include <string>
#include <vector>

#include "app/library_scores.h"
#include "app/package_builder.h"
#include "app/settings.h"
#include "base/result.h"
#include "model/graph.h"
#include "model/map_blobs.h"
#include "model/model_reader.h"
#include "model/package.h"

namespace sw::app {

struct StoredGraph {
  model::StoredModel stored;  // format "graph"; the request's columns, as members know them; whence members come
  model::Graph graph;
  model::MapBlobs members;  // as PackageContent's
};

// True for NAME.toml, and for a folder with a graph.toml.
bool IsGraph(const std::string& path);

// Builds a package of every member that is a model file. An error begins with file, line and node.
Result<StoredGraph> ReadGraph(const Settings& settings, const BuildRequest& request);

// The graph's members for their libraries, with rows for golden rows: `chosen`, or as many of these as a
// member without a library at hand has golden rows of its own, with those rows' columns.
struct GraphGolden {
  data::Batch inputs;
  std::vector<LibraryMember> members;
  std::string why_none = {};  // why there can be no golden rows; "" when there can
};
Result<GraphGolden> PrepareGolden(const StoredGraph& graph, const model::EngineOptions& engines, const data::Batch& chosen);

// The same of these rows only.
GraphGolden TakeRows(const GraphGolden& golden, const std::vector<std::size_t>& rows);

}  // namespace sw::app
