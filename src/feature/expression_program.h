// A compiled expression: the tree with its types, signatures and literals settled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "feature/expression.h"
#include "feature/expression_functions.h"
#include "feature/expression_syntax.h"
#include "feature/time_zone.h"

namespace sw::feature {

struct Node {
  Syntax::Kind kind = Syntax::Kind::kLiteral;
  Place place{};
  data::Type type = data::Type::kBool;
  bool is_untyped_null = false;             // a bare null, until something gives it a type
  data::Column literal{data::Type::kBool};  // kLiteral: one row
  std::size_t column = 0;                   // kColumn: of Program::columns
  const Signature* signature = nullptr;     // kCall
  std::optional<TimeZone> zone{};           // kCall: the literal one
  bool is_lenient = false;                  // kCast
  const Signature* equal = nullptr;         // kCase with an operand: what compares it
  std::vector<Node> parts{};                // as in Syntax
};

struct Expression::Program {
  Node root;
  std::vector<data::Field> columns;
};

// Gives a bare null its type, widens int64 to float64. False where the node has another type.
bool Adapt(Node& node, data::Type wanted);

}  // namespace sw::feature
