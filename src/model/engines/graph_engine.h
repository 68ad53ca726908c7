// GraphEngine: scores a Graph, each node once a row and only for the rows that need it.
//
//   auto engine = SW_TRY(MakeGraphEngine(graph, {{"cheap", cheap}, {"strong", strong}}));
//
// Its inputs are the columns of the request that its nodes read. Raw scores are the predictions. Its class of
// exactness is the weakest of its members', and bounded where a mean or steps round their predictions further.
// Thread-safe; it may block where a member does.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "model/engine.h"
#include "model/graph.h"

namespace sw::model {

// One of several predictions has the names that the engine says.
using GraphMembers = std::map<std::string, std::shared_ptr<const Engine>>;  // by the node's name

// INVALID_ARGUMENT names the node: what CheckGraph() refuses, an output or a column that is not there, nodes of
// different outputs combined, numbers that are no classes' in a vote or a cascade.
Result<std::unique_ptr<Engine>> MakeGraphEngine(Graph graph, GraphMembers members);

}  // namespace sw::model
