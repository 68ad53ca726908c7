#include <algorithm>
#include <utility>

#include "feature/expression_program.h"

namespace sw::feature {
namespace {

using data::Type;
using Kind = Syntax::Kind;

template <typename... T>
struct Overloaded : T... {
  using T::operator()...;
};

data::Column OneRow(const Literal& literal) {
  const auto made = [](Type type, auto append) {
    data::Column column(type);
    append(column);
    return column;
  };
  return std::visit(
      Overloaded{
          [&](std::monostate) {
            return made(Type::kFloat64, [](auto& column) { column.AppendNull(); });
          },
          [&](bool value) {
            return made(Type::kBool, [&](auto& column) { column.AppendBool(value); });
          },
          [&](std::int64_t value) {
            return made(Type::kInt64, [&](auto& column) { column.AppendInt(value); });
          },
          [&](double value) {
            return made(Type::kFloat64, [&](auto& column) { column.AppendDouble(value); });
          },
          [&](const std::string& value) {
            return made(Type::kString, [&](auto& column) { column.AppendString(value); });
          },
      },
      literal);
}

std::string_view TypeOf(const Node& node) {
  return node.is_untyped_null ? "null" : data::TypeName(node.type);
}

bool IsTextLiteral(const Node& node) {
  return node.kind == Kind::kLiteral && node.type == Type::kString && !node.literal.IsNull(0);
}

Node CastOf(Node node, Type to, bool is_lenient) {
  Node cast{.kind = Kind::kCast, .place = node.place, .type = to, .is_lenient = is_lenient};
  cast.parts.push_back(std::move(node));
  return cast;
}

class Compiler {
 public:
  explicit Compiler(const data::Schema& schema) : schema_(schema) {}

  Result<Node> Compile(const Syntax& syntax) {
    switch (syntax.kind) {
      case Kind::kLiteral:
        return OfLiteral(syntax);
      case Kind::kColumn:
        return OfColumn(syntax);
      case Kind::kCast:
        return OfCast(syntax);
      default:
        break;
    }
    Node node{.kind = syntax.kind, .place = syntax.place};
    for (const Syntax& part : syntax.parts) node.parts.push_back(SW_TRY(Compile(part)));
    switch (syntax.kind) {
      case Kind::kCall:
        return OfCall(syntax, std::move(node));
      case Kind::kCase:
        return OfCase(syntax, std::move(node));
      case Kind::kCoalesce:
        SW_TRY(Unify(node, 0, 1));
        return node;
      default:
        return OfLogic(std::move(node));
    }
  }

  std::vector<data::Field> TakeColumns() { return std::move(columns_); }

 private:
  static Node OfLiteral(const Syntax& syntax) {
    Node node{.kind = Kind::kLiteral, .place = syntax.place};
    node.literal = OneRow(syntax.literal);
    node.type = node.literal.type();
    node.is_untyped_null = std::holds_alternative<std::monostate>(syntax.literal);
    return node;
  }

  Result<Node> OfColumn(const Syntax& syntax) {
    const auto index = schema_.Find(syntax.name);
    if (!index) {
      std::vector<std::string> names;
      for (const data::Field& field : schema_.fields) names.push_back(field.name);
      return ErrorAt(syntax.place, "no column \"{}\"{}", syntax.name,
                     DidYouMean(syntax.name, names));
    }
    const data::Field& field = schema_.fields[*index];
    Node node{.kind = Kind::kColumn, .place = syntax.place, .type = field.type};
    const auto seen = std::ranges::find(columns_, field.name, &data::Field::name);
    node.column = static_cast<std::size_t>(seen - columns_.begin());
    if (seen == columns_.end()) columns_.push_back(field);
    return node;
  }

  Result<Node> OfCast(const Syntax& syntax) {
    Node operand = SW_TRY(Compile(syntax.parts[0]));
    if (operand.is_untyped_null) {
      Adapt(operand, syntax.type);
      return operand;
    }
    if (operand.type == syntax.type) return operand;
    if (!CanCast(operand.type, syntax.type)) {
      return ErrorAt(syntax.place, "no cast from {} to {}", data::TypeName(operand.type),
                     data::TypeName(syntax.type));
    }
    if (operand.kind == Kind::kLiteral && !syntax.is_lenient)
      return Folded(std::move(operand), syntax.type);
    Node cast = CastOf(std::move(operand), syntax.type, syntax.is_lenient);
    cast.place = syntax.place;
    return cast;
  }

  // Casts a literal now, so that a wrong one is found before any row is.
  static Result<Node> Folded(Node literal, Type to) {
    auto column = CastColumn(Value::Constant(literal.literal), 1, to, false);
    if (!column) return ErrorAt(literal.place, "{}", column.error().message);
    literal.literal = *std::move(column);
    literal.type = to;
    return literal;
  }

  Result<Node> OfCall(const Syntax& syntax, Node node) {
    std::vector<std::string> texts(node.parts.size());
    std::vector<Argument> arguments(node.parts.size());
    for (std::size_t i = 0; i < node.parts.size(); ++i) {
      const Node& part = node.parts[i];
      if (!part.is_untyped_null) arguments[i].type = part.type;
      if (!IsTextLiteral(part)) continue;
      texts[i] = part.literal.String(0);
      arguments[i].text = &texts[i];
    }
    node.signature = SW_TRY(Resolve(syntax, arguments));
    node.type = node.signature->result;
    for (std::size_t i = 0; i < node.parts.size(); ++i) {
      const auto wanted = ParameterType(*node.signature, i);
      if (wanted) SW_TRY(MakeFit(node.parts[i], *wanted));
    }
    SW_TRY(SettleZone(node));
    return node;
  }

