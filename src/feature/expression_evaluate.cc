#include <numeric>
#include <utility>

#include "feature/expression_program.h"

namespace sw::feature {
namespace {

using data::Type;
using Kind = Syntax::Kind;
using Rows = std::vector<std::size_t>;

// Evaluates a tree over some rows of a batch. Branches are evaluated over the rows that reach them
// and no others, so that what is not needed cannot fail.
class Evaluator {
 public:
  Evaluator(std::vector<const data::Column*> columns, std::size_t rows)
      : columns_(std::move(columns)), batch_rows_(rows) {}

  // `rows` null: all of the batch.
  Result<Value> Evaluate(const Node& node, const Rows* rows) const {
    if (CountOf(rows) == 0) return Value(data::Column(node.type));
    switch (node.kind) {
      case Kind::kLiteral:
        return Value::Constant(node.literal);
      case Kind::kColumn:
        return OfColumn(node, rows);
      case Kind::kCall:
        return OfCall(node, rows);
      case Kind::kCast:
        return OfCast(node, rows);
      case Kind::kAnd:
      case Kind::kOr:
        return OfLogic(node, rows);
      case Kind::kCase:
      case Kind::kCoalesce:
        break;
    }
    return OfBranches(node, rows);
  }

 private:
  std::size_t CountOf(const Rows* rows) const {
    return rows != nullptr ? rows->size() : batch_rows_;
  }

  std::unexpected<Error> Failed(const Node& node, const Rows* rows, const RowError& error) const {
    const std::size_t row = rows != nullptr ? (*rows)[error.row] : error.row;
    return InvalidArgument("row {}: line {}, column {}: {}", row, node.place.line,
                           node.place.column, error.message);
  }

  Value OfColumn(const Node& node, const Rows* rows) const {
    const data::Column& column = *columns_[node.column];
    if (rows == nullptr) return Value::Borrow(column);
    data::Column taken(column.type());
    taken.Reserve(rows->size());
    for (const std::size_t row : *rows) taken.AppendFrom(column, row);
    return Value(std::move(taken));
  }

  Result<Value> OfCall(const Node& node, const Rows* rows) const {
    std::vector<Value> arguments;
    bool is_constant = true;
    for (const Node& part : node.parts) {
      arguments.push_back(SW_TRY(Evaluate(part, rows)));
      is_constant = is_constant && arguments.back().is_constant();
    }
    const TimeZone* zone = node.zone ? &*node.zone : nullptr;
    auto column = node.signature->compute({arguments, is_constant ? 1 : CountOf(rows), zone});
    if (!column) return Failed(node, rows, column.error());
    return Value(*std::move(column), is_constant);
  }

  Result<Value> OfCast(const Node& node, const Rows* rows) const {
    const Value operand = SW_TRY(Evaluate(node.parts[0], rows));
    const std::size_t count = operand.is_constant() ? 1 : CountOf(rows);
    auto column = CastColumn(operand, count, node.type, node.is_lenient);
    if (!column) return Failed(node, rows, column.error());
    return Value(*std::move(column), operand.is_constant());
  }

  // Three-valued `and` and `or`, from the left: a row that is decided is not looked at again.
  Result<Value> OfLogic(const Node& node, const Rows* rows) const {
    const bool decisive = node.kind == Kind::kOr;  // true decides an `or`, false an `and`
    const std::size_t count = CountOf(rows);
    std::vector<std::uint8_t> is_decided(count, 0), has_null(count, 0);
    Remaining left(rows, count);
    for (const Node& part : node.parts) {
      const Value value = SW_TRY(Evaluate(part, left.rows()));
      const data::Column& column = value.column();
      left.Keep([&](std::size_t position, std::size_t index) {
        const std::size_t at = value.RowOf(index);
        if (column.IsNull(at)) {
          has_null[position] = 1;
        } else if ((column.Int(at) != 0) == decisive) {
          is_decided[position] = 1;
        }
        return is_decided[position] == 0;
      });
    }
    data::Column result(Type::kBool);
    result.Reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (is_decided[i] == 0 && has_null[i] != 0) {
        result.AppendNull();
      } else {
        result.AppendBool(is_decided[i] != 0 ? decisive : !decisive);
      }
    }
    return Value(std::move(result));
  }

  // The rows of a node that no branch has taken yet: as rows of the batch, and as positions in the
  // node's own result.
  class Remaining {
   public:
    Remaining(const Rows* rows, std::size_t count) : rows_(rows), positions_(count) {
      std::iota(positions_.begin(), positions_.end(), std::size_t{0});
    }
    const Rows* rows() const { return rows_; }
    const Rows& positions() const { return positions_; }
    std::size_t RowAt(std::size_t index) const {
      return rows_ != nullptr ? (*rows_)[index] : index;
    }
    // Drops the rows for which keep(position, index among the remaining) is false.
    template <typename F>
    void Keep(F&& keep) {
      Rows kept_rows, kept_positions;
      for (std::size_t i = 0; i < positions_.size(); ++i) {
        if (!keep(positions_[i], i)) continue;
        kept_rows.push_back(RowAt(i));
        kept_positions.push_back(positions_[i]);
      }
      if (kept_positions.size() == positions_.size()) return;
      own_ = std::move(kept_rows);
      positions_ = std::move(kept_positions);
      rows_ = &own_;
    }

