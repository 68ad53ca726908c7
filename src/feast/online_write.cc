#include "feast/online_write.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/errors.h"
#include "feast/values.h"

namespace sw::feast {
namespace {

constexpr std::int64_t kNanosecondsPerUs = 1'000;
constexpr std::size_t kFeaturesMax = 0xffff;  // of a record

// A frame's columns by the view's names. Views of the frame's Json.
class Columns {
 public:
  // pandas takes lists, and objects of index and value, as DataFrame.to_dict() makes them.
  static Result<Columns> Read(const View& view, const Json& frame) {
    if (!frame.IsObject()) return InvalidArgument("df: expected an object of columns, found {}", frame.TypeName());
    Columns columns;
    for (const auto& [name, values] : frame.AsObject()) {
      std::vector<const Json*>& column = columns.columns_[columns.NameIn(view, name)];
      column.clear();
      if (values.IsArray()) {
        for (const Json& value : values.AsArray()) column.push_back(&value);
      } else if (values.IsObject()) {
        for (const auto& [index, value] : values.AsObject()) column.push_back(&value);
      } else {
        return InvalidArgument("df: column {}: expected a list of values, found {}", name, values.TypeName());
      }
    }
    return columns;
  }

  const std::vector<const Json*>* Find(std::string_view name) const {
    const auto found = columns_.find(name);
    return found == columns_.end() ? nullptr : &found->second;
  }
  Result<const std::vector<const Json*>*> Get(std::string_view name, const View& view) const {
    const auto* column = Find(name);
    if (column != nullptr) return column;
    std::vector<std::string_view> given;
    for (const auto& [other, values] : columns_) given.push_back(other);
    return InvalidArgument("Column {} of feature view {} not found in the data frame, which has {}", name, view.name, given);
  }

  // Feast's remote client sends each join key of a stream view twice a row: every second value is the row's.
  void HalveDoubled(const View& view) {
    std::size_t rows = 0;
    for (const Field& feature : view.features) {
      if (const auto* column = Find(feature.name)) rows = column->size();
    }
    for (const Field& key : view.keys) {
      const auto found = columns_.find(key.name);
      if (found == columns_.end() || rows == 0 || found->second.size() != 2 * rows) continue;
      std::vector<const Json*>& column = found->second;
      bool are_pairs = true;
      for (std::size_t i = 0; i < rows; ++i) are_pairs = are_pairs && *column[2 * i] == *column[2 * i + 1];
      if (!are_pairs) continue;
      for (std::size_t i = 0; i < rows; ++i) column[i] = column[2 * i];
      column.resize(rows);
    }
  }

  Result<std::size_t> CountRows() const {
    std::size_t rows = 0;
    bool is_first = true;
    for (const auto& [name, column] : columns_) {
      if (!is_first && column.size() != rows) return InvalidArgument("df: All arrays must be of the same length; column {} has {}, not {}", name, column.size(), rows);
      rows = column.size();
      is_first = false;
    }
    return rows;
  }

 private:
  static std::string NameIn(const View& view, const std::string& name) {
    if (!view.source) return name;
    const auto mapped = view.source->field_mapping.find(name);
    return mapped == view.source->field_mapping.end() ? name : mapped->second;
  }
  std::map<std::string, std::vector<const Json*>, std::less<>> columns_;
};

// A number is of nanoseconds, as pandas reads it.
Result<TimeUs> TimeOf(const Json& value, std::string_view column) {
  if (value.IsInt()) return value.AsInt() / kNanosecondsPerUs;
  if (value.IsString()) {
    if (const auto time = base::ParseTime(value.AsString())) return *time;
  }
  return InvalidArgument("column {}: {} is no time; give one such as 2024-01-31T12:00:00Z", column, value.Dump().substr(0, 60));
}

const std::vector<const Json*>* CreatedColumn(const View& view, const Columns& columns) {
  if (view.source && !view.source->created_timestamp_column.empty()) {
    if (const auto* column = columns.Find(view.source->created_timestamp_column)) return column;
  }
  return view.Feature("created") == nullptr ? columns.Find("created") : nullptr;  // so the remote client calls it
}

Result<const std::vector<const Json*>*> EventColumn(const View& view, const Columns& columns) {
  const std::string name = view.source && !view.source->timestamp_field.empty() ? view.source->timestamp_field : "event_timestamp";
  if (const auto* column = columns.Find(name)) return column;
  if (const auto* column = columns.Find("event_timestamp")) return column;  // so the remote client calls it
  return columns.Get(name, view);
}

// Where the cells of a view's rows are.
struct Cells {
  std::vector<const std::vector<const Json*>*> keys;
  std::vector<const std::vector<const Json*>*> features;
  const std::vector<const Json*>* event = nullptr;
  const std::vector<const Json*>* created = nullptr;
};

Result<Cells> FindCells(const View& view, const Columns& columns) {
  Cells cells;
  for (const Field& key : view.keys) {
    SW_TRY(CheckKeyType(key));
    cells.keys.push_back(SW_TRY(columns.Get(key.name, view)));
  }
  for (const Field& feature : view.features) cells.features.push_back(SW_TRY(columns.Get(feature.name, view)));
  cells.event = SW_TRY(EventColumn(view, columns));
  cells.created = CreatedColumn(view, columns);
  return cells;
}

// Makes one record after the other.
class FrameEncoder {
 public:
  FrameEncoder(const Project& project, const View& view, const Cells& cells, const RowLayout& layout)
      : project_(project), view_(view), cells_(cells), format_(view.keys), writer_(layout.id) {}