  // After Resolve, only an int64 for a float64 and a text for a timestamp are left to convert.
  static Status MakeFit(Node& node, Type wanted) {
    if (Adapt(node, wanted)) return Ok();
    node = SW_TRY(Folded(std::move(node), wanted));
    return Ok();
  }

  static Status SettleZone(Node& node) {
    if (!node.signature->parameters.ends_with('z') || !IsTextLiteral(node.parts.back()))
      return Ok();
    auto zone = TimeZone::Find(node.parts.back().literal.String(0));
    if (!zone) return ErrorAt(node.parts.back().place, "{}", zone.error().message);
    node.zone = *std::move(zone);
    return Ok();
  }

  static Result<Node> OfLogic(Node node) {
    const std::string_view word = node.kind == Kind::kAnd ? "and" : "or";
    for (Node& part : node.parts) {
      if (!Adapt(part, Type::kBool))
        return ErrorAt(part.place, "{} takes bool, found {}", word, TypeOf(part));
    }
    node.type = Type::kBool;
    return node;
  }

  static Result<Node> OfCase(const Syntax& syntax, Node node) {
    const std::size_t first = syntax.has_operand ? 1 : 0;
    if (syntax.has_operand) SW_TRY(SettleOperand(syntax, node));
    for (std::size_t i = first; i + 1 < node.parts.size() && !syntax.has_operand; i += 2) {
      if (Adapt(node.parts[i], Type::kBool)) continue;
      return ErrorAt(node.parts[i].place, "a condition is bool, found {}", TypeOf(node.parts[i]));
    }
    SW_TRY(Unify(node, first + 1, 2));
    return node;
  }

  // case x when a then ...: x and all of the candidates get the type that they compare by.
  static Status SettleOperand(const Syntax& syntax, Node& node) {
    Type type = node.parts[0].type;
    for (std::size_t i = 1; i + 1 < node.parts.size(); i += 2) {
      if (!node.parts[i].is_untyped_null && node.parts[i].type == Type::kFloat64)
        type = Type::kFloat64;
    }
    for (std::size_t i = 0; i + 1 < node.parts.size(); i += i == 0 ? 1 : 2) {
      if (Adapt(node.parts[i], type)) continue;
      return ErrorAt(node.parts[i].place,
                     "case compares {} with {}; convert with cast(value as type)",
                     data::TypeName(type), TypeOf(node.parts[i]));
    }
    const Syntax comparison{.kind = Kind::kCall, .place = syntax.place, .name = "="};
    const Argument sides[] = {{.type = type}, {.type = type}};
    node.equal = SW_TRY(Resolve(comparison, sides));
    return Ok();
  }

  // Gives parts first, first + step, ... and the last one a common type, which becomes the node's.
  static Status Unify(Node& node, std::size_t first, std::size_t step) {
    std::vector<Node*> values;
    for (std::size_t i = first; i < node.parts.size(); i += step) values.push_back(&node.parts[i]);
    if (values.back() != &node.parts.back()) values.push_back(&node.parts.back());
    std::optional<Type> type;
    for (const Node* value : values) {
      if (value->is_untyped_null) continue;
      const bool widens = type == Type::kInt64 && value->type == Type::kFloat64;
      if (!type || widens) type = value->type;
    }
    node.is_untyped_null = !type;
    node.type = type.value_or(Type::kFloat64);
    for (Node* value : values) {
      if (node.is_untyped_null || Adapt(*value, node.type)) continue;
      return ErrorAt(value->place,
                     "this value is {}, another branch's {}; convert with cast(value as type)",
                     data::TypeName(value->type), data::TypeName(node.type));
    }
    return Ok();
  }

  const data::Schema& schema_;
  std::vector<data::Field> columns_;
};

}  // namespace

bool Adapt(Node& node, Type wanted) {
  if (node.is_untyped_null) {
    // A case or coalesce of nothing but nulls is a null itself.
    node = Node{.kind = Kind::kLiteral,
                .place = node.place,
                .type = wanted,
                .literal = data::Column(wanted)};
    node.literal.AppendNull();
    return true;
  }
  if (node.type == wanted) return true;
  if (node.type != Type::kInt64 || wanted != Type::kFloat64) return false;
  node = CastOf(std::move(node), wanted, false);
  return true;
}

Expression::Expression(std::shared_ptr<const Program> program)
    : program_(std::move(program)), type_(program_->root.type) {
  for (const data::Field& field : program_->columns) columns_.push_back(field.name);
}

Result<Expression> Expression::Compile(std::string_view text, const data::Schema& schema) {
  const Syntax syntax = SW_TRY(ParseExpression(text));
  Compiler compiler(schema);
  Node root = SW_TRY(compiler.Compile(syntax));
  if (root.is_untyped_null) {
    return ErrorAt(root.place, "is always null; give it a type, as in cast(null as float64)");
  }
  return Expression(
      std::make_shared<const Program>(Program{std::move(root), compiler.TakeColumns()}));
}

}  // namespace sw::feature