   private:
    const Rows* rows_;
    Rows own_;
    Rows positions_;
  };

  // Where each row of a result comes from: a branch's value, and the row in it.
  class Merge {
   public:
    Merge(Type type, std::size_t count) : type_(type), from_(count) {}
    void Add(Value value) { values_.push_back(std::move(value)); }
    const Value& last() const { return values_.back(); }
    void Place(std::size_t position, std::size_t row) {
      from_[position] = {values_.size() - 1, values_.back().RowOf(row)};
    }
    Value Finish() const {
      data::Column result(type_);
      result.Reserve(from_.size());
      for (const auto& [value, row] : from_) result.AppendFrom(values_[value].column(), row);
      return Value(std::move(result));
    }

   private:
    Type type_;
    std::vector<Value> values_;
    std::vector<std::pair<std::size_t, std::size_t>> from_;
  };

  Result<Value> OfBranches(const Node& node, const Rows* rows) const {
    const std::size_t count = CountOf(rows);
    Remaining left(rows, count);
    Merge merge(node.type, count);
    SW_TRY(node.kind == Kind::kCase ? TakeCases(node, rows, left, merge)
                                    : TakeFirstNonNull(node, left, merge));
    merge.Add(SW_TRY(Evaluate(node.parts.back(), left.rows())));
    for (std::size_t i = 0; i < left.positions().size(); ++i) merge.Place(left.positions()[i], i);
    return merge.Finish();
  }

  Status TakeFirstNonNull(const Node& node, Remaining& left, Merge& merge) const {
    for (std::size_t part = 0; part + 1 < node.parts.size(); ++part) {
      merge.Add(SW_TRY(Evaluate(node.parts[part], left.rows())));
      const Value& value = merge.last();
      left.Keep([&](std::size_t position, std::size_t index) {
        const bool is_null = value.column().IsNull(value.RowOf(index));
        if (!is_null) merge.Place(position, index);
        return is_null;
      });
    }
    return Ok();
  }

  Status TakeCases(const Node& node, const Rows* rows, Remaining& left, Merge& merge) const {
    std::optional<Value> operand;
    if (node.equal != nullptr) operand = SW_TRY(Evaluate(node.parts[0], rows));
    for (std::size_t part = operand ? 1 : 0; part + 1 < node.parts.size(); part += 2) {
      const Value condition = SW_TRY(Condition(node, node.parts[part], operand, left));
      Rows taken_rows, taken_positions;
      left.Keep([&](std::size_t position, std::size_t index) {
        const std::size_t at = condition.RowOf(index);
        if (condition.column().IsNull(at) || condition.column().Int(at) == 0) return true;
        taken_rows.push_back(rows != nullptr ? (*rows)[position] : position);
        taken_positions.push_back(position);
        return false;
      });
      merge.Add(SW_TRY(Evaluate(node.parts[part + 1], &taken_rows)));
      for (std::size_t i = 0; i < taken_positions.size(); ++i) merge.Place(taken_positions[i], i);
    }
    return Ok();
  }

  // Whether a branch is taken, for each remaining row.
  Result<Value> Condition(const Node& node, const Node& when, const std::optional<Value>& operand,
                          const Remaining& left) const {
    Value value = SW_TRY(Evaluate(when, left.rows()));
    if (!operand) return value;
    data::Column compared(operand->column().type());
    for (const std::size_t position : left.positions())
      compared.AppendFrom(operand->column(), operand->RowOf(position));
    std::vector<Value> sides;
    sides.emplace_back(std::move(compared));
    sides.push_back(std::move(value));
    auto column = node.equal->compute({sides, left.positions().size(), nullptr});
    if (!column) return Failed(when, left.rows(), column.error());
    return Value(*std::move(column));
  }

  std::vector<const data::Column*> columns_;
  std::size_t batch_rows_;
};

data::Column Repeated(const data::Column& one_row, std::size_t rows) {
  data::Column repeated(one_row.type());
  repeated.Reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) repeated.AppendFrom(one_row, 0);
  return repeated;
}

}  // namespace

Result<data::Column> Expression::Evaluate(const data::Batch& batch) const {
  std::vector<const data::Column*> columns;
  for (const data::Field& field : program_->columns) {
    const data::Column* column = SW_TRY(batch.Get(field.name));
    if (column->type() != field.type) {
      return InvalidArgument("column \"{}\": expected {}, found {}", field.name,
                             data::TypeName(field.type), data::TypeName(column->type()));
    }
    columns.push_back(column);
  }
  Value value =
      SW_TRY(Evaluator(std::move(columns), batch.num_rows()).Evaluate(program_->root, nullptr));
  if (value.is_constant()) return Repeated(value.column(), batch.num_rows());
  return std::move(value).Take();
}

}  // namespace sw::feature