  Result<store::OnlineWrite> Encode(std::size_t row) {
    values_.clear();
    scratch_.assign(view_.keys.size(), {});
    for (std::size_t k = 0; k < view_.keys.size(); ++k) {
      auto value = ReadKeyValue(*(*cells_.keys[k])[row], view_.keys[k].type, scratch_[k]);
      if (!value) return std::unexpected(std::move(value).error().Within(fmt::format("row {}: {}", row, view_.keys[k].name)));
      values_.push_back(*value);
    }
    std::string entity;
    format_.Append(values_, entity);
    store::OnlineWrite write{{}, std::string()};
    AppendRowKey(project_.name(), entity, view_.name, write.key);
    writer_.Begin();
    for (std::size_t f = 0; f < view_.features.size(); ++f) {
      auto bytes = EncodeValue(*(*cells_.features[f])[row], view_.features[f].type);
      if (!bytes) return std::unexpected(std::move(bytes).error().Within(fmt::format("row {}: {}", row, view_.features[f].name)));
      writer_.bytes() += *bytes;
      writer_.Next();
    }
    const TimeUs event = SW_TRY(TimeOf(*(*cells_.event)[row], "event_timestamp"));
    const Json* created = cells_.created == nullptr ? nullptr : (*cells_.created)[row];
    writer_.Finish(event, created == nullptr || created->IsNull() ? kNoCreated : SW_TRY(TimeOf(*created, "created")), *write.value);
    return write;
  }

 private:
  const Project& project_;
  const View& view_;
  const Cells& cells_;
  const EntityKeyFormat format_;
  RowWriter writer_;
  std::vector<KeyValue> values_;
  std::vector<std::string> scratch_;
};

}  // namespace

Status CheckStored(const View& view) {
  if (view.kind == ViewKind::kOnDemand) {
    return Unimplemented("{} is an on-demand feature view: its values are computed by Python code, which this server does not run", view.name);
  }
  if (view.features.size() > kFeaturesMax) return ResourceExhausted("{} has {} features; a view may have {}", view.name, view.features.size(), kFeaturesMax);
  return Ok();
}

Result<std::vector<store::OnlineWrite>> RecordsOf(const Project& project, const View& view, const Json& frame) {
  SW_TRY(CheckStored(view));
  Columns columns = SW_TRY(Columns::Read(view, frame));
  columns.HalveDoubled(view);
  const std::size_t rows = SW_TRY(columns.CountRows());
  std::vector<store::OnlineWrite> writes;
  if (rows == 0) return writes;
  const Cells cells = SW_TRY(FindCells(view, columns));
  FrameEncoder encoder(project, view, cells, RowLayout::Of(view.features));
  writes.reserve(rows);
  for (std::size_t row = 0; row < rows; ++row) writes.push_back(SW_TRY(encoder.Encode(row)));
  std::ranges::stable_sort(writes, {}, &store::OnlineWrite::key);
  return writes;
}

Status WriteFrame(OnlineRows& rows, const Project& project, const View& view, const Json& frame) {
  const std::vector<store::OnlineWrite> writes = SW_TRY(RecordsOf(project, view, frame));
  if (writes.empty()) return Ok();
  SW_TRY(rows.Know(RowLayout::Of(view.features)));
  return rows.Write(writes);
}

}  // namespace sw::feast
