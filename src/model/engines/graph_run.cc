#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/errors.h"
#include "model/engines/graph_program.h"

namespace sw::model {
namespace {

using Kind = GraphNode::Kind;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

data::Column Taken(const data::Column& column, std::span<const std::size_t> rows) {
  data::Column taken(column.type());
  taken.Reserve(rows.size());
  for (const std::size_t row : rows) taken.AppendFrom(column, row);
  return taken;
}

}  // namespace

GraphRun::GraphRun(const GraphProgram& program, const data::Batch& rows, std::size_t count, std::size_t first_row)
    : program_(program), rows_(rows), count_(count), first_row_(first_row), values_(program.nodes.size()),
      done_(program.nodes.size()) {}

Status GraphRun::Need(std::uint32_t node, Rows rows) {
  if (done_[node].empty()) {
    done_[node].resize(count_);
    values_[node].resize(count_ * program_.nodes[node].width);
  }
  std::vector<std::size_t> missing;
  missing.reserve(rows.size());
  for (const std::size_t row : rows) {
    if (done_[node][row] == 0) missing.push_back(row);
  }
  if (missing.empty()) return Ok();
  SW_TRY(Compute(node, missing));
  for (const std::size_t row : missing) done_[node][row] = 1;
  return Ok();
}

Status GraphRun::Compute(std::uint32_t place, Rows rows) {
  const GraphProgram::Node& node = program_.nodes[place];
  std::vector<double>& values = values_[place];
  switch (node.kind) {
    case Kind::kModel: return ComputeModel(node, rows, values);
    case Kind::kMean: return ComputeMean(node, rows, values);
    case Kind::kVote: return ComputeVote(node, rows, values);
    case Kind::kCascade: return ComputeCascade(node, rows, values);
    case Kind::kApply: return ComputeApply(node, rows, values);
  }
  return Ok();
}

Status GraphRun::NeedSources(const GraphProgram::Node& node, Rows rows) {
  for (std::size_t i = 0; i < node.sources.size(); ++i) {
    const std::uint32_t from = node.sources[i].node;
    const bool is_known = from == GraphProgram::kRequest || (i > 0 && node.sources[i - 1].node == from);
    if (!is_known) SW_TRY(Need(from, rows));
  }
  return Ok();
}

// The member's columns, as it calls them.
Result<data::Batch> GraphRun::MemberRows(const GraphProgram::Node& node, Rows rows) const {
  data::Batch batch;
  for (std::size_t i = 0; i < node.sources.size(); ++i) {
    const std::string& name = node.member->inputs()[i];
    if (batch.Find(name) != nullptr) continue;  // a model may read a column twice
    const GraphProgram::Source& source = node.sources[i];
    if (source.node == GraphProgram::kRequest) {
      const data::Column* column = SW_TRY(rows_.Get(program_.inputs[source.place], "the model's input"));
      batch.AddColumn({name, column->type()}, rows.size() == count_ ? *column : Taken(*column, rows));
      continue;
    }
    data::Column column(data::Type::kFloat64);
    column.Reserve(rows.size());
    for (const std::size_t row : rows) column.AppendDouble(RowOf(source.node, row)[source.place]);
    batch.AddColumn({name, data::Type::kFloat64}, std::move(column));
  }
  return batch;
}

// A member counts the rows that it was given: says which row of the request it was that it refuses.
Error GraphRun::Locate(const GraphProgram::Node& node, Rows rows, const data::Batch& batch, Error error) const {
  const bool is_renumbered = first_row_ != 0 || rows.size() != count_;
  if (is_renumbered && error.code == ErrorCode::kInvalidArgument && !node.member->blocks()) {
    std::vector<double> scores(node.width);
    for (std::size_t i = 0; i < batch.num_rows(); ++i) {
      const Status scored = node.member->Score(batch.Slice(i, 1), node.raw ? Output::kRaw : Output::kPrediction, scores);
      if (scored) continue;
      return Error(scored.error()).Within(fmt::format("node {}, row {} of the request", node.name, first_row_ + rows[i]));
    }
  }
  return std::move(error).Within(fmt::format("node {}", node.name));
}

Status GraphRun::ComputeModel(const GraphProgram::Node& node, Rows rows, std::vector<double>& values) {
  SW_TRY(NeedSources(node, rows));
  const Output output = node.raw ? Output::kRaw : Output::kPrediction;
  const bool is_all = rows.size() == count_;
  if (node.reads_request && is_all) {
    auto scored = node.member->Score(rows_, output, values);
    return scored ? Ok() : std::unexpected(Locate(node, rows, rows_, std::move(scored).error()));
  }
  auto batch = MemberRows(node, rows);
  if (!batch) return std::unexpected(std::move(batch).error().Within(fmt::format("node {}", node.name)));
  std::vector<double> some(rows.size() * node.width);
  if (auto scored = node.member->Score(*batch, output, some); !scored) {
    return std::unexpected(Locate(node, rows, *batch, std::move(scored).error()));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(&some[i * node.width], node.width, &values[rows[i] * node.width]);
  return Ok();
}

Status GraphRun::ComputeMean(const GraphProgram::Node& node, Rows rows, std::vector<double>& values) {
  double total = 0;
  for (std::size_t m = 0; m < node.of.size(); ++m) {
    SW_TRY(Need(node.of[m], rows));
    total += node.weights.empty() ? 1 : node.weights[m];
  }
  for (const std::size_t row : rows) {
    for (std::size_t k = 0; k < node.width; ++k) {
      double sum = 0;
      for (std::size_t m = 0; m < node.of.size(); ++m) {
        const double x = RowOf(node.of[m], row)[k];
        const double term = node.weights.empty() ? x : node.weights[m] * x;
        sum = m == 0 ? term : sum + term;  // the first as it is: 0 + -0 is 0
      }
      values[row * node.width + k] = sum / total;
    }
  }
  return Ok();
}

Status GraphRun::ComputeVote(const GraphProgram::Node& node, Rows rows, std::vector<double>& values) {
  for (const std::uint32_t member : node.of) SW_TRY(Need(member, rows));
  const std::size_t width = program_.nodes[node.of.front()].width;
  std::vector<int> votes(std::max<std::size_t>(2, width));
  for (const std::size_t row : rows) {
    std::ranges::fill(votes, 0);
    bool is_missing = false;
    for (const std::uint32_t member : node.of) {
      const int chosen = ChosenClass(RowOf(member, row), width);
      if (chosen < 0) {
        is_missing = true;
      } else {
        ++votes[static_cast<std::size_t>(chosen)];
      }
    }
    const auto most = std::ranges::max_element(votes) - votes.begin();  // the first of them
    values[row] = is_missing ? kMissing : static_cast<double>(most);
  }
  return Ok();
}

// Each node is asked only for the rows of which none before it was sure.
Status GraphRun::ComputeCascade(const GraphProgram::Node& node, Rows rows, std::vector<double>& values) {
  std::vector<std::size_t> left(rows.begin(), rows.end());
  for (std::size_t m = 0; m < node.of.size() && !left.empty(); ++m) {
    SW_TRY(Need(node.of[m], left));
    std::vector<std::size_t> unsure;
    for (const std::size_t row : left) {
      const double* scores = RowOf(node.of[m], row);
      const bool is_last = m + 1 == node.of.size();
      if (is_last || Confidence(scores, node.width) >= node.confidence[m]) {
        std::copy_n(scores, node.width, &values[row * node.width]);
      } else {
        unsure.push_back(row);
      }
    }
    left = std::move(unsure);
  }
  return Ok();
}

Status GraphRun::ComputeApply(const GraphProgram::Node& node, Rows rows, std::vector<double>& values) {
  SW_TRY(NeedSources(node, rows));
  for (std::size_t k = 0; k < node.width; ++k) {
    const GraphProgram::Source& source = node.sources[k];
    const data::Column* column = nullptr;
    if (source.node == GraphProgram::kRequest) {
      const std::string& name = program_.inputs[source.place];
      column = SW_TRY(rows_.Get(name, "the model's input"));
      if (column->type() == data::Type::kString && column->null_count() < column->size()) {
        return InvalidArgument("node {}: {} must be a number, found string", node.name, name);
      }
    }
    for (const std::size_t row : rows) {
      double x = column != nullptr ? column->AsDouble(row) : RowOf(source.node, row)[source.place];
      for (const GraphStep& step : node.steps) x = ApplyStep(step, x);
      values[row * node.width + k] = x;
    }
  }
  return Ok();
}

}  // namespace sw::model
